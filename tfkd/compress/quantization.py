"""A student trained, or only calibrated, as the int8 model that it will be.

`quantization_aware` makes a student's twin: BatchNormalization folded into the kernels (`tfkd.compress.folding`), every
kernel and every tensor between layers rounded as in TensorFlow Lite's int8 scheme (`tfkd.networks.quantized`; Jacob et
al. 2018). A Distiller or `fit` trains the twin in the student's place; `strip` makes an ordinary Keras model of it,
which `tfkd.deploy.convert_int8` converts with the very ranges of the twin.

Without training, twin and `strip` calibrate: ranges from a percentile of what training windows produce instead of
their extremes.

Twin and int8 model are not the same to the last bit. Biases are not rounded here (they are int32, in steps of the
accumulators': hundreds of times finer than the output's), and TensorFlow Lite Micro rounds an accumulator twice, so
that about one in a hundred of a convolution's outputs comes out a step beside the twin's. Such steps add up like noise:
the logits of the 40,000-parameter IMU student are the same in half of the cases and at most 3 of 255 steps apart.
Accuracy is therefore measured with the bytes, never with the twin.

16-bit activations (TensorFlow Lite's 16x8) are not offered as a way out for a student that int8 spoils. TensorFlow
Lite Micro's reference kernels run them, but CMSIS-NN refuses the FULLY_CONNECTED that the converter writes for them
(one scale for each output), and neither the plain C kernels nor an export's contract (int8 in and out, golden windows,
encodings computed straight to int8) have them: every figure would hold for the slowest of three back ends only.
"""

import keras
import numpy as np
from keras import layers

from tfkd.compress.folding import CONVOLVING, consumers, copy_of, fold, rebuild
from tfkd.encodings import GramianAngularField
from tfkd.networks.causal import Newest
from tfkd.networks.quantized import QUANTIZED, FakeQuantize

_FLOAT = {quantized: kind for kind, quantized in QUANTIZED.items()}
_WITH_RANGE = (*CONVOLVING, layers.Add, layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.ReLU)
"""Layers whose int8 operator has an output range of its own."""
_RANGE_OF_INPUT = (
    layers.Dropout, layers.Flatten, layers.Reshape, Newest,
    layers.MaxPooling1D, layers.MaxPooling2D, layers.ZeroPadding1D, layers.ZeroPadding2D,
)  # fmt: skip
_CHUNK = 64


def quantization_aware(student, windows, percentile=100.0, trained_ranges=False, weight_bits=8):
    """The twin of a trained student that computes as its int8 model will, and can be trained.

    Args:
        student: Functional or Sequential Keras model of one input and one output, of the layers that the error below
            names. It is left as it was. A causal student as it is trained, on windows.
        windows: standardised training windows `(n, ...)` as the student takes them, for the ranges. A few hundred are
            plenty, as many of each class (`tfkd.deploy.balanced_calibration`).
        percentile: of what the windows produce in a tensor, how much its range holds on either side, in percent. 100
            is the whole range. The logits keep theirs: clipped, the largest would be alike.
        trained_ranges: whether training moves the ranges, too. They are left as calibrated by default.
        weight_bits: of the integers of convolutions' kernels, 8 or 4. Four bits cost much accuracy without training;
            `tfkd.deploy.export_student(..., weight_bits=4)` stores what was trained. Dense layers keep 8 bits, which is
            what they are stored with.

    Returns:
        A Functional Keras model. Its input and layers have the student's names, so that losses that compare layers
        find them; ranges are layers `"<layer>_range"` behind them.

    Raises:
        ValueError: a layer that is not known here (it is named), `percentile` is not in (50, 100] or `weight_bits` not
            8 or 4, or the windows do not fit, are none or not finite.

    Example:

    ```python
    twin = quantization_aware(student, calibration)
    distiller = Distiller(teacher, twin, SoftTargets(2.0))
    ...
    export_student(strip(twin), folder, calibration=calibration, ...)
    ```
    """
    if not 50 < percentile <= 100:
        raise ValueError(f"percentile must be above 50 and at most 100, not {percentile}.")
    if weight_bits not in (8, 4):
        raise ValueError(f"weight_bits must be 8 or 4, not {weight_bits!r}.")
    folded = fold(student)
    points = _points_with_range(folded)
    ranges = _calibrated(folded, points, _checked(folded, windows), percentile)

    def make(layer):
        rounded = QUANTIZED.get(type(layer))
        if not rounded:
            return copy_of(layer)
        # TensorFlow Lite Micro has no four bits for dense layers with a scale for each output.
        return copy_of(layer, rounded, bits=8 if isinstance(layer, layers.Dense) else weight_bits)

    def after(layer, x):
        name = folded.inputs[0].name if layer is None else layer.name
        if name not in ranges:
            return x
        return FakeQuantize(*ranges[name], trained=trained_ranges, name=f"{name}_range")(x)

    twin = rebuild(folded, make, after)
    for layer in folded.layers:
        if layer.weights:
            twin.get_layer(layer.name).set_weights(layer.get_weights())
    return twin


