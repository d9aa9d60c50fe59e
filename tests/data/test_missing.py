"""Recordings that lack a modality: kept, marked, and no part of what is fitted."""

import dataclasses
import warnings

import numpy as np
import pytest

from tests.data.conftest import recordings
from tfkd.data import (
    Augmentation,
    Batches,
    DataError,
    FrameSampling,
    Normalisation,
    centred_skeletons,
    stream,
    whole_trial,
)
from tfkd.data.augment import mix

LENGTHS = {"imu": 64, "skeleton": 32}
EVERYTHING = Augmentation(0.1, 0.1, 9, 0.1, 0.1, 0.2, 5, 0.4, 0.1, 5, 0.1)


def lacking(data, modality, subjects):
    def change(recording):
        kept = {m: v for m, v in recording.streams.items() if m != modality or recording.subject not in subjects}
        return dataclasses.replace(recording, streams=kept)

    return data.mapped(change)


@pytest.fixture
def partly(tiny):
    """24 recordings of 4 people; person 2 has no skeleton."""
    return lacking(tiny, "skeleton", [2])


@pytest.fixture
def windows(partly):
    return whole_trial(partly, LENGTHS, optional=["skeleton"])


@pytest.mark.parametrize("cut, settings", [(whole_trial, {}), (stream, {"hop": 40})])
def test_recordings_without_an_optional_modality_are_kept(tiny, partly, cut, settings):
    windows, complete = (cut(data, LENGTHS, optional=["skeleton"], **settings) for data in (partly, tiny))
    assert complete.present == {}, "nothing is said where nothing is missing"
    assert list(windows.ids) == list(complete.ids)
    np.testing.assert_array_equal(windows.arrays["imu"], complete.arrays["imu"])
    assert list(windows.present) == ["skeleton"]
    np.testing.assert_array_equal(windows.present["skeleton"], windows.subjects != 2)
    there = windows.present["skeleton"][:, None, None, None]
    np.testing.assert_array_equal(windows.arrays["skeleton"], np.where(there, complete.arrays["skeleton"], 0))
    assert windows.arrays["skeleton"].dtype == "float32"


def test_what_is_required_still_decides(partly):
    windows = whole_trial(lacking(partly, "imu", [1]), LENGTHS, optional=["skeleton"])
    assert set(windows.subjects) == {2, 3, 4}
    assert set(whole_trial(partly, LENGTHS).subjects) == {1, 3, 4}


def test_windows_know_what_they_have(windows):
    half = windows.take(np.arange(0, 24, 2))
    np.testing.assert_array_equal(half.present["skeleton"], half.subjects != 2)
    assert half.has("imu").all() and half.has().all()
    np.testing.assert_array_equal(half.has("imu", "skeleton"), half.subjects != 2)
    np.testing.assert_array_equal(half.recorded("skeleton"), half.arrays["skeleton"][half.subjects != 2])
    assert half.recorded("imu") is half.arrays["imu"]
    assert half.take(half.has("skeleton")).present == {}
    with pytest.raises(ValueError, match=r"no \['depth'\], only \['imu', 'skeleton'\]"):
        half.has("depth")


def test_normalisation_is_fitted_on_what_was_recorded(partly, windows):
    fitted, paired = Normalisation.fit(windows), Normalisation.fit(whole_trial(partly, LENGTHS))
    for of in ("mean", "scale"):
        np.testing.assert_array_equal(getattr(fitted, of)["skeleton"], getattr(paired, of)["skeleton"])
    with pytest.raises(DataError, match="None of the 6 training windows has skeleton"):
        Normalisation.fit(windows.take(windows.subjects == 2))


