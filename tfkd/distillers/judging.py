"""Whether teachers are fit to teach, before a student listens to them."""

import operator
import warnings

import keras
import numpy as np

from tfkd.distillers.teachers import Teachers

PERMUTED = 0.5
"""Share of right answers that only another order of the classes brings, from which on it is taken for the reason."""


def judge_teachers(teachers, batches, student=None):
    """How often each teacher is right, on labelled samples; refuses one that names the classes in another order.

    Judge them on samples that neither they nor the student were trained on: on its own training data nearly
    every teacher is right. A teacher is judged on the samples that have what it sees: entries `"has_<input>"` of the
    inputs say so, as to a Distiller.

    Args:
        teachers: name -> Keras model that returns logits.
        batches: `(inputs, labels)` as for `model.fit`, or an iterable of such pairs. Labels are one-hot or class
            numbers; samples without one are left out. Sample weights, if there are any, are not used.
        student: a trained student, to compare with, or `None`.

    Returns:
        name -> share of samples that the teacher gets right; `"student"` likewise.

    Raises:
        ValueError: `teachers` is no dictionary of models; no sample has a label and what a teacher sees; a teacher's
            logits are no finite numbers, or of too few classes; or it is right far more often if its outputs are
            taken in another order: it was trained on differently ordered classes.

    Warns:
        UserWarning: a teacher is right less often than the student.
    """
    if not isinstance(teachers, dict) or not teachers or not all(isinstance(m, keras.Model) for m in teachers.values()):
        raise ValueError(f"teachers must be a dictionary of live Keras models by name, got {teachers!r}.")
    models = {**teachers, **({} if student is None else {"student": student})}
    asked = Teachers(models, {name: {"logits"} for name in models})
    counts = dict.fromkeys(models, 0)
    for x, y, *_ in _in_parts(batches):
        for name in models:
            present = asked.available(x, name)
            logits = np.asarray(asked.outputs(x, name, {"logits"})["logits"])
            counts[name] = counts[name] + _confusion(name, np.asarray(y), logits, present)
    if unjudged := [name for name, table in counts.items() if not np.sum(table)]:
        raise ValueError(
            f"No sample in batches has a label and what {', '.join(unjudged)} sees: there is nothing to judge by."
        )
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


def _in_parts(batches, size=256):
    """Batches, cut to at most `size` samples where they are arrays."""
    if isinstance(batches, keras.utils.PyDataset):
        return (batches[i] for i in range(batches.num_batches))
    pair = isinstance(batches, tuple) or (isinstance(batches, list) and not isinstance(batches[0], (tuple, list)))
    if not pair:
        return batches
    parts = (slice(start, start + size) for start in range(0, len(batches[1]), size))
    return (keras.tree.map_structure(operator.itemgetter(part), tuple(batches)) for part in parts)


def _confusion(name, y, logits, present):
    """`(classes, classes)` counts of labelled samples; rows are true classes."""
    one_hot = y.ndim == 2 and y.shape[1] > 1
    labelled = y.sum(axis=1) > 0 if one_hot else y.reshape(-1) >= 0
    truth = y.argmax(axis=1) if one_hot else y.reshape(-1).astype(int)
    if present is not None:
        labelled = labelled & (np.asarray(present) > 0)
    truth, logits = truth[labelled], logits[labelled]
    classes = y.shape[1] if one_hot else truth.max(initial=-1) + 1
    if logits.shape[1] < classes or (one_hot and logits.shape[1] != classes):
        raise ValueError(f"{name!r} tells {logits.shape[1]} classes apart, but the labels have {classes}.")
    if not np.isfinite(logits).all():
        raise ValueError(f"{name!r} returns NaN or infinite logits. Look at its weights and at its inputs.")
    table = np.zeros((logits.shape[1],) * 2)
    np.add.at(table, (truth, logits.argmax(axis=1)), 1)
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
