"""From a recipe's words to Keras objects: windows, networks, batches, optimizers, distillers."""

import dataclasses

import keras
import numpy as np

from tfkd.data import splits
from tfkd.data import windows as cutting
from tfkd.data.batches import Batches, FollowEpoch
from tfkd.data.recordings import DataError
from tfkd.distillers import Distiller, FeatureDistillation, TeacherCache
from tfkd.losses import AngleWise, DistanceWise, Semantic, SoftTargets
from tfkd.networks.fusion import fused_teacher
from tfkd.networks.imu import imu_student
from tfkd.networks.skeleton import skeleton_teacher


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
    recordings = cutting.centred_skeletons(recordings.paired(["imu", "skeleton"]))
    split = _split(recipe.data, recordings)
    train = split.train
    if recipe.data.labelled_subjects:
        labelled = set(recipe.data.labelled_subjects)
        if absent := labelled - set(train.subjects):
            raise DataError(f"labelled_subjects {sorted(absent)} do not train ({train.subjects} do).")
        train = train.without_labels(set(train.subjects) - labelled)
    side = "validation" if len(split.validation) else "test"
    train_windows = _cut(recipe.windows, train)
    return PreparedData(
        train_windows,
        _cut(recipe.windows, getattr(split, side)),
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


def _cut(windows, recordings):
    lengths = {"imu": windows.length, "skeleton": windows.skeleton_length}
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
        self.teacher_inputs = ["skeleton"] + (["imu"] if recipe.teacher.kind == "fused" else [])

    def new_teacher(self):
        """An untrained teacher."""
        shapes = {m: v.shape[1:] for m, v in self.prepared.train.arrays.items()}
        settings = {"width": self.recipe.teacher.width, "dropout": self.recipe.teacher.dropout}
        if self.recipe.teacher.kind == "skeleton":
            return skeleton_teacher(shapes["skeleton"], self.classes, **settings)
        return fused_teacher(shapes["skeleton"], shapes["imu"], self.classes, **settings)

    def new_student(self):
        """An untrained student; the same weights for the same seed, whatever it will be taught by."""
        keras.utils.set_random_seed(self.seed)
        return imu_student(
            (self.recipe.windows.length, len(self.channels)),
            self.classes,
            input_name=self.student_input,
            **dataclasses.asdict(self.recipe.student),
        )

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

    def distiller(self, teacher, student):
        """The recipe's losses between `teacher` and `student`."""
        settings = self.recipe.distillation
        width = teacher.get_layer("embedding").output.shape[-1]
        same = width == student.get_layer("embedding").output.shape[-1]
        terms = (
            (settings.soft_targets, SoftTargets(settings.temperature)),
            (settings.distance, FeatureDistillation(DistanceWise())),
            (settings.angle, FeatureDistillation(AngleWise())),
            (
                settings.semantic,
                FeatureDistillation(Semantic(), projector=None if same else keras.layers.Dense(width)),
            ),
        )
        used = [(weight, term) for weight, term in terms if weight]
        return Distiller(
            teacher if settings.teacher == "live" else None,
            student,
            [term for _, term in used],
            [weight for weight, _ in used],
            student_loss_weight=settings.label,
        )

    def stored_outputs(self, teacher, path):
        """Teacher outputs for the training windows, from `path` or computed and kept there."""
        arguments = (teacher, self.prepared.train)
        if path.exists():
            cache = TeacherCache.load(path)
        else:
            cache = TeacherCache.compute(*arguments, normalisation=self.prepared.normalisation)
            cache.save(path)
        return cache.outputs(*arguments, normalisation=self.prepared.normalisation)

    def inputs_of(self, windows, names):
        """Normalised arrays of `windows` for `model.predict`: bare for one name, else a dictionary."""
        parts = {"imu_part": ("imu", self.channels)}
        arrays = {}
        for name in names:
            modality, channels = parts.get(name, (name, slice(None)))
            values = self.prepared.normalisation(modality, windows.arrays[modality])
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
