"""The MMAct reader against format-true trees, in all their layouts."""

import numpy as np
import pytest

from tests.data.mmact_clips import CLIP, ID, expected_imu, one, same, tree
from tests.formats import mmact
from tests.formats import mmact_faults as faults
from tfkd.data import DataError
from tfkd.data.mmact import read_mmact

__all__ = ["tree"]  # a fixture


def test_reads_what_was_written(tree):
    read = read_mmact(tree)
    assert len(read) == len(mmact.CLIPS) * len(mmact.CAMERAS) and read.notes == {}
    for clip in mmact.CLIPS:
        subject, scene, session, action = clip
        for camera in mmact.CAMERAS:
            found = one(read, f"subject{subject}_scene{scene}_session{session}_{action}_cam{camera}")
            assert (found.subject, read.classes[found.label], found.trial) == (subject, action, session)
            assert found.conditions == {"scene": scene, "session": session, "view": camera}
            # Written to 1e-6, at times to the millisecond.
            np.testing.assert_allclose(found.streams["imu"], expected_imu(clip), atol=2e-6)
            np.testing.assert_allclose(found.streams["skeleton"], mmact.pose(clip, camera), rtol=1e-6)
            assert {values.dtype.name for values in found.streams.values()} == {"float32"}
    assert read.streams["imu"].channels[::3] == ("watch_acc_x", "phone_acc_x", "phone_gyro_x")
    assert read.streams["imu"].units == ("g",) * 6 + ("as published",) * 3 and read.streams["imu"].rate_hz == 50
    assert len(read.streams["skeleton"].channels) == 17 and read.streams["skeleton"].units == ("px",) * 17


def test_cameras_share_the_sensors_of_a_clip(tree):
    for _ in range(2):  # the second time from the cache
        read = read_mmact(tree)
        assert one(read, f"{ID}_cam1").streams["imu"] is one(read, f"{ID}_cam4").streams["imu"]


@pytest.mark.parametrize(
    "layout",
    [
        mmact.layout_nested,
        mmact.layout_odd_names,
        mmact.layout_headers,
        mmact.layout_windows_text,
        mmact.layout_quoted,
        mmact.layout_stray_files,
        lambda tree: (mmact.layout_headers(tree), mmact.layout_windows_text(tree)),
    ],
)
def test_other_layouts_read_the_same(tree, layout):
    plain = read_mmact(tree)
    layout(tree)
    read = read_mmact(tree.parent)
    assert same(plain, read) and read.notes == {}


def test_poses_in_both_tracks_are_read_once(tree):
    plain = read_mmact(tree)
    mmact.layout_both_tracks(tree)
    read = read_mmact(tree)
    assert same(plain, read)
    assert read.notes == {"ignored: the same clip in another tree": ["16 poses are in cross_view and cross_scene"]}


def test_sensors_choose_and_order_the_channels(tree):
    read = read_mmact(tree, ("imu",), sensors=("gyro", "acc_watch"))
    assert len(read) == len(mmact.CLIPS) and set(read.streams) == {"imu"}
    found = one(read, ID)
    assert "view" not in found.conditions and read.streams["imu"].channels[0] == "phone_gyro_x"
    np.testing.assert_allclose(found.streams["imu"], expected_imu(CLIP, ("gyro", "acc_watch")), atol=2e-6)
    for wrong in ((), ("acc",), ("gyro", "gyro")):
        with pytest.raises(ValueError, match="sensors must name some of"):
            read_mmact(tree, sensors=wrong)
    with pytest.raises(ValueError, match="no modality"):
        read_mmact(tree, ("depth",))
    with pytest.raises(ValueError, match="on_error must be"):
        read_mmact(tree, on_error="ignore")


def test_the_orientation_is_not_mixed_where_angles_come_round(tree):
    path = mmact.path_of(tree, CLIP, "orientation")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line.split(',')[0]},{(350 + 3 * i) % 360},0.5,{i}" for i, line in enumerate(lines)))
    watch = mmact.path_of(tree, CLIP, "acc_watch")  # the grid begins between two samples of the orientation
    watch.write_bytes(b"".join(mmact.rows(CLIP, "acc_watch", 0.3, 0.008)))
    found = one(read_mmact(tree, ("imu",), sensors=("acc_watch", "orientation")), ID).streams["imu"]
    assert found[:6, 3].tolist() == [350, 353, 356, 359, 2, 5] and found[:3, 5].tolist() == [0, 1, 2]


def test_nothing_there_says_where_to_ask_for_it(tmp_path, tree):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as raised:
        read_mmact(tmp_path / "empty")
    for part in (
        "No acc_watch, acc_phone, gyro, pose file", "mmact19.github.io", "forbid", "acc_watch_clip.tar.gz",
        "trimmed_pose.zip", "gyro_clip/subject1/scene1/session1/walking.csv", "TFKD_DATA", "--dataset synthetic",
    ):  # fmt: skip
        assert part in str(raised.value)
    for clip in mmact.CLIPS:
        faults.fault_missing(tree, clip, "gyro")
    with pytest.raises(DataError, match="No gyro file of MMAct found"):
        read_mmact(tree)
    assert len(read_mmact(tree, sensors=("acc_watch",))) == 16
