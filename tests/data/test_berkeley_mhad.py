"""The Berkeley-MHAD reader against format-true trees with the faults of people's copies."""

import os
import shutil

import numpy as np
import pytest

from tests.formats import berkeley
from tests.formats import berkeley_motion as motion
from tfkd.data import DataError, centred_skeletons, leave_one_subject_out, whole_trial
from tfkd.data.berkeley_mhad import CLASSES, JOINTS, PROTOCOLS, STREAMS, read_berkeley_mhad
from tfkd.data.utd_mhad import BONES as UTD_BONES
from tfkd.data.utd_mhad import JOINTS as UTD_JOINTS

TRIAL = berkeley.TRIALS[0]
GRID = motion.BEGIN + np.arange(38) / 30  # the motion capture lies within every accelerometer's time


@pytest.fixture(scope="module")
def flawless(tmp_path_factory):
    """Four trials with accelerometers and BVH and marker files, and one with every kind of skeleton."""
    folder = tmp_path_factory.mktemp("berkeley") / "tree"
    berkeley.build(folder)
    return berkeley.build(folder, [TRIAL], ("csv",))


@pytest.fixture
def tree(flawless, tmp_path):
    return shutil.copytree(flawless, tmp_path / "tree")


def only(tree, *kinds):
    """The first trial, with these kinds of skeletons."""
    for path in [p for p in tree.rglob("*_s*.*") if TRIAL not in p.name]:
        path.unlink()
    for kind in set(berkeley.FOLDERS) - set(kinds):
        berkeley.path_of(tree, TRIAL, kind).unlink()
    return tree


def read_one(tree, **options):
    (recording,) = read_berkeley_mhad(tree, use_cache=False, **options)
    return recording


def same(a, b):
    return [r.id for r in a] == [r.id for r in b] and all(
        (x.subject, x.label, x.trial, set(x.streams)) == (y.subject, y.label, y.trial, set(y.streams))
        and all(np.array_equal(x.streams[m], y.streams[m]) for m in x.streams)
        for x, y in zip(a, b)
    )


def read_skipping(tree):
    """Read twice, the second time from the cache."""
    read = read_berkeley_mhad(tree, on_error="skip")
    again = read_berkeley_mhad(tree, on_error="skip")
    assert same(read, again) and read.notes == again.notes
    return read


# ---- What is read ----


def test_reads_what_was_recorded_on_one_grid(tree):
    read = read_berkeley_mhad(tree)
    assert [r.id for r in read] == list(berkeley.TRIALS)
    assert [(r.subject, CLASSES[r.label], r.trial) for r in read] == [
        (1, "jumping_in_place", 1), (1, "sit_down", 2), (8, "jumping_in_place", 1), (9, "stand_up", 5),
    ]  # fmt: skip
    felt = np.concatenate([motion.acceleration(sensor, GRID) for sensor in range(1, 7)], axis=1)
    for recording in read:
        assert {v.dtype.name for v in recording.streams.values()} == {"float32"}
        np.testing.assert_allclose(recording.streams["imu"], felt, atol=2e-6)
        np.testing.assert_allclose(recording.streams["skeleton"], motion.joints(GRID), atol=1e-5)
    assert read.streams["imu"].channels[3:5] == ("right_wrist_acc_x", "right_wrist_acc_y")
    assert len(read.streams["imu"].channels) == 18 and read.streams["imu"].rate_hz == 30
    assert len(read.notes.pop("missing trial")) == 12 * 11 * 5 - 4 - 2
    assert read.notes == {
        "absent in the release": ["s04_a08_r05"], "accelerometers absent in public copies": ["s02_a07_r05"],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["bvh", "csv", "markers"])
def test_every_kind_of_skeleton_gives_the_same_joints(tree, kind):
    kinds = {kind, "markers"}  # BVH and CSV have their clock from the markers
    recording = read_one(only(tree, *kinds))
    np.testing.assert_allclose(recording.streams["skeleton"], motion.joints(GRID), atol=1e-5)


def test_the_better_skeleton_is_preferred(tree):
    only(tree, "bvh", "csv", "markers")
    for kind in ("bvh", "csv", "markers"):
        path = berkeley.fault_empty(tree, TRIAL, kind)
        with pytest.raises(DataError) as raised:
            read_one(tree)
        assert str(path) in str(raised.value)
        read = read_one(tree, on_error="skip")  # takes the next best
        assert ("skeleton" in read.streams) == (kind != "markers")
        path.unlink()


