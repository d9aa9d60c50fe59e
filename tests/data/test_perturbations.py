"""Sensors worn and received otherwise: against what is known of rotations, mirrors, straight lines and chance."""

import dataclasses

import numpy as np
import pytest

from tests.data.conftest import STREAMS, recordings
from tfkd.data import Stream
from tfkd.data.perturbations import (
    STANDARD,
    GainError,
    LostSamples,
    LowerRate,
    Noise,
    OtherWrist,
    Rotation,
    triples,
)
from tfkd.data.recordings import DataError

SAMPLE = np.array([[1, 2, 3, 10, 20, 30]], "float32")


def imu(found, i=0):
    return found[i].streams["imu"]


def applied(perturbation, values, seed=0):
    """What becomes of one recording's signal."""
    tiny = recordings(1, 1, 1)
    tiny = tiny.mapped(lambda r: dataclasses.replace(r, streams={**r.streams, "imu": np.asarray(values, "float32")}))
    return imu(perturbation(tiny, seed))


@pytest.mark.parametrize("perturbation", STANDARD, ids=str)
def test_only_the_signal_changes_and_chance_is_seeded(perturbation, tiny):
    before = [r.streams["imu"].copy() for r in tiny]
    found, again, other = perturbation(tiny), perturbation(tiny), perturbation(tiny, seed=1)
    for i, recording in enumerate(found):
        assert (recording.id, recording.label, recording.subject) == (tiny[i].id, tiny[i].label, tiny[i].subject)
        assert recording.streams["skeleton"] is tiny[i].streams["skeleton"]
        assert imu(found, i).shape == before[i].shape and imu(found, i).dtype == np.float32
        assert not np.array_equal(imu(found, i), before[i])
        assert np.array_equal(imu(found, i), imu(again, i))
        assert np.array_equal(tiny[i].streams["imu"], before[i]), "the recordings given are not touched"
    by_chance = not isinstance(perturbation, (OtherWrist, LowerRate))
    assert by_chance != np.array_equal(imu(found), imu(other))


def test_chance_belongs_to_the_recording_not_to_its_place(tiny):
    part = tiny.where(lambda r: r.subject > 2)
    of_all = {r.id: r.streams["imu"] for r in Rotation(30)(tiny)}
    assert all(np.array_equal(r.streams["imu"], of_all[r.id]) for r in Rotation(30)(part))


def test_a_rotation_keeps_lengths_and_turns_both_sensors_alike():
    values = np.random.default_rng(0).normal(size=(50, 3))
    turned = applied(Rotation(90), np.hstack([values, values]))
    assert np.allclose(turned[:, :3], turned[:, 3:])
    assert np.allclose(np.linalg.norm(turned[:, :3], axis=1), np.linalg.norm(values, axis=1), atol=1e-5)
    # It is a turn by 90 degrees: the matrix that explains it has trace 1 + 2 cos(90) and determinant 1.
    matrix = np.linalg.lstsq(values, turned[:, :3], rcond=None)[0].T
    assert np.trace(matrix) == pytest.approx(1, abs=1e-4) and np.linalg.det(matrix) == pytest.approx(1, abs=1e-4)
    assert np.allclose(applied(Rotation(0), np.hstack([values, values])), np.hstack([values, values]), atol=1e-6)


def test_mirrored_axes_by_hand():
    assert applied(OtherWrist("y"), SAMPLE).tolist() == [[1, -2, 3, -10, 20, -30]]
    assert applied(OtherWrist("z"), SAMPLE).tolist() == [[1, 2, -3, -10, -20, 30]]
    assert applied(OtherWrist("x"), SAMPLE).tolist() == [[-1, 2, 3, 10, -20, -30]]
    with pytest.raises(ValueError, match="across must be 'x', 'y' or 'z', got 'w'"):
        OtherWrist("w")


def test_either_way_to_strap_it_on_the_other_wrist_differs_by_half_a_turn_about_x():
    half_turn = np.array([1, -1, -1, 1, -1, -1])
    assert np.array_equal(applied(OtherWrist("y"), SAMPLE) * half_turn, applied(OtherWrist("z"), SAMPLE))


