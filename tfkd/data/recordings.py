"""Recordings: what was recorded, by whom, doing what. Pairs are made by id, never by position."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class DataError(ValueError):
    """Something is wrong with the data; the message names the file or recording and the way out."""


@dataclasses.dataclass(frozen=True)
class Stream:
    """What is known of a modality before looking at a single recording.

    Attributes:
        channels: names in order. For a skeleton, the joints (each has x, y, z).
        units: one unit a channel (`"g"`, `"deg/s"`, `"m"`).
        rate_hz: nominal sample rate, or `None` where it is unknown or cannot be trusted.
        bones: of a skeleton, pairs of joint indices (nearer the root, further from it), from the root
            outwards.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    rate_hz: float | None = None
    bones: tuple[tuple[int, int], ...] = ()

    @property
    def sensors(self):
        """Of each three channels, the number of the sensor that they belong to.

        A sensor's channels have its name in front of kind and axis, as `left_wrist_acc_x`, `left_wrist_gyro_x`.
        """
        names = [channel.rsplit("_", 2)[0] if channel.count("_") > 1 else "" for channel in self.channels[::3]]
        return tuple(list(dict.fromkeys(names)).index(name) for name in names)


class Interval(NamedTuple):
    """What was done from when to when, in a continuous recording.

    Attributes:
        begin, end: seconds from the recording's first sample.
        label: index of the class.
        part: number of the piece of work that it belongs to (the box that was being packed), or -1.
    """

    begin: float
    end: float
    label: int
    part: int = -1


@dataclasses.dataclass(frozen=True)
class Recording:
    """One trial of one person, or a longer stretch of their day with a label for each interval of it.

    Attributes:
        id: unique name; the same for every modality of the trial.
        subject: who, as a number.
        label: index of the class, or -1 where nobody labelled it.
        trial: which repetition.
        streams: modality name -> array. Signals `(time, channels)`, skeletons `(time, joints, 3)`.
            All streams of a recording span the same time: its first and last samples coincide.
        conditions: under which it was recorded, where the data set tells: `"session"`, `"scene"`, `"view"` and the
            like -> a number or name. Protocols split by them.
        intervals: of a continuous recording, whose `label` is -1: ascending, without overlap. Nobody says what was
            done in between.
    """

    id: str
    subject: int
    label: int
    trial: int
    streams: dict[str, np.ndarray]
    conditions: dict[str, int | str] = dataclasses.field(default_factory=dict)
    intervals: tuple[Interval, ...] = ()


