"""Windows: fixed-length cuts of recordings, the same stretch of time in every modality."""

import dataclasses
from numbers import Integral

import numpy as np

from tfkd.data.cuts import Cuts
from tfkd.data.recordings import DataError


@dataclasses.dataclass(frozen=True)
class Windows:
    """Aligned windows of all modalities.

    Attributes:
        arrays: modality -> `(windows, time, ...)` float32, in the recordings' units; frames stay uint8. Those of
            continuous recordings are `tfkd.data.cuts.Cuts`: cut when they are indexed.
        labels: `(windows,)` int, -1 where unlabelled.
        subjects: `(windows,)` int.
        recordings: `(windows,)` str, the id of the recording each window was cut from.
        starts: `(windows,)` int, first sample in the leading modality.
        classes: class names.
        bones: of the skeleton, as in `Stream`; empty where unknown.
        present: modality -> `(windows,)` bool, which windows were recorded with it; the others hold zeros. A modality
            that is not named here is present everywhere.
        units: of continuous recordings, where each window is decided by itself: `(windows,)` str, the recording and
            the part of it (a box that was packed) that the window belongs to. Neighbours in time are no independent
            cases, so comparisons count by these. `None` for trials, whose windows are decided together.
        sensors: of the IMU, as in `Stream`; empty where unknown.
    """

    arrays: dict[str, np.ndarray]
    labels: np.ndarray
    subjects: np.ndarray
    recordings: np.ndarray
    starts: np.ndarray
    classes: tuple[str, ...]
    bones: tuple[tuple[int, int], ...] = ()
    present: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    units: np.ndarray | None = None
    sensors: tuple[int, ...] = ()

    def __len__(self):
        return len(self.labels)

    @property
    def ids(self):
        """`(windows,)` str: recording id and start; a window's identity."""
        return np.array([f"{r}@{s}" for r, s in zip(self.recordings, self.starts)])

    def take(self, index):
        """The windows at `index` (an integer or boolean array)."""
        return Windows(
            {m: _taken(v, index) for m, v in self.arrays.items()},
            self.labels[index],
            self.subjects[index],
            self.recordings[index],
            self.starts[index],
            self.classes,
            self.bones,
            {m: v[index] for m, v in self.present.items() if not v[index].all()},
            None if self.units is None else self.units[index],
            self.sensors,
        )

    def has(self, *modalities):
        """`(windows,)` bool: which windows were recorded with all of these modalities."""
        if unknown := set(modalities) - set(self.arrays):
            raise ValueError(f"The windows have no {sorted(unknown)}, only {sorted(self.arrays)}.")
        flags = np.ones(len(self), bool)
        for modality in modalities:
            flags &= self.present.get(modality, True)
        return flags

    def recorded(self, modality):
        """The array of a modality, without the windows that lack it."""
        values = self.arrays[modality]
        return _taken(values, self.present[modality]) if modality in self.present else values

    def moments(self, modality):
        """Mean and standard deviation over time and the windows that have a modality, float32 over its channels.

        Of continuous recordings over all their samples, each once, however many windows it is in.

        Raises:
            DataError: no window has the modality.
        """
        values = self.recorded(modality)
        if not len(values):
            raise DataError(f"None of the {len(self)} training windows has {modality}. Leave it out.")
        if isinstance(values, Cuts):
            return tuple(moment.astype("float32") for moment in values.moments())
        return tuple(f(values, axis=(0, 1), dtype="float64").astype("float32") for f in (np.mean, np.std))


def _taken(values, index):
    return values.take(index) if isinstance(values, Cuts) else values[index]


def whole_trial(recordings, lengths, optional=()):
    """One window a recording: every stream resampled over the whole trial (the papers' protocol).

    Each channel is interpolated linearly over index 0..n-1 at `length` evenly spaced points. Frames (uint8) are not
    mixed: each point takes the nearest.

    Args:
        recordings: `Recordings`.
        lengths: modality -> number of samples, for example `{"imu": 128, "skeleton": 64}`.
        optional: modalities that a recording may lack; it is kept, with zeros in that array, and
            `Windows.present` says so. A recording that lacks one of the others is left out.

    Raises:
        DataError: no recording has all that is required, or none of those has an optional modality.
    """
    paired = _having(recordings, lengths, optional)
    cuts = {m: [_cut(r, m, 0.0, 1.0, length) for r in paired] for m, length in lengths.items()}
    return _windows(paired, cuts, range(len(paired)), np.zeros(len(paired), int))


