"""Gramian angular fields (Wang and Oates, "Imaging time-series to improve classification and imputation",
IJCAI 2015): as a Keras layer, and the same in NumPy.

Every channel is averaged down to `size` points (point `i` is the mean of the samples from `i * time // size` up
to the next point's), scaled to x in [-1, 1], and with `s = sqrt(1 - x^2)` the image of row i and column j is

    gasf: x_i x_j - s_i s_j = cos(phi_i + phi_j)
    gadf: s_i x_j - x_i s_j = sin(phi_i - phi_j)        phi = arccos(x)

as in pyts. With `phi = arcsin(x)`, as VSKD's MATLAB (Ni et al., ICASSP 2022) has it in its GADF, both are the
negatives of these. Neither needs an angle: with `s = 2 sqrt((high - x)(x - low)) / (high - low)` of the unscaled x,
which keeps its digits near 1, sums and products are all there is.

x is scaled between the smallest and the largest of the channel's own points, or between the ends of a fixed range,
beyond which it is clipped: that keeps amplitude and offset. A channel that has no range of its own (below `FLAT`) is
taken as all at the lower end, x = -1, as in pyts: its GASF is 1 and its GADF 0 everywhere.
"""

import dataclasses
import math
import operator

import keras
import numpy as np
from keras import ops

ENCODINGS = ("none", "gasf", "gadf")
"""The encodings that tfkd's firmware computes; a contract's `encoding` begins with one of them."""

CONVENTIONS = ("arccos", "arcsin")
"""What the angle of a point is; the second makes every image the negative of the first's."""

FLAT = 2.220446e-15
"""A channel whose points differ by less has no range: ten times float64's resolution, the bound in pyts."""


@dataclasses.dataclass(frozen=True)
class Gaf:
    """A Gramian angular field as a contract's `encoding` names it: `"gasf"`, `"gadf"`, with a fixed range of the
    standardised signal `"gasf -3 3"`, with the other sign `"gadf arcsin"` or `"gadf arcsin -3 3"`.

    Attributes:
        kind: `"gasf"` or `"gadf"`.
        size: points a channel, the image's side.
        low, high: the fixed range, or `None` both.
        convention: `"arccos"` or `"arcsin"`.

    Raises:
        ValueError: a value makes no sense.
    """

    kind: str
    size: int
    low: float | None = None
    high: float | None = None
    convention: str = "arccos"

    def __post_init__(self):
        if self.kind not in ENCODINGS[1:]:
            raise ValueError(f"kind must be one of {list(ENCODINGS[1:])}, not {self.kind!r}.")
        if self.convention not in CONVENTIONS:
            raise ValueError(f"convention must be one of {list(CONVENTIONS)}, not {self.convention!r}.")
        if isinstance(self.size, bool) or not hasattr(self.size, "__index__") or self.size < 1:
            raise ValueError(f"size must be a positive integer, not {self.size!r}.")
        object.__setattr__(self, "size", operator.index(self.size))
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high go together; got {self.low!r} and {self.high!r}.")
        if self.low is not None:
            low, high = np.array([self.low, self.high], np.float32)
            if not FLAT <= high - low < math.inf:
                raise ValueError(f"low must be below high, both finite; got {self.low!r} and {self.high!r}.")
            for name, end in zip(("low", "high"), (self.low, self.high)):
                object.__setattr__(self, name, float(end))

    @classmethod
    def parse(cls, encoding, size):
        """The field that `encoding` names, or `None` if it names something else."""
        kind, *ends = encoding.split(" ")
        convention = ends.pop(0) if ends[:1] == ["arcsin"] else "arccos"
        if kind not in ENCODINGS[1:] or len(ends) not in (0, 2):
            return None
        try:
            ends = [float(end) for end in ends] or [None, None]
        except ValueError:
            return None
        if not all(end is None or math.isfinite(end) for end in ends):
            return None
        return cls(kind, size, *ends, convention)

    def __str__(self):
        words = [self.kind] if self.convention == "arccos" else [self.kind, self.convention]
        return " ".join(words if self.low is None else [*words, repr(self.low), repr(self.high)])

    def __call__(self, x):
        """The images of `x`, in NumPy.

        Args:
            x: `(batch, time, channels)`, finite, with at least `size` samples.

        Returns:
            float32 `(batch, size, size, channels)`.

        Raises:
            ValueError: `x` does not fit.
        """
        x = np.asarray(x, np.float32)
        if x.ndim != 3 or not np.isfinite(x).all():
            raise ValueError(f"x must be finite and (batch, time, channels), not of shape {x.shape}.")
        self.check_time(x.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            return _images(np, x, self)

    def check_time(self, time):
        """Raises a `ValueError` if a window of `time` samples is too short."""
        if not self.size <= time:
            raise ValueError(f"size must be in [1, {time}], the window's samples, not {self.size!r}.")


def gramian_angular_field(x, size, kind="gasf", low=None, high=None, convention="arccos"):
    """Images of the angles between all pairs of points of each channel, in NumPy.

    Args:
        x: `(batch, time, channels)`, finite.
        size: points a channel, the image's side, in [1, time].
        kind: `"gasf"` or `"gadf"`.
        low, high: fixed range, in the unit of `x`, of what becomes [-1, 1]; values beyond are
            clipped. `None`: smallest and largest of each channel's own `size` points.
        convention: `"arccos"` (pyts) or `"arcsin"` (VSKD's MATLAB): the negative.

    Returns:
        float32 `(batch, size, size, channels)`.

    Raises:
        ValueError: an argument makes no sense.
    """
    return Gaf(kind, size, low, high, convention)(x)


@keras.saving.register_keras_serializable("tfkd")
class GramianAngularField(keras.layers.Layer):
    """Turns signals into images within a model.

    Always in float32, under a mixed precision policy too: images in half precision would differ by whole steps of
    int8 from what the board computes. Gradients flow to the signal; at both ends of the range, where the slope of
    `sqrt(1 - x^2)` has no bound, and in a channel that does not change, they are taken as 0.

    Right behind a student's input, `tfkd.deploy.export_student` takes the layer out and has the firmware compute it.

    Args:
        size, kind, low, high, convention: as in `gramian_angular_field`.

    Input shape:
        `(batch, time, channels)`, with a fixed `time` of at least `size`.

    Output shape:
        `(batch, size, size, channels)`.

    Example:

    ```python
    images = GramianAngularField(32, "gadf", low=-3, high=3)(signals)
    ```
    """

    def __init__(self, size, kind="gasf", low=None, high=None, convention="arccos", dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.gaf = Gaf(kind, size, low, high, convention)

    def build(self, input_shape):
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(
                f"{self.name} takes signals (batch, time, channels) with fixed time and channels, not {input_shape}."
            )
        self.gaf.check_time(input_shape[1])

    def call(self, inputs):
        # Keras casts floats alone; samples straight from a sensor are integers.
        return _images(ops, ops.cast(inputs, self.compute_dtype), self.gaf)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.gaf.size, self.gaf.size, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), **dataclasses.asdict(self.gaf)}


def _images(xp, x, gaf):
    """`x` `(batch, time, channels)` to images; `xp` is `numpy` or `keras.ops`."""
    if gaf.low is None:
        points = aggregate(xp, x, gaf.size)
        low, high = xp.min(points, axis=1, keepdims=True), xp.max(points, axis=1, keepdims=True)
    else:
        low, high = np.float32(gaf.low), np.float32(gaf.high)
    # Averaged as distances from both ends: near an end the sine, steep there, needs every digit of a small distance.
    above, below = aggregate(xp, x - low, gaf.size), aggregate(xp, high - x, gaf.size)
    if gaf.low is None:
        above, below = (d - xp.min(d, axis=1, keepdims=True) for d in (above, below))
        extent = xp.max(above, axis=1, keepdims=True)
        flat = xp.logical_or(extent < FLAT, xp.all(x == x[:, :1], axis=1, keepdims=True))
        unit = xp.where(flat, 0.0, 1.0 / xp.where(flat, 1.0, extent))
    else:
        above, below = xp.clip(above, 0.0, high - low), xp.clip(below, 0.0, high - low)
        unit = np.float32(1) / (high - low)
    above, below = above * unit, below * unit
    cosine = 2.0 * above - 1.0
    sine = 2.0 * xp.sqrt(xp.maximum(above * below, 1e-30))  # not 0, where the slope is infinite and the gradient NaN
    row, column = (slice(None), slice(None), None), (slice(None), None)
    terms = (cosine, cosine, sine, sine) if gaf.kind == "gasf" else (sine, cosine, cosine, sine)
    if gaf.convention == "arcsin":
        terms = terms[2:] + terms[:2]
    a, b, c, d = terms
    return a[row] * b[column] - c[row] * d[column]


def aggregate(xp, x, size):
    """Means of `size` stretches of `x` `(batch, time, channels)`, which differ in length by at most one sample.

    Args:
        xp: `numpy` or `keras.ops`.
        x: float32, with fixed time and channels.
        size: stretches, in [1, time].

    Returns:
        float32 `(batch, size, channels)`.
    """
    _, time, channels = x.shape
    if size == time:
        return x
    if time % size == 0:
        return xp.mean(xp.reshape(x, (-1, size, time // size, channels)), axis=2)
    edges = np.arange(size + 1) * time // size
    samples = np.arange(-(-time // size)) + edges[:-1, None]
    within = samples < edges[1:, None]
    weights = (within / within.sum(axis=1, keepdims=True)).astype(np.float32)
    return xp.sum(xp.take(x, np.where(within, samples, 0), axis=1) * weights[:, :, None], axis=2)
