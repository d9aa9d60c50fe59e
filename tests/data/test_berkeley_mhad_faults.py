"""The Berkeley-MHAD reader against trees with the faults of people's copies."""

import shutil

import numpy as np
import pytest

from tests.data.berkeley_trials import GRID, TRIAL, flawless, only, read_skipping, tree
from tests.formats import berkeley
from tests.formats import berkeley_faults as faults
from tests.formats import berkeley_motion as motion
from tfkd.data import DataError
from tfkd.data.berkeley_mhad import JOINTS, read_berkeley_mhad

__all__ = ["flawless", "tree"]  # fixtures

# ---- Repairs ----


def test_repairs_are_made_and_counted_by_file(tree):
    plain = read_berkeley_mhad(tree)[0]
    faults.fault_spike(tree, TRIAL, 1, value=-61.0)
    faults.fault_spike(tree, TRIAL, 6, value=2.5)
    faults.fault_gap(tree, TRIAL, 3)
    faults.fault_low_rate(tree, TRIAL, 4)
    read = read_berkeley_mhad(tree)
    np.testing.assert_allclose(read[0].streams["imu"], plain.streams["imu"], atol=2e-6)  # all channels are lines
    assert read.notes["spikes beyond 2 g, interpolated"] == [
        f"Accelerometer/Shimmer0{sensor}/acc_h0{sensor}_{TRIAL}.txt: 1" for sensor in (1, 6)
    ]
    (gap,) = read.notes["gaps over 0.2 s, interpolated"]
    assert gap.startswith(f"Accelerometer/Shimmer03/acc_h03_{TRIAL}.txt: 1, the longest 0.6")
    (slow, slower) = read.notes["low sample rate"]
    assert slow.startswith("Accelerometer/Shimmer03") and slower.endswith(f"acc_h04_{TRIAL}.txt: 15.5 Hz")


def test_a_dead_channel_and_repeated_times_are_noted(tree):
    path = berkeley.path_of(tree, TRIAL, 2)
    rows = path.read_text().splitlines()
    path.write_text("".join(f"0.5 {row.split(' ', 1)[1]}\n" for row in [*rows[:9], rows[8], *rows[9:]]))
    notes = read_berkeley_mhad(tree).notes
    where = f"Accelerometer/Shimmer02/acc_h02_{TRIAL}.txt"
    assert notes["channel never changes"] == [f"{where}: x"] and notes["repeated times, left out"] == [f"{where}: 1"]


def test_occluded_markers_are_interpolated_and_counted(tree):
    faults.fault_occluded(only(tree, "markers"), TRIAL, "lhipf", slice(100, 160))
    faults.fault_occluded(tree, TRIAL, "lkne", slice(570, None))
    read = read_berkeley_mhad(tree)
    joints = read[0].streams["skeleton"]
    # The hips move along a line; the knee, hidden to the end, stays where it was seen last.
    np.testing.assert_allclose(joints[:, JOINTS.index("hip_center")], motion.joints(GRID)[:, 3], atol=1e-5)
    knee = JOINTS.index("left_knee")
    np.testing.assert_allclose(joints[-1, knee], motion.joints(motion.mocap_times()[569:570])[0, knee], atol=1e-5)
    (note,) = read.notes["occluded markers, interpolated"]
    assert note == f"Mocap/OpticalData/moc_{TRIAL}.txt: {90 / 600 / 25:.1%} of the positions"


def test_a_marker_never_seen_leaves_its_joint_to_the_others(tree):
    faults.fault_never_seen(only(tree, "markers"), TRIAL, "bell")
    read = read_berkeley_mhad(tree)
    assert read.notes["markers never seen"] == [f"Mocap/OpticalData/moc_{TRIAL}.txt: bell"]
    behind = motion.joints(GRID)[:, JOINTS.index("spine")] + [0, 0, -0.11]  # where the other marker, backl, is
    np.testing.assert_allclose(read[0].streams["skeleton"][:, JOINTS.index("spine")], behind, atol=1e-5)
    faults.fault_never_seen(tree, TRIAL, "relb")
    with pytest.raises(DataError, match="relb never seen, and right_elbow is made of nothing else"):
        read_berkeley_mhad(tree)


