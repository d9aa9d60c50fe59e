"""What there is to know of recordings before anything is trained: how much of what, and whether the clocks agree."""

from collections import Counter
from typing import NamedTuple

import numpy as np

G = 9.80665
SMOOTHING = 0.1
"""Seconds: standard deviation of the Gaussian that both signals go through. The second derivative of a camera's joints
is all noise without it."""
WEAKEST = 0.3
"""Correlation below which no offset can be told, however much was compared."""


class ClockOffset(NamedTuple):
    """By how much the skeleton's clock goes behind the IMU's.

    Attributes:
        seconds: median over the recordings; positive where the skeleton shows a motion later than the IMU.
        low, high: between these lies the middle half of the recordings.
        correlation: of the two accelerations at the best common offset, mean over the recordings.
        needed: correlation that chance does not reach, among so many joints and lags, in so much time.
        joint, sensor: which joint and which accelerometer agree best, and so belong together.
        recordings: how many were compared.
    """

    seconds: float
    low: float
    high: float
    correlation: float
    needed: float
    joint: str
    sensor: str
    recordings: int

    @property
    def told(self):
        """Whether the correlation is strong enough to believe it."""
        return self.correlation >= self.needed


def seconds_of(recording, streams):
    """How long a recording is, by the first of its streams that has a rate; `None` if none has."""
    for modality, values in recording.streams.items():
        if rate := streams[modality].rate_hz:
            return (len(values) - 1) / rate
    return None


def people(recordings):
    """Person -> number of recordings, most first."""
    return dict(Counter(r.subject for r in recordings).most_common())


def trials_by_class(recordings):
    """Class -> number of labelled trials, most first, those without any too."""
    counts = Counter(dict.fromkeys(recordings.classes, 0))
    counts.update(recordings.classes[r.label] for r in recordings if r.label >= 0)
    return dict(counts.most_common())


def seconds_by_class(recordings):
    """Class -> seconds in the intervals of continuous recordings, most first; and `""`: without a label."""
    seconds = dict.fromkeys(recordings.classes, 0.0)
    without = 0.0
    for recording in recordings:
        for interval in recording.intervals:
            seconds[recordings.classes[interval.label]] += interval.end - interval.begin
        if recording.intervals:
            covered = sum(interval.end - interval.begin for interval in recording.intervals)
            without += max((seconds_of(recording, recordings.streams) or covered) - covered, 0)
    return dict(sorted(seconds.items(), key=lambda item: -item[1])) | {"": without}


def clock_offset(recordings, within=1.0, most=200, longest=300.0):
    """The offset between the clocks of skeleton and IMU, from the acceleration that both know.

    An accelerometer on a joint feels its acceleration and the earth's pull, in axes that turn with it; the length of
    that does not turn. So it is compared with the length of the joint's second derivative plus gravity (of poses in
    pixels: without, as neither scale nor up is known), over all joints and accelerometers and lags up to `within`.

    Args:
        recordings: `Recordings`, of which those with both streams are used.
        within: seconds, the largest offset that is looked for.
        most: of more recordings, this many are taken, evenly chosen.
        longest: seconds; of a longer recording, this much is taken from its beginning.

    Returns:
        `ClockOffset`, or `None` where nothing can be compared: no accelerometer in g, no rate, or no recording with
        both streams that is longer than `2 * within`.
    """
    streams = recordings.streams
    if not {"imu", "skeleton"} <= set(streams) or not streams["imu"].rate_hz:
        return None
    sensors = _accelerometers(streams["imu"])
    rate, shortest = streams["imu"].rate_hz, 2 * within + 6 * SMOOTHING
    long_enough = [r for r in recordings if {"imu", "skeleton"} <= set(r.streams) and
                   len(r.streams["imu"]) > shortest * rate and len(r.streams["skeleton"]) > 4]  # fmt: skip
    if not sensors or not long_enough:
        return None
    chosen = [long_enough[i] for i in np.unique(np.linspace(0, len(long_enough) - 1, most).astype(int))]
    lags = np.arange(-round(within * rate), round(within * rate) + 1)
    space = streams["skeleton"].units[0] == "m"
    curves = np.stack([_correlations(r, list(sensors.values()), rate, lags, longest, space) for r in chosen])
    together = curves.mean(axis=0)
    sensor, joint, _ = np.unravel_index(together.argmax(), together.shape)
    offsets = [_peak(curve, lags) / rate for curve in curves[:, sensor, joint]]
    low, middle, high = np.quantile(offsets, [0.25, 0.5, 0.75])
    # Smoothed so, noise is independent after some 3.5 standard deviations: four times chance's own spread.
    seconds = sum(min(len(r.streams["imu"]) / rate, longest) - within for r in chosen)
    needed = max(WEAKEST, 4 / np.sqrt(seconds / (3.5 * SMOOTHING)))
    return ClockOffset(
        float(middle), float(low), float(high), float(together.max()), float(needed),
        streams["skeleton"].channels[joint], list(sensors)[sensor], len(chosen),
    )  # fmt: skip