def test_a_mirrored_movement_is_a_possible_one():
    """Gravity seen from a turning sensor changes by g x w; with the gyroscope mirrored as a vector it would not."""
    rng = np.random.default_rng(0)
    g, w = rng.normal(size=(2, 20, 3))
    change = np.cross(g, w)
    for axis in "xyz":
        mirrored = applied(OtherWrist(axis), np.hstack([g, w]))
        mirrored_change = applied(OtherWrist(axis), np.hstack([change, w]))[:, :3]
        assert np.allclose(np.cross(mirrored[:, :3], mirrored[:, 3:]), mirrored_change, atol=1e-5)


def test_straight_lines_bridge_what_was_lost():
    line = np.arange(300.0)[:, None] * np.ones(6)
    lost = applied(LostSamples(0.5), line)
    came = 1 + int(np.flatnonzero(lost[:, 0] < lost[-1, 0])[-1])
    assert np.allclose(lost[:came], line[:came], atol=1e-3), "a straight line survives"
    assert np.all(lost[came:] == lost[came]), "after the last sample that came, it is held"
    noise = np.random.default_rng(0).normal(size=(4000, 6)).astype("float32")
    kept = (applied(LostSamples(0.2), noise) == noise).all(axis=1)
    assert kept[0] and kept.mean() == pytest.approx(0.8, abs=0.03)
    assert np.array_equal(applied(LostSamples(0.0), noise), noise)


def test_a_lower_rate_by_hand():
    values = np.array([0, 5, 2, 9, 4, 7.0])[:, None] * np.ones(6)
    assert applied(LowerRate(2), values)[:, 0].tolist() == [0, 1, 2, 3, 4, 4]
    assert applied(LowerRate(4), values)[:, 0].tolist() == [0, 1, 2, 3, 4, 4]
    assert applied(LowerRate(3), values)[:, 0].tolist() == [0, 3, 6, 9, 9, 9]


def test_noise_and_gain_have_the_sizes_they_say():
    still = np.ones((20_000, 6))
    spread = (applied(Noise(0.2, 20), still) - 1).std(axis=0)
    assert spread[:3] == pytest.approx(0.2, rel=0.03) and spread[3:] == pytest.approx(20, rel=0.03)
    factors = applied(GainError(0.1), still)
    assert np.ptp(factors, axis=0).max() == 0 and len(set(factors[0].tolist())) == 6
    assert np.all(np.abs(factors[0] - 1) <= 0.1)


def test_channels_that_cannot_be_turned_are_refused(tiny):
    assert triples(STREAMS["imu"]) == [([0, 1, 2], False), ([3, 4, 5], True)]
    with pytest.raises(DataError, match=r"\['acc_x', 'acc_y'\] are no triples"):
        triples(Stream(("acc_x", "acc_y"), ("g", "g"), 50.0))
    odd = tiny.mapped(lambda r: r)
    odd.streams["imu"] = dataclasses.replace(STREAMS["imu"], units=("furlong",) * 6)
    with pytest.raises(DataError, match="furlong"):
        Noise(1, 1)(odd)
    with pytest.raises(DataError, match="no imu stream"):
        Noise(1, 1)(tiny.mapped(lambda r: dataclasses.replace(r, streams={})))
    for kind, sizes, said in (
        (LostSamples, (1.0,), "share must be at least 0 and below 1, got 1.0"),
        (LowerRate, (0,), "factor must be a whole number of at least 1, got 0"),
        (LowerRate, (2.5,), "factor must be a whole number of at least 1, got 2.5"),
        (Noise, (0.1, -1), "rotation must be at least 0, got -1"),
        (Noise, (np.nan, 1), "acceleration must be at least 0, got nan"),
        (GainError, (-0.1,), "share must be from 0 to 1, got -0.1"),
        (Rotation, (np.nan,), "degrees must be a number, got nan"),
    ):
        with pytest.raises(ValueError, match=said):
            kind(*sizes)