# ---- What is missing ----


def test_a_missing_sensor_costs_the_imu_and_is_noted(tree):
    faults.fault_missing_sensor(tree, TRIAL)
    read = read_berkeley_mhad(tree)
    assert read.notes["no imu: sensors missing"] == [f"{TRIAL}: right_hip"]
    assert set(read[0].streams) == {"skeleton"}
    paired = read.paired(["imu", "skeleton"])
    assert len(paired) == 3 and paired.notes["left out: no imu"] == [TRIAL]


def test_missing_trials_are_told_from_the_known_ones(tree):
    faults.fault_missing(tree, TRIAL)
    berkeley.build(tree, ["s02_a07_r05"], ("bvh",))
    faults.fault_missing(tree, "s02_a07_r05", sensors_only=True)
    notes = read_berkeley_mhad(tree).notes
    assert TRIAL in notes["missing trial"] and "s02_a07_r05" not in notes["missing trial"]
    assert notes["absent in the release"] == ["s04_a08_r05"]
    assert notes["accelerometers absent in public copies"] == ["s02_a07_r05"]
    berkeley.build(tree, ["s02_a07_r05"], ())  # a copy that has them
    read = read_berkeley_mhad(tree)
    assert "accelerometers absent in public copies" not in read.notes
    assert "imu" in next(r for r in read if r.id == "s02_a07_r05").streams


def test_files_that_are_none_of_a_trial_are_noted(tree):
    kept = berkeley.path_of(tree, TRIAL, 1)
    copy = faults.fault_duplicate(tree, TRIAL)
    folder = kept.parent
    for name in ("acc_h07_s01_a01_r01.txt", "acc_h01_s01_a12_r01.txt"):
        shutil.copyfile(kept, folder / name)
    (tree / "Mocap" / "OpticalData" / "moc_s01_t-pose.txt").write_text("")
    notes = read_berkeley_mhad(tree).notes
    assert notes["ignored: duplicate"] == [f"{copy.relative_to(tree)} (kept {kept.relative_to(tree)})"]
    assert len(notes["ignored: no such sensor or action"]) == 2
    assert notes["ignored: not of a trial"] == ["Mocap/OpticalData/moc_s01_t-pose.txt"]


# ---- Bad files ----

FAULTS = [
    (faults.fault_decimal_comma, "line 1, column 1 (x): '0,1", "decimal point"),
    (faults.fault_missing_column, "line 1 has 3 cells instead of 4 (x, y, z, seconds)"),
    (faults.fault_nan, "line 5, column 3 (z): 'NaN' is no finite number"),
    (faults.fault_empty, "has no rows"),
    (faults.fault_web_page, "line 1 has 2 cells instead of 4"),
    (faults.fault_other_unit, "values are beyond 2 g. Is the unit another than g?"),
    (faults.fault_backwards_clock, "line 8, column 4 (seconds): the clock runs backwards, from 1332864600."),
    (faults.fault_milliseconds, "samples a second; about 31 expected. Is column 4 in seconds?"),
    (lambda tree, trial: faults.fault_truncated(tree, trial, 2, 0.305), "line 16 has 3 cells instead of 4"),
]


@pytest.mark.parametrize("fault, messages", [(f[0], f[1:]) for f in FAULTS], ids=lambda v: getattr(v, "__name__", ""))
def test_a_bad_accelerometer_file_is_named_and_skipped_or_fatal(tree, fault, messages):
    path = fault(only(tree, "bvh", "markers"), TRIAL)
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tree)
    for part in (str(path), *messages, "--skip_bad_files"):
        assert part in str(raised.value)
    read = read_skipping(tree)
    (note,) = read.notes["skipped: bad file"]
    assert path.name in note and str(tree) not in note
    assert set(read[0].streams) == {"skeleton"} and read.notes["no imu: sensors missing"]