def _accelerometers(stream):
    """Name -> indices of x, y and z of each accelerometer in g."""
    found = {}
    for name in stream.channels:
        axes = [f"{name[:-1]}{axis}" for axis in "xyz"]
        if name.endswith("_x") and set(axes) <= set(stream.channels):
            places = [stream.channels.index(axis) for axis in axes]
            if {stream.units[place] for place in places} == {"g"}:
                found[name.removesuffix("_x")] = places
    return found


def _correlations(recording, sensors, rate, lags, longest, space):
    """`(sensors, joints, lags)`: Pearson's, over the samples that overlap; a lag is that of the skeleton."""
    from scipy.ndimage import gaussian_filter1d

    imu, skeleton = recording.streams["imu"].astype(float), recording.streams["skeleton"].astype(float)
    samples = min(len(imu), round(longest * rate))
    # Both span the same time; the skeleton at the IMU's moments.
    at = np.arange(samples) * (len(skeleton) - 1) / (len(imu) - 1)
    low = np.minimum(at.astype(int), len(skeleton) - 2)
    share = (at - low)[:, None, None]
    joints = skeleton[low] * (1 - share) + skeleton[low + 1] * share
    imu, edge = imu[:samples], round(3 * SMOOTHING * rate)
    imu, joints = (gaussian_filter1d(values, SMOOTHING * rate, axis=0) for values in (imu, joints))
    moved = np.gradient(np.gradient(joints, 1 / rate, axis=0), 1 / rate, axis=0)
    if space:
        seen = np.linalg.norm(moved + np.array([0, G, 0]), axis=2)[edge:-edge]
    else:
        seen = np.linalg.norm(moved[:, :, :2], axis=2)[edge:-edge]
    felt = np.stack([np.linalg.norm(imu[:, axes], axis=1) for axes in sensors], axis=1)[edge:-edge]
    felt = felt if space else abs(felt - 1)
    return np.stack([_pearson(*_shifted(felt, seen, lag)) for lag in lags], axis=2)


def _shifted(felt, seen, lag):
    """What was felt at a moment, beside what was seen `lag` samples later."""
    return (felt[: len(felt) - lag], seen[lag:]) if lag >= 0 else (felt[-lag:], seen[:lag])


def _pearson(a, b):
    """`(columns of a, columns of b)`; 0 where one is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    lengths = np.outer(np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))
    return np.divide(a.T @ b, lengths, out=np.zeros_like(lengths), where=lengths > 1e-12)


def _peak(curve, lags):
    """Where a curve is highest, between samples by a parabola."""
    top = int(curve.argmax())
    if top in (0, len(curve) - 1):
        return float(lags[top])
    before, here, after = curve[top - 1 : top + 2]
    bend = before - 2 * here + after
    return float(lags[top] + (0.5 * (before - after) / bend if bend else 0))