def strip(twin):
    """What a twin has become, as an ordinary Keras model: kernels rounded for good, ranges as constants.

    Args:
        twin: what `quantization_aware` made. It is left as it was.

    Returns:
        A Functional Keras model that computes what the twin does. `tfkd.deploy.convert_int8` finds the ranges in it;
        `tfkd.networks.streaming` and a Gramian angular field behind the input work as they do for the student.

    Raises:
        ValueError: this is no twin.
    """
    if not any(isinstance(layer, FakeQuantize) for layer in twin.layers):
        raise ValueError(
            f"{twin.name!r} holds no ranges, so it is no twin: strip what quantization_aware() returned, not the "
            "student that it was made of, which did not learn with it."
        )

    def make(layer):
        if isinstance(layer, FakeQuantize):
            low, high = layer.range
            return FakeQuantize(low, high, name=layer.name)
        if type(layer) not in _FLOAT:
            return copy_of(layer)
        config = layer.get_config()
        del config["bits"]
        return _FLOAT[type(layer)].from_config(config)

    stripped = rebuild(twin, make)
    for layer in twin.layers:
        if type(layer) in _FLOAT:
            _, *bias = layer.get_weights()
            kernel = keras.ops.convert_to_numpy(layer.quantized(layer.kernel))
            stripped.get_layer(layer.name).set_weights([kernel, *bias])
        elif layer.weights and not isinstance(layer, FakeQuantize):
            stripped.get_layer(layer.name).set_weights(layer.get_weights())
    return stripped


def ranges_of(model):
    """The ranges in a twin or in what `strip` made of it: name of the tensor's layer -> `(low, high)`."""
    found = [layer for layer in model.layers if isinstance(layer, FakeQuantize)]
    return {layer.name.removesuffix("_range"): layer.range for layer in found}


def _points_with_range(folded):
    """Where the int8 model has a tensor with a range of its own: name of layer or input -> tensor."""
    takers, points = consumers(folded), {}
    encoded = folded.inputs[0]
    for layer in folded.layers:
        if isinstance(layer, (layers.InputLayer, *_RANGE_OF_INPUT)):
            continue
        if isinstance(layer, GramianAngularField):  # firmware computes it, and hands its int8 to the model
            encoded = layer.output
            continue
        _check(layer)
        fused = [type(taker) for taker in takers[layer.name]] == [layers.ReLU] and not isinstance(layer, layers.ReLU)
        # An operator computes the ReLU behind it, too; between the two is no tensor.
        if not (fused and _linear(layer) and not isinstance(layer, _MEANS)):
            points[layer.name] = layer.output
    source = next(layer.name for layer in folded.layers if layer.output is encoded)
    return {source: encoded, **points}


_MEANS = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D)
_ACTIVATIONS = (keras.activations.linear, keras.activations.relu, keras.activations.relu6)


def _linear(layer):
    return getattr(layer, "activation", keras.activations.linear) is keras.activations.linear


def _check(layer):
    known = type(layer) in _WITH_RANGE
    if isinstance(layer, layers.ReLU):
        known = known and layer.max_value in (None, 6.0) and not layer.negative_slope and not layer.threshold
    elif known:
        known = getattr(layer, "activation", keras.activations.linear) in _ACTIVATIONS
    if not known:
        names = sorted({kind.__name__ for kind in (*_WITH_RANGE, *_RANGE_OF_INPUT, layers.BatchNormalization)})
        raise ValueError(
            f"The layer {layer.name!r} ({type(layer).__name__}) has no twin that computes as int8 does. Known are "
            f"{', '.join(names)}, with no activation or relu or relu6. Leave such a student to convert_int8 alone."
        )


def _checked(folded, windows):
    windows = np.asarray(windows, np.float32)
    shape = tuple(folded.input_shape[1:])
    if windows.shape[1:] != shape or len(windows) == 0:
        raise ValueError(f"windows must have shape (n, {', '.join(map(str, shape))}) with n > 0, not {windows.shape}.")
    if not np.isfinite(windows).all():
        raise ValueError(f"windows has {int((~np.isfinite(windows)).sum())} values that are not finite.")
    return windows


def _calibrated(folded, points, windows, percentile):
    """The range of each point: name -> `(low, high)`."""
    watched = keras.Model(folded.inputs[0], list(points.values()))
    last = folded.outputs[0]
    tails = {}
    for name, tensor in points.items():
        values = len(windows) * int(np.prod(tensor.shape[1:]))
        share = 0.0 if tensor is last else 1 - percentile / 100
        tails[name] = _Tails(1 + int(values * share))
    for start in range(0, len(windows), _CHUNK):
        outputs = watched.predict_on_batch(windows[start : start + _CHUNK])
        for tail, values in zip(tails.values(), outputs, strict=True):
            tail.add(np.ravel(values))
    return {name: tail.range() for name, tail in tails.items()}


class _Tails:
    """The `count` smallest and largest values seen."""

    def __init__(self, count):
        self.count = count
        self.smallest = self.largest = np.empty(0, np.float32)

    def add(self, values):
        smallest, largest = np.concatenate([self.smallest, values]), np.concatenate([self.largest, values])
        if len(smallest) > self.count:
            smallest = np.partition(smallest, self.count - 1)[: self.count]
            largest = np.partition(largest, -self.count)[-self.count :]
        self.smallest, self.largest = smallest, largest

    def range(self):
        low, high = min(float(self.smallest.max()), 0.0), max(float(self.largest.min()), 0.0)
        return (low, high) if high - low > 1e-6 else (0.0, 1.0)  # nothing but zeros fits any range
