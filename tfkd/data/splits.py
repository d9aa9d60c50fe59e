"""Who trains, who validates, who tests. People are split before anything is cut into windows."""

import dataclasses

from tfkd.data.recordings import DataError, Recordings


@dataclasses.dataclass(frozen=True)
class Split:
    """Three sets of recordings. `validation` may be empty.

    Attributes:
        name: the protocol; results of different protocols never share a column.
        train: recordings the networks learn from.
        validation: recordings of people taken out of training, for choosing settings.
        test: recordings looked at once, at the end.
        same_people: true only for protocols that test on people who also trained (`cross_trial`, `by_condition`).

    Raises:
        DataError: training or test is empty, a recording is on two sides, or a person is (in a protocol
            that separates people).
    """

    name: str
    train: Recordings
    validation: Recordings
    test: Recordings
    same_people: bool = False

    def __post_init__(self):
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        for side in ("train", "test"):
            if not len(sides[side]):
                people = "; ".join(f"{name}: {sides[name].subjects or 'nobody'}" for name in sides)
                raise DataError(
                    f"The split {self.name} leaves no recording for {side}. It finds these people, {people}. Read more "
                    "people, or divide those that are there in another way: data.split, data.validation_subjects."
                )
        for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
            if shared := {r.id for r in sides[a]} & {r.id for r in sides[b]}:
                raise DataError(f"{self.name}: {sorted(shared)[:5]} are in both {a} and {b}.")
            may_share = self.same_people and b == "test"
            if not may_share and (people := set(sides[a].subjects) & set(sides[b].subjects)):
                raise DataError(f"{self.name}: people {sorted(people)} are in both {a} and {b}.")


def cross_subject(recordings, validation_subjects=(), train_subjects=None):
    """Odd-numbered people train, even-numbered people test (the UTD-MHAD authors' protocol).

    Args:
        recordings: `Recordings`.
        validation_subjects: people taken out of the training people.
        train_subjects: the training people, instead of the odd ones; all others test.
    """
    everyone = set(recordings.subjects)
    train = {s for s in everyone if s % 2} if train_subjects is None else set(train_subjects)
    if absent := train - everyone:
        raise DataError(f"train_subjects {sorted(absent)} are not in the data {sorted(everyone)}.")
    return _by_people("cross_subject", recordings, train, validation_subjects)


def cross_subject_reversed(recordings, validation_subjects=()):
    """Even-numbered people train, odd-numbered people test: whether a finding holds with the sides exchanged."""
    even = {subject for subject in recordings.subjects if subject % 2 == 0}
    return _by_people("cross_subject_reversed", recordings, even, validation_subjects)


def cross_trial(recordings, validation_subjects=(), train_trials=(1, 2)):
    """Trials 1 and 2 of everyone train, the other trials test (the lists released with VSKD).

    The same people train and test, so its figures say nothing about new people.
    """
    held_out = _held_out(validation_subjects, set(recordings.subjects))
    train = recordings.where(lambda r: r.trial in train_trials)
    return Split(
        "cross_trial",
        train.where(lambda r: r.subject not in held_out),
        train.of_subjects(held_out),
        recordings.where(lambda r: r.trial not in train_trials),
        same_people=True,
    )


PROTOCOLS = {
    "cross_subject": cross_subject,
    "cross_subject_reversed": cross_subject_reversed,
    "cross_trial": cross_trial,
}
"""UTD-MHAD's, and those of data that is made like it."""


def by_condition(recordings, name, condition, train, test, validation_subjects=()):
    """Splits by a condition under which it was recorded, such as the scene or the session.

    The same people train and test, so its figures say nothing about new people.

    Args:
        recordings: `Recordings`.
        name: the protocol's.
        condition: key of `Recording.conditions`.
        train, test: its values on either side; recordings with another value, or none, are left out and noted.
        validation_subjects: people taken out of the training side.
    """
    side = {**dict.fromkeys(train, "train"), **dict.fromkeys(test, "test")}

    def of(wanted):
        return recordings.where(lambda r: side.get(r.conditions.get(condition)) == wanted)

    learning = of("train")
    held_out = _held_out(validation_subjects, set(learning.subjects))
    split = Split(
        name,
        learning.where(lambda r: r.subject not in held_out),
        learning.of_subjects(held_out),
        of("test"),
        same_people=True,
    )
    if others := [r.id for r in of(None)]:
        split.train.notes[f"left out: on no side of {name}"] = others
    return split


def leave_one_subject_out(recordings, subject, validation_subjects=()):
    """Everyone but `subject` trains, `subject` tests."""
    if subject not in recordings.subjects:
        raise DataError(f"Person {subject} is not in the data ({recordings.subjects}).")
    return _by_people(f"loso_{subject}", recordings, set(recordings.subjects) - {subject}, validation_subjects)


def _by_people(name, recordings, train, validation_subjects):
    """All who do not train, test."""
    held_out = _held_out(validation_subjects, train)
    return Split(
        name,
        recordings.of_subjects(train - held_out),
        recordings.of_subjects(held_out),
        recordings.of_subjects(set(recordings.subjects) - train),
    )


def _held_out(validation_subjects, train):
    held_out = set(validation_subjects)
    if wrong := held_out - train:
        raise DataError(
            f"validation_subjects {sorted(wrong)} are not among the training people {sorted(train)}."
        )
    return held_out
