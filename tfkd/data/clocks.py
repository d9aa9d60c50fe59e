"""Streams with time stamps of their own, brought to one even grid of time."""

import numpy as np

from tfkd.data.recordings import DataError


def in_order(times, values):
    """Samples in the order of time, each moment once; of several with the same time the first stays.

    Args:
        times: `(samples,)`.
        values: `(samples, ...)`.

    Returns:
        `(times, values, counts)`; `counts` says how many samples were `"out of order"` and `"repeated"`.
    """
    times, values = np.asarray(times), np.asarray(values)
    backwards = int((np.diff(times) < 0).sum())
    if backwards:
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    new = np.concatenate([[True], np.diff(times) > 0]) if len(times) else np.zeros(0, bool)
    counts = {"out of order": backwards, "repeated": int((~new).sum())}
    return times[new], values[new], counts


def common_span(times_by_stream, name):
    """First and last moment that all streams cover.

    Args:
        times_by_stream: stream name -> ascending times.
        name: of the recording, for the error.

    Raises:
        DataError: there is no such stretch; both streams and their times are named.
    """
    begins = {stream: times[0] for stream, times in times_by_stream.items()}
    ends = {stream: times[-1] for stream, times in times_by_stream.items()}
    late, early = max(begins, key=begins.get), min(ends, key=ends.get)
    if not begins[late] < ends[early]:
        raise DataError(
            f"{name}: {early} ends at {ends[early]:.3f} s and {late} begins at {begins[late]:.3f} s, so they have no "
            "time in common. Are they of the same recording, and their clocks in the same unit and time zone?"
        )
    return begins[late], ends[early]


def grid_over(begin, end, rate_hz):
    """Evenly spaced times from `begin`, at `rate_hz`, none after `end`."""
    # A rounding error must not cost the last sample; unix seconds are exact to some 1e-7.
    return begin + np.arange(int(np.floor((end - begin) * rate_hz + 1e-3)) + 1) / rate_hz


def on_grid(times, values, grid):
    """Values at the times of `grid`, each channel interpolated linearly; held before the first and after the last.

    Args:
        times: `(samples,)`, ascending, each once.
        values: `(samples, ...)` numbers.
        grid: `(length,)`.

    Returns:
        `(length, ...)` float32.
    """
    values = np.asarray(values)
    if len(times) == 1:
        return np.repeat(values.astype("float32"), len(grid), axis=0)
    after = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    before = after - 1
    share = np.clip((grid - times[before]) / (times[after] - times[before]), 0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return (values[before] * (1 - share) + values[after] * share).astype("float32")


def gaps(times, longest):
    """Stretches without a sample that are longer than `longest`, as `(count, 2)`: from, to."""
    wide = np.flatnonzero(np.diff(times) > longest)
    return np.stack([times[wide], times[wide + 1]], axis=1)


def between(begin, end, holes):
    """Stretches from `begin` to `end` without `holes` `(count, 2)`, which may overlap: yields `(from, to)`."""
    for start, stop in sorted(np.asarray(holes).tolist()):
        if stop <= begin or start >= end:
            continue
        if start > begin:
            yield begin, start
        begin = max(begin, stop)
    if begin < end:
        yield begin, end
