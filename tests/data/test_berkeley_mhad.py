"""The Berkeley-MHAD reader against format-true trees: what is read, in which order and time, and by which protocol."""

import os

import numpy as np
import pytest

from tests.data.berkeley_trials import GRID, TRIAL, flawless, only, read_one, read_skipping, same, tree
from tests.formats import berkeley
from tests.formats import berkeley_faults as faults
from tests.formats import berkeley_motion as motion
from tfkd.data import DataError, centred_skeletons, leave_one_subject_out, whole_trial
from tfkd.data.berkeley_mhad import CLASSES, JOINTS, PROTOCOLS, STREAMS, read_berkeley_mhad
from tfkd.data.utd_mhad import BONES as UTD_BONES
from tfkd.data.utd_mhad import JOINTS as UTD_JOINTS

__all__ = ["flawless", "tree"]  # fixtures

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
        path = faults.fault_empty(tree, TRIAL, kind)
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
    faults.keep_lines(berkeley.path_of(tree, TRIAL, "markers"), lambda i: i < 400)
    notes = read_berkeley_mhad(tree).notes
    assert notes["skeleton and markers differ in length"] == [f"{TRIAL}: 1.24 s and 0.83 s"]


def test_sensors_without_common_time_are_an_error_or_skipped(tree):
    faults.fault_shifted_clock(tree, TRIAL)
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tree)
    for part in (TRIAL, "right_wrist begins at", "no time in common", "--skip_bad_files"):
        assert part in str(raised.value)
    read = read_skipping(tree)
    assert [r.id for r in read] == list(berkeley.TRIALS[1:])
    assert TRIAL in read.notes["skipped: no time in common"][0] and TRIAL not in read.notes["missing trial"]


def test_a_late_sensor_shortens_the_recording_and_is_noted(tree):
    faults.keep_lines(berkeley.path_of(only(tree, "bvh", "markers"), TRIAL, 5), lambda i: i > 24)
    recordings = read_berkeley_mhad(tree)
    begin = motion.sensor_times(TRIAL, 5)[25]
    np.testing.assert_allclose(recordings[0].streams["imu"][0, :3], motion.acceleration(1, [begin])[0], atol=2e-6)
    np.testing.assert_allclose(recordings[0].streams["skeleton"][0], motion.joints([begin])[0], atol=1e-4)
    assert len(recordings[0].streams["imu"]) == len(recordings[0].streams["skeleton"])
    (note,) = recordings.notes["a sensor starts or ends over 0.5 s from the others"]
    assert note.startswith(f"{TRIAL}: left_ankle starts 0.8") and note.endswith("later")
    faults.keep_lines(berkeley.path_of(tree, TRIAL, 5), lambda i: i > 10)
    with pytest.raises(DataError, match=r"only 0\.\d+ s in common"):
        read_berkeley_mhad(tree)


# ---- Protocol, cache and time ----


def test_cross_subject_trains_on_one_to_seven(tree):
    read = read_berkeley_mhad(tree)  # of people 1, 8 and 9
    split = PROTOCOLS["cross_subject"](read)
    assert split.name == "cross_subject" and split.train.subjects == [1] and split.test.subjects == [8, 9]
    assert leave_one_subject_out(read, 9).train.subjects == [1, 8]
    faults.fault_missing(tree, "s01_a01_r01")
    faults.fault_missing(tree, "s01_a10_r02")
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
    faults.fault_nan(tree, TRIAL)
    with pytest.raises(DataError, match="NaN"):
        read_berkeley_mhad(tree)


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(DataError) as raised:
        read_berkeley_mhad(tmp_path)
    expected = ("acc_h01_s01_a01_r01.txt", "skl_s01_a01_r01.bvh", "moc_s01_a01_r01.txt", "since February 2024")
    for part in (str(tmp_path), *expected, "TFKD_DATA", "--dataset synthetic"):
        assert part in str(raised.value)
