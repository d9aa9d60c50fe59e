"""Windows hold the same stretch of time in every modality."""

import numpy as np
import pytest

from tests.data.conftest import recordings
from tfkd.data import DataError, Normalisation, by_recording, centred_skeletons, stream, whole_trial

LENGTHS = {"imu": 64, "skeleton": 32}


def test_whole_trial_is_linear_interpolation_over_the_index(tiny):
    windows = whole_trial(tiny, LENGTHS)
    assert windows.arrays["imu"].shape == (24, 64, 6) and windows.arrays["skeleton"].shape == (24, 32, 3, 3)
    for i in (0, 17):
        x = tiny[i].streams["imu"]
        at = np.linspace(0, len(x) - 1, 64)
        expected = np.stack([np.interp(at, np.arange(len(x)), x[:, c]) for c in range(6)], axis=1)
        np.testing.assert_allclose(windows.arrays["imu"][i], expected, atol=1e-6)
    assert list(windows.ids[:2]) == ["a1_s1_t1@0", "a1_s1_t2@0"]


def test_stream_cuts_are_the_samples_and_cover_the_trial():
    windows = stream(recordings(imu=200), {"imu": 64, "skeleton": 32}, hop=32)
    first = windows.take(windows.recordings == "a1_s1_t1")
    assert list(first.starts) == [0, 32, 64, 96, 128, 136]
    x = recordings(imu=200)[0].streams["imu"]
    for window, start in zip(first.arrays["imu"], first.starts):
        np.testing.assert_allclose(window, x[start : start + 64], atol=1e-6)


@pytest.mark.parametrize("cut", ["stream", "whole_trial"])
def test_modalities_are_aligned(cut):
    data = recordings(imu=201, skeleton=77)
    windows = stream(data, LENGTHS, hop=20) if cut == "stream" else whole_trial(data, LENGTHS)
    # Both first channels tell the share of the trial that has passed.
    imu, skeleton = windows.arrays["imu"][:, :, 0], windows.arrays["skeleton"][:, :, 0, 0]
    np.testing.assert_allclose(imu[:, [0, -1]], skeleton[:, [0, -1]], atol=1e-5)


def test_a_trial_shorter_than_the_window_is_held_at_its_end():
    windows = stream(recordings(imu=40), LENGTHS, hop=32)
    assert len(windows) == 24
    np.testing.assert_allclose(windows.arrays["imu"][0, 40:], windows.arrays["imu"][0, 39:40].repeat(24, 0))
    np.testing.assert_allclose(windows.arrays["skeleton"][0, -1, 0, 0], 1.0, atol=1e-6)


def test_a_single_sample_is_held_and_none_is_told():
    windows = stream(recordings(imu=1), LENGTHS, hop=32)
    assert len(windows) == 24
    for found, recorded in zip(windows.arrays["imu"], recordings(imu=1)):
        np.testing.assert_array_equal(found, recorded.streams["imu"].repeat(64, 0))
    for cut in (lambda data: whole_trial(data, LENGTHS), lambda data: stream(data, LENGTHS, 32, leading="skeleton")):
        with pytest.raises(DataError, match="a1_s1_t1: its imu has no samples. Leave that stream out"):
            cut(recordings(imu=0))


def test_normalisation(tiny):
    windows = whole_trial(tiny, LENGTHS)
    fitted = Normalisation.fit(windows)
    normal = fitted("imu", windows.arrays["imu"])
    np.testing.assert_allclose(normal.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std((0, 1)), 1, atol=1e-5)
    windows.arrays["imu"][:, :, 4] = 3.0
    with pytest.raises(DataError, match=r"Channel \[\[4\]\] of imu is constant"):
        Normalisation.fit(windows)


@pytest.mark.parametrize("value", [0.1, 9.81, -1 / 3])
def test_what_resampling_leaves_of_a_constant_is_no_signal(value):
    """Its rounding errors, brought to a standard deviation of 1, would be the loudest channel on other recordings."""
    data = recordings(imu=130, skeleton=50)
    for recording in data:
        recording.streams["imu"][:, 1] = recording.streams["skeleton"][:, 2, 1] = value
    windows = whole_trial(data, LENGTHS)
    assert (windows.arrays["imu"][:, :, 1] != np.float32(value)).any()
    with pytest.raises(DataError, match=r"Channel \[\[1\]\] of imu is constant"):
        Normalisation.fit(windows)
    del windows.arrays["imu"]
    assert Normalisation.fit(windows).scale["skeleton"][2, 1] == 1


def test_values_that_are_not_finite_are_told_before_training(tiny):
    windows = whole_trial(tiny, LENGTHS)
    windows.arrays["imu"][3, 5, 2] = np.nan
    with pytest.raises(DataError, match=r"Channel \[\[2\]\] of imu has values that are not finite"):
        Normalisation.fit(windows)


def test_centred_skeletons_take_out_place_and_size(tiny):
    near = centred_skeletons(tiny)
    far = centred_skeletons(
        tiny.mapped(
            lambda r: r.__class__(
                r.id, r.subject, r.label, r.trial, {"skeleton": 1.3 * r.streams["skeleton"] + 2}
            )
        )
    )
    np.testing.assert_allclose(near[3].streams["skeleton"], far[3].streams["skeleton"], atol=1e-4)
    assert np.abs(near[3].streams["skeleton"][:, 0].mean(0)).max() < 1e-5


def test_by_recording_takes_the_mean_in_order_of_appearance():
    windows = stream(recordings(imu=130), LENGTHS, hop=33).take(slice(None))
    order = np.random.default_rng(0).permutation(len(windows))
    windows = windows.take(order)
    probabilities = np.random.default_rng(1).random((len(windows), 3))
    ids, labels, means = by_recording(windows, probabilities)
    assert len(ids) == 24 and ids[0] == windows.recordings[0]
    mine = windows.recordings == ids[5]
    np.testing.assert_allclose(means[5], probabilities[mine].mean(0))
    assert labels[5] == windows.labels[mine][0]


def test_bad_arguments(tiny):
    for hop in (0, 1.5):
        with pytest.raises(ValueError, match=f"hop must be a whole number of samples, at least 1, got {hop}"):
            stream(tiny, LENGTHS, hop=hop)
    for length in (0, -1, 2.5):
        with pytest.raises(ValueError, match=rf"lengths must be .* at least 1, got {{'imu': {length}}}"):
            whole_trial(tiny, {**LENGTHS, "imu": length})
    with pytest.raises(DataError, match="neck='chest' is no joint of tiny: hip_center, shoulder_center"):
        centred_skeletons(tiny, neck="chest")
    with pytest.raises(ValueError, match="must hold the leading modality 'imu'"):
        stream(tiny, {"skeleton": 32}, hop=8)
