"""Windows of continuous recordings: cut late, decided one by one, labelled by the moment they decide on."""

import dataclasses

import numpy as np
import pytest

from tfkd.data import Normalisation
from tfkd.data.continuous import continuous
from tfkd.data.cuts import Cuts
from tfkd.data.recordings import DataError, Interval, Recording, Recordings, Stream

SECONDS = 20


def recordings(*people, skeleton=True, intervals=None):
    """Shifts whose acceleration is the time in seconds, as is each coordinate of the skeleton."""
    spans = (Interval(0, 5, 0, 1), Interval(7, 12, 1, 1), Interval(12, 20, 0, 2)) if intervals is None else intervals
    time = {"imu": np.arange(SECONDS * 30 + 1) / 30, "skeleton": np.arange(SECONDS * 15 + 1) / 15}
    streams = {"imu": time["imu"][:, None] * [1.0, 2.0, 3.0]}
    if skeleton:
        streams["skeleton"] = time["skeleton"][:, None, None] + np.zeros((2, 3))
    streams = {name: values.astype("float32") for name, values in streams.items()}
    known = {
        "imu": Stream(("acc_x", "acc_y", "acc_z"), ("g",) * 3, 30.0),
        "skeleton": Stream(("hip", "neck"), ("m", "m"), 15.0, ((0, 1),)),
    }
    items = [Recording(f"shift{p}", p, -1, 1, streams, {}, spans) for p in people]
    return Recordings(items, ("pick", "close"), known, "shifts")


def test_one_decision_a_second_about_its_middle():
    windows = continuous(recordings(1), {"imu": 61, "skeleton": 31}, hop=30)
    # The seconds 5 and 6 have no class.
    assert windows.starts.tolist() == [30 * s + 15 - 30 for s in range(SECONDS) if s not in (5, 6)]
    assert windows.labels.tolist() == [0] * 5 + [1] * 5 + [0] * 8
    assert windows.units.tolist() == ["shift1#1"] * 10 + ["shift1#2"] * 8
    assert len(set(windows.ids)) == len(windows) and set(windows.subjects) == {1}
    imu, skeleton = np.asarray(windows.arrays["imu"]), np.asarray(windows.arrays["skeleton"])
    assert imu.shape == (18, 61, 3) and skeleton.shape == (18, 31, 2, 3)
    # Two seconds around the middle of second 3, the same time in both; the first one held before the recording began.
    np.testing.assert_allclose(imu[3, :, 1], 2 * np.linspace(2.5, 4.5, 61), rtol=1e-6)
    np.testing.assert_allclose(skeleton[3, :, 0, 0], np.linspace(2.5, 4.5, 31), rtol=1e-5)
    assert (imu[0, :15, 0] == 0).all() and imu[0, 16, 0] > 0


def test_at_its_end_a_window_has_seen_nothing_of_what_comes_after():
    windows = continuous(recordings(1), {"imu": 61}, hop=30, decide_at=1.0)
    moment = np.array([s + 0.5 for s in range(SECONDS) if s not in (5, 6)])
    np.testing.assert_allclose(np.asarray(windows.arrays["imu"])[:, -1, 0], moment, rtol=1e-6)


def test_unlabelled_recordings_stay_to_be_explained_and_lacking_ones_are_told():
    labelled, bare = recordings(1), recordings(2, skeleton=False, intervals=())
    both = Recordings([*labelled, *bare], labelled.classes, labelled.streams, "shifts")
    windows = continuous(both, {"imu": 61, "skeleton": 31}, 30, optional=["skeleton"])
    assert (windows.subjects == 2).sum() == SECONDS and (windows.labels[windows.subjects == 2] == -1).all()
    assert windows.has("skeleton").tolist() == (windows.subjects == 1).tolist()
    assert (np.asarray(windows.arrays["skeleton"][windows.subjects == 2]) == 0).all()
    judged = continuous(both, {"imu": 61, "skeleton": 31}, 30, optional=["skeleton"], keep_unlabelled=False)
    assert set(judged.subjects) == {1} and len(judged) == 18
    with pytest.raises(DataError, match="no window is left"):
        continuous(bare, {"imu": 61}, 30, keep_unlabelled=False)
    with pytest.raises(DataError, match="None of the recordings in shifts has the modality 'skeleton'"):
        continuous(bare, {"imu": 61, "skeleton": 31}, 30, optional=["skeleton"])