def test_refusals(tiny, partly):
    with pytest.raises(DataError, match=r"None of the 6 recordings in tiny that have \['imu'\].*modality 'skeleton'"):
        whole_trial(partly.of_subjects([2]), LENGTHS, optional=["skeleton"])
    with pytest.raises(ValueError, match="leading modality 'imu'"):
        stream(tiny, LENGTHS, 8, optional=["imu"])
    for wrong in (["depth"], "skeleton", ["imu", "skeleton"]):
        with pytest.raises(ValueError, match="optional must list some of the modalities"):
            whole_trial(tiny, LENGTHS, optional=wrong)


# ---- Batches ----


def test_batches_say_which_samples_have_a_modality(windows):
    parts = {"wrist": ("skeleton", [0])}
    batches = Batches(windows, ["imu", "wrist"], 7, shuffle=True, with_ids=True, parts=parts)
    x, _ = batches[1]
    assert set(x) == {"imu", "wrist", "has_skeleton", "has_wrist", "id"}
    for name in ("has_skeleton", "has_wrist"):
        assert x[name].dtype == "float32" and x[name].shape == (7,)
        np.testing.assert_array_equal(x[name], windows.subjects[x["id"]] != 2)
    assert set(Batches(windows, ["imu"], 7)[0][0]) == {"imu"}, "only modalities in use"


def test_a_mixed_sample_has_what_both_partners_have(windows):
    labels = np.eye(24, dtype="float32")
    arrays = {"has_skeleton": windows.present["skeleton"], "imu": windows.arrays["imu"]}
    mixed, soft = mix(arrays, labels, 0.4, np.random.default_rng(0))
    expected = [windows.present["skeleton"][np.flatnonzero(row)].all() for row in soft]
    np.testing.assert_array_equal(mixed["has_skeleton"], expected)
    assert 0 < sum(expected) < windows.present["skeleton"].sum()
    alone, _ = mix({"imu": windows.arrays["imu"]}, labels, 0.4, np.random.default_rng(0))
    np.testing.assert_array_equal(alone["imu"], mixed["imu"])
    x, _ = Batches(windows, ["imu", "skeleton"], 24, augmentation=Augmentation(mixup=0.4))[0]
    assert x["has_skeleton"].dtype == "float32" and 0 < x["has_skeleton"].sum() < 18


@pytest.mark.parametrize("modality", ["skeleton", "imu"])
def test_absent_rows_become_neither_nan_nor_warnings(tiny, modality):
    data = centred_skeletons(lacking(tiny, modality, [2]))
    windows = whole_trial(data, LENGTHS, optional=[modality])
    rng = np.random.default_rng(0)
    windows.arrays["depth"] = rng.integers(0, 255, (24, 8, 16, 16, 3)).astype("uint8")
    windows.present["depth"] = windows.has(modality)
    windows.arrays["depth"][~windows.has("depth")] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = Batches(
            windows,
            ["imu", "skeleton", "depth"],
            8,
            Normalisation.fit(windows),
            EVERYTHING,
            shuffle=True,
            frames=FrameSampling(4, shade=0.2),
        )
        for i in range(batches.num_batches):
            x, _ = batches[i]
            assert all(np.isfinite(values).all() for values in x.values())


def test_jitter_is_a_share_of_what_the_recorded_signals_spread(tiny):
    windows = whole_trial(lacking(tiny, "imu", [2]), LENGTHS, optional=["imu"])
    complete = whole_trial(tiny.of_subjects([1, 3, 4]), LENGTHS)
    np.testing.assert_array_equal(Batches(windows, ["imu"]).spread, Batches(complete, ["imu"]).spread)
    nobody = windows.take(windows.subjects == 2)
    x, _ = Batches(nobody, ["imu"], augmentation=Augmentation(jitter=0.1))[0]
    np.testing.assert_array_equal(x["imu"], 0)


def test_bare_arrays_must_be_there(windows):
    with pytest.raises(ValueError, match=r"6 of 24 windows lack 'skeleton'.*windows.has\('skeleton'\)"):
        Batches(windows, "skeleton")
    with pytest.raises(ValueError, match="lack 'skeleton'"):
        Batches(windows, "wrist", parts={"wrist": ("skeleton", [0])})
    x, _ = Batches(windows.take(windows.has("skeleton")), "skeleton", 18)[0]
    np.testing.assert_array_equal(x, windows.recorded("skeleton"))
    assert Batches(windows, "imu", 24, augmentation=Augmentation(mixup=0.4))[0][0].shape == (24, 64, 6)


