"""Layers that compute in float what int8 computes: rounded, and with gradients as if they did not round.

Rounding is that of TensorFlow Lite's int8 scheme (Jacob et al., "Quantization and training of neural networks for
efficient integer-arithmetic-only inference", 2018): a tensor between layers has one scale and one zero point; a kernel
has a scale for each output channel and the zero point 0. `tfkd.compress.quantization_aware` puts them into a student.
"""

import keras
import numpy as np
from keras import layers, ops


def fake_quantize(x, low, high, bits=8):
    """Rounds to the `2 ** bits` steps between `low` and `high`, one of which is 0; what lies beyond is clipped.

    The ends move by less than a step so that 0 is one ("nudged"), as the converter does it. Gradients pass straight
    through the rounding (Bengio et al. 2013); those of clipped values go to the end that clipped them, those of
    rounding errors to the step's size (Esser et al., "Learned step size quantization", 2020).

    Args:
        x: floats of any shape.
        low: scalar, at most 0.
        high: scalar, at least 0; above `low`.
        bits: of the integers.

    Returns:
        Floats of the shape of `x`.
    """
    steps = 2**bits - 1
    scale = (high - low) / steps
    zero = _rounded(-low / scale)
    return (ops.clip(_rounded(x / scale) + zero, 0, steps) - zero) * scale


def fake_quantize_kernel(kernel, axes, bits=8):
    """Rounds a kernel to `2 ** bits - 1` steps, symmetric around 0, so that the largest of each channel fits.

    Args:
        kernel: floats.
        axes: axes that lie in one channel and share a scale.
        bits: of the integers; 8 gives -127 ... 127, as TensorFlow Lite has it.

    Returns:
        Floats of the shape of `kernel`; gradients pass straight through.
    """
    kernel = ops.convert_to_tensor(kernel)
    # At least float32: in half precision the step of a channel of zeros, a pruned one say, would be 0.
    exact = ops.cast(kernel, keras.backend.result_type(kernel.dtype, "float32"))
    largest = ops.max(ops.abs(exact), axis=axes, keepdims=True)
    scale = ops.maximum(largest, 1e-12) / (2 ** (bits - 1) - 1)
    return ops.cast(exact + ops.stop_gradient(ops.round(exact / scale) * scale - exact), kernel.dtype)


def _rounded(x):
    return x + ops.stop_gradient(ops.round(x) - x)


@keras.saving.register_keras_serializable("tfkd")
class FakeQuantize(layers.Layer):
    """What int8 keeps of a tensor between layers, see `fake_quantize`; the converter takes over its range.

    Args:
        low: where the range begins, at most 0.
        high: where it ends, at least 0.
        trained: whether the ends are weights that training moves.
        bits: of the integers; what the converter takes are 8.

    Attributes:
        quantizing: set it to false, and the layer passes on what it is given. To be set before a model is compiled.

    Input shape:
        Any.

    Output shape:
        As the input.

    Raises:
        ValueError: the range is empty, not finite or without 0.
    """

    def __init__(self, low, high, trained=False, bits=8, **kwargs):
        super().__init__(**kwargs)
        low, high = float(low), float(high)
        if not (low <= 0 <= high and 0 < high - low < float("inf")):
            raise ValueError(f"low and high must be a finite range around 0, got {low} and {high}.")
        self.low, self.high, self.trained, self.bits = low, high, trained, bits
        self.quantizing = True

    def build(self, input_shape):
        if self.trained:
            self.ends = self.add_weight(
                shape=(2,), initializer=keras.initializers.Constant([self.low, self.high]), name="ends"
            )

    def call(self, inputs):
        if not self.quantizing:
            return inputs
        if not self.trained:
            return fake_quantize(inputs, self.low, self.high, self.bits)
        # Training must not push an end across 0 or the two together.
        low, high = ops.minimum(self.ends[0], 0.0), ops.maximum(self.ends[1], 0.0)
        return fake_quantize(inputs, low, ops.maximum(high, low + 1e-6), self.bits)

    @property
    def range(self):
        """`(low, high)` as floats, nudged so that 0 is a step."""
        low, high = (self.low, self.high) if not self.trained else np.asarray(ops.convert_to_numpy(self.ends), float)
        low, high = min(low, 0.0), max(high, 0.0)
        steps = 2**self.bits - 1
        scale = max(high - low, 1e-6) / steps
        zero = round(-low / scale)
        return -zero * scale, (steps - zero) * scale

    def get_config(self):
        own = {"low": self.low, "high": self.high, "trained": self.trained, "bits": self.bits}
        return {**super().get_config(), **own}


class _QuantizedKernel:
    """What the layers below have in common."""

    def __init__(self, *args, bits=8, **kwargs):
        super().__init__(*args, **kwargs)
        self.bits, self.quantizing = bits, True

    def quantized(self, kernel):
        """The kernel as the int8 model has it."""
        if not self.quantizing:
            return kernel
        # A depthwise kernel is (..., channels, multiplier), any other (..., inputs, outputs).
        own = 2 if isinstance(self, layers.DepthwiseConv2D) else 1
        return fake_quantize_kernel(kernel, tuple(range(len(kernel.shape) - own)), self.bits)

    def get_config(self):
        return {**super().get_config(), "bits": self.bits}


@keras.saving.register_keras_serializable("tfkd")
class QuantizedConv1D(_QuantizedKernel, layers.Conv1D):
    """`keras.layers.Conv1D` with a rounded kernel. `bits`: of its integers."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, self.quantized(kernel))


@keras.saving.register_keras_serializable("tfkd")
class QuantizedConv2D(_QuantizedKernel, layers.Conv2D):
    """`keras.layers.Conv2D` with a rounded kernel. `bits`: of its integers."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, self.quantized(kernel))


@keras.saving.register_keras_serializable("tfkd")
class QuantizedDepthwiseConv2D(_QuantizedKernel, layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with a rounded kernel. `bits`: of its integers."""

    def call(self, inputs):
        x = ops.depthwise_conv(
            inputs,
            self.quantized(self.kernel),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self.activation(x + self.bias if self.use_bias else x)


@keras.saving.register_keras_serializable("tfkd")
class QuantizedDense(_QuantizedKernel, layers.Dense):
    """`keras.layers.Dense` with a rounded kernel. `bits`: of its integers."""

    def call(self, inputs, training=None):
        x = ops.matmul(inputs, self.quantized(self.kernel))
        return self.activation(x + self.bias if self.use_bias else x)


QUANTIZED = {
    layers.Conv1D: QuantizedConv1D,
    layers.Conv2D: QuantizedConv2D,
    layers.DepthwiseConv2D: QuantizedDepthwiseConv2D,
    layers.Dense: QuantizedDense,
}
"""Keras' layers, and those that round their kernels."""
