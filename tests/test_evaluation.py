"""Accuracy, F1, calibration, agreement and paired comparisons, against numbers worked out by hand."""

import dataclasses

import numpy as np
import pytest

from tfkd.evaluation import (
    Predictions,
    calibration_error,
    confusion,
    macro_f1,
    mean_and_spread,
    negative_log_likelihood,
    overconfidence,
)
from tfkd.paired import agreement, bootstrap_interval, holm, paired_comparison, sign_flip_p_value


def predictions(right, labels=None, classes=4):
    """One window a recording; `right` says which are decided correctly."""
    labels = np.arange(len(right)) % classes if labels is None else labels
    decided = np.where(right, labels, (labels + 1) % classes)
    names = np.array([f"r{i:03d}" for i in range(len(right))])
    logits = np.eye(classes, dtype="float32")[decided] * 5
    return Predictions(names, names, labels, np.ones(len(right), int), logits)


def test_metrics_by_hand():
    p = predictions(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 1]), 2)
    # Decided 0, 0, 1, 0: F1 is 4/5 for class 0 and 2/3 for class 1.
    assert p.metrics() == pytest.approx(
        {"accuracy": 0.75, "window_accuracy": 0.75, "macro_f1": (4 / 5 + 2 / 3) / 2}
    )


def test_absent_classes_do_not_count_in_f1():
    assert macro_f1(confusion(np.array([0, 1]), np.array([0, 1]), 5)) == 1.0


def test_what_has_no_label_is_not_counted_as_wrong():
    with pytest.raises(ValueError, match="1 of 3 labels are negative"):
        confusion(np.array([0, -1, 1]), np.array([0, 1, 1]), 2)


def test_a_recording_is_decided_by_the_mean_of_its_windows():
    logits = np.log(np.array([[0.6, 0.4], [0.1, 0.9], [0.55, 0.45]], "float32"))
    p = Predictions(
        np.array(["a@0", "a@1", "b@0"]),
        np.array(["a", "a", "b"]),
        np.array([0, 0, 0]),
        np.array([1, 1, 2]),
        logits,
    )
    ids, labels, subjects, decided = p.decisions()
    assert list(ids) == ["a", "b"] and list(decided) == [1, 0] and list(subjects) == [1, 2]
    assert p.metrics()["accuracy"] == 0.5 and p.metrics()["window_accuracy"] == pytest.approx(2 / 3)


def test_predictions_survive_writing(tmp_path):
    p = predictions(np.array([1, 0, 1, 1]))
    p.save(tmp_path / "p.npz")
    again = Predictions.load(tmp_path / "p.npz")
    assert all(np.array_equal(getattr(p, f), getattr(again, f)) for f in ("windows", "labels", "logits"))


def test_equal_runs_differ_by_nothing():
    run = [predictions(np.random.default_rng(s).random(50) < 0.8) for s in range(3)]
    found = paired_comparison(run, run)
    assert (found["gain"], found["p_value"], found["only_ours"]) == (0.0, 1.0, 0)


def test_a_clear_gain_is_found_and_noise_is_not():
    rng = np.random.default_rng(0)
    worse = rng.random(300) < 0.7
    better = worse | (rng.random(300) < 0.3)
    found = paired_comparison([predictions(better)], [predictions(worse)])
    assert found["gain"] == pytest.approx(better.mean() - worse.mean())
    assert found["p_value"] < 0.001 and found["only_baseline"] == 0
    shuffled = rng.random(300) < 0.7
    assert paired_comparison([predictions(shuffled)], [predictions(worse)])["p_value"] > 0.05


def test_p_value_is_the_share_of_sign_flips():
    # Three recordings gained, none lost: of 8 sign patterns, 2 are as extreme.
    found = paired_comparison([predictions(np.ones(8, bool))], [predictions(np.arange(8) > 2)], draws=100_000)
    assert found["p_value"] == pytest.approx(2 / 8, abs=0.01)
    assert found["mcnemar_p_value"] == pytest.approx(2 / 8)


def test_repeating_a_seed_does_not_make_the_test_surer():
    rng = np.random.default_rng(1)
    a, b = predictions(rng.random(100) < 0.85), predictions(rng.random(100) < 0.75)
    once, often = paired_comparison([a], [b]), paired_comparison([a] * 6, [b] * 6)
    assert once["p_value"] == pytest.approx(often["p_value"], abs=0.01)
    assert often["mcnemar_p_value"] < once["mcnemar_p_value"]