def test_joints_are_those_of_utd_without_the_hands():
    kept = [joint for joint in UTD_JOINTS if not joint.endswith("hand")]
    assert list(JOINTS) == kept
    names = {(UTD_JOINTS[a], UTD_JOINTS[b]) for a, b in UTD_BONES}
    assert {(JOINTS[a], JOINTS[b]) for a, b in STREAMS["skeleton"].bones} == {
        pair for pair in names if not pair[1].endswith("hand")
    }


def test_windows_and_centring_work_on_it(tree):
    read = read_berkeley_mhad(tree)
    centred = centred_skeletons(read)[0].streams["skeleton"]
    torso = np.linalg.norm(centred[:, 1] - centred[:, 3], axis=1).mean()
    assert torso == pytest.approx(1, abs=1e-5)
    assert whole_trial(read, {"imu": 16, "skeleton": 8}).arrays["skeleton"].shape == (4, 8, 18, 3)


def test_one_modality_alone(tree):
    imu = read_one(only(tree, "bvh", "csv", "markers"), modalities=("imu",))
    begin = max(motion.sensor_times(TRIAL, sensor)[0] for sensor in range(1, 7))
    assert set(imu.streams) == {"imu"}
    np.testing.assert_allclose(imu.streams["imu"][:1, :3], motion.acceleration(1, [begin]), atol=2e-6)
    skeleton = read_one(tree, modalities=("skeleton",))
    np.testing.assert_allclose(skeleton.streams["skeleton"], motion.joints(GRID), atol=1e-3)
    with pytest.raises(ValueError, match="no modality"):
        read_berkeley_mhad(tree, ("video",))


@pytest.mark.parametrize(
    "layout",
    [
        berkeley.layout_upper_case,
        berkeley.layout_flat,
        berkeley.layout_zips,
        lambda tree: (berkeley.layout_stray_files(tree), berkeley.layout_zips(tree)),
        lambda tree: (berkeley.layout_stray_files(tree), berkeley.layout_upper_case(tree)),
    ],
)
def test_other_layouts_read_the_same(tree, layout):
    plain = read_berkeley_mhad(tree)
    layout(tree)
    assert same(plain, read_berkeley_mhad(tree.parent))


def test_a_byte_order_mark_and_carriage_returns_do_not_matter(tree):
    plain = read_one(only(tree, "csv", "markers"))
    for path in [path for path in tree.rglob("*.*") if path.is_file()]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    other = read_one(tree)
    assert all(np.array_equal(plain.streams[m], other.streams[m]) for m in STREAMS)


# ---- Clocks ----


def test_without_a_marker_file_the_skeleton_is_stretched_over_the_accelerometers_time(tree):
    recordings = read_berkeley_mhad(only(tree, "bvh"))
    (kind,) = [kind for kind in recordings.notes if kind.startswith("skeleton without a clock")]
    assert recordings.notes[kind] == [TRIAL]
    times = [motion.sensor_times(TRIAL, sensor) for sensor in range(1, 7)]
    begin, end = max(t[0] for t in times), min(t[-1] for t in times)
    grid = begin + np.arange(int((end - begin) * 30) + 1) / 30
    recorded = motion.mocap_times()
    at = np.interp(grid, [begin, end], recorded[[0, -1]])
    np.testing.assert_allclose(recordings[0].streams["skeleton"], motion.joints(at), atol=1e-5)
    np.testing.assert_allclose(recordings[0].streams["imu"][:, :3], motion.acceleration(1, grid), atol=2e-6)


def test_markers_of_another_length_and_other_frame_rates_are_no_trap(tree):
    bvh = berkeley.path_of(only(tree, "bvh", "markers"), TRIAL, "bvh")
    lines = bvh.read_text().splitlines(True)
    at = next(i for i, line in enumerate(lines) if line.startswith("Frame Time"))
    kept = lines[at + 1 :: 4]  # 120 frames a second: row i is not the markers' row i
    bvh.write_text("".join([*lines[: at - 1], f"Frames: {len(kept)}\n", "Frame Time: 0.0083333\n", *kept]))
    recording = read_one(tree)
    frames = len(recording.streams["skeleton"])
    np.testing.assert_allclose(recording.streams["skeleton"], motion.joints(GRID[:frames]), atol=3e-3)
    berkeley.keep_lines(berkeley.path_of(tree, TRIAL, "markers"), lambda i: i < 400)
    notes = read_berkeley_mhad(tree).notes
    assert notes["skeleton and markers differ in length"] == [f"{TRIAL}: 1.24 s and 0.83 s"]


def test_sensors_without_common_time_are_an_error_or_skipped(tree):
    berkeley.fault_shifted_clock(tree, TRIAL)
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tree)
    for part in (TRIAL, "right_wrist begins at", "no time in common", "--skip_bad_files"):
        assert part in str(raised.value)
    read = read_skipping(tree)
    assert [r.id for r in read] == list(berkeley.TRIALS[1:])
    assert TRIAL in read.notes["skipped: no time in common"][0] and TRIAL not in read.notes["missing trial"]


