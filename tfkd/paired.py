"""Predictions side by side, over the same recordings and seeds: is one better, and do they agree?"""

import numpy as np

from tfkd.evaluation import f1_by_class

AT_ONCE = 2**24
"""How many signs or recordings are drawn at a time."""


def paired_comparison(ours, baseline, seed=0, draws=20_000):
    """Whether `ours` beats `baseline` on the same recordings, over the same seeds.

    For each recording, the difference of correctness is averaged over seeds; under the null hypothesis
    its sign is arbitrary. Recordings are the units, so repeating seeds does not make the test surer of
    itself; of continuous recordings, their parts (`Predictions.units`) with all their windows. The p value
    is two-sided, from `draws` random sign flips. It says nothing of new people beyond those tested.

    Args:
        ours, baseline: lists of `Predictions`, one a seed, over the same recordings.

    Returns:
        Dictionary: `gain` (share of 1), `p_value`, and how many (recording, seed) pairs only ours and
        only the baseline got right, with McNemar's exact two-sided p value, which takes pairs of the
        same recording as independent and is therefore too sure. Of continuous recordings, which are scored by macro F1
        over all classes, also `macro_f1_gain` and `macro_f1_p_value`: there a random flip lets the two change places
        in a whole part, in all seeds.

    Raises:
        ValueError: the two do not hold the same recordings in the same number of seeds.
    """
    from scipy.stats import binomtest

    a, b = paired_correctness(ours, baseline)
    difference = (a - b).mean(axis=0)
    rng = np.random.default_rng(seed)
    by_unit, _ = _by_unit(difference, ours[0])
    pieces = _pieces(draws, len(by_unit))
    flips = np.concatenate([rng.choice(np.array([-1, 1], "int8"), size=(n, len(by_unit))) for n in pieces])
    flipped = np.concatenate([part @ by_unit for part in np.split(flips, np.cumsum(pieces)[:-1])])
    extreme = np.abs(flipped) >= abs(difference.sum()) - 1e-9
    f1 = {} if ours[0].units is None else _macro_f1_comparison(ours, baseline, flips > 0)
    gained, lost = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    return {
        "gain": float(difference.mean()),
        "p_value": float((extreme.sum() + 1) / (draws + 1)),
        "only_ours": gained,
        "only_baseline": lost,
        "mcnemar_p_value": float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0,
        **f1,
    }


def of_score(comparison):
    """What `paired_comparison` found of the score: of macro F1 where it is compared, else of the share right.

    Returns:
        Dictionary with `gain` and `p_value`, and what else is known of that number.
    """
    if "macro_f1_gain" not in comparison:
        return comparison
    return {k.removeprefix("macro_f1_"): v for k, v in comparison.items() if k.startswith("macro_f1_")}


def _macro_f1_comparison(ours, baseline, kept):
    """Gain in macro F1 with its p value; `kept` `(draws, units)` bool is where the two do not change places."""
    a, b = _counts_of_sides(ours, baseline)
    total = a.sum(axis=0) + b.sum(axis=0)
    swapped = b.sum(axis=0) + np.tensordot(kept.astype("float32"), (a - b).astype("float32"), 1)
    observed = _macro_f1_gain(a.sum(axis=0), b.sum(axis=0))
    extreme = np.abs(_macro_f1_gain(swapped, total - swapped)) >= abs(observed) - 1e-9
    return {"macro_f1_gain": float(observed), "macro_f1_p_value": float((extreme.sum() + 1) / (len(kept) + 1))}


def _counts_of_sides(ours, baseline):
    """Two arrays `(units, seeds, 3, classes)`; the third axis is that of `_counts_by_unit`."""
    return tuple(np.stack([_counts_by_unit(p) for p in side], axis=1) for side in (ours, baseline))


def _macro_f1_gain(ours, baseline):
    """Difference of macro F1, mean over seeds, of counts `(..., seeds, 3, classes)`."""
    one, other = (f1_by_class(*np.moveaxis(counts, -2, 0)) for counts in (ours, baseline))
    return (one - other).mean(axis=(-1, -2))


def _counts_by_unit(predictions):
    """`(units, 3, classes)`: how many windows of each class are right, are decided so, and are so, in the order of
    `_by_unit`."""
    _, labels, _, decided = predictions.decisions()
    units, owner = np.unique(predictions.units, return_inverse=True)
    counts = np.zeros((len(units), 3, predictions.logits.shape[1]))
    right = decided == labels
    for row, (who, what) in enumerate(((owner[right], labels[right]), (owner, decided), (owner, labels))):
        np.add.at(counts, (who, row, what), 1)
    return counts


def paired_correctness(ours, baseline):
    """Who got what right: two arrays `(seeds, recordings)` of 0 and 1, recordings (or windows, where they are decided
    by themselves) in the order of their ids.

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


def _by_unit(differences, predictions):
    """Sums of differences, in the order of `paired_correctness`, and how many there are: by unit, or as they are."""
    if predictions.units is None:
        return differences, np.ones(len(differences))
    units = np.unique(predictions.units[np.argsort(predictions.windows)], return_inverse=True)[1]
    return np.bincount(units, differences), np.bincount(units).astype(float)


def _pieces(draws, units):
    """Numbers of draws to make one after the other, so that thousands of recordings do not take gigabytes."""
    most = max(1, AT_ONCE // max(units, 1))
    return [most] * (draws // most) + ([draws % most] if draws % most else [])


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

    Recordings (or units, as in `paired_comparison`) are drawn with replacement, each with its difference averaged over
    seeds (Efron, 1979). Like the p value it takes recordings of one person as independent, so that for new people it is
    too narrow.

    Args:
        ours, baseline: as for `paired_comparison`.
        level: share of draws inside.

    Returns:
        `(low, high)`, shares of 1.
    """
    a, b = paired_correctness(ours, baseline)
    sums, counts = _by_unit((a - b).mean(axis=0), ours[0])
    rng, gains = np.random.default_rng(seed), []
    for n in _pieces(draws, len(sums)):
        drawn = rng.integers(len(sums), size=(n, len(sums)))
        gains.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    gains = np.concatenate(gains)
    low, high = np.quantile(gains, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def macro_f1_interval(ours, baseline, level=0.95, seed=0, draws=10_000):
    """The same of the gain in macro F1 of continuous recordings, of which whole parts are drawn.

    Args:
        ours, baseline, level: as for `bootstrap_interval`.

    Returns:
        `(low, high)`, shares of 1.
    """
    paired_correctness(ours, baseline)  # checks recordings and seeds
    a, b = _counts_of_sides(ours, baseline)
    rng, gains = np.random.default_rng(seed), []
    for n in _pieces(draws, a[0].size):
        drawn = rng.multinomial(len(a), np.full(len(a), 1 / len(a)), size=n).astype("float32")
        gains.append(_macro_f1_gain(*(np.tensordot(drawn, side.astype("float32"), 1) for side in (a, b))))
    low, high = np.quantile(np.concatenate(gains), [(1 - level) / 2, (1 + level) / 2])
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
