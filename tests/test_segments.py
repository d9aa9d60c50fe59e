"""Sequences of decisions, against numbers worked out by hand."""

import dataclasses

import numpy as np
import pytest

from tfkd import segments
from tfkd.evaluation import Predictions


def shift(decided, labels, times, recordings=None, sure=5.0):
    """Predictions of continuous recordings, a decision at each of `times` (in samples)."""
    recordings = np.array(["a"] * len(times) if recordings is None else recordings)
    names = np.array([f"{recording}@{time}" for recording, time in zip(recordings, times)])
    logits = sure * np.eye(3, dtype="float32")[list(decided)]
    return Predictions(names, recordings, np.array(labels), np.ones(len(times), int), logits, names)


def test_segments_are_runs_without_a_gap():
    found = segments.segments(np.array([0, 0, 1, 1, 1, 0]), np.array([0, 30, 60, 90, 150, 180]))
    assert found == [(0, 0, 60), (1, 60, 120), (1, 150, 180), (0, 180, 210)]
    assert segments.segments(np.array([2]), np.array([7])) == [(2, 7, 8)]


def test_segmental_f1_by_hand():
    true = [(0, 0, 10), (1, 10, 20), (0, 20, 30)]
    # The first is whole; the second overlaps by 4 of 10; the third is found in two pieces, one of them large enough.
    found = [(0, 0, 10), (1, 10, 14), (2, 14, 20), (0, 20, 26), (0, 27, 30)]
    assert segments.segment_f1([(true, found)]) == pytest.approx(2 * 2 / (3 + 5))
    assert segments.segment_f1([(true, found)], overlap=0.3) == pytest.approx(2 * 3 / (3 + 5))
    assert segments.segment_f1([(true, true), (true, [])]) == pytest.approx(2 * 3 / (6 + 3))


def test_edit_score_by_hand():
    assert segments.edit_score("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert segments.edit_score([1, 2, 3], [1, 2, 3]) == 1 and segments.edit_score([1, 2], []) == 0


def test_smoothing_takes_out_single_errors_and_stops_at_gaps():
    times = [*range(0, 300, 30), *range(600, 750, 30)]
    labels = [0] * 10 + [1] * 5
    p = shift([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1], labels, times)
    order = np.random.default_rng(0).permutation(15)  # whatever the order they are stored in
    mixed = dataclasses.replace(p, **{
        f: getattr(p, f)[order] for f in ("windows", "recordings", "labels", "subjects", "logits", "units")
    })  # fmt: skip
    for predictions in (p, mixed):
        calm = segments.smoothed(predictions)
        assert (calm.logits.argmax(axis=1) == predictions.labels).all()
    np.testing.assert_allclose(np.exp(segments.smoothed(p).logits).sum(axis=1), 1, rtol=1e-5)
    raw = segments.smoothed(p, width=1)
    np.testing.assert_array_equal(raw.logits.argmax(axis=1), p.logits.argmax(axis=1))
    # The last decision before the gap is averaged with those before it, not with those after.
    assert np.exp(segments.smoothed(p).logits)[9, 1] == pytest.approx(np.exp(raw.logits)[9, 1], rel=1e-4)


def test_metrics_of_two_recordings():
    times = list(range(0, 300, 30))
    right, late = [0] * 5 + [1] * 5, [0] * 9 + [1]
    p = shift(right + late, right + right, times * 2, ["a"] * 10 + ["b"] * 10)
    found = segments.continuous_metrics(p)
    # b: the first piece is 9 s instead of 5 (5/9), the second 1 of 5, which smoothing drops: 3 of 4 true, 3 found.
    assert found["segment_f1"] == pytest.approx(2 * 3 / (4 + 3))
    assert found["edit"] == pytest.approx((1 + 0.5) / 2)
    assert found["smoothed_macro_f1"] == pytest.approx((2 * 10 / 25 + 2 * 5 / 15) / 3)
