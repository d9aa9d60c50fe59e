"""Continuous recognition as a sequence: decisions smoothed over time, and whether the right pieces of work were found.

A score for each second says little of how a log of the day would look: one wrong second in the middle of an operation
makes three entries of one. The segmental F1 counts pieces, and the edit score compares their order (Lea, Flynn, Vidal,
Reiter, Hager, "Temporal convolutional networks for action segmentation and detection", CVPR 2017).
"""

import dataclasses

import numpy as np

from tfkd.evaluation import confusion, macro_f1, softmax

WIDTH = 5
"""Decisions that are averaged for `smoothed`, about the one in the middle."""


def continuous_metrics(predictions):
    """Macro F1 of smoothed decisions, and segmental F1 (IoU of at least 0.5) and edit score of them, as shares of 1.

    Args:
        predictions: `Predictions` with `units`.
    """
    calm = smoothed(predictions)
    decided = calm.logits.argmax(axis=1)
    pieces = [
        (segments(calm.labels[order], times), segments(decided[order], times)) for order, times in _in_time(calm)
    ]
    return {
        "smoothed_macro_f1": macro_f1(confusion(calm.labels, decided, calm.logits.shape[1]), True),
        "segment_f1": segment_f1(pieces),
        "edit": float(np.mean([edit_score([s[0] for s in true], [s[0] for s in found]) for true, found in pieces])),
    }


def smoothed(predictions, width=WIDTH):
    """Predictions whose logits are the logarithm of probabilities averaged over neighbouring decisions.

    Neighbours are those of the same recording without a gap in time between them; at the ends there are fewer.

    Args:
        predictions: `Predictions` with `units`.
        width: an odd number of decisions.
    """
    probabilities, logits = softmax(predictions.logits), np.empty_like(predictions.logits)
    for order, times in _in_time(predictions):
        for run in np.split(np.arange(len(order)), _breaks(times)):
            own = probabilities[order[run]]
            sums = np.concatenate([np.zeros((1, own.shape[1])), own.cumsum(axis=0)])
            low = np.maximum(np.arange(len(run)) - width // 2, 0)
            high = np.minimum(np.arange(len(run)) + width // 2 + 1, len(run))
            means = (sums[high] - sums[low]) / (high - low)[:, None]
            logits[order[run]] = np.log(np.maximum(means, 1e-30))
    return dataclasses.replace(predictions, logits=logits)


def segments(labels, times):
    """Runs of equal labels without a gap in time: list of `(label, begin, end)`, `end` not included.

    Args:
        labels, times: `(n,)`, in the order of time; times in samples.
    """
    hop = _hop(times)
    changes = np.flatnonzero(np.diff(labels) != 0) + 1
    runs = np.split(np.arange(len(labels)), sorted({*changes.tolist(), *_breaks(times).tolist()}))
    return [(int(labels[run[0]]), int(times[run[0]]), int(times[run[-1]] + hop)) for run in runs if len(run)]


def segment_f1(pieces, overlap=0.5):
    """F1 of found segments: one is right if it overlaps a true one of its label by at least `overlap` (intersection
    over union), and no other found one has taken that.

    Args:
        pieces: for each recording, its true and its found `segments`.
    """
    hits = true_count = found_count = 0
    for true, found in pieces:
        taken = set()
        for label, begin, end in found:
            shares = [
                (min(end, stop) - max(begin, start)) / (max(end, stop) - min(begin, start)) if other == label else 0.0
                for other, start, stop in true
            ]
            best = int(np.argmax(shares)) if shares else -1
            if best >= 0 and shares[best] >= overlap and best not in taken:
                taken.add(best)
                hits += 1
        true_count, found_count = true_count + len(true), found_count + len(found)
    return 2 * hits / max(true_count + found_count, 1)


def edit_score(true, found):
    """1 minus the Levenshtein distance between two sequences of labels, as a share of the longer one."""
    row = list(range(len(found) + 1))
    for i, label in enumerate(true, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(found, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (label != other))
    return 1 - row[-1] / max(len(true), len(found), 1)


def _in_time(predictions):
    """For each recording, the order of its decisions in time, and their times in samples."""
    times = np.array([int(name.rpartition("@")[2]) for name in predictions.windows])
    for recording in dict.fromkeys(predictions.recordings.tolist()):
        own = np.flatnonzero(predictions.recordings == recording)
        order = own[np.argsort(times[own], kind="stable")]
        yield order, times[order]


def _hop(times):
    return int(np.diff(times).min()) if len(times) > 1 else 1


def _breaks(times):
    return np.flatnonzero(np.diff(times) > _hop(times)) + 1
