"""Gramian angular fields in NumPy (Wang and Oates, "Imaging time-series to improve classification and
imputation", IJCAI 2015)."""

import dataclasses
import math

import numpy as np

ENCODINGS = ("none", "gasf", "gadf")
"""The encodings that tfkd's firmware computes; a contract's `encoding` begins with one of them."""


def gramian_angular_field(x, size, kind="gasf", low=None, high=None):
    """Images of the angles between all pairs of points of each channel.

    Every channel is averaged down to `size` points (point `i` is the mean of the samples from
    `i * time // size` up to the next point's), scaled to [-1, 1], and with `phi = arccos(x)`

        gasf: cos(phi_i + phi_j) = x_i x_j - s_i s_j        s = sqrt(1 - x^2)
        gadf: sin(phi_i - phi_j) = s_i x_j - x_i s_j

    computed without arccos, with `s = 2 sqrt((high - x)(x - low)) / (high - low)` of the unscaled x,
    which keeps its digits near 1. (VSKD's MATLAB uses arcsin in its GADF: the negative of this one.)

    A channel that does not change has no scale: it is taken as x = 0, half way between the ends, so
    its GASF is -1 and its GADF 0 everywhere.

    Args:
        x: `(batch, time, channels)`, finite.
        size: points a channel, the image's side, in [1, time].
        kind: `"gasf"` or `"gadf"`.
        low, high: fixed range, in the unit of `x`, of what becomes [-1, 1]; values beyond are
            clipped. `None`: smallest and largest of each channel's own `size` points.

    Returns:
        float32 `(batch, size, size, channels)`.

    Raises:
        ValueError: an argument makes no sense.
    """
    x = np.asarray(x, np.float32)
    if x.ndim != 3 or not np.isfinite(x).all():
        raise ValueError(f"x must be finite and (batch, time, channels), not of shape {x.shape}.")
    time = x.shape[1]
    if not 1 <= size <= time:
        raise ValueError(f"size must be in [1, {time}], the window's samples, not {size!r}.")
    gaf = Gaf(kind, size, low, high)  # checks the rest
    edges = np.arange(size + 1) * time // size
    points = np.add.reduceat(x, edges[:-1], axis=1) / np.diff(edges).astype(np.float32)[:, None]
    if gaf.low is None:
        low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    else:
        low, high = np.float32(low), np.float32(high)
        points = points.clip(low, high)
    with np.errstate(divide="ignore", over="ignore"):
        unit = np.float32(1) / np.asarray(high - low)
    flat = ~(np.isfinite(unit) & (unit > 0))
    unit = np.where(flat, np.float32(0), unit)
    above, below = (points - low) * unit, (high - points) * unit
    cosine = above - below
    sine = np.where(flat, np.float32(1), np.float32(2) * np.sqrt(above * below))
    row, column = (slice(None), slice(None), None), (slice(None), None)
    if kind == "gasf":
        return cosine[row] * cosine[column] - sine[row] * sine[column]
    return sine[row] * cosine[column] - cosine[row] * sine[column]


@dataclasses.dataclass(frozen=True)
class Gaf:
    """A Gramian angular field as a contract's `encoding` names it: `"gasf"`, `"gadf"`, or with a
    fixed range of the standardised signal `"gasf -3 3"`.

    Attributes:
        kind: `"gasf"` or `"gadf"`.
        size: the image's side.
        low, high: the fixed range, or `None` both.

    Raises:
        ValueError: a value makes no sense.
    """

    kind: str
    size: int
    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        if self.kind not in ENCODINGS[1:]:
            raise ValueError(f"kind must be one of {list(ENCODINGS[1:])}, not {self.kind!r}.")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high go together; got {self.low!r} and {self.high!r}.")
        if self.low is not None:
            ends = np.array([self.low, self.high], np.float32)
            if not (np.isfinite(ends).all() and ends[0] < ends[1] and np.isfinite(np.float32(1) / (ends[1] - ends[0]))):
                raise ValueError(f"low must be below high, both finite; got {self.low!r} and {self.high!r}.")

    @classmethod
    def parse(cls, encoding, size):
        """The field that `encoding` names, or `None` if it names something else."""
        kind, *ends = encoding.split(" ")
        if kind not in ENCODINGS[1:] or len(ends) not in (0, 2):
            return None
        try:
            ends = [float(end) for end in ends]
        except ValueError:
            return None
        return cls(kind, size, *ends) if all(map(math.isfinite, ends)) else None

    def __str__(self):
        return self.kind if self.low is None else f"{self.kind} {self.low!r} {self.high!r}"

    def __call__(self, x):
        """`gramian_angular_field` of `x` `(batch, time, channels)`."""
        return gramian_angular_field(x, self.size, self.kind, self.low, self.high)
