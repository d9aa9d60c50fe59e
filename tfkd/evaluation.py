"""Numbers about predictions: accuracy, F1, confusion, and paired comparisons."""

import dataclasses

import numpy as np

from tfkd.data.windows import by_recording


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a model said of a set of windows.

    Attributes:
        windows, recordings: `(n,)` str, window and recording ids.
        labels, subjects: `(n,)` int.
        logits: `(n, classes)` float32.
    """

    windows: np.ndarray
    recordings: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    logits: np.ndarray

    @classmethod
    def of(cls, windows, logits):
        """Predictions for `Windows`."""
        return cls(windows.ids, windows.recordings, windows.labels, windows.subjects, logits)

    def save(self, path):
        """Writes an `.npz` file, whole or not at all."""
        from tfkd.files import atomic_path

        with atomic_path(path) as temporary:
            np.savez(temporary, **dataclasses.asdict(self))

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote; nothing in the file is run."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{field.name: stored[field.name] for field in dataclasses.fields(cls)})

    def decisions(self):
        """`(ids, labels, subjects, predicted class)`, one entry a recording.

        A recording's decision is the class of the highest mean probability over its windows.
        """
        ids, labels, mean = by_recording(self, softmax(self.logits))
        who = dict(zip(self.recordings, self.subjects))
        return ids, labels, np.array([who[i] for i in ids]), mean.argmax(axis=1)

    def metrics(self):
        """Accuracy by recording and by window, and macro F1 by recording, as shares of 1."""
        _, labels, _, decided = self.decisions()
        return {
            "accuracy": float((decided == labels).mean()),
            "window_accuracy": float((self.logits.argmax(axis=1) == self.labels).mean()),
            "macro_f1": macro_f1(confusion(labels, decided, self.logits.shape[1])),
        }


def softmax(logits):
    """Probabilities along the last axis, in float64."""
    shifted = np.asarray(logits, "float64") - np.max(logits, axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def confusion(labels, decided, classes):
    """`(classes, classes)` counts; rows are true classes."""
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, decided), 1)
    return table


def macro_f1(table):
    """Mean F1 over the classes that occur or were predicted."""
    hits = np.diag(table)
    total = table.sum(axis=0) + table.sum(axis=1)
    present = total > 0
    return float(np.mean(2 * hits[present] / total[present]))


def paired_comparison(ours, baseline, seed=0, draws=20_000):
    """Whether `ours` beats `baseline` on the same recordings, over the same seeds.

    For each recording, the difference of correctness is averaged over seeds; under the null hypothesis
    its sign is arbitrary. Recordings are the units, so repeating seeds does not make the test surer of
    itself. The p value is two-sided, from `draws` random sign flips. It says nothing of new people
    beyond those tested.

    Args:
        ours, baseline: lists of `Predictions`, one a seed, over the same recordings.

    Returns:
        Dictionary: `gain` (share of 1), `p_value`, and how many (recording, seed) pairs only ours and
        only the baseline got right, with McNemar's exact two-sided p value, which takes pairs of the
        same recording as independent and is therefore too sure.

    Raises:
        ValueError: the two do not hold the same recordings in the same number of seeds.
    """
    from scipy.stats import binomtest

    if len(ours) != len(baseline) or not ours:
        raise ValueError(f"Compared are {len(ours)} seeds against {len(baseline)}: they must be equal.")
    right = [[], []]
    for side, runs in zip(right, (ours, baseline)):
        for predictions in runs:
            ids, labels, _, decided = predictions.decisions()
            order = np.argsort(ids)
            side.append((ids[order], (decided == labels)[order]))
    reference = right[0][0][0]
    if any(not np.array_equal(ids, reference) for side in right for ids, _ in side):
        raise ValueError("Compared predictions hold different recordings.")
    a, b = (np.array([correct for _, correct in side], float) for side in right)
    difference = (a - b).mean(axis=0)
    rng = np.random.default_rng(seed)
    flips = rng.choice(np.array([-1, 1], "int8"), size=(draws, len(difference)))
    flipped = flips @ difference
    extreme = np.abs(flipped) >= abs(difference.sum()) - 1e-9
    gained, lost = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    return {
        "gain": float(difference.mean()),
        "p_value": float((extreme.sum() + 1) / (draws + 1)),
        "only_ours": gained,
        "only_baseline": lost,
        "mcnemar_p_value": float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0,
    }


def mean_and_spread(values):
    """Mean and sample standard deviation (0 for a single value) of a list of numbers."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread, "seeds": [float(v) for v in values]}