class Recordings(Sequence):
    """A set of recordings with their class names and a count of what was repaired or left out.

    Args:
        items: the recordings.
        classes: class names; `Recording.label` is an index into them.
        streams: modality name -> `Stream`.
        name: the data set's name.
        notes: what happened while reading: kind -> list of sentences or file names. Nothing is dropped
            without a note.

    Raises:
        DataError: two recordings share an id, or a label has no class.
    """

    def __init__(self, items, classes, streams, name, notes=None):
        self.items = list(items)
        self.classes = tuple(classes)
        self.streams = dict(streams)
        self.name = name
        self.notes = {kind: list(entries) for kind, entries in (notes or {}).items()}
        seen = set()
        for recording in self.items:
            if recording.id in seen:
                raise DataError(f"Two recordings in {name} have the id {recording.id!r}.")
            seen.add(recording.id)
            if not -1 <= recording.label < len(self.classes):
                raise DataError(
                    f"{recording.id} in {name} has label {recording.label}, but there are only "
                    f"{len(self.classes)} classes."
                )

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self._with(self.items[index]) if isinstance(index, slice) else self.items[index]

    def _with(self, items, notes=None):
        return Recordings(
            items, self.classes, self.streams, self.name, self.notes if notes is None else notes
        )

    @property
    def subjects(self):
        """The people in it, ascending."""
        return sorted({r.subject for r in self.items})

    @property
    def table(self):
        """A pandas table: one row a recording, with id, subject, label, activity, trial and lengths."""
        import pandas as pd

        rows = [
            {
                "id": r.id,
                "subject": r.subject,
                "label": r.label,
                "activity": self.classes[r.label] if r.label >= 0 else "",
                "trial": r.trial,
                **{f"{name}_samples": len(values) for name, values in r.streams.items()},
            }
            for r in self.items
        ]
        return pd.DataFrame(rows).set_index("id") if rows else pd.DataFrame()

    def where(self, keep):
        """The recordings for which `keep(recording)` is true."""
        return self._with([r for r in self.items if keep(r)])

    def mapped(self, change):
        """The recordings after `change(recording)`."""
        return self._with([change(r) for r in self.items])

    def of_subjects(self, subjects):
        """The recordings of these people."""
        wanted = set(subjects)
        return self.where(lambda r: r.subject in wanted)

    def paired(self, modalities):
        """Inner join: the recordings that have all of `modalities`; the others are noted.

        Raises:
            DataError: no recording has them all.
        """
        modalities = list(modalities)
        kept, notes = [], dict(self.notes)
        for recording in self.items:
            missing = [m for m in modalities if m not in recording.streams]
            if not missing:
                kept.append(recording)
            else:
                kind = f"left out: no {' or '.join(missing)}"
                notes[kind] = [*notes.get(kind, []), recording.id]
        if not kept:
            found = sorted({name for r in self.items for name in r.streams}) or "none"
            raise DataError(
                f"No recording in {self.name} has all of {modalities}; modalities found: {found}. Do without the "
                "others: a teacher that sees what is there (teacher.kind in the recipe), --modalities of check_data.py."
                + self._reasons()
            )
        return self._with(kept, notes)

    def _reasons(self):
        """What the notes tell of files and recordings that are not there, a sentence for each kind."""
        telling = ("no ", "skipped", "missing file", "left out")
        told = {kind: entries for kind, entries in self.notes.items() if kind.startswith(telling) and entries}
        return "".join(
            f" {kind} ({len(entries)}): {', '.join(map(str, entries[:2]))}{', ...' * (len(entries) > 2)}."
            for kind, entries in told.items()
        )

    def without_labels(self, subjects):
        """The same recordings with the labels and intervals of these people hidden."""
        hidden = set(subjects)
        return self.mapped(lambda r: dataclasses.replace(r, label=-1, intervals=()) if r.subject in hidden else r)

    def with_label_noise(self, share, seed=0):
        """The same recordings with some labels replaced by wrong ones, for the training side alone.

        Each wrong label is drawn uniformly from the other classes that occur. With the same seed a larger share
        contains the wrong labels of a smaller one; what is unlabelled stays so.

        Args:
            share: of the labelled recordings, rounded to whole recordings; at least 0 and below 1.
            seed: of which recordings, and of their wrong labels.

        Raises:
            ValueError: `share` is out of range.
            DataError: labels are to be replaced, but fewer than two classes occur.
        """
        if not 0 <= share < 1:
            raise ValueError(f"share must be at least 0 and below 1, got {share}.")
        if any(r.intervals for r in self.items):
            raise DataError(f"{self.name} has continuous recordings, but only labels of trials can be made wrong.")
        labelled = [i for i, r in enumerate(self.items) if r.label >= 0]
        wrong = round(share * len(labelled))
        if not wrong:
            return self._with(self.items)
        occurring = sorted({self.items[i].label for i in labelled})
        if len(occurring) < 2:
            raise DataError(f"All labels in {self.name} are {self.classes[occurring[0]]!r}: there is no wrong one.")
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(labelled))
        steps = rng.integers(1, len(occurring), len(labelled))  # to one of the others, seen as a circle
        items, said = list(self.items), []
        for chosen in sorted(order[:wrong]):
            recording = items[labelled[chosen]]
            label = occurring[(occurring.index(recording.label) + steps[chosen]) % len(occurring)]
            items[labelled[chosen]] = dataclasses.replace(recording, label=label)
            said.append(f"{recording.id} as {self.classes[label]}")
        return self._with(items, {**self.notes, "labels made wrong on purpose": said})
