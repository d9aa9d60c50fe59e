"""Augmentation is seeded, joint over modalities, and physical."""


import numpy as np
import pytest

from tests.data.conftest import recordings
from tfkd.data import Augmentation, Batches, whole_trial
from tfkd.data.augment import mix
from tfkd.data.recordings import Stream

SPREAD = np.ones(6, "float32")


@pytest.fixture
def arrays():
    windows = whole_trial(recordings(imu=150, skeleton=60), {"imu": 64, "skeleton": 64})
    return windows.arrays


@pytest.fixture
def windows():
    return whole_trial(recordings(), {"imu": 64, "skeleton": 32})


BONES = ((0, 1), (1, 2))


def apply(arrays, seed=0, **settings):
    return Augmentation(**settings)(arrays, SPREAD, np.random.default_rng(seed), BONES)


@pytest.mark.parametrize("part", ["time_shift", "time_scale", "time_warp"])
def test_time_is_moved_alike_in_every_modality(arrays, part):
    moved = apply(arrays, **{part: 0.2})
    clock = moved["imu"][:, :, 0]
    np.testing.assert_allclose(clock, moved["skeleton"][:, :, 0, 0], atol=1e-4)
    assert (np.diff(clock, axis=1) >= -1e-6).all(), "time never runs backwards"
    assert np.abs(clock - arrays["imu"][:, :, 0]).max() > 0.02
    assert np.abs(clock - arrays["imu"][:, :, 0]).max() < 0.25


def test_time_moves_whole_frames_with_the_rest(arrays):
    clock = np.arange(32, dtype="uint8")
    frames = np.tile(clock[:, None, None, None], (24, 1, 4, 4, 3))
    moved = apply({**arrays, "depth": frames}, time_warp=0.3, time_shift=0.1)
    assert moved["depth"].dtype == np.uint8 and (moved["depth"] != frames).any()
    at = moved["imu"][:, np.linspace(0, 63, 32).round().astype(int), 0] * 31
    np.testing.assert_allclose(moved["depth"][:, :, 0, 0, 0], at, atol=1.2)


def test_rotation_turns_triples_and_keeps_their_length(arrays):
    turned = apply(arrays, rotation_deg=30)
    before = arrays["imu"].reshape(24, 64, 2, 3)
    after = turned["imu"].reshape(24, 64, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(after, axis=-1), np.linalg.norm(before, axis=-1), rtol=1e-4)
    # One rotation a window for both triples: inner products between them stay.
    np.testing.assert_allclose(
        (before[:, :, 0] * before[:, :, 1]).sum(-1), (after[:, :, 0] * after[:, :, 1]).sum(-1), atol=1e-4
    )
    assert np.abs(after - before).max() > 0.1
    np.testing.assert_array_equal(turned["skeleton"], arrays["skeleton"])


def test_each_sensor_turns_for_itself(arrays):
    imu = np.concatenate([arrays["imu"], arrays["imu"][:, ::-1]], axis=-1)
    turned = Augmentation(sensor_rotation_deg=30)({"imu": imu}, SPREAD, np.random.default_rng(0), (), (0, 0, 1, 1))
    before, after = (values.reshape(24, 64, 4, 3) for values in (imu, turned["imu"]))
    np.testing.assert_allclose(np.linalg.norm(after, axis=-1), np.linalg.norm(before, axis=-1), rtol=1e-4)

    def kept(a, b):  # inner products between two triples
        return np.abs((before[:, :, a] * before[:, :, b]).sum(-1) - (after[:, :, a] * after[:, :, b]).sum(-1)).max()

    assert kept(0, 1) < 1e-4 > kept(2, 3)
    assert min(kept(0, 2), kept(1, 3)) > 0.1


def test_sensors_are_told_by_the_names_of_their_channels(windows):
    def sensors(*names):
        return Stream(tuple(f"{name}_{axis}" for name in names for axis in "xyz"), ()).sensors

    assert sensors("acc", "gyro") == (0, 0)
    assert sensors("left_wrist_acc", "right_hip_acc", "left_wrist_gyro") == (0, 1, 0)
    assert sensors("watch_acc", "phone_acc", "phone_gyro") == (0, 1, 1)
    batches = Batches(windows, ["imu"], batch_size=8, augmentation=Augmentation(sensor_rotation_deg=30))
    assert batches.windows.take([0, 1]).sensors == (0, 0) and np.isfinite(batches[0][0]["imu"]).all()


def test_unknown_sensors_are_not_turned(arrays):
    with pytest.raises(ValueError, match="sensor of each three of 6 channels, but sensors names 0. Set it to 0"):
        apply(arrays, sensor_rotation_deg=30)


def test_view_turns_the_skeleton_about_the_vertical(arrays):
    turned = apply(arrays, view_deg=20)
    np.testing.assert_allclose(turned["skeleton"][..., 1], arrays["skeleton"][..., 1], atol=1e-5)
    assert np.abs(turned["skeleton"][..., 0] - arrays["skeleton"][..., 0]).max() > 0.05
    np.testing.assert_array_equal(turned["imu"], arrays["imu"])


def bones_of(skeleton, bones=BONES):
    return np.stack([skeleton[:, :, outer] - skeleton[:, :, inner] for inner, outer in bones], axis=2)


def test_limbs_are_stretched_along_themselves_one_factor_a_bone_and_window(arrays):
    stretched = apply(arrays, limb_scale=0.2)["skeleton"]
    np.testing.assert_array_equal(stretched[:, :, 0], arrays["skeleton"][:, :, 0])  # the root stays
    factor = bones_of(stretched) / bones_of(arrays["skeleton"])
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :1, :, :1], factor.shape), rtol=2e-2, atol=2e-2)
    found = np.median(factor, axis=(1, 3))
    assert found.std() == pytest.approx(0.2, rel=0.3) and found.mean() == pytest.approx(1, abs=0.1)
    assert len(np.unique(found.round(4))) > 40, "each bone and window has a factor of its own"


def test_limbs_of_a_branching_body_stay_joined(arrays):
    from tfkd.data.utd_mhad import BONES as body

    skeleton = np.random.default_rng(0).normal(size=(5, 7, 20, 3)).astype("float32")
    longer = Augmentation(limb_scale=0.3)({"skeleton": skeleton}, None, np.random.default_rng(1), body)["skeleton"]
    before, after = bones_of(skeleton, body), bones_of(longer, body)
    cosine = (before * after).sum(-1) / np.linalg.norm(before, axis=-1) / np.linalg.norm(after, axis=-1)
    np.testing.assert_allclose(cosine, 1, atol=1e-4)
    assert longer.dtype == "float32" and longer.flags.c_contiguous


def test_limbs_stay_joined_whichever_order_the_bones_are_in(arrays):
    skeleton, chain = {"skeleton": np.ones((5, 7, 4, 3), "float32").cumsum(axis=2)}, ((0, 1), (1, 2), (2, 3))

    def longer(bones):
        return Augmentation(limb_scale=0.3)(skeleton, None, np.random.default_rng(1), bones)["skeleton"]

    np.testing.assert_array_equal(longer(chain[::-1]), longer(chain))


@pytest.mark.parametrize("bones", [((0, 1), (2, 1)), ((0, 1), (1, 3)), ((1, 2), (2, 1)), ((0, 0),)])
def test_bones_that_are_no_tree_are_refused(arrays, bones):
    with pytest.raises(ValueError, match="limb_scale needs bones that form a tree over 3 joints, got "):
        Augmentation(limb_scale=0.1)(arrays, SPREAD, np.random.default_rng(0), bones)


@pytest.mark.parametrize("part", ["joint_offset", "tilt_deg", "view_deg"])
def test_a_skeleton_in_a_plane_is_not_turned_in_space(part):
    """Six joints of two coordinates are as many numbers as four of three, whose joints would be mixed."""
    flat = {"skeleton": np.ones((4, 8, 6, 2), "float32")}
    with pytest.raises(ValueError, match=f"{part} changes a skeleton in space, but this one has 2 coordinates"):
        Augmentation(**{part: 0.1})(flat, None, np.random.default_rng(0))