def stream(recordings, lengths, hop, leading="imu", optional=()):
    """Sliding windows at the sensor's own rate: what a watch sees.

    The leading modality is cut every `hop` samples, and once more at the end so that every sample is
    seen; a trial shorter than the window is held at its last sample. The others are resampled over the
    same share of the trial's time.

    Args:
        recordings: `Recordings`.
        lengths: modality -> samples a window. For the leading one these are samples at its own rate.
        hop: samples of the leading modality from one window to the next.
        leading: the modality that sets the clock.
        optional: modalities that a recording may lack, as in `whole_trial`; not the leading one.

    Raises:
        DataError: as in `whole_trial`.
    """
    if leading not in lengths:
        raise ValueError(f"lengths {lengths} must hold the leading modality {leading!r}.")
    if not (isinstance(hop, Integral) and hop >= 1):
        raise ValueError(f"hop must be a whole number of samples, at least 1, got {hop!r}.")
    if leading in optional:
        raise ValueError(f"optional {list(optional)} names the leading modality {leading!r}, which sets the clock.")
    paired = _having(recordings, lengths, optional)
    size = lengths[leading]
    cuts = {m: [] for m in lengths}
    owner, starts = [], []
    for i, recording in enumerate(paired):
        n = len(recording.streams[leading])
        last = max(n - size, 0)
        for start in sorted({*range(0, last + 1, hop), last}):
            owner.append(i)
            starts.append(start)
            whole = max(n - 1, 1)
            begin, end = start / whole, (start + size - 1) / whole
            for m, length in lengths.items():
                cuts[m].append(_cut(recording, m, begin, end, length))
    return _windows(paired, cuts, owner, np.array(starts))


def _having(recordings, lengths, optional):
    """The recordings that have every modality of `lengths` that is not optional."""
    if wrong := {m: n for m, n in lengths.items() if not (isinstance(n, Integral) and n >= 1)}:
        raise ValueError(f"lengths must be whole numbers of samples, at least 1, got {wrong}.")
    required = [m for m in lengths if m not in optional]
    if isinstance(optional, str) or set(optional) - set(lengths) or not required:
        raise ValueError(f"optional must list some of the modalities {list(lengths)}, not all, got {optional!r}.")
    paired = recordings.paired(required)
    for modality in optional:
        if not any(modality in r.streams for r in paired):
            raise DataError(
                f"None of the {len(paired)} recordings in {recordings.name} that have {required} has the optional "
                f"modality {modality!r}. Leave it out."
            )
    return paired


def _cut(recording, modality, begin, end, length):
    """A stretch of one stream, or `None` where the recording lacks it."""
    values = recording.streams.get(modality)
    if values is None:
        return None
    if not len(values):
        raise DataError(f"{recording.id}: its {modality} has no samples. Leave that stream out of the recording.")
    return _resample(values, begin, end, length)


def _windows(recordings, cuts, owner, starts):
    table = [recordings[i] for i in owner]
    arrays, present = {}, {}
    for modality, values in cuts.items():
        here = np.array([cut is not None for cut in values])
        if not here.all():
            present[modality] = here
            blank = np.zeros_like(values[here.argmax()])
            values = [blank if cut is None else cut for cut in values]
        arrays[modality] = np.stack(values)
    return Windows(
        arrays,
        np.array([r.label for r in table]),
        np.array([r.subject for r in table]),
        np.array([r.id for r in table]),
        starts,
        recordings.classes,
        recordings.streams["skeleton"].bones if "skeleton" in arrays else (),
        present,
        sensors=recordings.streams["imu"].sensors if "imu" in arrays else (),
    )


def _resample(values, begin, end, length):
    """`length` evenly spaced samples from `begin` to `end` (shares of the stream), held past its end."""
    position = np.clip(np.linspace(begin, end, length) * (len(values) - 1), 0, len(values) - 1)
    if values.dtype == np.uint8:
        return values[np.rint(position).astype(int)]
    low = np.minimum(position.astype(int), len(values) - 2)
    weight = (position - low).astype("float32").reshape(-1, *[1] * (values.ndim - 1))
    return values[low] * (1 - weight) + values[low + 1] * weight


def centred_skeletons(recordings, hip="hip_center", neck="shoulder_center"):
    """Recordings whose skeletons are relative to the mean hip position, in units of torso length.

    Takes out where the person stood and how tall they are, and keeps how they moved about.

    Raises:
        DataError: the skeletons have no joints of these names, or a torso has no length.
    """
    joints = recordings.streams["skeleton"].channels if "skeleton" in recordings.streams else ()
    for argument, joint in (("hip", hip), ("neck", neck)):
        if joint not in joints:
            raise DataError(f"{argument}={joint!r} is no joint of {recordings.name}: {', '.join(joints) or 'none'}.")
    hip, neck = joints.index(hip), joints.index(neck)

    def centred(recording):
        if "skeleton" not in recording.streams:
            return recording
        skeleton = recording.streams["skeleton"]
        torso = np.linalg.norm(skeleton[:, neck] - skeleton[:, hip], axis=-1).mean()
        if not torso > 0:
            raise DataError(f"{recording.id}: the torso of the skeleton has length {torso}.")
        moved = (skeleton - skeleton[:, hip].mean(axis=0)) / torso
        streams = {**recording.streams, "skeleton": moved.astype("float32")}
        return dataclasses.replace(recording, streams=streams)

    return recordings.mapped(centred)


def by_recording(windows, probabilities):
    """A decision for each recording: the mean of its windows' probabilities.

    Args:
        windows: `Windows`.
        probabilities: `(windows, classes)`.

    Returns:
        `(ids, labels, mean probabilities)`, one row a recording, in order of first appearance.
    """
    _, first, inverse = np.unique(windows.recordings, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), probabilities.shape[1]))
    np.add.at(sums, inverse, probabilities)
    means = sums / np.bincount(inverse)[:, None]
    order = np.argsort(first)
    return windows.recordings[first[order]], windows.labels[first[order]], means[order]
