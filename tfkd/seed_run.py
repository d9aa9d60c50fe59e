"""The stages of one seed of an experiment."""

import json
import sys
import time

import keras
import numpy as np

from tfkd import files, narrowing, pruning, quantizing
from tfkd.distillers import Progressive
from tfkd.evaluation import Predictions, score_of
from tfkd.recipe import RecipeError
from tfkd.segments import continuous_metrics
from tfkd.teaching import Teaching
from tfkd.training import Trainer


def stages_of(recipe):
    """The stages that a run of `recipe` has, in order.

    `teacher_<kind>` are teachers besides the first. `single`, `dask` and `with_<term>` are students that learn from
    the first teacher in other ways than the recipe's, the last from labels and that term of the distillation alone;
    `raw_labels` and `raw_distilled` are the network for raw signals, beside one for images. `narrowed_<size>` is the
    distilled student with fewer channels, `small_<size>` the same network trained from scratch, `int8_<size>` the
    former in int8. `aware` and `aware_<size>` are trained as the int8 model computes; `int8` is the last of all.
    """
    stages = ["teacher", *(f"teacher_{teacher.kind}" for teacher in recipe.more_teachers), "labels"]
    stages += [*recipe.ablation.methods, *(f"with_{term}" for term in recipe.ablation.terms), "distilled"]
    if recipe.ablation.control:
        stages.append("control")
    if recipe.ablation.raw_signal:
        stages += ["raw_labels", "raw_distilled"]
    stages += narrowing.stages_of_sizes(recipe)
    if not recipe.quantization.int8:
        return stages
    stages += ["pruned"] if quantizing.prunes(recipe) else []
    return [*stages, *quantizing.stages_of_int8(recipe)]


def metrics_of(predictions):
    """What a stage's record says of its predictions."""
    more = {} if predictions.units is None else continuous_metrics(predictions)
    return {**predictions.metrics(), **more}


def read_record(path):
    """A stage's record: what is known of it besides its predictions.

    Raises:
        RecipeError: the file is missing or damaged; the message names it.
    """
    try:
        found = dict(json.loads(path.read_bytes()))
        if lacking := {"accuracy", "macro_f1", "seconds"} - found.keys():
            raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
    except (OSError, ValueError, TypeError) as error:
        raise RecipeError(f"{path} could not be read: {error}. Delete it to have its stage done anew.") from error
    return found


def method_of(recipe):
    """The recipe's own method: `"pskd"` where it has stages, else `None` for its `distillation`."""
    return "pskd" if recipe.pskd.stages else None


