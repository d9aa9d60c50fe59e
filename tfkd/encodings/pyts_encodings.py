"""Markov transition fields and recurrence plots, computed by pyts, which is imported only when one is asked for (its
import takes half a minute).

They go through NumPy, so that they are made before training rather than within a model, and the firmware does not
compute them.
"""

import warnings
from numbers import Real

import numpy as np


def markov_transition_field(x, size, bins=8, strategy="quantile"):
    """Images of how likely the signal moves from one point's bin to another's, each channel by itself.

    Each channel's samples fall into bins, `W[a, b]` is the share of steps out of bin a that lead to bin b, and the
    image is `W[bin_i, bin_j]` over all pairs of samples, averaged down to `size` (Wang and Oates, "Encoding time series
    as images for visual inspection and classification using tiled convolutional neural networks", AAAI 2015 workshops).

    Args:
        x: `(batch, time, channels)`, finite.
        size: the image's side, in [1, time].
        bins: how many, in [2, time]; fewer where quantiles coincide.
        strategy: `"quantile"` (as many samples in each bin), `"uniform"` (bins of equal width) or `"normal"` (quantiles
            of the standard normal distribution).

    Returns:
        float32 `(batch, size, size, channels)`, in [0, 1].

    Raises:
        ValueError: an argument makes no sense.
    """
    x = _checked(x)
    time = x.shape[1]
    _check_integer("size", size, 1, time, "the window's samples")
    _check_integer("bins", bins, 2, time, "the window's samples")
    if strategy not in ("quantile", "uniform", "normal"):
        raise ValueError(f"strategy must be 'quantile', 'uniform' or 'normal', not {strategy!r}.")
    from pyts.image import MarkovTransitionField

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Some quantiles are equal")
        return _by_channel(x, MarkovTransitionField(size, n_bins=bins, strategy=strategy, overlapping=False))


def recurrence_plot(x, size, dimension=1, delay=1, threshold=None, percentage=10):
    """Images of the distances between all pairs of stretches of a channel (Eckmann, Kamphorst and Ruelle, "Recurrence
    plots of dynamical systems", Europhysics Letters 1987).

    Each channel is first averaged down, as for a Gramian angular field, to the `size + (dimension - 1) * delay` points
    that make `size` stretches of `dimension` points each, `delay` points apart.

    Args:
        x: `(batch, time, channels)`, finite.
        size: the image's side.
        dimension: points of a stretch.
        delay: from one of its points to the next.
        threshold: `None` for the distances themselves, in the unit of `x`; a number, `"point"` or `"distance"` for 1
            where the distance is below the number, below the `percentage`-th percentile of the image's distances, or
            below `percentage` percent of the largest, else 0.
        percentage: in (0, 100], for the last two.

    Returns:
        float32 `(batch, size, size, channels)`.

    Raises:
        ValueError: an argument makes no sense.
    """
    from tfkd.encodings.gaf import aggregate

    x = _checked(x)
    time = x.shape[1]
    _check_integer("dimension", dimension, 1, time, "the window's samples")
    _check_integer("delay", delay, 1, time, "the window's samples")
    spare = time - (dimension - 1) * delay
    if spare < 1:
        raise ValueError(
            f"dimension {dimension} and delay {delay} make stretches longer than the window's {time} samples."
        )
    _check_integer("size", size, 1, spare, "the window's samples less (dimension - 1) * delay")
    number = isinstance(threshold, Real) and not isinstance(threshold, bool) and threshold > 0
    named = threshold is None or (isinstance(threshold, str) and threshold in ("point", "distance"))
    if not (number or named):
        raise ValueError(f"threshold must be None, a positive number, 'point' or 'distance', not {threshold!r}.")
    threshold = float(threshold) if number else threshold
    if not (isinstance(percentage, Real) and 0 < percentage <= 100):
        raise ValueError(f"percentage must be in (0, 100], not {percentage!r}.")
    from pyts.image import RecurrencePlot

    points = aggregate(np, x, size + (dimension - 1) * delay)
    return _by_channel(points, RecurrencePlot(dimension, delay, threshold, percentage))


def _checked(x):
    x = np.asarray(x, np.float32)
    if x.ndim != 3 or not np.isfinite(x).all():
        raise ValueError(f"x must be finite and (batch, time, channels), not of shape {x.shape}.")
    return x


def _check_integer(name, value, low, high, why):
    if isinstance(value, bool) or not hasattr(value, "__index__") or not low <= value <= high:
        raise ValueError(f"{name} must be an integer in [{low}, {high}], {why}, not {value!r}.")


def _by_channel(x, transformer):
    """pyts takes one signal a row and gives one image a row."""
    batch, time, channels = x.shape
    rows = x.transpose(0, 2, 1).reshape(-1, time).astype(np.float64)
    images = transformer.transform(rows)
    return images.reshape(batch, channels, *images.shape[1:]).transpose(0, 2, 3, 1).astype(np.float32)
