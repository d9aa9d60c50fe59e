"""Scales as integers, by TensorFlow Lite's rules: frexp, 31 bits, half away from zero."""

import math

import numpy as np

from tfkd.deploy.plain_c.reader import PlainCError

_ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}


def round_half_away(value):
    return math.floor(abs(value) + 0.5) * (-1 if value < 0 else 1)


def quantize_multiplier(value):
    """A positive factor as `(multiplier, shift)` with value = multiplier / 2^31 * 2^shift.

    A multiplier is at least 2^30; factors below about 2^-32 give `(0, 0)`.
    """
    if value == 0:
        return 0, 0
    mantissa, shift = math.frexp(value)
    multiplier = round_half_away(mantissa * 2**31)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def convolution_factors(source, weights, target, channels, float32_product=False):
    """Multiplier and shift of each output channel.

    Args:
        source, weights, target: `Tensor`s. `weights` has one scale or one for each channel.
        channels: how many channels.
        float32_product: a dense layer with one scale multiplies two scales in float32.

    Returns:
        Two lists of integers.
    """
    input_scale, output_scale = float(source.scales[0]), float(target.scales[0])
    if float32_product and len(weights.scales) == 1:
        product = [float(source.scales[0] * weights.scales[0])]
    else:
        product = [input_scale * float(scale) for scale in weights.scales]
    pairs = [quantize_multiplier(value / output_scale) for value in product]
    if len(pairs) == 1:
        pairs = pairs * channels
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def activation_range(operator, target):
    """The int8 values `(low, high)` that the operator's fused activation leaves."""
    activation = _ACTIVATIONS.get(operator.options.fusedActivationFunction)
    scale, zero_point = target.scales[0], int(target.zero_points[0])

    def step(value):
        return zero_point + round_half_away(float(np.float32(value) / scale))

    ranges = {
        "NONE": lambda: (-128, 127),
        "RELU": lambda: (step(0), 127),
        "RELU6": lambda: (step(0), step(6)),
        "RELU_N1_TO_1": lambda: (step(-1), step(1)),
    }
    if activation not in ranges:
        raise PlainCError(
            f"{operator.name}: the fused activation {activation or operator.options.fusedActivationFunction} has no "
            "plain C kernel; use ReLU or ReLU6."
        )
    low, high = ranges[activation]()
    low, high = max(low, -128), min(high, 127)
    if low > high:
        raise PlainCError(f"{operator.name}: the activation's range [{low}, {high}] is empty.")
    return low, high
