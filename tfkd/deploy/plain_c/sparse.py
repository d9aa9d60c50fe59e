"""Pruned weights: how they are stored, and when that is worth it."""

import numpy as np

# Bytes of packed windows for each value: four positions of int16.
_STEP = 8
_LARGEST_STEP = 255 // _STEP

# Instructions on a Cortex-M4, counted in QEMU: for a row of four outputs as such, for each eight weights of a
# dense row and for each pair of entries of a sparse one.
_ROW, _DENSE_EIGHT, _SPARSE_PAIR = 58, 26, 16

# On a Cortex-M55: for each sixteen weights, by their bits, of a dense row and each pair of entries of a sparse one, and
# what it takes more to pack a value of the windows for sparse rows.
_VECTOR_DENSE_SIXTEEN, _VECTOR_PAIR, _VECTOR_PACKING = {8: 11, 4: 16}, 10, 23


def encode(matrix):
    """The entries of all rows, as `tfkd_multiply_sparse` reads them.

    Args:
        matrix: int8 weights `(rows, values)`.

    Returns:
        Entries, int8, at least one, and pairs in each row, `(rows,)`.
    """
    entries, pairs = [], []
    for row in matrix:
        start, position = len(entries), 0
        for k in np.flatnonzero(row):
            while k - position > _LARGEST_STEP:
                # A weight of zero bridges a long gap.
                entries.append((_LARGEST_STEP, 0))
                position += _LARGEST_STEP
            entries.append((k - position, row[k]))
            position = k
        if (len(entries) - start) % 2:
            entries.append((0, 0))
        pairs.append((len(entries) - start) // 2)
    # C has no empty arrays.
    entries = entries or [(0, 0)]
    flat = np.array(entries, np.int64).reshape(-1, 2) * (_STEP, 1)
    return flat.astype(np.uint8).view(np.int8).ravel(), np.array(pairs)


def is_worth_it(matrix, bits=8):
    """Whether the sparse kernel does better than the dense one on these weights.

    It does if what it changes in flash and in instructions, both as ratios, comes out below 1 as a product: a layer
    may get a little slower for much less flash, and the other way round.

    Args:
        matrix: int8 weights `(rows, values)`.
        bits: of a weight in the dense kernel, 8 or 4.
    """
    entries, pairs = encode(matrix)
    if pairs.max(initial=0) > 255:
        return False
    rows, values = matrix.shape
    dense = rows * (_ROW + _DENSE_EIGHT * -(-values // 8))
    sparse = rows * _ROW + _SPARSE_PAIR * int(pairs.sum())
    return (sparse / dense) * ((len(entries) + rows) / (matrix.size * bits / 8)) < 1


def is_worth_it_in_vectors(matrix, bits=8):
    """The same on a Cortex-M55, where the sparse kernel is used only if it is faster: from 92 % zeros or so.

    Args:
        matrix: int8 weights `(rows, values)`.
        bits: of a weight in the dense kernel, 8 or 4.
    """
    pairs = encode(matrix)[1]
    rows, values = matrix.shape
    sparse = _VECTOR_PAIR * int(pairs.sum()) + _VECTOR_PACKING * values
    return pairs.max(initial=0) <= 255 and sparse < _VECTOR_DENSE_SIXTEEN[bits] * rows * -(-values // 16)
