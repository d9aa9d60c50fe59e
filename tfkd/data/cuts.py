"""Windows of long streams, cut at the moment when they are asked for."""

import numpy as np


class Cuts:
    """Looks like an array `(windows, length, ...)`, of which only what is indexed is ever in memory.

    Overlapping windows of an hour take many times the hour's own memory; so the streams are kept, and where windows
    begin. A window that reaches over an end of its stream holds the first or last sample there.

    Args:
        streams: arrays `(time, ...)`.
        owner: `(windows,)` int, which of `streams` a window is of.
        first: `(windows,)`, where it begins, in samples of the stream; may be negative, or lie between two samples.
        step: samples of the stream from one sample of a window to the next; one for all windows, or `(windows,)`.
        length: samples a window.
    """

    def __init__(self, streams, owner, first, step, length):
        self.streams, self.owner, self.first = list(streams), np.asarray(owner), np.asarray(first, "float64")
        self.step, self.length = np.broadcast_to(np.asarray(step, "float64"), self.owner.shape), int(length)

    def __len__(self):
        return len(self.owner)

    @property
    def shape(self):
        return (len(self), self.length, *self.streams[0].shape[1:])

    @property
    def dtype(self):
        return self.streams[0].dtype

    @property
    def ndim(self):
        return self.streams[0].ndim + 1

    def take(self, index):
        """The windows at `index` (integers, booleans or a slice), still not cut."""
        return Cuts(self.streams, self.owner[index], self.first[index], self.step[index], self.length)

    def __getitem__(self, index):
        """The windows at `index` as an array; at a single integer, one window."""
        if np.ndim(index) == 0 and not isinstance(index, slice):
            return self._cut(self.owner[index], self.first[index], self.step[index])
        chosen = self.take(index)
        if not len(chosen):
            return np.zeros(chosen.shape, self.dtype)
        return np.stack([self._cut(*window) for window in zip(chosen.owner, chosen.first, chosen.step)])

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    def _cut(self, owner, first, step):
        values = self.streams[owner]
        if step == 1 and first == int(first) and 0 <= first <= len(values) - self.length:
            return values[int(first) : int(first) + self.length]
        position = np.clip(first + step * np.arange(self.length), 0, len(values) - 1)
        if values.dtype == np.uint8:
            return values[np.rint(position).astype(int)]
        low = np.minimum(position.astype(int), max(len(values) - 2, 0))
        share = (position - low).astype("float32").reshape(-1, *[1] * (values.ndim - 1))
        return values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share

    def moments(self):
        """Mean and standard deviation over time of the streams that windows are of, each sample once, in float64."""
        used = [self.streams[i] for i in np.unique(self.owner)]
        count = sum(map(len, used))
        mean = sum(values.sum(axis=0, dtype="float64") for values in used) / count
        # Around the mean: with gravity in them, squares would lose digits.
        middle = mean.astype(used[0].dtype)
        spread = sum(((values - middle) ** 2).sum(axis=0, dtype="float64") for values in used) / count
        return mean, np.sqrt(spread)
