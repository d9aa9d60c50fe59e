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
