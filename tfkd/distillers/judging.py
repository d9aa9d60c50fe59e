"""Whether teachers are fit to teach, before a student listens to them."""

import warnings

import keras
import numpy as np

from tfkd.distillers.routing import Routed

PERMUTED = 0.5
"""Share of right answers that only another order of the classes brings, from which on it is taken for the reason."""


def judge_teachers(teachers, batches, student=None):
    """How often each teacher is right, on labelled samples; refuses one that names the classes in another order.

    Judge them on samples that neither they nor the student were trained on: on its own training data nearly
    every teacher is right.

    Args:
        teachers: name -> Keras model that returns logits.
        batches: a pair of `(inputs, labels)` as for `model.fit`, or an iterable of such pairs. Labels are one-hot or
            class numbers; samples without one are left out.
        student: a trained student, to compare with, or `None`.

    Returns:
        name -> share of samples that the teacher gets right; `"student"` likewise.

    Raises:
        ValueError: no sample has a label, or a teacher is right far more often if its outputs are taken in another
            order: it was trained on differently ordered classes.

    Warns:
        UserWarning: a teacher is right less often than the student.
    """
    if isinstance(batches, tuple):
        batches = [batches]
    models = {**teachers, **({} if student is None else {"student": student})}
    routed = {name: Routed(model, "teacher", ()) for name, model in models.items()}
    counts = dict.fromkeys(models, 0)
    for x, y in _pairs(batches):
        for name, model in routed.items():
            logits = np.asarray(model(x, training=False)["logits"])
            counts[name] = counts[name] + _confusion(np.asarray(y), logits)
    if not any(np.sum(table) for table in counts.values()):
        raise ValueError("No sample in batches has a label: there is nothing to judge teachers by.")
    right = {name: float(np.trace(table) / np.sum(table)) for name, table in counts.items()}
    for name in teachers:
        _refuse_permuted(name, counts[name], right[name])
        if student is not None and right[name] < right["student"]:
            warnings.warn(
                f"The teacher {name!r} is right in {100 * right[name]:.1f} % of these samples, the student in "
                f"{100 * right['student']:.1f} %: what it says may do more harm than good.",
                stacklevel=2,
            )
    return right


def _pairs(batches):
    if isinstance(batches, keras.utils.PyDataset):
        return (batches[i] for i in range(batches.num_batches))
    return batches


def _confusion(y, logits):
    """`(classes, classes)` counts of labelled samples; rows are true classes."""
    one_hot = y.ndim == 2 and y.shape[1] == logits.shape[1]
    labelled = y.sum(axis=1) > 0 if one_hot else y.reshape(-1) >= 0
    truth = (y.argmax(axis=1) if one_hot else y.reshape(-1).astype(int))[labelled]
    table = np.zeros((logits.shape[1],) * 2)
    np.add.at(table, (truth, logits.argmax(axis=1)[labelled]), 1)
    return table


def _refuse_permuted(name, table, right):
    from scipy.optimize import linear_sum_assignment

    classes, meant = linear_sum_assignment(table, maximize=True)
    best = table[classes, meant].sum() / table.sum()
    if best - right < PERMUTED:
        return
    moved = [(int(c), int(m)) for c, m in zip(classes, meant) if c != m and table[c].sum()]
    raise ValueError(
        f"The teacher {name!r} is right in {100 * right:.1f} % of these samples, but would be in {100 * best:.1f} % if "
        f"its outputs stood in another order: class {moved[0][0]} at {moved[0][1]}, and so on. It was trained on "
        "classes in another order; train it on these, or reorder its last layer."
    )