def test_limbs_without_known_bones_are_refused(arrays):
    with pytest.raises(ValueError, match="limb_scale needs to know the skeleton's bones"):
        Augmentation(limb_scale=0.1)(arrays, SPREAD, np.random.default_rng(0))


def test_tilt_turns_the_whole_body_and_keeps_its_shape(arrays):
    tilted = apply(arrays, tilt_deg=20)["skeleton"]
    length = np.linalg.norm
    np.testing.assert_allclose(
        length(bones_of(tilted), axis=-1), length(bones_of(arrays["skeleton"]), axis=-1), rtol=1e-3, atol=1e-4
    )
    assert np.abs(tilted[..., 1] - arrays["skeleton"][..., 1]).max() > 0.05, "not about the vertical alone"


def test_joints_are_shifted_for_the_whole_window(arrays):
    shift = apply(arrays, joint_offset=0.1)["skeleton"] - arrays["skeleton"]
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1], shift.shape), atol=1e-5)
    assert shift.std() == pytest.approx(0.1, rel=0.2)


def test_the_body_is_changed_in_the_skeleton_alone(arrays):
    changed = apply(arrays, limb_scale=0.2, tilt_deg=9, joint_offset=0.1)
    np.testing.assert_array_equal(changed["imu"], arrays["imu"])


def test_scale_and_jitter_have_the_size_they_say(arrays):
    factor = apply(arrays, scale=0.1)["imu"] / arrays["imu"]
    assert np.nanstd(factor[:, 5, 1]) == pytest.approx(0.1, rel=0.5)
    noise = apply(arrays, jitter=0.5)["imu"] - arrays["imu"]
    assert noise.std() == pytest.approx(0.5, rel=0.05)


def test_nothing_asked_changes_nothing_and_seeds_decide(arrays):
    same = apply(arrays)
    assert all(np.array_equal(same[m], arrays[m]) for m in arrays)
    everything = {"jitter": 0.1, "scale": 0.1, "rotation_deg": 9, "time_warp": 0.2, "view_deg": 5, "limb_scale": 0.1}
    a, b, c = (apply(arrays, seed, **everything) for seed in (1, 1, 2))
    assert np.array_equal(a["imu"], b["imu"]) and not np.array_equal(a["imu"], c["imu"])


def test_mixup_has_one_share_for_modalities_and_labels(arrays):
    labels = np.eye(24, dtype="float32")
    labels[4] = 0  # unlabelled
    mixed, soft = mix(arrays, labels, 0.4, np.random.default_rng(0))
    for i in range(24):
        weights = soft[i]
        partner = np.flatnonzero(weights)
        if i != 4 and 4 not in partner and len(partner) == 2:
            for m in arrays:
                expected = sum(weights[j] * arrays[m][j] for j in partner)
                np.testing.assert_allclose(mixed[m][i], expected, atol=1e-5)
    assert (soft.sum(1) <= 1 + 1e-6).all() and soft[4].sum() < 0.51, "what is unlabelled weighs nothing"


def test_mixup_blends_frames_too():
    frames = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 5, 3), dtype="uint8")
    mixed, soft = mix({"depth": frames}, np.eye(6, dtype="float32"), 0.4, np.random.default_rng(0))
    assert mixed["depth"].dtype == "float32"
    np.testing.assert_allclose(mixed["depth"], np.einsum("ij,j...->i...", soft, frames), rtol=1e-5)


@pytest.mark.parametrize("field", ["jitter", "mixup", "time_warp"])
def test_impossible_values_are_named(field):
    with pytest.raises(ValueError, match=f"{field} must be a finite number of at least 0, got -1"):
        Augmentation(**{field: -1})
    with pytest.raises(ValueError, match=f"{field} must be a finite number of at least 0, got '0.1'"):
        Augmentation(**{field: "0.1"})
    with pytest.raises(ValueError, match="below 1"):
        Augmentation(time_warp=1.0)
