"""What zeros among a student's weights cost and save on an engine, from the bytes of its int8 `.tflite` file."""

import numpy as np

from tfkd.deploy.cost.estimate import cost_of, figures
from tfkd.deploy.cost.memory import tflm_flash
from tfkd.deploy.decode import decode_pruned
from tfkd.deploy.flatbuffer import (
    constant,
    integers,
    operator_name,
    pack,
    set_integers,
    tflite_schema,
    unpack,
    weights_and_biases,
)
from tfkd.deploy.graph import operators
from tfkd.deploy.slim import slim


def kernels_of(model_bytes):
    """The int8 kernels of convolutions and dense layers in a `.tflite` file, depthwise ones left out.

    Returns:
        Dict of operator and its number, as `"CONV_2D 3"`, -> int8 array `(values of a window, output channels)`.
    """
    model = unpack(model_bytes)
    return {n: integers(model, weights).reshape(int(weights.shape[0]), -1).T for n, weights in _weights(model)}


def replaced(model_bytes, kernels):
    """The bytes of the `.tflite` file with these int8 kernels, by name as `kernels_of` has them."""
    model = unpack(model_bytes)
    for name, weights in _weights(model):
        if name in kernels:
            set_integers(model, weights, kernels[name].T)
    return pack(model)


def _weights(model):
    for number, (_, operator, weights, _) in enumerate(weights_and_biases(model)):
        name, is_int8 = operator_name(model, operator), weights.type == tflite_schema().TensorType.INT8
        if name != "DEPTHWISE_CONV_2D" and is_int8 and constant(model, weights) is not None:
            yield f"{name} {number}", weights


class CostOfZeros:
    """What a student costs with zeros in its kernels: to be asked often, for `tfkd.compress.sparsity_per_layer`.

    On TensorFlow Lite Micro, flash is that of the smallest file: with pruned weights in the format of its decoder
    where that is smaller.

    Args:
        model_bytes: content of the student's int8 `.tflite` file.
        kernels: dict of layer name -> kernel `(..., output channels)` of the Keras student that was converted; or what
            `kernels_of(model_bytes)` gives.
        engine, core: as for `tfkd.deploy.cost_of`.
        kind: `"flash"` for bytes or `"instructions"`.

    Raises:
        ValueError: a kernel is not in the file, or nothing is known of this engine on this core.
    """

    def __init__(self, model_bytes, kernels, engine="plain_c", core="m4", kind="flash"):
        figures(engine, core)
        self.model_bytes, self.engine, self.core, self.kind = model_bytes, engine, core, kind
        self.stored = kernels_of(model_bytes)
        self.names = _matched(kernels, self.stored)

    def __call__(self, kernels):
        """The cost with the zeros of `kernels`, a dict as at the beginning.

        Returns:
            Bytes or instructions.
        """
        zeroed = {}
        for name, kernel in kernels.items():
            stored = self.stored[self.names[name]]
            zeroed[self.names[name]] = np.where(np.reshape(kernel, stored.shape) == 0, 0, stored)
        return price(replaced(self.model_bytes, zeroed), self.engine, self.core, self.kind)


def price(model_bytes, engine, core, kind):
    """Bytes of flash, or instructions of an inference, that a `.tflite` costs; see `CostOfZeros`."""
    if engine == "tflm":
        model_bytes = smallest(model_bytes)
        if kind == "flash":  # without the arena that cost_of measures: it takes longer than all else
            return len(model_bytes) + tflm_flash(set(operators(model_bytes)), figures(engine, core))
    cost = cost_of(model_bytes, engine, core)
    return cost.flash_bytes if kind == "flash" else cost.instructions


def smallest(model_bytes):
    """The smallest file with the same outputs on TensorFlow Lite Micro."""
    slimmed = slim(model_bytes, for_litert=False)
    return min(decode_pruned(slimmed), slimmed, key=len)


def _matched(kernels, stored):
    """Dict of name -> name: each kernel's in the file, which has the same shape and the same directions of columns."""
    names, left = {}, dict(stored)
    for name, kernel in kernels.items():
        matrix = np.reshape(kernel, (-1, np.shape(kernel)[-1]))
        alike = {other: _alike(matrix, values) for other, values in left.items() if values.shape == matrix.shape}
        best = max(alike, key=alike.get, default=None)
        if best is None or alike[best] < 0.9:
            raise ValueError(
                f"The kernel of {name!r}, {'x'.join(map(str, matrix.shape))} weights, is not in the .tflite file; it "
                f"holds {', '.join(f'{other}: {v.shape[0]}x{v.shape[1]}' for other, v in stored.items())}. Convert "
                "this very student."
            )
        names[name] = best
        del left[best]
    return names


def _alike(matrix, values):
    """Mean cosine between the columns of two matrices; a scale of each column's own changes nothing."""
    a, b = (np.asarray(m, np.float64) for m in (matrix, values))
    lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    seen = lengths > 0
    return float(np.mean(np.abs((a * b).sum(axis=0)[seen]) / lengths[seen])) if seen.any() else 1.0
