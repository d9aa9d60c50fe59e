"""Counts, hours, and the offset between two clocks."""

import dataclasses

import numpy as np
import pytest

from tests.data.conftest import recordings
from tfkd.data import Recording, Recordings, Stream, checks
from tfkd.data.recordings import Interval

RATE, FRAMES = 50.0, 30.0


def moving(seed, seconds=10.0, offset=0.0):
    """An IMU on the second of two joints, whose skeleton shows everything `offset` seconds later."""
    rng = np.random.default_rng(seed)
    hertz, phase = rng.uniform(0.3, 1.5, (8, 1)), rng.uniform(0, 2 * np.pi, (8, 1))
    size = rng.normal(0, 0.1, (2, 8, 3))

    def waves(times, bend):
        factor = -((2 * np.pi * hertz) ** 2) if bend else 1.0
        return np.einsum("wt,jwc->tjc", factor * np.sin(2 * np.pi * hertz * times + phase), size)

    frames = np.arange(round(seconds * FRAMES) + 1) / FRAMES
    skeleton = waves(frames - offset, False)
    times = np.arange(round(seconds * RATE) + 1) / RATE
    felt = waves(times, True)[:, 1] / checks.G + [0, 1, 0]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]  # how the sensor sits on the wrist
    return {"imu": (felt @ turn).astype("float32"), "skeleton": skeleton.astype("float32")}


def set_of(streams, unit="m"):
    known = {
        "imu": Stream(("wrist_acc_x", "wrist_acc_y", "wrist_acc_z"), ("g",) * 3, RATE),
        "skeleton": Stream(("hip_center", "wrist"), (unit,) * 2, FRAMES),
    }
    return Recordings([Recording(f"r{i}", 1, 0, i, s) for i, s in enumerate(streams)], ["a"], known, "moving")


@pytest.mark.parametrize("offset", [0.2, -0.35, 0.0])
def test_a_known_offset_between_the_clocks_is_found(offset):
    found = checks.clock_offset(set_of([moving(seed, offset=offset) for seed in range(5)]))
    assert found.seconds == pytest.approx(offset, abs=0.005) and found.high - found.low < 0.01
    assert found.told and found.correlation > 0.95
    assert (found.joint, found.sensor, found.recordings) == ("wrist", "wrist_acc", 5)


def test_the_offset_of_a_pose_in_pixels_is_found_too():
    streams = [moving(seed, offset=0.2) for seed in range(10)]
    found = checks.clock_offset(set_of([{**s, "skeleton": 300 * s["skeleton"]} for s in streams], "px"))
    assert found.told and found.seconds == pytest.approx(0.2, abs=0.03)


def test_no_offset_is_told_where_skeleton_and_imu_are_of_different_things():
    mixed = [{**moving(seed), "skeleton": moving(seed + 100)["skeleton"]} for seed in range(12)]
    found = checks.clock_offset(set_of(mixed))
    assert not found.told and found.correlation < found.needed
    (alone,) = [checks.clock_offset(set_of([moving(0, seconds=4)]))]
    assert not alone.told, "four seconds may agree by chance"


def test_only_the_beginning_of_a_long_recording_is_compared():
    streams = moving(3, seconds=60, offset=0.2)
    streams["imu"][1500:] = 1
    found = checks.clock_offset(set_of([streams]), longest=25)
    assert found.seconds == pytest.approx(0.2, abs=0.005) and found.told


def test_nothing_is_compared_without_both_in_known_units(tiny):
    whole = set_of([moving(0)])
    assert checks.clock_offset(whole.where(lambda r: False)) is None
    assert checks.clock_offset(set_of([moving(0, seconds=2)])) is None, "shorter than the lags"
    streams = {**whole.streams, "imu": dataclasses.replace(whole.streams["imu"], units=("V",) * 3)}
    assert checks.clock_offset(Recordings(whole, ["a"], streams, "volts")) is None
    alone = Recordings(whole, ["a"], {"imu": whole.streams["imu"]}, "alone")
    assert checks.clock_offset(alone) is None
    assert checks.clock_offset(tiny) is not None


def test_people_and_classes_are_counted():
    found = recordings(subjects=3, labels=3, trials=2).where(lambda r: (r.subject, r.label) != (2, 1) and r.label < 2)
    assert checks.people(found) == {1: 4, 3: 4, 2: 2}
    assert checks.trials_by_class(found) == {"class0": 6, "class1": 4, "class2": 0}
    assert checks.seconds_of(found[0], found.streams) == 199 / 50
    nothing = {"skeleton": found.streams["skeleton"]}
    assert checks.seconds_of(dataclasses.replace(found[0], streams={"skeleton": np.zeros((5, 3, 3))}), nothing) is None


def test_seconds_of_continuous_recordings_are_counted_by_class():
    streams = {"imu": np.zeros((501, 3), "float32")}
    spans = (Interval(0, 4, 1), Interval(5, 6.5, 0), Interval(6.5, 8, 1))
    items = [Recording("a", 1, -1, 1, streams, {}, spans), Recording("b", 1, 2, 1, streams)]
    found = Recordings(items, ["x", "y", "z"], {"imu": Stream(("acc_x", "b", "c"), ("g",) * 3, 50.0)}, "shift")
    assert checks.seconds_by_class(found) == {"y": 5.5, "x": 1.5, "z": 0, "": 3}
    assert list(checks.seconds_by_class(found)) == ["y", "x", "z", ""]
