"""What int8 costs a student, layer by layer."""

import dataclasses
import math

import keras
import numpy as np

from tfkd.networks.quantized import QUANTIZED, FakeQuantize

_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class LayerError:
    """What rounding one kernel or one tensor does.

    Attributes:
        layer: name of the layer; of the input, too, for its tensor.
        part: `"weights"` or `"activations"`.
        sqnr_db: signal to quantization noise, in dB: of the kernel, or of the tensor where everything before it is
            rounded, too.
        logits_sqnr_db: the same of the logits where nothing but this is rounded.
        changed: share of windows that are answered otherwise where nothing but this is rounded.
    """

    layer: str
    part: str
    sqnr_db: float
    logits_sqnr_db: float
    changed: float


def layer_errors(twin, windows):
    """Rounds a twin's kernels and tensors one at a time.

    Args:
        twin: what `quantization_aware` made of a student, trained or not. Not `strip` of it: its kernels are rounded
            for good.
        windows: standardised windows `(n, ...)` as the student takes them; a few hundred are plenty.

    Returns:
        A list of `LayerError`, the costliest for the logits first.

    Raises:
        ValueError: the model rounds no kernel, there are no windows, or some are not finite.

    Example:

    ```python
    for error in layer_errors(quantization_aware(student, calibration), calibration)[:5]:
        print(f"{error.layer} {error.part}: {error.logits_sqnr_db:.1f} dB, {100 * error.changed:.1f} % change")
    ```
    """
    kernels = [layer for layer in twin.layers if isinstance(layer, tuple(QUANTIZED.values()))]
    tensors = [layer for layer in twin.layers if isinstance(layer, FakeQuantize)]
    if not kernels:
        raise ValueError(f"{twin.name!r} rounds no kernel: it must be what quantization_aware() made.")
    windows = np.asarray(windows, np.float32)
    if len(windows) == 0:
        raise ValueError("windows must be at least one.")
    if bad := int((~np.isfinite(windows)).any(axis=tuple(range(1, windows.ndim))).sum()):
        raise ValueError(f"{bad} of {len(windows)} windows have NaN or infinite values: repair them or leave them out.")
    watched = keras.Model(twin.inputs[0], [*(layer.output for layer in tensors), twin.outputs[0]])

    def outputs(rounded):
        for layer in (*kernels, *tensors):
            layer.quantizing = layer in rounded
        # Called layer by layer: a traced step would not see the flags.
        parts = [watched(windows[i : i + _CHUNK], training=False) for i in range(0, len(windows), _CHUNK)]
        return [np.concatenate([keras.ops.convert_to_numpy(part[i]) for part in parts]) for i in range(len(parts[0]))]

    try:
        *exact, logits = outputs([])
        *rounded, _ = outputs([*kernels, *tensors])
        own = {}  # the kernels' flags are on since the line before
        for layer in kernels:
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            own[layer.name] = sqnr_db(kernel, keras.ops.convert_to_numpy(layer.quantized(layer.kernel)))
        own |= {layer.name: sqnr_db(*pair) for layer, pair in zip(tensors, zip(exact, rounded))}
        errors = []
        for layer in (*kernels, *tensors):
            *_, answer = outputs([layer])
            changed = float((answer.argmax(axis=-1) != logits.argmax(axis=-1)).mean())
            name, part = layer.name.removesuffix("_range"), "activations" if layer in tensors else "weights"
            errors.append(LayerError(name, part, own[layer.name], sqnr_db(logits, answer), changed))
    finally:
        for layer in (*kernels, *tensors):
            layer.quantizing = True
    return sorted(errors, key=lambda error: error.logits_sqnr_db)


def sqnr_db(exact, rounded):
    """Signal to quantization noise of an array beside its rounded twin, in dB; infinite where they are the same."""
    noise = float(np.square(np.asarray(rounded, np.float64) - exact).sum())
    signal = float(np.square(np.asarray(exact, np.float64)).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf
