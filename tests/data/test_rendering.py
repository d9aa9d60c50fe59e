"""Synthetic people seen by a depth camera."""

import numpy as np
import pytest

from tfkd.data.rendering import HEIGHT, WIDTH, render_depth
from tfkd.data.synthetic import read_synthetic
from tfkd.data.utd_mhad import JOINTS

HAND = JOINTS.index("right_hand")


def standing(frames=3, z=3.0):
    """All joints in one line from the feet to the head, the right hand out to the right and nearer."""
    skeleton = np.zeros((frames, len(JOINTS), 3))
    skeleton[..., 1] = np.linspace(0.8, -0.8, len(JOINTS))
    skeleton[..., 2] = z
    skeleton[:, HAND] = 0.6, 0.8, z - 0.5
    return skeleton


def test_the_body_is_where_the_joints_are():
    depth = render_depth(standing())
    assert depth.shape == (3, HEIGHT, WIDTH) and depth.dtype == np.uint16
    pixel = 0.9 * WIDTH / 2.5  # pixels a metre at the hand
    hand = depth[0, int(HEIGHT / 2 - 0.8 * pixel), int(WIDTH / 2 + 0.6 * pixel)]
    assert int(hand) == pytest.approx(2450, abs=15), "its front, 0.05 m before its middle"
    assert 2800 <= np.median(depth[depth > 0]) <= 3000
    assert (depth[:, :, :5] == 0).all() and 0.02 < (depth > 0).mean() < 0.3


def test_what_is_nearer_hides_what_is_behind():
    skeleton = standing()
    skeleton[:, HAND] = 0, 0, 2.0
    depth = render_depth(skeleton)
    assert int(depth[0, HEIGHT // 2, WIDTH // 2]) == pytest.approx(1950, abs=15)


def test_depth_is_given_on_request_and_changes_nothing_else():
    plain = read_synthetic(1, 1)
    assert set(plain[0].streams) == set(plain.streams) == {"imu", "skeleton"}
    seen = read_synthetic(1, 1, modalities=("imu", "skeleton", "depth"), frame_size=32, most_frames=12)
    assert set(seen.streams) == {"imu", "skeleton", "depth"}
    for a, b in zip(plain, seen):
        assert all(np.array_equal(a.streams[m], b.streams[m]) for m in ("imu", "skeleton"))
        assert b.streams["depth"].shape == (12, 32, 32, 3) and b.streams["depth"].dtype == np.uint8
    with pytest.raises(ValueError, match=r"no \['video'\]"):
        read_synthetic(1, 1, modalities=("imu", "video"))


def test_depth_tells_what_the_wrist_does_not():
    """One arm or two: the left half of the picture moves in one of the two actions alone."""
    read = read_synthetic(2, 1, modalities=("depth",))
    moved = {}
    for recording in read:
        motion = np.abs(recording.streams["depth"][..., 1].astype(int) - 128)
        moved.setdefault(read.classes[recording.label], []).append((motion[:, 5:32, :24] > 25).mean())
    for one, two in (("wave", "wave_two_hands"), ("arm_curl", "arm_curl_two_hands"), ("punch", "box")):
        assert np.mean(moved[two]) > 1.5 * np.mean(moved[one])
