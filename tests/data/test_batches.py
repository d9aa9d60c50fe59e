"""Batches: every window in its turn, paired, the same for the same seed and epoch."""

import dataclasses

import numpy as np
import pytest

from tests.data.conftest import recordings
from tfkd.data import Augmentation, Batches, FollowEpoch, Normalisation, whole_trial


@pytest.fixture
def windows():
    return whole_trial(recordings(), {"imu": 64, "skeleton": 32})


def test_every_window_once_in_order_and_paired(windows):
    batches = Batches(windows, ["imu", "skeleton"], 7, with_ids=True)
    assert batches.num_batches == 4
    x, y = zip(*[batches[i] for i in range(4)])
    index = np.concatenate([b["id"] for b in x])
    assert list(index) == list(range(24))
    np.testing.assert_array_equal(np.concatenate([b["imu"] for b in x]), windows.arrays["imu"])
    np.testing.assert_array_equal(np.concatenate(y).argmax(1), windows.labels)


def test_shuffling_keeps_pairs_and_depends_on_seed_and_epoch_alone(windows):
    def epoch(number, seed=0):
        batches = Batches(windows, ["imu", "skeleton"], 8, shuffle=True, seed=seed, with_ids=True)
        batches.epoch = number
        return [batches[i] for i in range(batches.num_batches)]

    index = np.concatenate([x["id"] for x, _ in epoch(0)])
    assert sorted(index) == list(range(24)) and list(index) != list(range(24))
    for x, y in epoch(3):
        np.testing.assert_array_equal(x["skeleton"], windows.arrays["skeleton"][x["id"]])
        np.testing.assert_array_equal(y.argmax(1), windows.labels[x["id"]])
    assert np.array_equal(index, np.concatenate([x["id"] for x, _ in epoch(0)]))
    assert not np.array_equal(index, np.concatenate([x["id"] for x, _ in epoch(1)]))
    assert not np.array_equal(index, np.concatenate([x["id"] for x, _ in epoch(0, seed=1)]))


def test_fit_sees_a_new_epoch_each_time_also_after_a_later_start(windows):
    import keras

    def seen(initial_epoch, epochs):
        batches = Batches(windows, "imu", 8, shuffle=True, augmentation=Augmentation(jitter=0.1))
        log = []
        original = batches.__class__.__getitem__

        class Logged(Batches):
            def __getitem__(self, number):
                log.append((self.epoch, number))
                return original(self, number)

        batches.__class__ = Logged
        model = keras.Sequential([keras.Input((64, 6)), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("sgd", "mse", run_eagerly=True)
        callback = FollowEpoch(batches)
        model.fit(
            batches,
            initial_epoch=initial_epoch,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[callback],
        )
        return [entry for entry in log if entry[0] >= initial_epoch][-3 * (epochs - initial_epoch) :]

    assert seen(0, 4) == [(e, n) for e in range(4) for n in range(3)]
    assert seen(2, 4) == [(e, n) for e in (2, 3) for n in range(3)]


def test_unlabelled_windows_have_rows_of_zeros(windows):
    windows.labels[5] = -1
    _, y = Batches(windows, "imu", 24)[0]
    assert y[5].sum() == 0 and y.sum() == 23


def test_more_steps_than_one_pass_repeat_every_window_equally(windows):
    batches = Batches(windows, ["imu"], 8, shuffle=True, steps=9, with_ids=True)
    index = np.concatenate([batches[i][0]["id"] for i in range(batches.num_batches)])
    assert (np.bincount(index) == 3).all()


def test_parts_are_cut_from_the_augmented_normalised_window(windows):
    normalisation = Normalisation.fit(windows)
    batches = Batches(
        windows,
        ["imu", "acc"],
        24,
        normalisation,
        Augmentation(rotation_deg=30, mixup=0.3),
        parts={"acc": ("imu", [0, 1, 2])},
    )
    x, _ = batches[0]
    np.testing.assert_array_equal(x["acc"], x["imu"][..., :3])


def test_stored_teacher_outputs_travel_with_their_windows_and_not_with_moved_time(windows):
    outputs = {"logits": np.arange(24, dtype="float32")[:, None]}
    batches = Batches(windows, ["imu"], 8, teacher_outputs=outputs, shuffle=True, with_ids=True)
    x, _ = batches[1]
    np.testing.assert_array_equal(x["teacher_logits"][:, 0], x["id"])
    for moved in ({"time_warp": 0.1}, {"mixup": 0.2}):
        with pytest.raises(ValueError, match="stored teacher outputs no longer hold"):
            Batches(windows, ["imu"], 8, augmentation=Augmentation(**moved), teacher_outputs=outputs)
    Batches(windows, ["imu"], 8, augmentation=Augmentation(rotation_deg=9), teacher_outputs=outputs)


def test_stored_outputs_of_other_windows_are_refused(windows):
    """More rows than windows, of a teacher that was asked about everybody say, would go to the wrong windows."""
    for rows in (23, 25):
        with pytest.raises(ValueError, match=rf"teacher_outputs\['logits'\] has shape \({rows}, 3\), .* 24 windows"):
            Batches(windows, ["imu"], 8, teacher_outputs={"logits": np.zeros((rows, 3))})
    with pytest.raises(ValueError, match=r"teacher_outputs \['logits'\] need batches with a dictionary"):
        Batches(windows, "imu", 8, teacher_outputs={"logits": np.zeros((24, 3))})
    with pytest.raises(ValueError, match=r"with_ids needs batches with a dictionary: inputs=\['imu'\]"):
        Batches(windows, "imu", 8, with_ids=True)


def test_batches_of_nothing_are_refused(windows):
    with pytest.raises(ValueError, match="There are no windows"):
        Batches(windows.take(windows.subjects == 99), ["imu"])
    for wrong in ({"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": -1}, {"steps": 0, "shuffle": True}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a whole number of at least 1"):
            Batches(windows, ["imu"], **wrong)
    with pytest.raises(ValueError, match="steps=9 needs shuffle=True"):
        Batches(windows, ["imu"], 8, steps=9)


def test_windows_put_together_wrongly_are_refused(windows):
    imu = windows.arrays["imu"]
    with pytest.raises(ValueError, match="24 labels, but 25 of 'imu'"):
        Batches(dataclasses.replace(windows, arrays={"imu": np.concatenate([imu, imu[:1]])}), "imu")
    with pytest.raises(ValueError, match=r"the label 2, but classes \('a', 'b'\)"):
        Batches(dataclasses.replace(windows, classes=("a", "b")), "imu")


def test_batches_know_the_bones(windows):
    longer, _ = Batches(windows, ["skeleton"], 24, augmentation=Augmentation(limb_scale=0.2))[0]
    assert np.abs(longer["skeleton"] - windows.arrays["skeleton"]).max() > 0.05
    assert windows.take([1, 2]).bones == windows.bones != ()


def test_missing_modality_is_named(windows):
    with pytest.raises(ValueError, match=r"have no \['depth'\], only \['imu', 'skeleton'\]"):
        Batches(windows, ["depth"])
