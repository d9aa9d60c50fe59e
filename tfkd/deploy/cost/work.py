"""What an inference does, as counts that a kernel's instructions are proportional to."""

import dataclasses

import numpy as np

BLOCK = 4
"""Positions that a kernel of the plain C engine takes at a time."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What one operator makes one kernel do.

    Attributes:
        operator: the model's operator, e.g. `"CONV_2D"`.
        kernel: the function, or the file of functions, that does it.
        counts: dict of what is counted (calls, rows, rounds of a loop) -> how often.
    """

    operator: str
    kernel: str
    counts: dict


def places_inside(size, out, kernel, stride, dilation, before):
    """How many places of a kernel lie inside its input, for each output along one axis.

    Args:
        size: of the input along the axis.
        out: how many outputs.
        kernel, stride, dilation: along the axis.
        before: padding before the first value.

    Returns:
        An integer array `(out,)`.
    """
    first = np.arange(out)[:, None] * stride - before + np.arange(kernel)[None, :] * dilation
    return ((first >= 0) & (first < size)).sum(axis=1)


def moved(kernel, calls, size):
    """What memcpy, memmove or memset has to do for `size` bytes, `calls` times, as `(kernel, counts)`."""
    pieces = {"sixteens": size // 16, "fours": size % 16 // 4, "bytes": size % 4}
    return kernel, {"calls": calls} | {name: calls * count for name, count in pieces.items()}


def geometry(operator):
    """Where the kernel of a convolution lies, along both axes.

    Args:
        operator: an `Operator` CONV_2D or DEPTHWISE_CONV_2D.

    Returns:
        `(inside, before)`: the integer arrays of `places_inside`, and the padding before the first value.
    """
    options, (_, kernel_height, kernel_width, _) = operator.options, operator.inputs[1].shape
    return windows(operator, (kernel_height, kernel_width), (options.dilationHFactor, options.dilationWFactor))


def windows(operator, kernel, dilation=(1, 1)):
    """`geometry` of an operator with a kernel `(height, width)` of its own, as pooling has it."""
    _, height, width, _ = operator.inputs[0].shape
    _, out_height, out_width, _ = operator.outputs[0].shape
    options = operator.options
    inside, before = [], []
    for size, out, taps, stride, step in zip(
        (height, width), (out_height, out_width), kernel, (options.strideH, options.strideW), dilation, strict=True
    ):
        span = (taps - 1) * step + 1
        before.append(0 if options.padding else max((out - 1) * stride + span - size, 0) // 2)
        inside.append(places_inside(size, out, taps, stride, step, before[-1]))
    return inside, before


def rows_outside(operator, before):
    """Rows of the kernel above the input and below it, for each row of outputs."""
    height, kernel = operator.inputs[0].shape[1], operator.inputs[1].shape[1]
    first = np.arange(operator.outputs[0].shape[1]) * operator.options.strideH - before
    return np.clip(-first, 0, kernel), np.clip(first + kernel - height, 0, kernel)