@pytest.mark.parametrize(
    "kind, message", [("damaged", "Error -3"), ("encrypted", "password required"), ("unknown", "compression")]
)
def test_a_file_that_its_zip_does_not_give_is_named_and_skipped_or_fatal(tree, kind, message):
    archive, _ = berkeley.layout_zips(only(tree, "bvh", "markers"))
    where = faults.fault_in_zip(archive, f"acc_h02_{TRIAL}.txt", kind)
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tree)
    for part in (f"{where} cannot be read", message, "--skip_bad_files"):
        assert part in str(raised.value)
    assert len(read_skipping(tree).notes["skipped: bad file"]) == 1


SKELETON_FAULTS = [
    ("bvh", faults.fault_truncated, "cells instead of 93 (Hips.Xposition, Hips.Yposition"),
    ("bvh", lambda tree, trial, kind: faults.fault_truncated(tree, trial, kind, 0.001), "no line MOTION"),
    ("bvh", faults.fault_decimal_comma, "line 4: 'OFFSET 0,000000 0,000000"),
    ("csv", lambda tree, trial, _: faults.fault_csv_column(tree, trial), "lacks Neck.y; it has time, Hips.x"),
    ("csv", faults.fault_nan, "line 5, column 3 (Hips.y): 'NaN' is no finite number"),
    ("csv", faults.fault_decimal_comma, "line 2 has 182 cells instead of 91 (time, Hips.x"),
    ("markers", faults.fault_missing_column, "line 1 has 130 cells instead of 131 (head_x, head_y"),
    ("markers", faults.fault_nan, "line 5, column 3 (head_z): 'NaN' is no finite number"),
    ("markers", faults.fault_truncated, "cells instead of 131"),
]


@pytest.mark.parametrize("kind, fault, message", SKELETON_FAULTS)
def test_a_bad_skeleton_file_is_named_and_skipped_or_fatal(tree, kind, fault, message):
    path = fault(only(tree, kind), TRIAL, kind)
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tree)
    assert str(path) in str(raised.value) and "--skip_bad_files" in str(raised.value)
    assert message in str(raised.value)
    read = read_skipping(tree)
    assert set(read[0].streams) == {"imu"} and len(read.notes["skipped: bad file"]) == 1


def test_a_bad_marker_file_costs_a_bvh_its_clock_only(tree):
    path = faults.fault_truncated(only(tree, "bvh", "markers"), TRIAL, "markers")
    rows = path.read_text().count("\n") + 1
    with pytest.raises(DataError, match=rf"line {rows} has \d+ cells"):
        read_berkeley_mhad(tree)
    read = read_skipping(tree)
    assert set(read[0].streams) == {"imu", "skeleton"}
    assert any(kind.startswith("skeleton without a clock") for kind in read.notes)


@pytest.mark.parametrize("factor, message", [(10, "the torso is 5 m long"), (0.01, "torso is 0.005 m long")])
def test_another_unit_does_not_go_unnoticed(tree, factor, message):
    path = berkeley.path_of(only(tree, "csv"), TRIAL, "csv")
    header, *rows = path.read_text().splitlines()
    numbers = np.array([row.split(",") for row in rows], float)
    numbers[:, 1:] *= factor
    path.write_text(header + "\n" + "\n".join(",".join(map(repr, row)) for row in numbers.tolist()))
    with pytest.raises(DataError, match=message):
        read_berkeley_mhad(tree)


def test_another_axis_up_does_not_go_unnoticed(tree):
    path = berkeley.path_of(only(tree, "csv"), TRIAL, "csv")
    path.write_text(path.read_text().replace(".y", ".?").replace(".z", ".y").replace(".?", ".z"))
    with pytest.raises(DataError, match="Does another axis than y point up"):
        read_berkeley_mhad(tree)
