"""Teacher outputs computed once and stored, for training without running the teacher.

They hold only for the very windows and the very weights they were computed from, and say so: every
window is stored under its id with a hash of its data, and the whole under a hash of the teacher.
"""

import hashlib

import numpy as np

from tfkd.distillers.routing import Routed
from tfkd.files import atomic_path


class TeacherCacheError(ValueError):
    """Stored teacher outputs do not belong to this teacher or these windows."""


class TeacherCache:
    """Teacher outputs by window id. Make one with `compute` or `load`.

    Attributes:
        teacher_hash: of the teacher's weights and configuration.
        entries: window id -> (hash of the window's data, row).
        values: output name (`"logits"` or a layer's) -> `(windows, ...)` array.
    """

    def __init__(self, teacher_hash, ids, data_hashes, values):
        self.teacher_hash = teacher_hash
        self.entries = {str(i): (str(h), row) for row, (i, h) in enumerate(zip(ids, data_hashes))}
        self.values = values

    @classmethod
    def compute(cls, teacher, windows, layers=("embedding",), normalisation=None, batch_size=256):
        """Runs the teacher once over `windows`, in inference mode.

        Args:
            teacher: Keras model whose inputs are named after modalities.
            windows: `Windows`, or anything with `ids` and `arrays`.
            layers: layers to store besides the logits.
            normalisation: function `(modality, values) -> values` that the teacher's inputs go through.
            batch_size: windows at once.

        Raises:
            ValueError: the teacher's layers or inputs are not there, two windows share an id, or `batch_size` is
                below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size!r}.")
        if len(set(windows.ids)) < len(windows.ids):
            shared = next(i for i in windows.ids if list(windows.ids).count(i) > 1)
            raise ValueError(f"Two windows have the id {shared}, by which their outputs are stored.")
        reader = Routed(teacher, "teacher", layers)
        arrays = _inputs(reader, windows, normalisation)
        rows = {}
        for start in range(0, len(windows.ids), batch_size):
            batch = {m: v[start : start + batch_size] for m, v in arrays.items()}
            for name, value in reader(batch, training=False).items():
                rows.setdefault(name, []).append(np.asarray(value))
        values = {name: np.concatenate(parts) for name, parts in rows.items()}
        return cls(hash_of_model(teacher), windows.ids, _hashes(arrays), values)

    def outputs(self, teacher, windows, normalisation=None):
        """Stored outputs for `windows`, matched by id.

        Returns:
            name -> `(windows, ...)` array, for `Batches(teacher_outputs=...)`.

        Raises:
            TeacherCacheError: the teacher's weights are others, a window is not stored, or its data
                have changed.
        """
        if hash_of_model(teacher) != self.teacher_hash:
            raise TeacherCacheError(
                f"The stored outputs come from other weights than those of {teacher.name!r}. "
                "Compute them again with TeacherCache.compute."
            )
        hashes = _hashes(_inputs(Routed(teacher, "teacher", ()), windows, normalisation))
        rows = []
        for window, data_hash in zip(windows.ids, hashes):
            stored_hash, row = self.entries.get(str(window), (None, None))
            if stored_hash != data_hash:
                why = "is not stored" if row is None else "has other data than when it was stored"
                raise TeacherCacheError(
                    f"Window {window} {why}. Compute the outputs again with TeacherCache.compute."
                )
            rows.append(row)
        return {name: value[rows] for name, value in self.values.items()}

    def save(self, path):
        """Writes an `.npz` file, whole or not at all."""
        named = {f"value_{name}": value for name, value in self.values.items()}
        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                teacher_hash=self.teacher_hash,
                ids=list(self.entries),
                data_hashes=[data_hash for data_hash, _ in self.entries.values()],
                **named,
            )

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote; nothing in the file is run."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = {key.removeprefix("value_"): stored[key] for key in stored.files if key.startswith("value_")}
                return cls(str(stored["teacher_hash"]), stored["ids"], stored["data_hashes"], values)
        except FileNotFoundError:
            raise
        except Exception as error:  # numpy and zipfile raise whatever the broken bytes led them to
            raise TeacherCacheError(
                f"{path} is not a readable teacher cache ({error}). Delete it and compute it again."
            ) from error


def hash_of_model(model):
    """Hash of a model's layers and weights; the state of random generators, which a load draws anew, is no part."""
    return hash_of_weights(model, model.to_json().encode())


def hash_of_weights(model, more=b""):
    """Hash of a model's weights alone, after `more`."""
    digest = hashlib.sha256(more)
    for variable in model.weights:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def _inputs(reader, windows, normalisation):
    names = [tensor.name for tensor in reader.model.inputs]
    if missing := [name for name in names if name not in windows.arrays]:
        raise ValueError(
            f"The teacher {reader.model.name!r} has inputs {names}, but the windows hold {sorted(windows.arrays)}: "
            f"{missing} missing."
        )
    arrays = {name: np.asarray(windows.arrays[name]) for name in names}
    if normalisation is None:
        return arrays
    return {name: normalisation(name, values) for name, values in arrays.items()}


def _hashes(arrays):
    count = len(next(iter(arrays.values())))
    names = sorted(arrays)
    return [
        hashlib.blake2b(
            b"".join(np.ascontiguousarray(arrays[n][i]).tobytes() for n in names), digest_size=16
        ).hexdigest()
        for i in range(count)
    ]
