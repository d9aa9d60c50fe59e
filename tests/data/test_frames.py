"""Depth maps as pictures, and the segments of clips that a teacher sees."""

import numpy as np
import pytest

from tests.formats.clips import BODY_MM, depth_maps
from tfkd.data import DataError, FrameSampling, encode_depth
from tfkd.data.frames import _averaged, evenly


def difference(a, b):
    return np.abs(a.astype(float) - b.astype(float)).mean()


# ---- Encoding ----


@pytest.mark.parametrize("start, length", [(0, 12), (1.25, 7.5), (-3.5, 20), (2.4, 0.8), (9.5, 6)])
def test_averaging_is_by_area(start, length):
    rng = np.random.default_rng(0)
    values = rng.random((2, 12, 3)).astype("float32")
    found = _averaged(values, 1, start, length, 5)
    fine = np.arange(start, start + length, length / 5000) + length / 10000  # 1000 points a part
    inside = (fine >= 0) & (fine < 12)
    looked_up = np.where(inside[:, None], values[:, np.clip(np.floor(fine).astype(int), 0, 11)], 0)[:, :5000]
    np.testing.assert_allclose(found, looked_up.reshape(2, 5, 1000, 3).mean(2), atol=2e-3)


def test_where_a_person_stands_does_not_matter():
    here = encode_depth(depth_maps(20))
    assert here.shape == (20, 64, 64, 3) and here.dtype == np.uint8
    for other in (depth_maps(20, left=0.4), depth_maps(20, body_mm=BODY_MM + 500)):
        assert difference(here, encode_depth(other)) < 2, "of 255 levels"
    moved = np.roll(here, 6, axis=2)
    assert difference(here, moved) > 5, "the measure tells pictures apart"


def test_a_halved_copy_looks_like_the_official_file():
    official = depth_maps(41, 240, 320)
    halved = official[::2, ::2, ::2]
    small = encode_depth(halved, rate_hz=15.0)
    assert difference(encode_depth(official, rate_hz=30.0)[::2], small) < 3


def test_channels_tell_depth_motion_and_pose():
    depth, motion, pose = np.moveaxis(encode_depth(depth_maps(21), rate_hz=15.0).astype(int), -1, 0)
    assert depth[0, 0, 0] == 0 and depth[10, 40, 32] == 127, "background and body"
    hand = depth[14] > 190  # 0.5 m nearer than the body: 0.5 + 0.5 * 0.5 / 0.8
    assert depth[14].max() == round(255 * (0.5 + 0.25 / 0.8)) and hand.any()
    assert (motion[0] == 128).all(), "nothing before the first frame"
    gained, lost = np.nonzero(motion[14] > 150)[1].mean(), np.nonzero(motion[14] < 106)[1].mean()
    assert gained > lost + 2, "the hand goes to the right"
    assert (pose[14][hand] > 140).all() and abs(pose[14, 50, 32] - 128) <= 1


def test_motion_is_that_of_neighbours_in_time_even_if_they_are_not_kept():
    maps = depth_maps(40)
    np.testing.assert_array_equal(encode_depth(maps, most=9), encode_depth(maps)[evenly(40, 9)])


def test_an_empty_clip_is_refused():
    with pytest.raises(DataError, match="nothing but background"):
        encode_depth(np.zeros((9, 20, 20), "uint16"))


# ---- Sampling ----


def clips(batch=40, time=32, side=32):
    """Pixels that tell their time, row and column."""
    frames = np.stack(np.meshgrid(*(np.arange(n) for n in (time, side, side)), indexing="ij"), axis=-1)
    return np.tile(frames.astype("uint8"), (batch, 1, 1, 1, 1))


def test_evaluation_takes_the_middle_of_equal_segments_and_of_the_picture():
    sampled = FrameSampling(segments=8)(clips(2))
    assert sampled.shape == (2, 8, 28, 28, 3) and sampled.dtype == np.float32
    assert FrameSampling(segments=8).shape((32, 32, 32, 3)) == sampled.shape[1:]
    assert sampled[1, :, 0, 0, 0].tolist() == [1, 5, 9, 13, 17, 21, 25, 29]
    assert sampled[0, 0, :, 0, 1].tolist() == list(range(2, 30)) == sampled[0, 0, 0, :, 2].tolist()


def test_training_takes_any_frame_of_each_segment():
    times = FrameSampling(segments=5)(clips(400), np.random.default_rng(0))[:, :, 0, 0, 0]
    edges = [0, 6, 12, 19, 25, 32]
    for segment in range(5):
        assert set(times[:, segment]) == set(range(edges[segment], edges[segment + 1]))


def test_training_crops_corners_or_the_middle_at_every_scale():
    sampled = FrameSampling(crop=16, scales=(1.0, 0.75, 0.5))(clips(500), np.random.default_rng(0))
    np.testing.assert_array_equal(sampled[..., 1], sampled[:, :1, :, :1, 1] + 0 * sampled[..., 1])
    rows, columns = sampled[:, 0, :, 0, 1], sampled[:, 0, 0, :, 2]
    assert set(rows[:, 0]) == {1, 0, 4, 8, 16}, "first row of crops of 32, of 24 and of 16 rows"
    tall, wide = (np.round((v[:, -1] - v[:, 0]) / 7.5) for v in (rows, columns))
    assert set(tall) == set(wide) == {4, 3, 2} and set(abs(tall - wide)) == {0, 1}
    assert (np.diff(columns, axis=1) > 0).all(), "not mirrored"


def test_flip_mirrors_half_and_is_off_by_default():
    columns = FrameSampling(flip=True)(clips(400), np.random.default_rng(0))[:, 0, 0, :, 2]
    mirrored = columns[:, 0] > columns[:, -1]
    assert 0.4 < mirrored.mean() < 0.6
    assert not FrameSampling().flip


def test_shade_keeps_pixel_values_in_range_and_leaves_evaluation_alone():
    bright = np.full((9, 8, 8, 8, 3), 250, "uint8")
    shaded = FrameSampling(shade=0.3)(bright, np.random.default_rng(0))
    assert shaded.max() == 255 and len(np.unique(shaded)) > 3
    assert len(np.unique(shaded[3])) == 1, "one shade a clip"
    assert (FrameSampling(shade=0.3)(bright) == 250).all()


def test_the_same_generator_gives_the_same_batch():
    a, b, other = (FrameSampling(shade=0.1)(clips(4), np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - other).max() > 1


def test_what_cannot_be_sampled_is_refused():
    with pytest.raises(ValueError, match="have 7 frames, fewer than the 8 segments"):
        FrameSampling(segments=8)(clips(2, time=7))
    with pytest.raises(ValueError, match="32 x 32 pixels, less than crop=40"):
        FrameSampling(crop=40)(clips(2))
    for bad in ({"segments": 0}, {"crop": 0}, {"scales": (1.2,)}, {"scales": ()}, {"shade": 1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            FrameSampling(**bad)
