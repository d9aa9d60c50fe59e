"""Numbers about predictions: accuracy, F1, confusion, calibration, agreement, and paired comparisons."""

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

    def probabilities(self):
        """`(ids, labels, subjects, probabilities)`, one entry a recording: the mean over its windows."""
        ids, labels, mean = by_recording(self, softmax(self.logits))
        who = dict(zip(self.recordings, self.subjects))
        return ids, labels, np.array([who[i] for i in ids]), mean

    def decisions(self):
        """`(ids, labels, subjects, predicted class)`, one entry a recording.

        A recording's decision is the class of the highest mean probability over its windows.
        """
        ids, labels, subjects, mean = self.probabilities()
        return ids, labels, subjects, mean.argmax(axis=1)

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

    a, b = paired_correctness(ours, baseline)
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


def paired_correctness(ours, baseline):
    """Who got what right: two arrays `(seeds, recordings)` of 0 and 1, recordings in the order of their ids.

    Raises:
        ValueError: as for `paired_comparison`.
    """
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
    return tuple(np.array([correct for _, correct in side], float) for side in right)


def sign_flip_p_value(differences):
    """Two-sided p value of a mean difference from zero, by all sign flips: with few units, exact.

    With people as units it is a fair test of new people, and a weak one: of `n` people, it is never below `2 / 2**n`.

    Args:
        differences: a number for each unit, at most 20; more are flipped at random 100,000 times.
    """
    values = np.asarray(differences, float)
    if len(values) <= 20:
        signs = 1 - 2 * ((np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1)
    else:
        signs = np.random.default_rng(0).choice(np.array([-1, 1], "int8"), size=(100_000, len(values)))
        signs[0] = 1  # the differences as they are belong to the flips
    return float((np.abs(signs @ values) >= abs(values.sum()) - 1e-9).mean())


def bootstrap_interval(ours, baseline, level=0.95, seed=0, draws=10_000):
    """Confidence interval of the gain of `ours` over `baseline`: percentiles of the bootstrap over recordings.

    Recordings are drawn with replacement, each with its difference averaged over seeds (Efron, 1979). Like the p
    value it takes recordings of one person as independent, so that for new people it is too narrow.

    Args:
        ours, baseline: as for `paired_comparison`.
        level: share of draws inside.

    Returns:
        `(low, high)`, shares of 1.
    """
    a, b = paired_correctness(ours, baseline)
    difference = (a - b).mean(axis=0)
    drawn = np.random.default_rng(seed).integers(len(difference), size=(draws, len(difference)))
    low, high = np.quantile(difference[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p_values):
    """p values corrected for how many of them there are (Holm, 1979), in the order given.

    The chance that even one of the comparisons in which there is nothing to find falls below 0.05 is then at most
    0.05: the smallest of n is taken times n, the next times n - 1 and so on, never falling, at most 1.

    Example:
        >>> holm([0.04, 0.01, 0.03])
        [0.06, 0.03, 0.06]
    """
    corrected, worst = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[i] * (len(p_values) - rank)))
        corrected[i] = worst
    return corrected


def calibration_error(labels, probabilities, bins=15):
    """Expected calibration error (Guo et al., ICML 2017): how far confidence is from accuracy, as a share of 1.

    Answers are sorted by their confidence into `bins` of equal width, `(0, 1/15]` and so on; the distances between mean
    confidence and accuracy in each are averaged, weighted by how many fell into it.

    Args:
        labels: `(n,)` int.
        probabilities: `(n, classes)`.
        bins: how many.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(which, confidence, bins) - np.bincount(which, right, bins)
    return float(np.abs(gaps).sum() / len(labels))


def overconfidence(labels, probabilities):
    """Mean confidence minus accuracy, as a share of 1: below zero where answers are better than they claim.

    Args:
        labels: `(n,)` int.
        probabilities: `(n, classes)`.
    """
    right = probabilities.argmax(axis=1) == labels
    return float(probabilities.max(axis=1).mean() - right.mean())


def negative_log_likelihood(labels, probabilities):
    """Mean of `-log p(true class)` in nats: punishes being sure and wrong.

    Args:
        labels: `(n,)` int.
        probabilities: `(n, classes)`.
    """
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, np.finfo("float64").tiny)).mean())


def agreement(students, teachers):
    """How much students decide as their teachers do, and whether they take over the errors.

    Args:
        students, teachers: lists of `Predictions`, one a seed, over the same recordings.

    Returns:
        Dictionary: `same`, share of recordings with the same decision; `teacher_errors`, mean number a seed of
        recordings that the teacher gets wrong; `copied`, share of these to which the student gives the same wrong
        answer, and `corrected`, share that it gets right, both over all seeds, `None` where the teacher makes no error.

    Raises:
        ValueError: the two do not hold the same recordings in the same number of seeds.
    """
    right_student, right_teacher = paired_correctness(students, teachers)  # checks recordings and seeds
    same = np.array([_by_id(s) == _by_id(t) for s, t in zip(students, teachers)])
    wrong = right_teacher == 0
    errors = int(wrong.sum())
    return {
        "same": float(same.mean()),
        "teacher_errors": errors / len(teachers),
        "copied": float((same & wrong).sum() / errors) if errors else None,
        "corrected": float((right_student * wrong).sum() / errors) if errors else None,
    }


def _by_id(predictions):
    """Decisions in the order of the recordings' ids."""
    ids, _, _, decided = predictions.decisions()
    return decided[np.argsort(ids)]


def mean_and_spread(values):
    """Mean and sample standard deviation (0 for a single value) of a list of numbers."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread, "seeds": [float(v) for v in values]}