def test_extras_travel_with_their_windows_and_are_mixed_like_labels(windows):
    extras = {"fold": np.eye(24)}
    x, _ = Batches(windows, ["imu"], 8, shuffle=True, with_ids=True, extras=extras)[1]
    assert x["fold"].dtype == "float32"
    np.testing.assert_array_equal(x["fold"].argmax(1), x["id"])
    windows.labels[:] = np.arange(24)
    numbered = dataclasses.replace(windows, classes=tuple(map(str, range(24))))
    x, y = Batches(numbered, ["imu"], 8, shuffle=True, augmentation=Augmentation(mixup=0.4), extras=extras)[1]
    np.testing.assert_array_equal(x["fold"], y)
    assert ((y > 0) & (y < 1)).any()


def test_wrong_extras_are_named(windows):
    fold = np.zeros((24, 2))
    for taken in ("imu", "skeleton", "has_skeleton", "id", "teacher_logits"):
        with pytest.raises(ValueError, match=f"extras names '{taken}', which the batch already has"):
            inputs = ["imu", "skeleton"]
            Batches(windows, inputs, teacher_outputs={"logits": fold}, extras={taken: fold})
    with pytest.raises(ValueError, match=r"extras\['fold'\] has shape \(23, 2\), but there are 24 windows"):
        Batches(windows, ["imu"], extras={"fold": fold[1:]})
    with pytest.raises(ValueError, match=r"extras \['fold'\] need batches with a dictionary"):
        Batches(windows, "imu", extras={"fold": fold})


# ---- Wrong labels ----


def test_label_noise_is_wrong_in_the_share_it_says(tiny):
    hidden = recordings(subjects=5).without_labels([3])
    noisy = hidden.with_label_noise(0.4, seed=1)
    changed = {r.id for r, n in zip(hidden, noisy) if r.label != n.label}
    assert len(changed) == round(0.4 * 24), "of the labelled ones"
    assert all(n.label == -1 for n in noisy if n.subject == 3)
    assert [r.id for r in noisy] == [r.id for r in hidden]
    assert len(noisy.notes["labels made wrong on purpose"]) == len(changed) and not hidden.notes
    again, other = (hidden.with_label_noise(0.4, seed=s) for s in (1, 2))
    assert [r.label for r in again] == [r.label for r in noisy] != [r.label for r in other]
    more = hidden.with_label_noise(0.8, seed=1)
    assert all(m.label == n.label for m, n in zip(more, noisy) if n.id in changed)
    assert [r.label for r in tiny.with_label_noise(0.0)] == [r.label for r in tiny]


def test_wrong_labels_are_drawn_from_the_other_classes_that_occur():
    data = recordings(subjects=4, labels=5, trials=10).where(lambda r: r.label != 2)
    noisy = data.with_label_noise(0.99)
    pairs = np.array([(r.label, n.label) for r, n in zip(data, noisy) if r.label != n.label])
    table = np.zeros((5, 5), int)
    np.add.at(table, tuple(pairs.T), 1)
    assert len(pairs) == round(0.99 * 160) and table[2].sum() == table[:, 2].sum() == 0
    others = table[np.ix_([0, 1, 3, 4], [0, 1, 3, 4])][~np.eye(4, dtype=bool)]
    assert others.min() >= 5, "13 each are expected"


def test_impossible_label_noise(tiny):
    for share in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=f"share must be at least 0 and below 1, got {share}"):
            tiny.with_label_noise(share)
    with pytest.raises(DataError, match="All labels in tiny are 'class1': there is no wrong one"):
        tiny.where(lambda r: r.label == 1).with_label_noise(0.5)
