"""From a recipe's words to Keras objects: windows, networks, batches, optimizers, distillers."""

import dataclasses

import keras
import numpy as np

from tfkd.data import splits
from tfkd.data import windows as cutting
from tfkd.data.batches import Batches, FollowEpoch
from tfkd.data.frames import FrameSampling
from tfkd.data.recordings import DataError
from tfkd.distillers import TeacherCache
from tfkd.encodings import GramianAngularField
from tfkd.encodings.gaf import Gaf
from tfkd.methods import vskd
from tfkd.networks.fusion import fused_teacher
from tfkd.networks.images import gaf_student, resnet18
from tfkd.networks.imu import imu_student
from tfkd.networks.skeleton import skeleton_teacher
from tfkd.networks.video import trn_teacher
from tfkd.recipe_check import TERMS


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """Windows to learn from and to be judged by.

    Attributes:
        train: training windows, unlabelled ones included.
        judged: windows of the validation people if the recipe names some, else of the test people.
        side: `"validation"` or `"test"`: which of them `judged` holds.
        normalisation: fitted on `train`.
        notes: what the reader and the pairing left out.
        split: name of the protocol.
    """

    train: cutting.Windows
    judged: cutting.Windows
    side: str
    normalisation: cutting.Normalisation
    notes: dict
    split: str


def prepare(recipe, recordings):
    """Splits by person, then cuts into windows, then fits the normalisation on training windows."""
    recordings = recordings.paired(recipe.modalities)
    if "skeleton" in recipe.modalities:
        recordings = cutting.centred_skeletons(recordings)
    split = _split(recipe.data, recordings)
    train = split.train
    if recipe.data.labelled_subjects:
        labelled = set(recipe.data.labelled_subjects)
        if absent := labelled - set(train.subjects):
            raise DataError(f"labelled_subjects {sorted(absent)} do not train ({train.subjects} do).")
        train = train.without_labels(set(train.subjects) - labelled)
    side = "validation" if len(split.validation) else "test"
    train_windows = _cut(recipe, train)
    return PreparedData(
        train_windows,
        _cut(recipe, getattr(split, side)),
        side,
        cutting.Normalisation.fit(train_windows),
        recordings.notes,
        split.name,
    )


def _split(data, recordings):
    if data.split == "cross_subject":
        return splits.cross_subject(recordings, data.validation_subjects)
    if data.split == "cross_trial":
        return splits.cross_trial(recordings, data.validation_subjects)
    return splits.leave_one_subject_out(recordings, data.test_subject, data.validation_subjects)


def _cut(recipe, recordings):
    windows = recipe.windows
    every = {"imu": windows.length, "skeleton": windows.skeleton_length}
    lengths = {modality: every.get(modality, recipe.frames.most) for modality in recipe.modalities}
    if windows.kind == "whole_trial":
        return cutting.whole_trial(recordings, lengths)
    return cutting.stream(recordings, lengths, windows.hop)


def student_channels(recipe, stream):
    """Indices into the IMU stream of the channels that the student sees.

    Raises:
        DataError: the recipe names a channel that the stream does not have.
    """
    known = stream.channels
    if unknown := [c for c in recipe.windows.channels if c not in known]:
        raise DataError(f"windows.channels names {unknown}; the IMU has {list(known)}.")
    return [known.index(channel) for channel in recipe.windows.channels]