def test_order_does_not_matter_but_recordings_must_be_the_same():
    a, b = predictions(np.arange(20) > 4), predictions(np.arange(20) > 8)
    order = np.random.default_rng(0).permutation(20)
    turned = Predictions(
        *(getattr(b, f)[order] for f in ("windows", "recordings", "labels", "subjects", "logits"))
    )
    assert paired_comparison([a], [turned]) == paired_comparison([a], [b])
    with pytest.raises(ValueError, match="different recordings"):
        paired_comparison([a], [predictions(np.ones(19, bool))])
    with pytest.raises(ValueError, match="1 seeds against 2"):
        paired_comparison([a], [b, b])


def test_mean_and_spread():
    assert mean_and_spread([0.5]) == {"mean": 0.5, "std": 0.0, "seeds": [0.5]}
    assert mean_and_spread([1.0, 3.0])["std"] == pytest.approx(np.sqrt(2))


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])  # 2 x 0.5, and never below it
    assert holm([0.2]) == [0.2] and holm([]) == []


def test_calibration_error_by_hand():
    # Confidences 0.9, 0.9 (one right) and 0.6 (right): (2 * |0.9 - 0.5| + 1 * |0.6 - 1|) / 3.
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.4, 0.6]])
    assert calibration_error(np.array([0, 0, 1]), p) == pytest.approx((0.8 + 0.4) / 3)
    # Sure and right: nothing is off. 1.0 falls into the last bin.
    assert calibration_error(np.array([0, 1]), np.eye(2)) == 0
    # In one bin, errors of both signs cancel; in 15, 0.65 and 0.75 are apart.
    p = np.array([[0.65, 0.35], [0.25, 0.75]])
    labels = np.array([0, 0])
    assert calibration_error(labels, p, bins=1) == pytest.approx(0.7 - 0.5)
    assert calibration_error(labels, p) == pytest.approx((0.35 + 0.75) / 2)


def test_likelihood_by_hand_and_where_nothing_was_left():
    p = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert negative_log_likelihood(np.array([0, 0]), p) == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert np.isfinite(negative_log_likelihood(np.array([1]), np.array([[1.0, 0.0]])))


def test_agreement_by_hand():
    labels = np.zeros(5, int)

    def deciding(*decided):
        names = np.array([f"r{i}" for i in range(5)])
        return Predictions(names, names, labels, labels, np.eye(3, dtype="float32")[list(decided)])

    # The teacher errs on three; the student repeats one of these errors, errs in its own way once, corrects one.
    found = agreement([deciding(0, 0, 1, 2, 0)], [deciding(0, 1, 1, 1, 0)])
    assert found == pytest.approx({"same": 3 / 5, "teacher_errors": 3, "copied": 1 / 3, "corrected": 1 / 3})
    assert agreement([deciding(0, 0, 0, 0, 1)], [deciding(0, 0, 0, 0, 0)])["copied"] is None


def test_the_interval_of_a_gain_covers_it_and_is_that_of_a_mean():
    ours, theirs = predictions(np.ones(400, bool)), predictions(np.arange(400) >= 100)
    low, high = bootstrap_interval([ours], [theirs])
    # Differences of 0 and 1 with mean 1/4: standard error sqrt(3/16 / 400).
    width = 1.96 * np.sqrt(3 / 16 / 400)
    assert (low, high) == pytest.approx((0.25 - width, 0.25 + width), abs=0.005)
    assert bootstrap_interval([ours], [ours]) == (0, 0)


def test_drawn_in_pieces_is_drawn_at_once(monkeypatch):
    rng = np.random.default_rng(1)
    ours, theirs = ([predictions(rng.random(40) < share)] for share in (0.8, 0.6))
    compare = [(paired_comparison, {"draws": 3001}), (bootstrap_interval, {"draws": 3001})]
    whole = [function(ours, theirs, **draws) for function, draws in compare]
    monkeypatch.setattr("tfkd.paired.AT_ONCE", 40 * 7)
    assert [function(ours, theirs, **draws) for function, draws in compare] == whole