def test_recordings_and_intervals_that_no_decision_meets_are_noted():
    spans = (Interval(0, 0.4, 0), Interval(0.4, 0.6, 1), Interval(0.6, 1.4, 0))
    long, short = recordings(1, intervals=spans), recordings(2, 3)
    short = short.mapped(lambda r: dataclasses.replace(r, streams={m: v[:20] for m, v in r.streams.items()}))
    notes, both = {}, Recordings([*long, *short], long.classes, long.streams, "shifts")
    windows = continuous(both, {"imu": 61}, hop=30, notes=notes)
    assert windows.labels.tolist() == [1] and notes == {
        "no window: intervals without a moment of decision": ["shift1: 2 of 3, 1.20 s"],
        "no window: shorter than a hop": ["shift2", "shift3"],
    }
    with pytest.raises(DataError, match=r"has an interval in which a moment of decision lies, 1 s .*windows\.hop"):
        continuous(short, {"imu": 61}, hop=30)


def test_recordings_whose_time_is_no_whole_number_of_frames_are_cut_each_at_its_own_rate():
    shifts = recordings(1, 2, 3)
    items = []
    for recording, seconds in zip(shifts, (7.1, 19.7, 12)):
        imu, skeleton = (np.linspace(0, seconds, round(seconds * hz) + 1, dtype="float32") for hz in (30, 15))
        streams = {"imu": imu[:, None] * np.ones(3, "float32"), "skeleton": skeleton[:, None, None] + np.zeros((2, 3))}
        items.append(dataclasses.replace(recording, streams=streams))
    shifts = Recordings(items, shifts.classes, shifts.streams, "shifts")
    windows = continuous(shifts, {"imu": 61, "skeleton": 31}, hop=30)
    imu, skeleton = (np.asarray(windows.arrays[modality]) for modality in ("imu", "skeleton"))
    assert len(set(windows.recordings)) == 3
    np.testing.assert_allclose(skeleton[:, :, 0, 0], imu[:, ::2, 0], atol=1e-4)
    for index in (7, slice(4, 9), windows.subjects == 2):
        np.testing.assert_array_equal(windows.arrays["skeleton"][index], skeleton[index])


def test_windows_are_taken_and_indexed_like_an_array():
    windows = continuous(recordings(1, 2), {"imu": 45, "skeleton": 20}, hop=30)
    whole = {m: np.asarray(v) for m, v in windows.arrays.items()}
    for index in (np.array([5, 0, 30]), windows.labels == 1, slice(3, 9), 4, np.array([], int)):
        for modality, cuts in windows.arrays.items():
            assert isinstance(cuts, Cuts) and cuts.shape == whole[modality].shape
            np.testing.assert_array_equal(cuts[index], whole[modality][index])
            assert cuts[index].dtype == "float32"
    some = windows.take(windows.subjects == 2)
    assert isinstance(some.arrays["imu"], Cuts) and set(some.units) == {"shift2#1", "shift2#2"}
    np.testing.assert_array_equal(np.asarray(some.arrays["imu"]), whole["imu"][windows.subjects == 2])


def test_the_streams_are_not_copied():
    shifts = recordings(1, 2, 3)
    windows = continuous(shifts, {"imu": 600}, hop=1)
    assert windows.arrays["imu"].streams[1] is shifts[1].streams["imu"]
    assert windows.arrays["imu"].shape == (3 * 18 * 30, 600, 3)


def test_normalisation_counts_every_sample_once():
    shifts = recordings(1, 2)
    normalisation = Normalisation.fit(continuous(shifts, {"imu": 61, "skeleton": 31}, hop=10))
    samples = np.concatenate([r.streams["imu"] for r in shifts])
    np.testing.assert_allclose(normalisation.mean["imu"], samples.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(normalisation.scale["imu"], samples.std(axis=0), rtol=1e-5)


def test_wrong_arguments_are_named():
    for settings, message in (
        ({"lengths": {"skeleton": 31}, "hop": 30}, "leading modality 'imu'"),
        ({"lengths": {"imu": 61}, "hop": 0}, "hop must be at least 1"),
        ({"lengths": {"imu": 61}, "hop": 30, "decide_at": 1.5}, "decide_at from 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            continuous(recordings(1), **settings)
