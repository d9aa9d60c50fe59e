"""2D poses: their shape, and what was not seen filled in."""

import numpy as np
import pytest

from tfkd.data import Recording, Recordings, Stream, keypoints
from tfkd.data.recordings import DataError


def moving(frames=11):
    """Joints that move evenly, each in its own direction."""
    pose = np.ones((frames, 17, 3), "float32")
    pose[:, :, 0] = 100 + 10 * np.arange(17) + 2 * np.arange(frames)[:, None]
    pose[:, :, 1] = 400 - 7 * np.arange(17) - 3 * np.arange(frames)[:, None]
    return pose


def test_the_bones_are_a_tree_from_the_nose_outwards():
    reached = {0}
    for inner, outer in keypoints.BONES:
        assert inner in reached and outer not in reached
        reached.add(outer)
    assert reached == set(range(len(keypoints.JOINTS)))


def test_flat_and_nested_numbers_and_frames_with_nobody_are_parsed():
    nested = moving(3).tolist()
    flat = [np.ravel(frame).tolist() for frame in nested]
    assert (keypoints.parsed(flat, "abc") == moving(3)).all()
    assert (keypoints.parsed(nested, "abc") == moving(3)).all()
    found = keypoints.parsed([flat[0], [], None, flat[1]], "abcd")
    assert (found[[0, 3]] == moving(3)[:2]).all() and not found[[1, 2]].any()
    assert keypoints.parsed([[], []], "ab").shape == (2, 17, 3)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ([1.0] * 50, "frame 2 holds 50 numbers, expected 51"),
        (["left"] * 51, "frame 2 holds ['left', 'left', .*expected 51 numbers"),
        ([None] * 51, "frame 2 holds 51 numbers that are NaN"),
        ([float("inf")] + [1.0] * 50, "frame 2 holds 1 numbers that are NaN or infinite"),
        ({"x": 1}, "frame 2 holds {'x': 1}"),
        (7, "frame 2 holds 1 numbers"),
    ],
)
def test_a_frame_that_holds_something_else_is_named(wrong, message):
    with pytest.raises(DataError, match=message.replace("[", r"\[")):
        keypoints.parsed([[1.0] * 51, wrong, [1.0] * 51], ["frame 1", "frame 2", "frame 3"])


def test_what_was_not_seen_is_interpolated_and_held_at_the_ends():
    pose = moving()
    pose[3:6, 9] = 0  # a hole: even motion is found again exactly
    pose[7] = 0  # a whole frame
    pose[:2, 4] = 0  # before the first seen: held
    pose[10, 5] = np.nan
    found, counts = keypoints.cleaned(pose, "a")
    expected = moving()
    expected[[3, 4, 5], 9, 2] = expected[7, :, 2] = expected[:2, 4, 2] = expected[10, 5, 2] = 0
    expected[:2, 4, :2] = expected[2, 4, :2]
    expected[10, 5, :2] = expected[9, 5, :2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert counts == {"interpolated": 3 + 17 + 2 + 1, "never seen": 0, "frames": 1}
    assert found.dtype == "float32" and not pose[7].any(), "the given array stays as it was"


def test_a_joint_that_is_never_seen_is_put_in_the_middle_of_the_others():
    pose = moving()
    pose[:, 16] = 0
    found, counts = keypoints.cleaned(pose, "a")
    np.testing.assert_allclose(found[:, 16, :2], moving()[:, :16, :2].mean(axis=1), rtol=1e-6)
    assert not found[:, 16, 2].any() and counts == {"interpolated": 0, "never seen": 1, "frames": 0}


def test_low_confidence_is_not_seen_where_it_is_asked_for():
    pose = moving()
    pose[5, 3] = [9999, 9999, 0.1]
    assert keypoints.cleaned(pose, "a")[0][5, 3, 0] == 9999
    found, counts = keypoints.cleaned(pose, "a", least_confidence=0.3)
    np.testing.assert_allclose(found[5, 3], [*moving()[5, 3, :2], 0], rtol=1e-6)
    assert counts["interpolated"] == 1


@pytest.mark.parametrize("seen", [0, 1, 5])
def test_a_clip_that_hardly_shows_the_person_is_refused(seen):
    pose = moving(11)
    pose[seen:, keypoints.LEAST_JOINTS - 1 :] = 0
    with pytest.raises(keypoints.NotSeenError, match=f"walk.json: {seen} of 11 frames show the person"):
        keypoints.cleaned(pose, "walk.json")
    assert len(keypoints.cleaned(moving(2), "two frames")[0]) == 2
    with pytest.raises(keypoints.NotSeenError, match="1 of 1 frames"):
        keypoints.cleaned(moving(1), "one frame")


def recordings(pose):
    items = [Recording("a", 1, 0, 1, {"skeleton": pose}), Recording("b", 1, 0, 1, {"imu": np.zeros((5, 3))})]
    return Recordings(items, ["walk"], {"skeleton": Stream(keypoints.JOINTS, ("px",) * 17)}, "tiny")


def test_centred_poses_do_not_tell_place_and_size_in_the_image():
    pose = moving()
    pose[:, 3, 2] = 0  # what is filled in has no weight
    nearer = pose * [3, 3, 1] + [50, 20, 0]
    nearer[:, 3, 0] = -1e6
    (a, b), (c, _) = (keypoints.centred_poses(recordings(p.astype("float32"))) for p in (pose, nearer))
    a, c = a.streams["skeleton"], c.streams["skeleton"]
    others = np.arange(17) != 3
    np.testing.assert_allclose(a[:, others], c[:, others], atol=1e-4)
    np.testing.assert_allclose(a[:, others, :2].mean(axis=(0, 1)), 0, atol=1e-5)
    middles = a[:, others, :2].mean(axis=1, keepdims=True)
    assert ((a[:, others, :2] - middles) ** 2).sum(axis=2).mean() == pytest.approx(1, abs=1e-4)
    assert (a[:, :, 2] == pose[:, :, 2]).all() and "imu" in b.streams
    with pytest.raises(DataError, match="a: all joints of the pose lie in one place"):
        keypoints.centred_poses(recordings(np.ones((4, 17, 3), "float32")))
