"""Finds additions that one multiply-add for each input computes exactly.

TensorFlow Lite Micro adds two int8 values by three fixed-point multiplications, each rounded twice. There are
only 65,536 pairs of inputs: a plain `(a * factor_a + b * factor_b + offset) >> shift` that gives the same byte
for every one of them is the same function, at a tenth of the cost.
"""

import itertools
import math

import numpy as np

# What is tried on the rounded factors, the smallest changes first.
_CHANGES = sorted(itertools.product(range(-2, 3), repeat=2), key=lambda change: abs(change[0]) + abs(change[1]))


def exact_sums(factors, zeros, low, high):
    """The addition as TensorFlow Lite Micro computes it, for all pairs.

    Args:
        factors: `(multiplier, shift)` of `a`, `b` and the output.
        zeros: their zero points.
        low, high: range of the result.

    Returns:
        int64 array `(256, 256)`: result for a = row - 128 and b = column - 128.
    """
    values = np.arange(-128, 128, dtype=np.int64)
    a = _rescale((values - zeros[0]) << 20, *factors[0])
    b = _rescale((values - zeros[1]) << 20, *factors[1])
    return np.clip(_rescale(a[:, None] + b[None, :], *factors[2]) + zeros[2], low, high)


def find_linear_form(ratios, zeros, wanted, low, high):
    """Looks for a linear form that gives `wanted` for all pairs.

    Args:
        ratios: the scales of `a` and `b` over the output's.
        zeros: zero points of `a`, `b` and the output.
        wanted: as from `exact_sums`.
        low, high: range of the result.

    Returns:
        Dict of `factor_a`, `factor_b`, `offset`, `shift`, all sums of which fit 32 bits; `None` if none was found.
    """
    values = np.arange(-128, 128, dtype=np.int64)
    # Fractional bits: as many as 32-bit sums leave room for, and a few less.
    most = 31 - math.ceil(math.log2(128 * sum(ratios) + 1))
    for shift, (change_a, change_b) in itertools.product(range(most, max(most - 4, 0), -1), _CHANGES):
        a, b = (round(ratio * 2**shift) + change for ratio, change in zip(ratios, (change_a, change_b)))
        parts_a, parts_b = (values * a)[:, None], (values * b)[None, :]
        sums = parts_a + parts_b
        offset = _offset(sums, wanted, 2**shift, low, high)
        if offset is None or max(np.abs(sums + offset).max(), np.abs(parts_b + offset).max()) >= 2**31:
            continue
        if (np.clip((sums + offset) >> shift, low, high) == wanted).all():
            return {"factor_a": a, "factor_b": b, "offset": offset, "shift": shift}
    return None


def _offset(sums, wanted, unit, low, high):
    """An offset that puts every sum into the step it is wanted in, if one does: the middle of what is allowed."""
    # A clamped result leaves its side open.
    at_least = np.where(wanted > low, wanted * unit - sums, -(2**40)).max()
    below = np.where(wanted < high, (wanted + 1) * unit - sums, 2**40).min()
    return int((at_least + below - 1) // 2) if at_least < below else None


def _rescale(x, multiplier, shift):
    """As tfkd_rescale in the kernels, for shifts of at most 0."""
    x = (x * multiplier + 2**30) >> 31
    if shift == 0:
        return x
    return (x + (1 << (-shift - 1)) - (x < 0)) >> -shift
