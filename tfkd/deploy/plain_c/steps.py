"""What lies between the model and the C file: values in memory and the kernel calls that make them."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(eq=False)
class Piece:
    """`size` bytes that must keep their content from step `first` to step `last`, both included."""

    first: int
    last: int
    size: int


@dataclasses.dataclass(eq=False)
class Storage:
    """One place in the buffer.

    Attributes:
        name: for reports.
        pieces: what it holds, one after the other: a step that works in place adds a smaller or equal piece.
        last_use: index of the last operator that reads it.
        initial: where it keeps its content from run to run, the value that clears it.
        offset: where it lies, once planned.
    """

    name: str
    pieces: list[Piece]
    last_use: float = -1
    initial: int | None = None
    offset: int | None = None

    @property
    def size(self):
        return max(piece.size for piece in self.pieces)

    @property
    def first(self):
        return self.pieces[0].first

    @property
    def last(self):
        return self.pieces[-1].last


@dataclasses.dataclass(eq=False)
class Value:
    """A tensor at run time.

    Attributes:
        shape: the model's shape for it, with the batch.
        tensor: the model's `Tensor`, for its scale and zero point.
        order: `"planes"` (channel by channel), `"positions"` (as the model has it), or `"both"` where the two
            are the same.
        storage: the `Storage` that holds it; a reshaped value shares its source's.
    """

    shape: tuple[int, ...]
    tensor: object
    order: str
    storage: Storage

    @property
    def image(self):
        """`(height, width, channels)`; a vector is one position, a signal one wide."""
        rest = self.shape[1:]
        if len(rest) <= 1:
            return 1, 1, math.prod(rest)
        if len(rest) == 2:
            return rest[0], 1, rest[1]
        return rest

    @property
    def distances(self):
        """Distances in memory from row to row, column to column, channel to channel."""
        height, width, channels = self.image
        if self.order == "positions":
            return width * channels, channels, 1
        return width, 1, height * width


@dataclasses.dataclass(eq=False)
class Array:
    """A constant array."""

    c_type: str
    values: np.ndarray

    @property
    def bytes(self):
        sizes = {"int8_t": 1, "uint8_t": 1, "uint16_t": 2, "int32_t": 4, "uint32_t": 4}
        return len(self.values) * sizes[self.c_type]


@dataclasses.dataclass(eq=False)
class Step:
    """One kernel call, or a loop of them over blocks of positions.

    Attributes:
        operator: the model's operator, for reports.
        kernel: the kernel's name, for reports.
        reads: `Value`s read.
        writes: `Value` made; it may lie where one of `reads` lies.
        structs: name -> (C type, fields); a field is a number, an `Array`, or a dict of fields.
        code: the call's C text; `{in0}`, `{in1}`, `{out}`, `{scratch}` stand for addresses, `{name}` for structs.
        scratch: bytes needed while it runs.
        macs: multiply-accumulates, padding included.
        vectors: structs and code for cores with vector instructions, where those are others.
        scratch_offset: where the scratch lies, once planned.
    """

    operator: str
    kernel: str
    reads: tuple[Value, ...]
    writes: Value
    structs: dict
    code: str
    scratch: int = 0
    macs: int = 0
    vectors: tuple[dict, str] | None = None
    scratch_offset: int | None = None

    @property
    def constant_bytes(self):
        """Bytes of its weights and tables, structs not counted."""
        return sum(array.bytes for _, fields in self.structs.values() for array in _arrays(fields))


def _arrays(fields):
    for field in fields.values():
        if isinstance(field, dict):
            yield from _arrays(field)
        elif isinstance(field, Array):
            yield field
