"""UTD-MHAD's depth and video: format-true trees with the faults of people's copies, and the real depth."""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tests.formats import clips, utd
from tfkd.data import Batches, DataError, FrameSampling, Normalisation, encode_depth, stream, whole_trial
from tfkd.data.utd_mhad import read_utd_mhad
from tfkd.data.video import read_video

WITH_DEPTH = ("imu", "skeleton", "depth")


@pytest.fixture
def tree(tmp_path):
    return utd.build(tmp_path / "utd", actions=(1,), subjects=1, trials=3)


# ---- Depth ----


@pytest.mark.parametrize("part", [1, 2])
def test_depth_is_read_beside_the_others(tmp_path, part):
    tree = utd.build(tmp_path, actions=(1,), subjects=1, trials=1)
    clips.add_depth(tree, part)
    (recording,) = read_utd_mhad(tree, WITH_DEPTH, frame_size=24, most_frames=16).paired(WITH_DEPTH)
    depth = recording.streams["depth"]
    assert depth.shape == (16, 24, 24, 3) and depth.dtype == np.uint8
    maps = clips.depth_maps(-(-len(recording.streams["skeleton"]) // part), 240 // part, 320 // part)
    np.testing.assert_array_equal(depth, encode_depth(maps, 24, 30 / part, 16))


def test_depth_is_read_only_when_asked_for_and_from_zips(tree):
    paths = clips.add_depth(tree)
    plain = read_utd_mhad(tree, ("depth",), frame_size=16)
    assert [set(r.streams) for r in plain] == [{"depth"}] * 3
    with zipfile.ZipFile(tree / "Depth.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"Depth/{path.name}")
            path.unlink()
    zipped = read_utd_mhad(tree, ("depth",), frame_size=16)
    assert all(np.array_equal(a.streams["depth"], b.streams["depth"]) for a, b in zip(plain, zipped))
    paths[0].write_bytes(b"broken, and nobody asked")
    assert [set(r.streams) for r in read_utd_mhad(tree)] == [{"imu", "skeleton"}] * 3


def test_absent_depth_says_what_to_download(tree):
    with pytest.raises(DataError, match=r"No depth file of UTD-MHAD found in .*Download Depth\.zip"):
        read_utd_mhad(tree, WITH_DEPTH)


def changed(change):
    """A fault: the first trial's depth maps after `change`."""
    return lambda path, maps: clips.write_depth(path, change(maps))


def cut_in_half(path, maps):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FAULTS = [
    (cut_in_half, "unreadable as a .mat file"),
    (lambda path, maps: clips.write_depth(path, maps, key="depth"), "holds ['depth'] instead of 'd_depth'"),
    (lambda path, maps: savemat(path, {"d_depth": maps[0]}), "has shape (60, 80), expected (height, width, frames)"),
    (changed(lambda maps: maps[:5]), "only 5 frames, at least 8 are needed"),
    (changed(np.zeros_like), "nothing but zeros"),
    (changed(lambda maps: maps / 1000), "2.8 mm away; depth in mm expected"),
    (changed(lambda maps: np.where(maps > 2500, np.nan, maps)), "values are NaN or infinite"),
    (changed(lambda maps: maps[:, :56]), "frames of 56 x 80 pixels, while the other clips have 60 x 80"),
    (changed(lambda maps: maps[:9]), "files of different trials?"),
]


@pytest.mark.parametrize("fault, message", FAULTS, ids=[message[:20] for _, message in FAULTS])
def test_a_bad_clip_is_named_and_skipped_or_fatal(tree, fault, message):
    path = clips.add_depth(tree)[0]
    frames = len(read_utd_mhad(tree)[0].streams["skeleton"])
    fault(path, clips.depth_maps(-(-frames // 4), 60, 80))
    with pytest.raises(DataError) as raised:
        read_utd_mhad(tree, WITH_DEPTH, frame_size=16)
    assert str(path) in str(raised.value) and message in str(raised.value)
    assert "--skip_bad_files" in str(raised.value), "the way out is named"
    for _ in range(2):  # the second time from the cache
        read = read_utd_mhad(tree, WITH_DEPTH, on_error="skip", frame_size=16)
        (note,) = read.notes["skipped: bad file"]
        assert note.startswith(f"Depth/{path.name}") and message in note
        assert [set(r.streams) for r in read] == [{"imu", "skeleton"}] + [set(WITH_DEPTH)] * 2


def test_without_a_skeleton_only_a_gross_mismatch_with_the_inertial_file_is_noticed(tree):
    path, *others = clips.add_depth(tree)
    for other in others:
        other.unlink()
    clips.write_depth(path, clips.depth_maps(8, 240, 320))
    with pytest.raises(DataError, match=r"0\.3 s long, while the inertial file has .* different trials"):
        read_utd_mhad(tree, ("imu", "depth"), frame_size=16)


def test_another_size_is_another_entry_of_the_cache(tree):
    clips.add_depth(tree)
    for size, most in ((16, 32), (20, 32), (16, 9)):
        depth = read_utd_mhad(tree, ("depth",), frame_size=size, most_frames=most)[0].streams["depth"]
        assert depth.shape[1] == size and len(depth) <= most


# ---- Video ----


def test_videos_are_read(tree):
    clips.add_videos(tree)
    read = read_utd_mhad(tree, ("imu", "video"), frame_size=32, most_frames=10)
    for recording in read:
        video = recording.streams["video"].astype(int)
        assert video.shape == (10, 32, 32, 3)
        red, green, blue = (video[..., c].mean((0, c) if c else (1, 2)) for c in range(3))
        np.testing.assert_allclose(red, np.linspace(0, 240, 10), atol=12)
        np.testing.assert_allclose(blue, np.linspace(0, 240, 32), atol=12)
        np.testing.assert_allclose(green, np.linspace(30, 210, 32), atol=12, err_msg="the middle square")


VIDEO_FAULTS = [
    (lambda path: path.write_bytes(b"<html>404</html>" * 50), "cannot be decoded"),
    (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "ends early"),
    (lambda path: clips.write_avi(path, clips.pictures(5)), "only 5 frames, at least 8 are needed"),
    (lambda path: clips.write_avi(path, clips.pictures(60, 32, 64)), "frames of 32 x 64 pixels, while the other"),
    (lambda path: clips.write_avi(path, clips.pictures(9)), "files of different trials?"),
]


@pytest.mark.parametrize("fault, message", VIDEO_FAULTS, ids=[message for _, message in VIDEO_FAULTS])
def test_a_bad_video_is_named(tree, fault, message):
    path = clips.add_videos(tree)[0]
    fault(path)
    with pytest.raises(DataError) as raised:
        read_utd_mhad(tree, ("imu", "video"), frame_size=16)
    assert str(path) in str(raised.value) and message in str(raised.value)
    read = read_utd_mhad(tree, ("imu", "video"), on_error="skip", frame_size=16)
    assert ["video" in r.streams for r in read] == [False, True, True]


def test_a_video_damaged_in_its_zip_is_named(tree):
    path = clips.add_videos(tree)[0]
    packed = path.parent / "RGB.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)
    path.unlink()
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 255
    packed.write_bytes(content)
    with pytest.raises(DataError, match=f"RGB.zip:{path.name} cannot be read: in its zip: Bad CRC-32.*Download it"):
        read_utd_mhad(tree, ("imu", "video"), frame_size=16)
    assert "video" not in read_utd_mhad(tree, ("imu", "video"), on_error="skip", frame_size=16)[0].streams


def test_without_pyav_the_extra_is_named(tree, monkeypatch):
    path = clips.add_videos(tree)[0]
    monkeypatch.setitem(sys.modules, "av", None)
    for on_error in ("raise", "skip"):
        with pytest.raises(DataError, match=r"pip install 'tfkd\[video\]'"):
            read_utd_mhad(tree, ("video",), on_error)
    with pytest.raises(DataError, match="tfkd"):
        read_video(path)


# ---- Windows and batches ----


def test_frames_of_windows_are_whole_frames_in_step_with_the_rest(tree):
    clips.add_depth(tree)
    read = read_utd_mhad(tree, WITH_DEPTH, frame_size=16)
    windows = whole_trial(read, {"imu": 64, "depth": 12})
    depth = read[1].streams["depth"]
    at = np.rint(np.linspace(0, len(depth) - 1, 12)).astype(int)
    np.testing.assert_array_equal(windows.arrays["depth"][1], depth[at])
    assert windows.arrays["depth"].dtype == np.uint8
    assert set(Normalisation.fit(windows).mean) == {"imu"}

    cut = stream(read, {"imu": 50, "depth": 9}, hop=25)
    mine = cut.take(cut.recordings == read[1].id)
    imu = len(read[1].streams["imu"])
    share = (mine.starts[-1] + np.linspace(0, 49, 9)) / (imu - 1)
    np.testing.assert_array_equal(mine.arrays["depth"][-1], depth[np.rint(share * (len(depth) - 1)).astype(int)])


def test_batches_sample_frames_at_random_in_training_alone(tree):
    clips.add_depth(tree)
    windows = whole_trial(read_utd_mhad(tree, WITH_DEPTH, frame_size=16), {"imu": 64, "depth": 24})
    frames = FrameSampling(segments=4)
    plain = Batches(windows, ["imu", "depth"], 3, frames=frames)
    inputs, _ = plain[0]
    np.testing.assert_array_equal(inputs["depth"], frames(windows.arrays["depth"]))
    training = Batches(windows, ["imu", "depth"], 3, frames=frames, shuffle=True)
    first, again = training[0][0], training[0][0]
    np.testing.assert_array_equal(first["depth"], again["depth"])
    training.next_epoch = 1
    training.on_epoch_begin()
    assert first["depth"].shape == (3, 4, 14, 14, 3) and np.abs(first["depth"] - training[0][0]["depth"]).max() > 1


# ---- The real data ----


def test_real_depth(utd_dir, tmp_path):
    actions = ("a1_s1_t1", "a12_s3_t2", "a22_s5_t1", "a25_s6_t3", "a26_s7_t1", "a21_s8_t2")
    for path in Path(utd_dir).rglob("a*.mat"):
        if path.name.startswith(tuple(f"{trial}_" for trial in actions)):
            (tmp_path / path.name).symlink_to(path)
    read = read_utd_mhad(tmp_path, WITH_DEPTH)
    if not any("depth" in r.streams for r in read):
        pytest.skip("no Depth beside the real UTD-MHAD")
    assert len(read.paired(WITH_DEPTH)) == 6
    for recording in read:
        depth, motion, pose = np.moveaxis(recording.streams["depth"].astype(int), -1, 0)
        assert 0.05 < (depth > 64).mean() < 0.25, "share of the pictures that shows the person"
        assert (depth[:, :2] > 0).mean() < 0.02 and (depth[..., [0, -1]] > 0).mean() < 0.02, "nobody is cut off"
        assert np.abs(motion - 128).max() > 60 and np.abs(pose - 128).max() > 60
