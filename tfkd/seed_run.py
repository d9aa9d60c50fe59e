"""The stages of one seed of an experiment."""

import dataclasses
import sys
import time

import keras
import numpy as np

from tfkd import files
from tfkd.compress.pruning import Pruning, polynomial, sparsity_of
from tfkd.deploy import TflmModel, balanced_calibration, encode_for, export_student, load_export
from tfkd.evaluation import Predictions
from tfkd.training import Trainer, shuffled

GOLDEN_WINDOWS = 8


def stages_of(recipe):
    """The stages that a run of `recipe` has, in order.

    `with_<term>` is the student that learns from labels and that term of the distillation alone; `raw_labels` and
    `raw_distilled` are the network for raw signals, beside one for images.
    """
    stages = ["teacher", "labels", *(f"with_{term}" for term in recipe.ablation.terms), "distilled", "control"]
    if recipe.ablation.raw_signal:
        stages += ["raw_labels", "raw_distilled"]
    return stages + (["pruned", "int8"] if recipe.quantization.int8 else [])


class SeedRun:
    """The stages of one seed."""

    def __init__(self, experiment, seed):
        self.experiment, self.seed = experiment, seed
        self.recipe, self.prepared = experiment.recipe, experiment.prepared
        self.folder = experiment.folder / f"seed{seed}"
        self.trainer = Trainer(self.recipe, self.prepared, experiment.channels, seed)

    def run(self):
        """Runs the stages that have no record yet."""
        for stage in stages_of(self.recipe):
            record = self.folder / f"{stage}.json"
            if record.exists():
                self.experiment.say(f"[seed {self.seed}] {stage}: done before")
                continue
            # Each stage for itself, so that it gives the same whether or not the ones before ran just now.
            keras.utils.set_random_seed(self.seed)
            started = time.time()
            term = stage.removeprefix("with_")
            facts = self._distil(stage, term=term) if term != stage else getattr(self, f"_{stage}")()
            metrics = Predictions.load(self.folder / f"{stage}.npz").metrics()
            seconds = round(time.time() - started, 1)
            files.write_json(record, {**metrics, **facts, "seconds": seconds})
            self.experiment.say(
                f"[seed {self.seed}] {stage}: {100 * metrics['accuracy']:.1f} % of "
                f"{self.prepared.side} recordings right ({seconds:.0f} s)"
            )

    def _teacher(self):
        network = self.trainer.new_teacher()
        training = self.recipe.teacher_training
        names = self.trainer.teacher_inputs
        inputs = names[0] if len(names) == 1 else names
        batches = self.trainer.batches(inputs, training, labelled_only=True)
        return self._train("teacher", network, network, batches, training)

    def _labels(self):
        return self._on_labels("labels")

    def _raw_labels(self):
        return self._on_labels("raw_labels", kind="imu")

    def _on_labels(self, stage, kind=None):
        student = self.trainer.new_student(kind)
        training = self.recipe.student_training
        batches = self.trainer.batches(student.inputs[0].name, training, labelled_only=True)
        return self._train(stage, student, student, batches, training)

    def _distilled(self):
        return self._distil("distilled")

    def _raw_distilled(self):
        return self._distil("raw_distilled", kind="imu")

    def _control(self):
        return self._distil("control")

    def _distil(self, stage, kind=None, term=None):
        teacher = self._load("teacher")
        if stage == "control":
            teacher = shuffled(teacher)
        student = self.trainer.new_student(kind)
        training = self.recipe.student_training
        batches = self._distillation_batches(stage, training)
        distiller = self.trainer.distiller(teacher, student, term)
        return self._train(stage, distiller, student, batches, training)

    def _pruned(self):
        settings = self.recipe.pruning
        student = self._load("distilled")
        training = dataclasses.replace(
            self.recipe.student_training,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
        )
        if not (settings.sparsity and settings.epochs):
            return self._keep("pruned", student, {"history": {}, "sparsity": sparsity_of(student)})
        batches = self._distillation_batches("pruned", training)
        pruning = Pruning(student, polynomial(settings.sparsity, training.epochs * batches.num_batches))
        distiller = self.trainer.distiller(self._load("teacher"), student)
        facts = self._train("pruned", distiller, student, batches, training, [pruning], pruning.strip)
        return {**facts, "sparsity": sparsity_of(student)}

    def _int8(self):
        folder = self.folder / "export"
        result = self.export("pruned", folder)
        # What is measured is what was written: the bytes are read back from the folder.
        exported = load_export(folder)
        judged = self.prepared.judged
        x = encode_for(exported.contract, self.trainer.inputs_of(judged, [self.trainer.student_input]))
        logits = TflmModel(exported.model_bytes).predict(x)
        Predictions.of(judged, logits).save(self.folder / "int8.npz")
        return {
            "model_bytes": len(result.model_bytes),
            "arena_bytes": result.contract.arena_bytes,
            "operators": list(result.contract.operators),
            "macs": result.macs,
            "variants": {name: variant.facts() for name, variant in result.variants.items()},
        }

    def export(self, stage, folder):
        """Quantizes the student of a stage with windows of this seed's training data and writes an export folder.

        Args:
            stage: `"labels"`, `"distilled"`, `"control"` or `"pruned"`, which must be finished.
            folder: as for `export_student`.

        Returns:
            An `ExportResult`.
        """
        windows = self.prepared.train
        x = self.trainer.inputs_of(windows, [self.trainer.student_input])
        calibration = balanced_calibration(x, windows.labels, self.recipe.quantization.calibration_per_class, self.seed)
        chosen = np.linspace(0, len(windows) - 1, GOLDEN_WINDOWS).astype(int)
        return export_student(
            self._load(stage),
            folder,
            calibration=calibration,
            contract_facts=self._contract_facts(),
            golden={"ids": windows.ids[chosen], "x": x[chosen], "labels": windows.labels[chosen]},
        )

    def _contract_facts(self):
        windows = self.recipe.windows
        channels = self.trainer.channels
        stream, normalisation = self.experiment.stream, self.prepared.normalisation
        whole = windows.kind == "whole_trial"
        return {
            "dataset": self.recipe.data.dataset,
            "split": self.prepared.split,
            "windowing": windows.kind,
            "sample_rate_hz": None if whole else stream.rate_hz,
            "window": windows.length,
            "hop": windows.length if whole else windows.hop,
            "channels": [stream.channels[i] for i in channels],
            "units": [stream.units[i] for i in channels],
            "mean": normalisation.mean["imu"][channels].tolist(),
            "scale": normalisation.scale["imu"][channels].tolist(),
            "labels": list(self.prepared.train.classes),
        }

    def _distillation_batches(self, stage, training):
        names = [*self.trainer.teacher_inputs]
        if self.trainer.student_input not in names:
            names.append(self.trainer.student_input)
        stored = None
        if self.recipe.distillation.teacher == "stored":
            names = [self.trainer.student_input]
            path = self.folder / "teacher_outputs.npz"
            stored = self.trainer.stored_outputs(self._load("teacher"), path)
            if stage == "control":
                order = np.random.default_rng(self.seed).permutation(len(self.prepared.train))
                stored = {name: values[order] for name, values in stored.items()}
        return self.trainer.batches(names, training, teacher_outputs=stored)

    def _train(self, stage, model, network, batches, training, callbacks=(), after=None):
        """Compiles and fits `model`, then keeps `network`."""
        self.trainer.compile(model, training, batches)
        if self.experiment.show_epochs:
            self.experiment.say(f"[seed {self.seed}] {stage}: {training.epochs} epochs")
            callbacks = [*callbacks, EpochBar()]
        started = time.time()
        history = self.trainer.fit(model, batches, training, callbacks)
        seconds = time.time() - started
        if after:
            after()
        rounded = {name: [round(float(v), 5) for v in values] for name, values in history.items()}
        facts = {"history": rounded, "parameters": network.count_params()}
        return self._keep(stage, network, {**facts, "training_seconds": round(seconds, 1)})

    def _keep(self, stage, network, facts):
        with files.atomic_path(self.folder / f"{stage}.keras") as temporary:
            network.save(temporary, include_optimizer=False)
        logits = self.trainer.predict(network, self.prepared.judged)
        Predictions.of(self.prepared.judged, logits).save(self.folder / f"{stage}.npz")
        return facts

    def _load(self, stage):
        return keras.models.load_model(self.folder / f"{stage}.keras", compile=False, safe_mode=True)


class EpochBar(keras.callbacks.Callback):
    """Keras' progress bar, over epochs instead of batches; a few lines where there is no terminal."""

    def on_train_begin(self, logs=None):
        self.epochs = self.params["epochs"]
        self.every = 1 if sys.stdout.isatty() else max(self.epochs // 5, 1)
        self.bar = keras.utils.Progbar(self.epochs, stateful_metrics=["loss", "accuracy"], unit_name="epoch")

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.every == 0 or done == self.epochs:
            shown = [(name, logs[name]) for name in ("loss", "accuracy") if name in (logs or {})]
            self.bar.update(done, shown)