class Trainer:
    """Makes a run's networks, batches and Keras models. One for each seed.

    Args:
        recipe: `Recipe`.
        prepared: `PreparedData`.
        channels: indices of the student's IMU channels.
        seed: of weights, order and augmentation.
    """

    def __init__(self, recipe, prepared, channels, seed):
        self.recipe, self.prepared, self.channels, self.seed = recipe, prepared, channels, seed
        self.classes = len(prepared.train.classes)
        whole = len(channels) == prepared.train.arrays["imu"].shape[-1]
        self.student_input = "imu" if whole else "imu_part"
        self.teacher_inputs = list(recipe.teacher.modalities)
        frames = recipe.frames
        self.frames = FrameSampling(frames.segments, frames.crop or None, flip=frames.flip, shade=frames.shade)

    def new_teacher(self):
        """An untrained teacher."""
        shapes = {m: v.shape[1:] for m, v in self.prepared.train.arrays.items()}
        recipe = self.recipe.teacher
        settings = {"width": recipe.width, "dropout": recipe.dropout}
        if recipe.kind == "fused":
            return fused_teacher(shapes["skeleton"], shapes["imu"], self.classes, **settings)
        if recipe.kind == "skeleton":
            return skeleton_teacher(shapes["skeleton"], self.classes, **settings)
        return trn_teacher(
            self.frames.shape(shapes[recipe.kind]),
            self.classes,
            recipe.frame_network,
            recipe.embedding,
            dropout=recipe.dropout,
            input_name=recipe.kind,
        )

    def new_student(self, kind=None):
        """An untrained student, of the recipe's kind unless told; the same weights for the same seed, whatever
        it will be taught by."""
        keras.utils.set_random_seed(self.seed)
        recipe = self.recipe.student
        shape = (self.recipe.windows.length, len(self.channels))
        settings = {"input_name": self.student_input, "dropout": recipe.dropout}
        if (kind or recipe.kind) == "imu":
            names = ("width", "depth", "kernel", "stem_kernel", "stem_stride", "strides")
            settings |= {name: getattr(recipe, name) for name in names}
            return imu_student(shape, self.classes, **settings)
        network = {"gaf": gaf_student, "resnet18": resnet18}[recipe.kind]
        gaf = Gaf.parse(recipe.encoding, recipe.image_size)
        encoding = GramianAngularField(**dataclasses.asdict(gaf), name="encoding")
        return network(shape, self.classes, encoding, recipe.embedding, **settings)

    def batches(self, inputs, training, labelled_only=False, teacher_outputs=None):
        """Training batches; with `labelled_only`, of labelled windows, in as many steps an epoch."""
        windows = self.prepared.train
        if labelled_only:
            windows = windows.take(windows.labels >= 0)
        return Batches(
            windows,
            inputs,
            training.batch_size,
            self.prepared.normalisation,
            self.recipe.augmentation,
            teacher_outputs,
            shuffle=True,
            seed=self.seed,
            steps=max(len(self.prepared.train) // training.batch_size, 1),
            parts={"imu_part": ("imu", self.channels)},
            frames=self.frames,
        )

    def fit(self, model, batches, training, callbacks=()):
        """Trains a compiled model for the recipe's number of epochs."""
        return model.fit(
            batches,
            epochs=training.epochs,
            callbacks=[FollowEpoch(batches), *callbacks],
            shuffle=False,
            verbose=0,
        ).history

    def compile(self, model, training, batches):
        """AdamW, warm-up over the first 5 % of steps, cosine to zero; cross-entropy on logits."""
        steps = training.epochs * batches.num_batches
        warm_up = steps // 20
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm_up else training.learning_rate,
            steps - warm_up,
            warmup_target=training.learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=training.weight_decay)
        # TensorFlow traces a step twice if the first creates variables: the optimizer's and the metric's exist before.
        optimizer.build(model.trainable_variables)
        model.compile(
            optimizer,
            keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=training.label_smoothing),
            weighted_metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            # XLA on a CPU is several times slower for convolutions.
            jit_compile=False,
        )

    def distiller(self, teacher, student, term=None):
        """The recipe's losses between `teacher` and `student`; with `term`, the labels and that one alone.

        Where batches bring stored outputs, the teacher only tells its width.
        """
        settings = self.recipe.distillation
        weights = {"label": settings.label, **{name: getattr(settings, name) for name in TERMS}}
        if term:
            # A term that the whole loss does without is tried at its usual weight.
            weights = {"label": settings.label or 1.0, **dict.fromkeys(TERMS, 0.0), term: weights[term] or 1.0}
        return vskd(teacher=teacher, student=student, temperature=settings.temperature, **weights)

    def stored_outputs(self, teacher, path):
        """Teacher outputs for the training windows, from `path` or computed and kept there."""
        arguments = (teacher, self.prepared.train)
        if path.exists():
            cache = TeacherCache.load(path)
        else:
            cache = TeacherCache.compute(*arguments, normalisation=self._seen)
            cache.save(path)
        return cache.outputs(*arguments, normalisation=self._seen)

    def _seen(self, modality, values):
        """A modality as a network sees it when it is not being trained."""
        return self.frames(values) if values.dtype == np.uint8 else self.prepared.normalisation(modality, values)

    def inputs_of(self, windows, names):
        """Normalised arrays of `windows` for `model.predict`: bare for one name, else a dictionary."""
        parts = {"imu_part": ("imu", self.channels)}
        arrays = {}
        for name in names:
            modality, channels = parts.get(name, (name, slice(None)))
            values = self._seen(modality, windows.arrays[modality])
            arrays[name] = np.ascontiguousarray(values[..., channels])
        return arrays[names[0]] if len(names) == 1 else arrays

    def predict(self, model, windows):
        """Logits `(windows, classes)` of a network for `windows`."""
        names = [tensor.name for tensor in model.inputs]
        return model.predict(self.inputs_of(windows, names), batch_size=256, verbose=0)


@keras.saving.register_keras_serializable("tfkd")
class NextSample(keras.layers.Layer):
    """Gives each sample of a batch the next one's output: a teacher that speaks of somebody else."""

    def call(self, inputs):
        return keras.ops.roll(inputs, 1, axis=0)


def shuffled(teacher):
    """The teacher with its outputs shuffled within the batch, for the control experiment."""
    reader = keras.Model(teacher.input, [teacher.output, teacher.get_layer("embedding").output])
    inputs = keras.tree.map_structure(lambda tensor: keras.Input(tensor.shape[1:], name=tensor.name), teacher.input)
    logits, embedding = reader(inputs)
    outputs = [NextSample(name="logits")(logits), NextSample(name="embedding")(embedding)]
    return keras.Model(inputs, outputs, name="shuffled_teacher")
