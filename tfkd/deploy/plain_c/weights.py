"""In which order the kernels read weights, of eight bits and of four."""

import numpy as np

from tfkd.deploy.flatbuffer import pack_int4

# With SIMD instructions, tfkd_multiply_dense_int4 computes sums that are 4096 times as large.
_SUMS = 2**31 // 4096


def in_fours(matrix, inner):
    """Rows filled up with zeros to `inner` values, end to end, each four ordered 0, 2, 1, 3.

    The instruction that widens bytes takes every other one.
    """
    return _filled_up(matrix, inner).reshape(-1, 4)[:, [0, 2, 1, 3]].ravel()


def in_order_int4(matrix, inner):
    """Rows filled up with zeros to `inner` values, end to end, two a byte."""
    return pack_int4(_filled_up(matrix, inner)).view(np.int8)


def in_eights_int4(matrix, inner):
    """As `in_fours`, but two values a byte: of each eight, the low halves of four bytes hold the first four."""
    return pack_int4(in_fours(matrix, inner).reshape(-1, 2, 4).swapaxes(1, 2)).view(np.int8)


def _filled_up(matrix, inner):
    rows = np.zeros((len(matrix), inner), np.int8)
    rows[:, : matrix.shape[1]] = matrix
    return rows


def sums_fit(matrix, bias):
    """Whether no sum of a row of `matrix` times int8 values, plus the row's bias, is too large for the kernel.

    Args:
        matrix: `(rows, values)`.
        bias: `(rows,)`, with the input's zero point in it.
    """
    wide = matrix.astype(np.int64)
    high = bias + np.maximum(127 * wide, -128 * wide).sum(axis=1)
    low = bias + np.minimum(127 * wide, -128 * wide).sum(axis=1)
    return bool((high < _SUMS).all() and (low >= -_SUMS).all())