def test_people_as_units_by_hand():
    # Of the 16 sign patterns of four people, the two in which all have one sign are as extreme.
    assert sign_flip_p_value([0.1, 0.2, 0.05, 0.1]) == 2 / 16
    # 0.3 + 0.2 - 0.1 = 0.4: reached by this pattern, by all of one sign, and by the opposites of both.
    assert sign_flip_p_value([0.3, 0.2, -0.1]) == 4 / 8
    assert sign_flip_p_value([0.1]) == 1 and sign_flip_p_value([0.0] * 3) == 1
    many = sign_flip_p_value([1.0] * 30)
    assert 0 < many < 0.001


def test_confidence_against_accuracy_by_hand():
    p = np.array([[0.9, 0.1], [0.4, 0.6]])
    assert overconfidence(np.array([0, 1]), p) == pytest.approx(0.75 - 1)
    assert overconfidence(np.array([1, 0]), p) == pytest.approx(0.75)


def shift(right, units, labels=None):
    """Predictions of a continuous recording of two classes, moment by moment."""
    labels = np.zeros(len(right), int) if labels is None else np.array(labels)
    logits = np.eye(3, dtype="float32")[np.where(np.array(right) == 1, labels, 1 - labels)]
    names = np.array([f"shift@{i:03d}" for i in range(len(right))])
    who = np.ones(len(right), int)
    return Predictions(names, np.array(["shift"] * len(right)), labels, who, logits, np.array(units))


def test_moments_of_continuous_recordings_are_decided_one_by_one():
    p = shift([1, 1, 0, 1], ["a", "a", "b", "b"], [0, 1, 1, 0])
    ids, labels, _, decided = p.decisions()
    assert len(ids) == 4 and labels.tolist() == [0, 1, 1, 0] and decided.tolist() == [0, 1, 0, 0]
    metrics = p.metrics()
    assert metrics["accuracy"] == metrics["window_accuracy"] == 0.75
    # F1 of 4/5 and 2/3; the third class, which nobody did, counts with 0 as in OpenPack's score.
    assert metrics["macro_f1"] == pytest.approx((4 / 5 + 2 / 3 + 0) / 3)


def test_moments_of_one_part_are_no_independent_cases():
    units = np.repeat(["a", "b", "c", "d"], 25)
    ours, baseline = shift(np.ones(100), units), shift(np.repeat([0, 1, 1, 1], 25), units)
    found = paired_comparison([ours], [baseline])
    assert found["gain"] == 0.25 and found["only_ours"] == 25
    assert found["p_value"] == 1.0, "one part better, three equal: nothing to build on, however many moments it has"
    as_trials = [dataclasses.replace(p, units=None, recordings=p.windows) for p in (ours, baseline)]
    assert paired_comparison([as_trials[0]], [as_trials[1]])["p_value"] < 0.001
    low, high = bootstrap_interval([ours], [baseline])
    assert low == 0 and high > 0.5


def test_macro_f1_of_continuous_recordings_is_compared_by_swapping_whole_parts():
    units, labels = np.repeat(["a", "b", "c"], 8), np.tile([0, 1], 12)
    rng = np.random.default_rng(0)
    ours, theirs = ([shift(rng.random(24) < share, units, labels) for _ in range(2)] for share in (0.9, 0.5))
    found = paired_comparison(ours, theirs, draws=50_000)

    def mean_f1(side):
        return np.mean([p.metrics()["macro_f1"] for p in side])

    assert found["macro_f1_gain"] == pytest.approx(mean_f1(ours) - mean_f1(theirs))
    extreme = 0
    for pattern in range(8):  # all ways to let the two change places in some of the three parts
        swaps = np.isin(units, [u for i, u in enumerate("abc") if pattern >> i & 1])[:, None]
        sides = [
            [dataclasses.replace(p, logits=np.where(swaps, q.logits, p.logits)) for p, q in zip(one, other)]
            for one, other in ((ours, theirs), (theirs, ours))
        ]
        extreme += abs(mean_f1(sides[0]) - mean_f1(sides[1])) >= found["macro_f1_gain"] - 1e-9
    assert found["macro_f1_p_value"] == pytest.approx(extreme / 8, abs=0.01)
    assert "macro_f1_gain" not in paired_comparison([predictions(np.ones(4))], [predictions(np.ones(4))])


def test_units_are_saved_and_trials_have_none(tmp_path):
    p = shift([1, 0], ["a", "b"])
    p.save(tmp_path / "p.npz")
    assert Predictions.load(tmp_path / "p.npz").units.tolist() == ["a", "b"]
    dataclasses.replace(p, units=None).save(tmp_path / "q.npz")
    assert Predictions.load(tmp_path / "q.npz").units is None
