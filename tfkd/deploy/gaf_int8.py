"""The firmware's Gramian angular field, straight to int8 and to the bit: the twin of `micro/src/tfkd_gaf.c`.

`tfkd.encodings.gaf` gives the same images in float32; quantised, a value or two in a thousand lie on the other side of
a tie, hence one step off. What each line does stands beside its twin in the C file.
"""

import numpy as np

from tfkd.encodings import Gaf
from tfkd.encodings.gaf import FLAT

_UNIT = 1 << 15


def gaf_int8(contract, x):
    """What the firmware gives a student for standardised windows.

    Args:
        contract: a `Contract` whose encoding is a Gramian angular field.
        x: float32 `(n, time, channels)`, within +-1e9.

    Returns:
        int8 `(n, size, size, channels)`.
    """
    gaf = Gaf.parse(contract.encoding, contract.input_shape[1])
    cosine, sine = (values.astype(np.int64) for values in _project(gaf, np.asarray(x, np.float32)))
    row, column = (slice(None), slice(None), None), (slice(None), None)
    if gaf.kind == "gasf":
        product = cosine[row] * cosine[column] - sine[row] * sine[column]
    else:
        product = sine[row] * cosine[column] - cosine[row] * sine[column]
    if gaf.convention == "arcsin":
        product = -product
    input_scale = float(np.float32(contract.input_scale))
    fraction = 21 if input_scale >= 2**-8 else 12
    steps = min(int(4 * 2**fraction / input_scale), 2**31 - 1)
    fine = (product * steps) >> 32
    if gaf.kind == "gadf":  # computed above the diagonal, and negated below
        above = np.triu(np.ones((gaf.size, gaf.size), bool), 1)[:, :, None]
        fine = np.where(above, fine, -fine.transpose(0, 2, 1, 3))
    rounded = ((fine + (1 << (fraction - 1))) >> fraction) + contract.input_zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)


def _project(gaf, x):
    one, half = np.float32(1), np.float32(0.5)
    origin = x[:, :1]
    if gaf.low is not None:
        origin = origin.clip(np.float32(gaf.low), np.float32(gaf.high))
    points = _aggregate(x, origin, gaf.size)
    if gaf.low is None:
        low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    else:
        low, high = np.float32(gaf.low) - origin, np.float32(gaf.high) - origin
    flat = ~(high - low >= np.float32(FLAT))
    unit = one / np.where(flat, one, high - low)
    points = points.clip(low, high)
    above, below = (points - low) * unit, (high - points) * unit
    cosine = ((above - below) * np.float32(_UNIT) + (np.float32(_UNIT) + half)).astype(np.int32) - _UNIT
    sine = (np.sqrt(above * below) * np.float32(2 * _UNIT) + half).astype(np.int32)
    return np.where(flat, -_UNIT, cosine), np.where(flat, 0, sine)


def _aggregate(x, origin, size):
    """Sums in the order of the samples, as the rounding depends on it."""
    edges = np.arange(size + 1) * x.shape[1] // size
    start, count = edges[:-1], np.diff(edges)
    sums = np.zeros((len(x), size, x.shape[2]), np.float32)
    for i in range(count.max()):
        longer = count > i
        sums[:, longer] += x[:, start[longer] + i] - origin
    return sums / count.astype(np.float32)[:, None]
