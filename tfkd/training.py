"""From a recipe's words to Keras objects: networks, batches, optimizers, distillers."""

import dataclasses

import keras
import numpy as np

from tfkd.data.batches import Batches, FollowEpoch
from tfkd.data.frames import FrameSampling
from tfkd.encodings import GramianAngularField
from tfkd.encodings.gaf import Gaf
from tfkd.methods import pskd, vskd
from tfkd.networks.causal import causal_student, streaming
from tfkd.networks.fusion import fused_teacher
from tfkd.networks.graph import graph_teacher
from tfkd.networks.images import gaf_student, resnet18
from tfkd.networks.imu import imu_student, imu_teacher
from tfkd.networks.skeleton import skeleton_teacher
from tfkd.networks.video import trn_teacher
from tfkd.networks.weights import load_bn_inception, load_resnet18
from tfkd.recipe_check import METHODS, TERMS

FEW_STEPS = 500
"""Steps of a training below which the statistics of BatchNormalization have to settle quickly."""


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
        frames = recipe.frames
        self.frames = FrameSampling(frames.segments, frames.crop or None, flip=frames.flip, shade=frames.shade)

    def new_teacher(self, kind):
        """An untrained teacher of one of the recipe's kinds."""
        return self._settling(self._teacher(kind), self.recipe.teacher_training)

    def _teacher(self, kind):
        shapes = {m: v.shape[1:] for m, v in self.prepared.train.arrays.items()}
        recipe = self.recipe.teachers[kind]
        settings = {"width": recipe.width, "dropout": recipe.dropout}
        if kind == "imu":
            return imu_teacher(shapes["imu"], self.classes, **settings)
        if kind == "fused":
            return fused_teacher(shapes["skeleton"], shapes["imu"], self.classes, **settings)
        if kind == "graph":
            return graph_teacher(shapes["skeleton"], self.prepared.train.bones, self.classes, **settings)
        if kind == "skeleton":
            return skeleton_teacher(shapes["skeleton"], self.classes, **settings)
        network = trn_teacher(
            self.frames.shape(shapes[kind]),
            self.classes,
            recipe.frame_network,
            recipe.embedding,
            dropout=recipe.dropout,
            input_name=kind,
        )
        if recipe.weights:
            load_bn_inception(network.get_layer("bn_inception"), recipe.weights)
        return network

    def new_student(self, kind=None):
        """An untrained student, of the recipe's kind unless told; the same weights for the same seed, whatever
        it will be taught by."""
        keras.utils.set_random_seed(self.seed)
        return self._settling(self._student(kind), self.recipe.student_training)

    def _student(self, kind):
        recipe = self.recipe.student
        shape = (self.recipe.windows.length, len(self.channels))
        settings = {"input_name": self.student_input, "dropout": recipe.dropout}
        signal_networks = {"imu": imu_student, "causal": causal_student}
        if network := signal_networks.get(kind or recipe.kind):
            names = ("width", "depth", "kernel", "stem_kernel", "stem_stride", "strides")
            settings |= {name: getattr(recipe, name) for name in names}
            return network(shape, self.classes, **settings)
        network = {"gaf": gaf_student, "resnet18": resnet18}[recipe.kind]
        gaf = Gaf.parse(recipe.encoding, recipe.image_size)
        encoding = GramianAngularField(**dataclasses.asdict(gaf), name="encoding")
        student = network(shape, self.classes, encoding, recipe.embedding, **settings)
        if recipe.weights:
            load_resnet18(student, recipe.weights, average_stem=shape[1] != 3)
        return student

    def on_device(self, student):
        """A trained student as the device runs it: a causal one with a memory, fed a hop at a time."""
        return streaming(student, self.recipe.windows.hop) if self.recipe.student.kind == "causal" else student

    def _settling(self, network, training):
        """The network, with statistics that settle quickly if its training is short: those of Keras' default are
        still near where they began after some hundred steps, and then it answers one class to everything."""
        if training.epochs * max(len(self.prepared.train) // training.batch_size, 1) < FEW_STEPS:
            for layer in network.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = min(layer.momentum, 0.9)
        return network

    def teacher_batches(self, kind, without=None):
        """Batches to train a teacher on: labelled windows that have what it sees, of all people but `without`."""
        modalities = self.recipe.teachers[kind].modalities
        train = self.prepared.train
        chosen = (train.labels >= 0) & (train.subjects != without) & train.has(*modalities)
        inputs = modalities[0] if len(modalities) == 1 else modalities
        return self.batches(inputs, self.recipe.teacher_training, train.take(chosen))

    def batches(self, inputs, training, windows=None, teacher_outputs=None, extras=None):
        """Training batches, of `windows` or all; in as many steps an epoch as all training windows make."""
        windows = self.prepared.train if windows is None else windows
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
            extras=extras,
        )

    def labelled(self):
        """The training windows that have labels."""
        return self.prepared.train.take(self.prepared.train.labels >= 0)

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
        optimizer = self._optimizer(training, batches)
        # TensorFlow traces a step twice if the first creates variables: the optimizer's and the metric's exist before.
        optimizer.build(model.trainable_variables)
        model.compile(optimizer, **self._compile_settings(training))

    def fit_stages(self, progressive, training, batches, callbacks=()):
        """Trains a `Progressive`, each stage with a warm-up and a cosine of its own.

        Returns:
            Histories as one, metric -> values over the epochs of all stages; 0 for a teacher not yet heard.
        """

        rates = self.recipe.pskd.learning_rates or [training.learning_rate] * len(progressive.stages)
        rates = {stage.name: rate for stage, rate in zip(progressive.stages, rates)}

        def optimizer(stage):
            settings = dataclasses.replace(training, epochs=stage.epochs, learning_rate=rates[stage.name])
            return self._optimizer(settings, batches)

        progressive.compile(optimizer, **self._compile_settings(training))
        histories = progressive.fit(batches, callbacks=[FollowEpoch(batches), *callbacks], shuffle=False, verbose=0)
        names = {name: None for history in histories.values() for name in history}
        epochs = [len(history["loss"]) for history in histories.values()]
        return {
            name: [v for h, n in zip(histories.values(), epochs) for v in h.get(name, [0.0] * n)] for name in names
        }

    def _optimizer(self, training, batches):
        steps = training.epochs * batches.num_batches
        warm_up = steps // 20
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm_up else training.learning_rate,
            steps - warm_up,
            warmup_target=training.learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
        return keras.optimizers.AdamW(rate, weight_decay=training.weight_decay)

    def _compile_settings(self, training):
        return {
            "loss": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=training.label_smoothing),
            "weighted_metrics": [keras.metrics.CategoricalAccuracy(name="accuracy")],
            # XLA on a CPU is several times slower for convolutions.
            "jit_compile": False,
        }

    def taught(self, teachers, student, method=None):
        """The recipe's losses between teachers, given by kind, and the student.

        Where batches bring stored outputs, the teachers only tell their width.

        Args:
            method: `"pskd"`, for a `Progressive` with all the teachers, or a `Distiller` with one: `None` for the
                recipe's `distillation`; `"single"` for its label and soft targets; `"dask"` for distance, angle and
                semantic term besides; or a term, for labels and that one alone.
        """
        if method == "pskd":
            settings = dataclasses.asdict(self.recipe.pskd)
            del settings["learning_rates"]  # for the schedules that `fit_stages` makes
            return pskd(teachers=teachers, student=student, **settings)
        (teacher,) = teachers.values()
        settings = self.recipe.distillation
        weights = {"label": settings.label, **{name: getattr(settings, name) for name in TERMS}}
        if method is not None:
            chosen = {"single": TERMS[:1], "dask": TERMS}.get(method, (method,))
            # A term that the whole loss does without is tried at its usual weight; labels alone beside a term count.
            label = settings.label if method in METHODS else settings.label or 1.0
            weights = {"label": label, **{name: (weights[name] or 1.0) * (name in chosen) for name in TERMS}}
        return vskd(teacher=teacher, student=student, temperature=settings.temperature, **weights)

    def seen(self, modality, values):
        """A modality as a network sees it when it is not being trained."""
        return self.frames(values) if values.dtype == np.uint8 else self.prepared.normalisation(modality, values)

    def inputs_of(self, windows, names):
        """Normalised arrays of `windows` for `model.predict`: bare for one name, else a dictionary."""
        parts = {"imu_part": ("imu", self.channels)}
        arrays = {}
        for name in names:
            modality, channels = parts.get(name, (name, slice(None)))
            values = self.seen(modality, np.asarray(windows.arrays[modality]))
            arrays[name] = np.ascontiguousarray(values[..., channels])
        return arrays[names[0]] if len(names) == 1 else arrays

    def predict(self, model, windows):
        """Logits `(windows, classes)` of a network for `windows`."""
        names = [tensor.name for tensor in model.inputs]
        logits = [model.predict(x, batch_size=256, verbose=0) for x in self.inputs_in_parts(windows, names)]
        return np.concatenate(logits)

    def inputs_in_parts(self, windows, names, count=4096):
        """`inputs_of`, at most `count` windows at once: those of a long day do not fit into memory together."""
        for start in range(0, len(windows), count):
            yield self.inputs_of(windows.take(slice(start, start + count)), names)
