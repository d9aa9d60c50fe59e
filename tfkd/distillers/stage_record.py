"""What a `Progressive` keeps of a stage in its folder, and whether a folder's stage is still the same."""

import hashlib
import json
import math
from pathlib import Path

import keras
import numpy as np

from tfkd import files
from tfkd.distillers.teacher_cache import hash_of_weights

_OWN_TO_A_PROCESS = ("name", "build_config", "inbound_nodes", "input_layers", "output_layers")
"""Entries of Keras' configurations with names that Keras numbers by what else the process has made."""


def facts_of(stage, optimizer, loss, warm):
    """What a stage is, so that one with other settings is not taken for it.

    Args:
        stage: `Stage`.
        optimizer, loss: what it is compiled with.
        warm: whether its student was trained by a stage before: then its weights count too.

    Returns:
        A dictionary that JSON keeps as it is.
    """
    config, student = stage.distiller.get_config(), stage.distiller.student
    facts = {
        "epochs": int(stage.epochs),
        "losses": _described([config[key] for key in config if "loss" in key]),
        "teachers": [hash_of_weights(teacher)[:16] for teacher in teachers_of(stage.distiller)],
        "loss on the labels": _described(_config(loss)),
        "optimizer and learning rate": _described(_config(optimizer)),
        "layers of the student": _hash(_described(_layers(student))),
    }
    return {**facts, "weights to start from": hash_of_weights(student)[:16]} if warm else facts


def teachers_of(distiller):
    """The live teachers of a `Distiller`."""
    teacher = distiller.teacher
    return [model for model in (teacher.values() if isinstance(teacher, dict) else [teacher]) if model is not None]


class StageRecord:
    """A stage's files: `<name>.json` and `<name>.keras` once it is finished, `<name>.begun.json` and Keras' own
    `<name>.backup` until then.

    Args:
        folder: where.
        name: the stage's.
        facts: of `facts_of`.
    """

    def __init__(self, folder, name, facts):
        folder = Path(folder)
        self.facts, self.backup = facts, folder / f"{name}.backup"
        self._name, self._finished, self._begun = name, folder / f"{name}.json", folder / f"{name}.begun.json"
        self._student = folder / f"{name}.keras"

    def finished(self, distiller):
        """The history of a finished stage, whose student `distiller` is given; `None` where it is not finished.

        Raises:
            ValueError: the stage was another one, or its files are damaged.
        """
        found = self._read(self._finished)
        if found is None:
            return None
        try:
            distiller.student.load_weights(self._student)
        except (OSError, ValueError) as error:
            raise ValueError(f"{self._student} cannot be read: {error}. Delete {self._finished}.") from error
        for state, value in zip(distiller.seed_states, found["seeds"]):
            state.assign(value)
        return found["history"]

    def begin(self):
        """The epochs of a stage that was begun before, as `go_on` wrote them; else none.

        Raises:
            ValueError: it was begun as another stage.
        """
        found = self._read(self._begun)
        if found is None:
            self.go_on([])
        return [] if found is None else found["epochs"]

    def go_on(self, epochs):
        """Keeps what the epochs up to now came to, a dictionary of numbers for each."""
        epochs = [{name: _storable(value) for name, value in logs.items()} for logs in epochs]
        files.write_json(self._begun, {"stage": self.facts, "epochs": epochs})

    def finish(self, distiller, history):
        """Keeps the student and the history."""
        with files.atomic_path(self._student) as temporary:
            distiller.student.save(temporary)
        seeds = [np.asarray(state).tolist() for state in distiller.seed_states]
        history = {name: [_storable(value) for value in values] for name, values in history.items()}
        files.write_json(self._finished, {"stage": self.facts, "history": history, "seeds": seeds})
        self._begun.unlink(missing_ok=True)

    def _read(self, path):
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text())
            stage = found["stage"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is no record of a stage ({type(error).__name__}: {error}). Delete it, or take another folder."
            ) from error
        if other := [key for key in {**self.facts, **stage} if stage.get(key) != self.facts.get(key)]:
            raise ValueError(
                f"{path} was left by another stage {self._name!r}: its {', its '.join(other)} differ. Choose another "
                f"folder, or delete {path.parent}."
            )
        return found


class Epochs(keras.callbacks.Callback):
    """Keeps a stage's history, over interruptions too, and stops where the loss is no number.

    Args:
        name: the stage's.
        record: `StageRecord`, or `None`.
    """

    def __init__(self, name, record):
        super().__init__()
        self.name, self.record = name, record
        self.epochs = record.begin() if record else []

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        if math.isnan(logs.get("loss", 0.0)):
            parts = ", ".join(name for name, value in logs.items() if math.isnan(value))
            raise ValueError(
                f"Stage {self.name!r}: the loss of epoch {epoch + 1} is NaN ({parts}). Look for NaN in inputs and "
                "teachers' outputs, or lower the learning rate. This stage was not kept."
            )
        self.epochs = [*self.epochs[:epoch], logs]
        if self.record:
            self.record.go_on(self.epochs)

    @property
    def history(self):
        """metric -> its values by epoch."""
        names = dict.fromkeys(name for logs in self.epochs for name in logs)
        return {name: [logs[name] for logs in self.epochs if name in logs] for name in names}


def _storable(value):
    """A number as JSON has it: what is none is `None`, and stays so when it is read and written again."""
    return value if value is not None and math.isfinite(value) else None


def _layers(student):
    try:
        return student.get_config()
    except NotImplementedError:  # a subclassed model that does not tell
        return [list(weight.shape) for weight in student.weights]


def _config(thing):
    try:
        return keras.saving.serialize_keras_object(thing)
    except (NotImplementedError, TypeError, ValueError, AttributeError):  # of the user's own, and does not tell
        return type(thing).__name__


def _described(value):
    return _without_names(json.loads(json.dumps(value, default=str)))


def _without_names(value):
    if isinstance(value, dict):
        return {k: _without_names(v) for k, v in value.items() if k not in _OWN_TO_A_PROCESS}
    return [_without_names(v) for v in value] if isinstance(value, list) else value


def _hash(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
