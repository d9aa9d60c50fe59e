"""Batches of windows for `model.fit`, gathered by index."""

from numbers import Integral

import keras
import numpy as np

from tfkd.data.augment import Augmentation, mix


class Batches(keras.utils.PyDataset):
    """A Keras data set over `Windows`: shuffled, augmented, normalised, mixed.

    What a batch holds depends on the seed, the epoch and the batch's number alone, so an interrupted
    training that continues at epoch k sees what the uninterrupted one would have seen. Epochs are
    counted from 0; a training that starts later adds `FollowEpoch(batches)` to its callbacks and passes
    `shuffle=False` to `fit` (the order is already shuffled here).

    Args:
        windows: `Windows`.
        inputs: a modality name, for batches with the bare array; or a list of names, for batches with a
            dictionary.
        batch_size: windows a batch.
        normalisation: `Normalisation`, or `None` for the recordings' own units.
        augmentation: `Augmentation`, or `None`.
        teacher_outputs: name -> `(windows, ...)` array, for example from `TeacherCache.outputs`; each
            is added to the dictionary as `"teacher_" + name`.
        shuffle: a new order each epoch, in which a last incomplete batch is left out (BatchNorm would
            see too few samples); every window comes equally often over the epochs.
        seed: of order and augmentation.
        steps: batches an epoch, if other than one pass over the windows (`shuffle` only).
        with_ids: add `"id"` to the dictionary, each window's index in `windows.ids`.
        frames: `FrameSampling` for the modalities that are frames (uint8), random where `shuffle` is set; `None` leaves
            them as they are. It comes after `augmentation`, whose changes of time move frames like everything else.
        parts: new name -> (modality, channel indices): a student that sees fewer channels than the
            teacher takes such a part, cut from the same augmented window.
        extras: name -> `(windows, ...)` float array of anything else that a model takes, for example
            `{"fold": tfkd.distillers.fold_of(windows.subjects, persons)}`; added to the dictionary under its own
            name. Mixup mixes it like the labels.

    Batch:
        `(inputs, one_hot)` with float32 `one_hot` `(batch, classes)`; a row of zeros is an unlabelled
        window. For a modality that some windows lack (`windows.present`), the dictionary holds float32
        `"has_<modality>"` `(batch,)` besides, 1 where it was recorded, and the same under the names of its
        parts; a mixed sample has what both of its windows have.

    Raises:
        ValueError: the windows have not what `inputs` names, or bare arrays are asked for of a modality that
            some of them lack; stored teacher outputs, but an augmentation under which they do not hold;
            `teacher_outputs` or `extras` of another length, under a name that is taken, or for bare arrays; there are
            no windows, or not as many of a modality as there are labels; a label has no class; `batch_size` or `steps`
            makes no sense.
    """

    def __init__(
        self,
        windows,
        inputs,
        batch_size=64,
        normalisation=None,
        augmentation=None,
        teacher_outputs=None,
        shuffle=False,
        seed=0,
        steps=None,
        with_ids=False,
        parts=None,
        frames=None,
        extras=None,
    ):
        super().__init__()
        if not len(windows):
            raise ValueError("There are no windows to make batches of.")
        for argument, value in (("batch_size", batch_size), ("steps", 1 if steps is None else steps)):
            if not (isinstance(value, Integral) and value >= 1):
                raise ValueError(f"{argument} must be a whole number of at least 1, got {value!r}.")
        if steps is not None and not shuffle:
            raise ValueError(f"steps={steps} needs shuffle=True: in order, each window comes once.")
        self.single = inputs if isinstance(inputs, str) else None
        self.inputs = [inputs] if self.single else list(inputs)
        self.parts = dict(parts or {})
        wanted = {self.parts.get(name, (name,))[0] for name in self.inputs}
        if missing := wanted - set(windows.arrays):
            raise ValueError(f"The windows have no {sorted(missing)}, only {sorted(windows.arrays)}.")
        for name in wanted:
            if (count := len(windows.arrays[name])) != len(windows):
                raise ValueError(f"The windows have {len(windows)} labels, but {count} of {name!r}.")
        if windows.labels.max() >= len(windows.classes):
            raise ValueError(f"The windows have the label {windows.labels.max()}, but classes {windows.classes}.")
        self.modalities = sorted(wanted)
        self.augmentation = augmentation or Augmentation()
        self.teacher_outputs = {name: np.asarray(values) for name, values in (teacher_outputs or {}).items()}
        if self.teacher_outputs and self.augmentation.changes_what_happened:
            raise ValueError(
                f"{self.augmentation} moves time or mixes samples, so stored teacher outputs no longer "
                "hold. Give the Distiller a live teacher, or leave time and mixup alone."
            )
        # Which windows have what, by name in the batch; nothing where all have everything.
        sources = {name: self.parts.get(name, (name,))[0] for name in (*self.modalities, *self.inputs)}
        self.present = {f"has_{n}": windows.present[m] for n, m in sources.items() if m in windows.present}
        if self.single:
            self._refuse_missing(windows, sources[self.single])
        self.extras = {name: np.asarray(values, "float32") for name, values in (extras or {}).items()}
        self._check_rows("teacher_outputs", self.teacher_outputs, len(windows))
        self._check_rows("extras", self.extras, len(windows))
        taken = {*sources, *self.present, "id", *map(_stored, self.teacher_outputs)}
        if twice := [name for name in self.extras if name in taken]:
            raise ValueError(f"extras names {twice[0]!r}, which the batch already has: {sorted(taken)}.")
        if with_ids and self.single:
            raise ValueError(f"with_ids needs batches with a dictionary: inputs=[{self.single!r}].")
        self.windows, self.normalisation, self.frames = windows, normalisation, frames
        self.batch_size = min(batch_size, len(windows))
        self.shuffle, self.seed, self.steps, self.with_ids = shuffle, seed, steps, with_ids
        self.one_hot = np.zeros((len(windows), len(windows.classes)), "float32")
        labelled = np.flatnonzero(windows.labels >= 0)
        self.one_hot[labelled, windows.labels[labelled]] = 1
        has_imu = "imu" in windows.arrays and windows.has("imu").any()
        self.spread = windows.moments("imu")[1] if has_imu else 0.0
        self.epoch, self.next_epoch = 0, 0
        self._order = (None, None)

    def _refuse_missing(self, windows, modality):
        if lacking := int((~windows.has(modality)).sum()):
            raise ValueError(
                f"{lacking} of {len(windows)} windows lack {modality!r}, and a bare array cannot say which: use those "
                f"that have it, windows.take(windows.has({modality!r})), or inputs=[{self.single!r}]."
            )

    def _check_rows(self, argument, arrays, count):
        if arrays and self.single:
            raise ValueError(f"{argument} {list(arrays)} need batches with a dictionary: inputs=[{self.single!r}].")
        for name, values in arrays.items():
            if values.shape[:1] != (count,):
                raise ValueError(f"{argument}[{name!r}] has shape {values.shape}, but there are {count} windows.")

    @property
    def num_batches(self):
        whole, rest = divmod(len(self.windows), self.batch_size)
        return self.steps or whole + bool(rest and not self.shuffle)

    def on_epoch_begin(self):
        self.epoch, self.next_epoch = self.next_epoch, self.next_epoch + 1

    def __getitem__(self, number):
        index = self._epoch_order()[number * self.batch_size : (number + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, self.epoch, number, 1])
        arrays = {m: self.windows.arrays[m][index] for m in self.modalities}
        labels = self.one_hot[index]
        arrays = self.augmentation(arrays, self.spread, rng, self.windows.bones, self.windows.sensors)
        if self.frames is not None:
            chance = rng if self.shuffle else None
            arrays = {m: self.frames(v, chance) if v.dtype == np.uint8 else v for m, v in arrays.items()}
        if self.normalisation is not None:
            arrays = {m: self.normalisation(m, v) for m, v in arrays.items()}
        arrays |= {name: values[index] for name, values in (*self.extras.items(), *self.present.items())}
        if self.augmentation.mixup:
            arrays, labels = mix(arrays, labels, self.augmentation.mixup, rng)
        inputs = {name: self._part(arrays, name) for name in self.inputs}
        if self.single:
            return inputs[self.single], labels
        extras = {name: arrays[name] for name in self.extras}
        has = {name: arrays[name].astype("float32") for name in self.present}
        stored = {_stored(name): v[index] for name, v in self.teacher_outputs.items()}
        ids = {"id": index} if self.with_ids else {}
        return {**inputs, **extras, **has, **stored, **ids}, labels

    def _part(self, arrays, name):
        if name not in self.parts:
            return arrays[name]
        modality, channels = self.parts[name]
        return arrays[modality][..., channels]

    def _epoch_order(self):
        if not self.shuffle:
            return np.arange(len(self.windows))
        epoch, order = self._order
        if epoch != self.epoch:
            rng = np.random.default_rng([self.seed, self.epoch])
            passes = -(-self.num_batches * self.batch_size // len(self.windows))
            order = np.concatenate([rng.permutation(len(self.windows)) for _ in range(passes)])
            self._order = (self.epoch, order)
        return order


def _stored(name):
    """What a stored teacher output is called in a batch."""
    return f"teacher_{name}"


class FollowEpoch(keras.callbacks.Callback):
    """Keeps the epoch of `Batches` at the epoch of `fit`, wherever that started."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.next_epoch = epoch