class SeedRun:
    """The stages of one seed.

    Args:
        experiment: `Experiment`.
        seed: its number.
        teachers: the folder where the teachers are; the seed's own by default.
    """

    def __init__(self, experiment, seed, teachers=None):
        self.experiment, self.seed = experiment, seed
        self.recipe, self.prepared = experiment.recipe, experiment.prepared
        self.folder = experiment.folder / f"seed{seed}"
        self.trainer = Trainer(self.recipe, self.prepared, experiment.channels, seed)
        self.teaching = Teaching(self.trainer, teachers or self.folder)

    def run(self, stages=None):
        """Runs those of the stages, all of the recipe by default, that have no record yet."""
        scores, score = {}, score_of(self.recipe.windows.kind)
        for stage in stages_of(self.recipe) if stages is None else stages:
            record = self.folder / f"{stage}.json"
            done = record.exists()
            if not done:
                # Each stage for itself, so that it gives the same whether or not the ones before ran just now.
                keras.utils.set_random_seed(self.seed)
                started = time.time()
                facts = self._run(stage)
                metrics = metrics_of(Predictions.load(self.folder / f"{stage}.npz"))
                files.write_json(record, {**metrics, **facts, "seconds": round(time.time() - started, 1)})
            found = read_record(record)
            scores[stage] = found[score]
            right = f"{100 * found['accuracy']:.1f} % of {self.prepared.side}"
            if self.prepared.judged.units is None:
                told = f"{right} recordings right"
            else:
                told = f"{right} moments right, macro F1 {100 * found['macro_f1']:.1f} %"
            self._say(stage, "done before" if done else f"{told} ({found['seconds']:.0f} s)")
            if stage == "labels":
                self._warn_of_poor_teachers(scores)

    def _warn_of_poor_teachers(self, scores):
        for stage, value in scores.items():
            if stage.startswith("teacher") and value < scores["labels"]:
                self._say(
                    stage,
                    f"warning: with {100 * value:.1f} % it knows less than the student on labels alone, "
                    f"{100 * scores['labels']:.1f} %. What it says may do more harm than good.",
                )

    def _say(self, stage, words):
        self.experiment.say(f"[seed {self.seed}] {stage}: {words}")

    def _run(self, stage):
        if stage.startswith("teacher"):
            return self._teacher(stage)
        if stage in ("labels", "raw_labels"):
            return self._on_labels(stage, "imu" if stage == "raw_labels" else None)
        if stage == "pruned":
            return pruning.prune(self)
        if stage.startswith("aware"):
            return quantizing.aware(self, stage)
        if stage.startswith("int8"):
            return quantizing.int8(self, stage)
        for beginning, make in ((narrowing.NARROWED, narrowing.narrow), (narrowing.SMALL, narrowing.from_scratch)):
            if stage.startswith(beginning):
                return make(self, stage.removeprefix(beginning))
        method = stage.removeprefix("with_")
        if stage in ("distilled", "control", "raw_distilled"):
            method = method_of(self.recipe)
        return self._distil(stage, method, "imu" if stage == "raw_distilled" else None)

    def _teacher(self, stage):
        kind = self.teaching.kinds[stage]
        training = self.recipe.teacher_training
        for person in self.teaching.persons(kind):
            path = self.teaching.fold_path(stage, person)
            if not path.exists():
                network, batches = self.trainer.new_teacher(kind), self.trainer.teacher_batches(kind, without=person)
                self.fit(f"{stage} without person {person}", network, batches, training)
                with files.atomic_path(path) as temporary:
                    network.save(temporary, include_optimizer=False)
        keras.utils.set_random_seed(self.seed)
        network = self.trainer.new_teacher(kind)
        model, batches = network, self.trainer.teacher_batches(kind)
        if self.recipe.teachers[kind].taught_by:
            model, batches = self.teaching.assistant(stage, network)
        return self.train(stage, model, batches, network, training)

    def _on_labels(self, stage, kind):
        student = self.trainer.new_student(kind)
        training = self.recipe.student_training
        batches = self.trainer.batches(student.inputs[0].name, training, self.trainer.labelled())
        return self.train(stage, student, batches, student, training)

    def _distil(self, stage, method, kind):
        training, shuffle = self.recipe.student_training, stage == "control"
        teachers = self.teaching.teachers(method, shuffle)
        student = self.trainer.new_student(kind)
        batches = self.teaching.batches(training, method, shuffle)
        model = self.trainer.taught(teachers, student, method)
        return self.train(stage, model, batches, student, training)

    def distilling(self, student, training):
        """The model that trains a student by the recipe's own method, and its batches."""
        method = method_of(self.recipe)
        batches = self.teaching.batches(training, method)
        return self.trainer.taught(self.teaching.teachers(method), student, method), batches

    def going_on(self, student, training):
        """As `distilling`, for a student that was distilled before: of PSKD, the last stage alone."""
        model, batches = self.distilling(student, training)
        return model.stages[-1].distiller if isinstance(model, Progressive) else model, batches

    def train(self, stage, model, batches, network, training):
        """Compiles and fits `model`, then keeps `network`; returns the facts of the stage's record."""
        return self.kept(stage, network, self.trained(stage, model, batches, training))

    def trained(self, stage, model, batches, training, callbacks=()):
        """Compiles and fits `model`; returns its history and time."""
        started = time.time()
        history = self.fit(stage, model, batches, training, callbacks)
        for name, values in history.items():
            self._check_finite(stage, name, values)
        rounded = {name: [round(float(v), 5) for v in values] for name, values in history.items()}
        return {"history": rounded, "training_seconds": round(time.time() - started, 1)}

    def fit(self, stage, model, batches, training, callbacks=()):
        """Compiles and fits `model`; returns its history."""
        if self.experiment.show_epochs:
            self._say(stage, f"{training.epochs} epochs")
            callbacks = [*callbacks, EpochBar()]
        if isinstance(model, Progressive):
            return self.trainer.fit_stages(model, training, batches, callbacks)
        self.trainer.compile(model, training, batches)
        return self.trainer.fit(model, batches, training, callbacks)

    def kept(self, stage, network, facts):
        """Keeps a network and what it answers; returns `facts` with its parameters."""
        with files.atomic_path(self.folder / f"{stage}.keras") as temporary:
            network.save(temporary, include_optimizer=False)
        logits = self.trainer.predict(network, self.prepared.judged)
        self._check_finite(stage, "logits", logits)
        Predictions.of(self.prepared.judged, logits).save(self.folder / f"{stage}.npz")
        return {**facts, "parameters": network.count_params()}


    def _check_finite(self, stage, name, values):
        """Says that a training failed, where its numbers would be kept and compared as if it had not."""
        if not np.isfinite(values).all():
            raise RecipeError(
                f"[seed {self.seed}] {stage}: its {name} became NaN or infinite: that training failed. Try a lower "
                "learning_rate, with another --out."
            )


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
