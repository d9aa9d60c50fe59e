"""Numbers about predictions: accuracy, F1, confusion, calibration."""

import dataclasses
import zipfile

import numpy as np

from tfkd.data.windows import by_recording


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a model said of a set of windows.

    Attributes:
        windows, recordings: `(n,)` str, window and recording ids.
        labels, subjects: `(n,)` int.
        logits: `(n, classes)` float32.
        units: `(n,)` str, what each window counts with in comparisons, where windows are decided by themselves
            (`Windows.units`); `None` for trials.
    """

    windows: np.ndarray
    recordings: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    logits: np.ndarray
    units: np.ndarray | None = None

    @classmethod
    def of(cls, windows, logits):
        """Predictions for `Windows`."""
        return cls(windows.ids, windows.recordings, windows.labels, windows.subjects, logits, windows.units)

    def save(self, path):
        """Writes an `.npz` file, whole or not at all."""
        from tfkd.files import atomic_path

        with atomic_path(path) as temporary:
            np.savez(temporary, **{name: v for name, v in dataclasses.asdict(self).items() if v is not None})

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote; nothing in the file is run.

        Raises:
            ValueError: the file is damaged, or holds something else.
        """
        try:
            stored = np.load(path, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise ValueError("it is no .npz file")
            with stored:
                arrays = {name: stored[name] for name in stored.files}
        except (KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(str(error)) from error
        names = {field.name for field in dataclasses.fields(cls)}
        if arrays.keys() | {"units"} != names:
            raise ValueError(f"it holds {', '.join(sorted(arrays)) or 'nothing'}, not predictions")
        lengths = {array.shape[:1] for array in arrays.values()}
        logits, labels = arrays["logits"], arrays["labels"]
        if len(lengths) > 1 or logits.ndim != 2 or logits.dtype.kind != "f" or labels.dtype.kind != "i":
            raise ValueError("its arrays do not belong together")
        return cls(**arrays)

    def probabilities(self):
        """`(ids, labels, subjects, probabilities)`, one entry a recording: the mean over its windows. Where windows are
        decided by themselves, one entry a window."""
        if self.units is not None:
            return self.windows, self.labels, self.subjects, softmax(self.logits)
        ids, labels, mean = by_recording(self, softmax(self.logits))
        who = dict(zip(self.recordings, self.subjects))
        return ids, labels, np.array([who[i] for i in ids]), mean

    def decisions(self):
        """`(ids, labels, subjects, predicted class)`, one entry a recording, or a window as in `probabilities`.

        A recording's decision is the class of the highest mean probability over its windows.
        """
        ids, labels, subjects, mean = self.probabilities()
        return ids, labels, subjects, mean.argmax(axis=1)

    def metrics(self):
        """Accuracy by recording and by window, and macro F1 by recording, as shares of 1.

        Of continuous recordings the first two are the same, and the macro F1 is over all classes.
        """
        _, labels, _, decided = self.decisions()
        return {
            "accuracy": float((decided == labels).mean()),
            "window_accuracy": float((self.logits.argmax(axis=1) == self.labels).mean()),
            "macro_f1": macro_f1(confusion(labels, decided, self.logits.shape[1]), self.units is not None),
        }


def score_of(windowing):
    """Name of the metric that students are judged by: that of OpenPack for continuous recordings, else the share of
    recordings that are right.

    Args:
        windowing: kind of windows, as in recipes.
    """
    return "macro_f1" if windowing == "continuous" else "accuracy"


def softmax(logits):
    """Probabilities along the last axis, in float64."""
    shifted = np.asarray(logits, "float64") - np.max(logits, axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def confusion(labels, decided, classes):
    """`(classes, classes)` counts; rows are true classes.

    Raises:
        ValueError: a label is negative, so unlabelled: nobody knows whether its decision is right.
    """
    if unlabelled := int((np.asarray(labels) < 0).sum()):
        raise ValueError(f"{unlabelled} of {len(labels)} labels are negative: leave out what has no label.")
    table = np.zeros((classes, classes), int)
    np.add.at(table, (labels, decided), 1)
    return table


def macro_f1(table, absent_too=False):
    """Mean F1 over the classes that occur or were predicted.

    Args:
        table: of `confusion`.
        absent_too: whether the other classes count, with 0, as OpenPack's score has it.
    """
    decided, true = table.sum(axis=0), table.sum(axis=1)
    counted = np.ones(len(table), bool) if absent_too else decided + true > 0
    return float(f1_by_class(np.diag(table), decided, true)[counted].mean())


def f1_by_class(right, decided, true):
    """F1 of each class from how many cases are right, are decided so, and are so; 0 for a class that does not occur."""
    return 2 * right / np.maximum(decided + true, 1)


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


def mean_and_spread(values):
    """Mean and sample standard deviation (0 for a single value) of a list of numbers."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread, "seeds": [float(v) for v in values]}
