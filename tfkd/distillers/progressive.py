"""Progressive distillation: a list of stages, each starting from what the one before made."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np

from tfkd import files
from tfkd.distillers.teacher_cache import hash_of_weights


@dataclasses.dataclass
class Stage:
    """One stage of a `Progressive` training.

    Attributes:
        name: of letters, digits, `_` and `-`; its files in the folder are called after it.
        distiller: the `tfkd.Distiller` to fit. Stages whose distillers hold the same student start from what the
            stage before made of it; one whose student is a later stage's teacher trains an assistant.
        epochs: how many.
        learning_rate: a number or a Keras schedule; `None` leaves the optimizer's.
    """

    name: str
    distiller: keras.Model
    epochs: int
    learning_rate: object = None


class Progressive:
    """Trains stage after stage, and continues where it was stopped.

    Args:
        stages: list of `Stage`.
        folder: where finished stages and the epochs of the present one are kept, so that the same code, run again
            after an interruption, goes on there. `None` keeps nothing.

    Raises:
        ValueError: the list cannot be run: it is empty, two stages share a name, a number of epochs is below 1, a
            stage's teacher is trained only in a later one.

    Example: a teacher that is far from the student teaches an assistant, which then teaches the student.

    ```python
    training = Progressive(
        [
            Stage("assistant", Distiller(teacher, assistant, SoftTargets(2.0)), epochs=60),
            Stage("student", Distiller(assistant, student, SoftTargets(2.0)), epochs=60, learning_rate=5e-4),
        ],
        folder="runs/chain",
    )
    training.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    training.fit(batches)
    ```
    """

    def __init__(self, stages, folder=None):
        self.stages = list(stages)
        self.folder = None if folder is None else Path(folder)
        if not self.stages:
            raise ValueError("stages is empty: there is nothing to train.")
        trained = [id(stage.distiller.student) for stage in self.stages]
        names = [stage.name for stage in self.stages]
        for i, (name, stage) in enumerate(zip(names, self.stages)):
            if not name or not name.replace("_", "").replace("-", "").isalnum():
                raise ValueError(f"Stage name {name!r} must be made of letters, digits, '_' and '-'.")
            if names.index(name) < i:
                raise ValueError(f"Two stages are called {name!r}.")
            if not (isinstance(stage.epochs, int) and stage.epochs >= 1):
                raise ValueError(f"Stage {name!r}: epochs must be a whole number of at least 1, got {stage.epochs!r}.")
            for teacher in map(id, _teachers(stage.distiller)):
                if teacher in trained and trained.index(teacher) >= i:
                    when = names[trained.index(teacher)]
                    raise ValueError(f"Stage {name!r} has a teacher that is not trained before stage {when!r}.")
        self._compile = None

    @property
    def student(self):
        """The student of the last stage."""
        return self.stages[-1].distiller.student

    def compile(self, optimizer="adam", loss=None, **settings):
        """How each stage is compiled.

        Args:
            optimizer: a name or an optimizer, of which each stage gets a fresh copy; or a function
                `stage -> optimizer`.
            loss: on the labels.
            **settings: others of `keras.Model.compile`. Metrics are copied for each stage.
        """
        if isinstance(optimizer, (str, keras.optimizers.Optimizer)):
            config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
            self._compile = (lambda stage: keras.optimizers.deserialize(config)), loss, settings
        else:
            self._compile = optimizer, loss, settings

    def fit(self, x, y=None, callbacks=(), **settings):
        """Fits every stage that is not finished.

        Args:
            x, y, **settings: as of `keras.Model.fit`, without `epochs`.
            callbacks: Keras callbacks, used in every stage.

        Returns:
            stage name -> history (metric -> values by epoch).

        Raises:
            ValueError: `compile` was not called, or the folder holds a training with other stages.
        """
        if self._compile is None:
            raise ValueError("Call compile(...) before fit(...).")
        if "epochs" in settings:
            raise ValueError(f"epochs={settings['epochs']} is each stage's own: Stage(..., epochs=...).")
        return {stage.name: self._fit(stage, x, y, list(callbacks), settings) for stage in self.stages}

    def _fit(self, stage, x, y, callbacks, settings):
        make_optimizer, loss, rest = self._compile
        optimizer = make_optimizer(stage)
        if stage.learning_rate is not None:
            optimizer.learning_rate = stage.learning_rate
        distiller = stage.distiller
        kept = self.folder and self.folder / f"{stage.name}.keras"
        record = self.folder and self.folder / f"{stage.name}.json"
        facts = {"epochs": stage.epochs, "losses": _losses(distiller), "teachers": _hashes(distiller)}
        if record and record.exists():
            found = json.loads(record.read_text())
            if found["stage"] != facts:
                raise ValueError(
                    f"{record} was left by another stage {stage.name!r}: {_difference(found['stage'], facts)}. Choose "
                    "another folder, or delete this one."
                )
            distiller.student.load_weights(kept)
            for state, value in zip(distiller.seed_states, found["seeds"]):
                state.assign(value)
            return found["history"]
        distiller.compile(optimizer, loss, **{name: _copied(value) for name, value in rest.items()})
        if self.folder:
            # Begun before it was stopped: goes on at the epoch after the last one that was finished.
            backup = self.folder / f"{stage.name}.backup"
            callbacks = [keras.callbacks.BackupAndRestore(backup), *callbacks]
        history = distiller.fit(x, y, epochs=stage.epochs, callbacks=callbacks, **settings).history
        history = {name: [float(v) for v in values] for name, values in history.items()}
        if self.folder:
            with files.atomic_path(kept) as temporary:
                distiller.student.save(temporary)
            seeds = [np.asarray(state).tolist() for state in distiller.seed_states]
            files.write_json(record, {"stage": facts, "history": history, "seeds": seeds})
        return history


def _teachers(distiller):
    teacher = distiller.teacher
    return [model for model in (teacher.values() if isinstance(teacher, dict) else [teacher]) if model is not None]


def _hashes(distiller):
    # Of weights alone: Keras numbers unnamed layers by what else the process has made.
    return [hash_of_weights(model)[:16] for model in _teachers(distiller)]


def _losses(distiller):
    config = distiller.get_config()
    return _without_names(json.loads(json.dumps([config[k] for k in config if "loss" in k])))


def _without_names(value):
    if isinstance(value, dict):
        return {k: _without_names(v) for k, v in value.items() if k not in ("name", "build_config")}
    return [_without_names(v) for v in value] if isinstance(value, list) else value


def _difference(found, wanted):
    return ", ".join(f"its {key} differ" for key in wanted if found.get(key) != wanted[key])


def _copied(value):
    """Metrics hold state, so each stage has its own."""
    if isinstance(value, (list, tuple)):
        return [_copied(v) for v in value]
    if isinstance(value, keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value
