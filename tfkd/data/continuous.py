"""Windows of continuous recordings: one decision after another, while somebody goes about their work."""

import numpy as np

from tfkd.data.cuts import Cuts
from tfkd.data.recordings import DataError
from tfkd.data.windows import Windows


def continuous(recordings, lengths, hop, decide_at=0.5, leading="imu", optional=(), keep_unlabelled=True, notes=None):
    """One window for every `hop` samples of continuous recordings, each with what was being done at one moment.

    The moments are the middles of the recording's stretches of `hop` samples: with a hop of a second, of its seconds.
    The first and last windows reach over the ends and hold the first and last sample there. The other modalities are
    resampled over the same time, `(length - 1) / rate` seconds. Nothing is cut before it is indexed.

    Args:
        recordings: `Recordings` with streams of a known rate, and intervals.
        lengths: modality -> samples a window. For the leading one these are samples at its own rate.
        hop: samples of the leading modality from one decision to the next.
        decide_at: where in the window the moment lies that it decides on: 0.5 for its middle, so that a decision comes
            half a window late and has seen what came after; 1 for its last sample.
        leading: the modality that sets the clock.
        optional: modalities that a recording may lack, as in `whole_trial`.
        keep_unlabelled: whether windows of recordings that nobody labelled stay. Moments between the intervals of the
            others are never kept: what was done there has no class (OpenPack's Null).
        notes: dictionary, kind -> list, to which recordings and intervals are added that give no window.

    Returns:
        `Windows` with `units`.

    Raises:
        DataError: no recording has all that is required, a stream has no known rate, or no window is left.
    """
    if leading not in lengths or leading in optional:
        raise ValueError(f"lengths {lengths} must hold the leading modality {leading!r}, and optional must not.")
    if hop < 1 or not 0 <= decide_at <= 1:
        raise ValueError(f"hop must be at least 1 and decide_at from 0 to 1, got {hop} and {decide_at}.")
    paired = recordings.paired([m for m in lengths if m not in optional])
    rate = paired.streams[leading].rate_hz
    if not rate:
        raise DataError(f"The {leading} of {recordings.name} has no known sample rate, so it cannot be cut by time.")
    size = lengths[leading]
    owner, starts, labels, units = [], [], [], []
    notes = {} if notes is None else notes
    for i, recording in enumerate(paired):
        moments = np.arange(len(recording.streams[leading]) // hop) * hop + hop / 2
        _note_what_is_passed_over(recording, moments / rate, notes)
        found, parts = _labels(recording, moments / rate)
        kept = found >= 0 if recording.intervals or not keep_unlabelled else np.ones(len(found), bool)
        owner.append(np.full(int(kept.sum()), i))
        starts.append(np.floor(moments[kept] - decide_at * (size - 1) + 0.5).astype(int))
        labels.append(found[kept])
        units += [f"{recording.id}#{part}" for part in parts[kept]]
    owner, starts, labels = np.concatenate(owner), np.concatenate(starts), np.concatenate(labels)
    if not len(owner):
        raise DataError(
            f"{recordings.name}: no window is left: none of its {len(paired)} recordings has an interval in which a "
            f"moment of decision lies, {hop / rate:.3g} s from one to the next (windows.hop)."
        )
    seconds = np.array([len(recording.streams[leading]) - 1 for recording in paired]) / rate
    arrays, present = {}, {}
    for modality, length in lengths.items():
        streams, here = _streams(paired, modality)
        # All streams of a recording span the same time, so its samples tell each one's own rate: no two are quite
        # alike where that time is no whole number of samples.
        rates = np.array([len(stream) - 1 for stream in streams])[owner] / seconds[owner]
        exact = modality == leading  # and no rounding error between its samples
        steps = rates * ((size - 1) / rate) / max(length - 1, 1)
        first, step = (starts, 1) if exact else (starts / rate * rates, steps)
        arrays[modality] = Cuts(streams, owner, first, step, length)
        if not here.all():
            present[modality] = here[owner]
    return Windows(
        arrays,
        labels,
        np.array([paired[i].subject for i in range(len(paired))])[owner],
        np.array([recording.id for recording in paired])[owner],
        starts,
        paired.classes,
        paired.streams["skeleton"].bones if "skeleton" in arrays else (),
        present,
        np.array(units),
        paired.streams["imu"].sensors if "imu" in arrays else (),
    )


def _note_what_is_passed_over(recording, seconds, notes):
    """Notes a recording too short for a decision, or its intervals that lie between two of them."""
    passed = [i for i in recording.intervals if not ((i.begin <= seconds) & (seconds < i.end)).any()]
    if not len(seconds):
        notes.setdefault("no window: shorter than a hop", []).append(recording.id)
    elif passed:
        lost = sum(interval.end - interval.begin for interval in passed)
        told = f"{recording.id}: {len(passed)} of {len(recording.intervals)}, {lost:.2f} s"
        notes.setdefault("no window: intervals without a moment of decision", []).append(told)


def _labels(recording, seconds):
    """Class and part at each of some moments; -1 between the intervals."""
    if not recording.intervals:
        return np.full(len(seconds), recording.label), np.full(len(seconds), -1)
    begins = np.array([interval.begin for interval in recording.intervals])
    which = np.searchsorted(begins, seconds, side="right") - 1
    chosen = [recording.intervals[max(i, 0)] for i in which]
    inside = (which >= 0) & (seconds < np.array([interval.end for interval in chosen]))
    labels = np.where(inside, [interval.label for interval in chosen], -1)
    return labels, np.where(inside, [interval.part for interval in chosen], -1)


def _streams(recordings, modality):
    """One stream of each recording, two zeros where it lacks the modality, and which have it."""
    streams = [recording.streams.get(modality) for recording in recordings]
    here = np.array([stream is not None for stream in streams])
    if not here.any():
        raise DataError(f"None of the recordings in {recordings.name} has the modality {modality!r}. Leave it out.")
    blank = np.zeros_like(streams[here.argmax()][:2])
    return [blank if stream is None else stream for stream in streams], here