def test_a_late_sensor_shortens_the_recording_and_is_noted(tree):
    berkeley.keep_lines(berkeley.path_of(only(tree, "bvh", "markers"), TRIAL, 5), lambda i: i > 24)
    recordings = read_berkeley_mhad(tree)
    begin = motion.sensor_times(TRIAL, 5)[25]
    np.testing.assert_allclose(recordings[0].streams["imu"][0, :3], motion.acceleration(1, [begin])[0], atol=2e-6)
    np.testing.assert_allclose(recordings[0].streams["skeleton"][0], motion.joints([begin])[0], atol=1e-4)
    assert len(recordings[0].streams["imu"]) == len(recordings[0].streams["skeleton"])
    (note,) = recordings.notes["a sensor starts or ends over 0.5 s from the others"]
    assert note.startswith(f"{TRIAL}: left_ankle starts 0.8") and note.endswith("later")
    berkeley.keep_lines(berkeley.path_of(tree, TRIAL, 5), lambda i: i > 10)
    with pytest.raises(DataError, match=r"only 0\.\d+ s in common"):
        read_berkeley_mhad(tree)


# ---- Repairs ----


def test_repairs_are_made_and_counted_by_file(tree):
    plain = read_berkeley_mhad(tree)[0]
    berkeley.fault_spike(tree, TRIAL, 1, value=-61.0)
    berkeley.fault_spike(tree, TRIAL, 6, value=2.5)
    berkeley.fault_gap(tree, TRIAL, 3)
    berkeley.fault_low_rate(tree, TRIAL, 4)
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
    berkeley.fault_occluded(only(tree, "markers"), TRIAL, "lhipf", slice(100, 160))
    berkeley.fault_occluded(tree, TRIAL, "lkne", slice(570, None))
    read = read_berkeley_mhad(tree)
    joints = read[0].streams["skeleton"]
    # The hips move along a line; the knee, hidden to the end, stays where it was seen last.
    np.testing.assert_allclose(joints[:, JOINTS.index("hip_center")], motion.joints(GRID)[:, 3], atol=1e-5)
    knee = JOINTS.index("left_knee")
    np.testing.assert_allclose(joints[-1, knee], motion.joints(motion.mocap_times()[569:570])[0, knee], atol=1e-5)
    (note,) = read.notes["occluded markers, interpolated"]
    assert note == f"Mocap/OpticalData/moc_{TRIAL}.txt: {90 / 600 / 25:.1%} of the positions"


def test_a_marker_never_seen_leaves_its_joint_to_the_others(tree):
    berkeley.fault_never_seen(only(tree, "markers"), TRIAL, "bell")
    read = read_berkeley_mhad(tree)
    assert read.notes["markers never seen"] == [f"Mocap/OpticalData/moc_{TRIAL}.txt: bell"]
    behind = motion.joints(GRID)[:, JOINTS.index("spine")] + [0, 0, -0.11]  # where the other marker, backl, is
    np.testing.assert_allclose(read[0].streams["skeleton"][:, JOINTS.index("spine")], behind, atol=1e-5)
    berkeley.fault_never_seen(tree, TRIAL, "relb")
    with pytest.raises(DataError, match="relb never seen, and right_elbow is made of nothing else"):
        read_berkeley_mhad(tree)


# ---- What is missing ----


def test_a_missing_sensor_costs_the_imu_and_is_noted(tree):
    berkeley.fault_missing_sensor(tree, TRIAL)
    read = read_berkeley_mhad(tree)
    assert read.notes["no imu: sensors missing"] == [f"{TRIAL}: right_hip"]
    assert set(read[0].streams) == {"skeleton"}
    paired = read.paired(["imu", "skeleton"])
    assert len(paired) == 3 and paired.notes["left out: no imu"] == [TRIAL]


