"""Progressive distillation: a list of stages, each starting from what the one before made."""

import copy
import dataclasses
import inspect
import math
import numbers
from pathlib import Path

import keras

from tfkd.distillers.stage_record import Epochs, StageRecord, facts_of, teachers_of


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
            learning rate is none, a stage's teacher is trained only in a later one; or the folder is a file.

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
        if not isinstance(stages, (list, tuple)) or not all(isinstance(stage, Stage) for stage in stages):
            raise ValueError(f"stages must be a list of tfkd.distillers.Stage, got {stages!r}.")
        self.stages = list(stages)
        self.folder = None if folder is None else Path(folder)
        if self.folder and self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"folder={str(folder)!r} is a file. Name a folder, or one that is not there yet.")
        if not self.stages:
            raise ValueError("stages is empty: there is nothing to train.")
        for stage in self.stages:
            _check(stage)
        self._trained = [id(stage.distiller.student) for stage in self.stages]
        names = [stage.name for stage in self.stages]
        for i, (name, stage) in enumerate(zip(names, self.stages)):
            if names.index(name) < i:
                raise ValueError(f"Two stages are called {name!r}.")
            for teacher in map(id, teachers_of(stage.distiller)):
                if teacher in self._trained and self._trained.index(teacher) >= i:
                    when = names[self._trained.index(teacher)]
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

        Raises:
            ValueError: `optimizer` is none of these.
        """
        if isinstance(optimizer, (str, dict, keras.optimizers.Optimizer)):
            config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
            # Keras takes what it reads out of the dictionary.
            self._compile = (lambda stage: keras.optimizers.deserialize(copy.deepcopy(config))), loss, settings
        elif callable(optimizer) and not isinstance(optimizer, type):
            self._compile = optimizer, loss, settings
        else:
            raise ValueError(f"optimizer must be a name, an optimizer or a function of a stage, got {optimizer!r}.")

    def fit(self, x, y=None, *, callbacks=None, **settings):
        """Fits every stage that is not finished.

        Args:
            x, y, **settings: as of `keras.Model.fit`, without `epochs`.
            callbacks: Keras callbacks, used in every stage; or a function `stage -> callbacks`, for those that keep
                one file or one best value.

        Returns:
            stage name -> history (metric -> values by epoch, those before an interruption too).

        Raises:
            ValueError: `compile` was not called; the folder holds a training with other stages or settings; a
                callback would mix up stages; a stage's loss becomes NaN.
        """
        if self._compile is None:
            raise ValueError("Call compile(...) before fit(...).")
        if "epochs" in settings:
            raise ValueError(f"epochs={settings['epochs']} is each stage's own: Stage(..., epochs=...).")
        if inspect.isgenerator(x) and settings.get("steps_per_epoch") is None:
            raise ValueError(
                "x is a generator, which is used up after an epoch. Give steps_per_epoch with one that never ends, or "
                "a tf.data.Dataset or keras.utils.PyDataset."
            )
        callbacks = self._callbacks_of(callbacks)
        optimizers = [self._optimizer(stage) for stage in self.stages]
        return {
            stage.name: self._fit(i, optimizer, x, y, callbacks(stage), settings)
            for i, (stage, optimizer) in enumerate(zip(self.stages, optimizers))
        }

    def evaluate(self, *args, **settings):
        """Of the last stage's student, as of a Keras model."""
        return self.stages[-1].distiller.evaluate(*args, **settings)

    def predict(self, *args, **settings):
        """Of the last stage's student, as of a Keras model."""
        return self.stages[-1].distiller.predict(*args, **settings)

    def _callbacks_of(self, callbacks):
        """A function `stage -> list of callbacks`."""
        if callable(callbacks):
            return lambda stage: keras.tree.flatten(callbacks(stage))
        callbacks = [] if callbacks is None else keras.tree.flatten(callbacks)
        for callback in callbacks if len(self.stages) > 1 else ():
            best = isinstance(callback, keras.callbacks.ModelCheckpoint) and callback.save_best_only
            if best or (isinstance(callback, keras.callbacks.CSVLogger) and not callback.append):
                why = "takes the losses of different stages for comparable" if best else "begins its file anew"
                raise ValueError(
                    f"{type(callback).__name__} {why} in each stage. Give a function that makes one for each: "
                    "callbacks=lambda stage: [...]."
                )
        return lambda stage: callbacks

    def _optimizer(self, stage):
        optimizer = self._compile[0](stage)
        if stage.learning_rate is not None:
            try:
                optimizer.learning_rate = stage.learning_rate
            except TypeError as error:
                raise ValueError(
                    f"Stage {stage.name!r} has learning_rate={stage.learning_rate!r}, but the optimizer follows a "
                    "schedule. Give the optimizer a number, or the stage a schedule."
                ) from error
        return optimizer

    def _fit(self, i, optimizer, x, y, callbacks, settings):
        stage, distiller = self.stages[i], self.stages[i].distiller
        _, loss, rest = self._compile
        distiller.compile(optimizer, loss, **{name: _copied(value) for name, value in rest.items()})
        record = None
        if self.folder:
            facts = facts_of(stage, optimizer, loss, warm=self._trained[i] in self._trained[:i])
            record = StageRecord(self.folder, stage.name, facts)
            if (history := record.finished(distiller)) is not None:
                return history
        epochs = Epochs(stage.name, record)
        # Begun before it was stopped: goes on at the epoch after the last one that was finished.
        backup = [keras.callbacks.BackupAndRestore(record.backup)] if record else []
        # The history first: of an epoch that is done again, the second is kept.
        distiller.fit(x, y, epochs=stage.epochs, callbacks=[epochs, *backup, *callbacks], **settings)
        if record:
            record.finish(distiller, epochs.history)
        return epochs.history


def _check(stage):
    name, epochs, rate = stage.name, stage.epochs, stage.learning_rate
    if not isinstance(name, str) or not name.replace("_", "").replace("-", "").isalnum():
        raise ValueError(f"Stage name {name!r} must be made of letters, digits, '_' and '-'.")
    if not hasattr(stage.distiller, "student"):
        raise ValueError(f"Stage {name!r}: distiller must be a tfkd.Distiller, got {stage.distiller!r}.")
    if not (isinstance(epochs, numbers.Integral) and epochs >= 1):
        raise ValueError(f"Stage {name!r}: epochs must be a whole number of at least 1, got {epochs!r}.")
    schedule = keras.optimizers.schedules.LearningRateSchedule
    if not (rate is None or isinstance(rate, schedule) or (isinstance(rate, numbers.Real) and 0 < rate < math.inf)):
        raise ValueError(f"Stage {name!r}: learning_rate must be a number above 0 or a schedule, got {rate!r}.")


def _copied(value):
    """Metrics hold state, so each stage has its own."""
    if isinstance(value, (list, tuple)):
        return [_copied(v) for v in value]
    if isinstance(value, keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value