def test_missing_trials_are_told_from_the_known_ones(tree):
    berkeley.fault_missing(tree, TRIAL)
    berkeley.build(tree, ["s02_a07_r05"], ("bvh",))
    berkeley.fault_missing(tree, "s02_a07_r05", sensors_only=True)
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
    copy = berkeley.fault_duplicate(tree, TRIAL)
    folder = kept.parent
    for name in ("acc_h07_s01_a01_r01.txt", "acc_h01_s01_a12_r01.txt"):
        shutil.copyfile(kept, folder / name)
    (tree / "Mocap" / "OpticalData" / "moc_s01_t-pose.txt").write_text("")
    notes = read_berkeley_mhad(tree).notes
    assert notes["ignored: duplicate"] == [f"{copy.relative_to(tree)} (kept {kept.relative_to(tree)})"] or notes[
        "ignored: duplicate"
    ] == [f"{kept.relative_to(tree)} (kept {copy.relative_to(tree)})"]
    assert len(notes["ignored: no such sensor or action"]) == 2
    assert notes["ignored: not of a trial"] == ["Mocap/OpticalData/moc_s01_t-pose.txt"]


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tmp_path)
    expected = ("acc_h01_s01_a01_r01.txt", "skl_s01_a01_r01.bvh", "moc_s01_a01_r01.txt", "since February 2024")
    for part in (str(tmp_path), *expected, "TFKD_DATA", "--dataset synthetic"):
        assert part in str(raised.value)


# ---- Bad files ----

FAULTS = [
    (berkeley.fault_decimal_comma, "line 1, column 1 (x): '0,1", "decimal point"),
    (berkeley.fault_missing_column, "line 1 has 3 cells instead of 4 (x, y, z, seconds)"),
    (berkeley.fault_nan, "line 5, column 3 (z): 'NaN' is no finite number"),
    (berkeley.fault_empty, "has no rows"),
    (berkeley.fault_web_page, "line 1 has 2 cells instead of 4"),
    (berkeley.fault_other_unit, "values are beyond 2 g. Is the unit another than g?"),
    (berkeley.fault_backwards_clock, "line 8, column 4 (seconds): the clock runs backwards, from 1332864600."),
    (berkeley.fault_milliseconds, "samples a second; about 31 expected. Is column 4 in seconds?"),
    (lambda tree, trial: berkeley.fault_truncated(tree, trial, 2, 0.305), "line 16 has 3 cells instead of 4"),
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


SKELETON_FAULTS = [
    ("bvh", berkeley.fault_truncated, "cells instead of 93 (Hips.Xposition, Hips.Yposition"),
    ("bvh", lambda tree, trial, kind: berkeley.fault_truncated(tree, trial, kind, 0.001), "no line MOTION"),
    ("bvh", berkeley.fault_decimal_comma, "line 4: 'OFFSET 0,000000 0,000000"),
    ("csv", lambda tree, trial, _: berkeley.fault_csv_column(tree, trial), "lacks Neck.y; it has time, Hips.x"),
    ("csv", berkeley.fault_nan, "line 5, column 3 (Hips.y): 'NaN' is no finite number"),
    ("csv", berkeley.fault_decimal_comma, "line 2 has 182 cells instead of 91 (time, Hips.x"),
    ("markers", berkeley.fault_missing_column, "line 1 has 130 cells instead of 131 (head_x, head_y"),
    ("markers", berkeley.fault_nan, "line 5, column 3 (head_z): 'NaN' is no finite number"),
    ("markers", berkeley.fault_truncated, "cells instead of 131"),
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
    path = berkeley.fault_truncated(only(tree, "bvh", "markers"), TRIAL, "markers")
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


# ---- Protocol, cache and time ----


def test_cross_subject_trains_on_one_to_seven(tree):
    read = read_berkeley_mhad(tree)  # of people 1, 8 and 9
    split = PROTOCOLS["cross_subject"](read)
    assert split.name == "cross_subject" and split.train.subjects == [1] and split.test.subjects == [8, 9]
    assert leave_one_subject_out(read, 9).train.subjects == [1, 8]
    berkeley.fault_missing(tree, "s01_a01_r01")
    berkeley.fault_missing(tree, "s01_a10_r02")
    with pytest.raises(DataError, match="leaves no recording for train"):
        PROTOCOLS["cross_subject"](read_berkeley_mhad(tree))
    berkeley.build(tree, ["s03_a01_r01", "s07_a01_r01"], ())
    split = PROTOCOLS["cross_subject"](read_berkeley_mhad(tree), validation_subjects=[7])
    assert split.train.subjects == [3] and split.validation.subjects == [7] and split.test.subjects == [8, 9]


def test_the_cache_is_used_while_nothing_changed(tree, monkeypatch):
    plain = read_berkeley_mhad(tree)
    with monkeypatch.context() as patched:
        patched.setattr("tfkd.data.berkeley_mhad.read_accelerometer", None)  # reading again would fail
        again = read_berkeley_mhad(tree)
    assert same(plain, again) and plain.notes == again.notes
    assert set(read_berkeley_mhad(tree, ("imu",))[0].streams) == {"imu"}
    assert len(os.listdir(os.environ["TFKD_CACHE"])) == 2
    berkeley.fault_nan(tree, TRIAL)
    with pytest.raises(DataError, match="NaN"):
        read_berkeley_mhad(tree)
