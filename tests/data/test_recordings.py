"""Pairs by id, people on one side only, and nothing dropped without a note."""

import dataclasses

import numpy as np
import pytest

from tests.data.conftest import STREAMS, recording, recordings
from tfkd.data import (
    DataError,
    Recordings,
    Split,
    cross_subject,
    cross_subject_reversed,
    cross_trial,
    leave_one_subject_out,
)


def without(item, modality):
    streams = {m: v for m, v in item.streams.items() if m != modality}
    return dataclasses.replace(item, streams=streams)


def test_paired_is_an_inner_join_that_counts_what_it_leaves_out(tiny):
    items = [without(r, "imu") if r.id == "a1_s2_t1" else r for r in tiny]
    paired = Recordings(items, tiny.classes, STREAMS, "tiny").paired(["imu", "skeleton"])
    assert len(paired) == len(tiny) - 1 and "a1_s2_t1" not in {r.id for r in paired}
    assert paired.notes == {"left out: no imu": ["a1_s2_t1"]}
    notes = {"no depth": ["a1"], "skipped: bad": list("abc"), "absent": [1]}
    lost = Recordings(tiny, tiny.classes, STREAMS, "tiny", notes)
    with pytest.raises(DataError, match=r"check_data.py\. no depth \(1\): a1\. skipped: bad \(3\): a, b, \.\.\.\.$"):
        lost.paired(["depth"])
    with pytest.raises(DataError, match=r"has all of \['depth'\]; modalities found: \['imu', 'skeleton'\]"):
        tiny.paired(["depth"])


def test_table(tiny):
    table = tiny.table
    assert list(table.columns) == ["subject", "label", "activity", "trial", "imu_samples", "skeleton_samples"]
    row = table.loc["a2_s3_t1"]
    assert (row.subject, row.label, row.activity, row.imu_samples) == (3, 1, "class1", 200)
    assert len(Recordings([], ["a"], STREAMS, "none").table) == 0


def test_doubled_ids_and_labels_without_class_are_refused(tiny):
    with pytest.raises(DataError, match="have the id 'a1_s1_t1'"):
        Recordings([tiny[0], tiny[0]], tiny.classes, STREAMS, "tiny")
    with pytest.raises(DataError, match="has label 2, but there are only 1 classes"):
        Recordings([recording(1, 2, 1)], ["one"], STREAMS, "tiny")


def test_cross_subject_separates_people(tiny):
    split = cross_subject(tiny, validation_subjects=[3])
    assert [side.subjects for side in (split.train, split.validation, split.test)] == [[1], [3], [2, 4]]
    assert sum(map(len, (split.train, split.validation, split.test))) == len(tiny)
    with pytest.raises(DataError, match=r"validation_subjects \[2\] are not among the training people"):
        cross_subject(tiny, validation_subjects=[2])


def test_cross_subject_can_be_turned_round(tiny):
    people = Recordings(tiny.items, tiny.classes, tiny.streams, "tiny")
    there, back = cross_subject(people), cross_subject_reversed(people)
    assert back.name == "cross_subject_reversed"
    assert (back.train.subjects, back.test.subjects) == (there.test.subjects, there.train.subjects)


def test_cross_trial_tests_on_the_same_people_and_says_so(tiny):
    four = recordings(trials=4)
    split = cross_trial(four, validation_subjects=[2])
    assert {r.trial for r in split.train} == {1, 2} and {r.trial for r in split.test} == {3, 4}
    assert split.train.subjects == [1, 3, 4] and split.validation.subjects == [2]
    assert split.test.subjects == [1, 2, 3, 4] and split.same_people


def test_leave_one_subject_out(tiny):
    split = leave_one_subject_out(tiny, 4, validation_subjects=[1])
    assert (split.train.subjects, split.validation.subjects, split.test.subjects) == ([2, 3], [1], [4])
    assert split.name == "loso_4"
    with pytest.raises(DataError, match="Person 9 is not in the data"):
        leave_one_subject_out(tiny, 9)


def test_a_person_or_recording_on_two_sides_is_refused(tiny):
    nobody = tiny.of_subjects([])
    with pytest.raises(DataError, match=r"people \[1\] are in both train and test"):
        first, second = tiny.where(lambda r: r.trial == 1), tiny.where(lambda r: r.trial == 2)
        Split("bad", first.of_subjects([1, 2]), nobody, second.of_subjects([1, 3]))
    with pytest.raises(DataError, match=r"\['a1_s1_t1'.*\] are in both train and test"):
        Split("bad", tiny.of_subjects([1]), nobody, tiny.of_subjects([1]), same_people=True)
    with pytest.raises(DataError, match=r"bad leaves no recording for test.*train: \[1, 2, 3, 4\].* test: nobody"):
        Split("bad", tiny, nobody, nobody)


def test_too_few_people_are_named_with_the_split_that_needs_more(tiny):
    alone = tiny.of_subjects([2])
    for split, name, people in (
        (cross_subject, "cross_subject", r"train: nobody; validation: nobody; test: \[2\]"),
        (cross_subject_reversed, "cross_subject_reversed", r"train: \[2\]; .*test: nobody"),
        (lambda data: leave_one_subject_out(data, 2), "loso_2", r"train: nobody; .*test: \[2\]"),
    ):
        with pytest.raises(DataError, match=f"The split {name} leaves no recording for .*{people}. Read more people,"):
            split(alone)


def test_hidden_labels(tiny):
    hidden = tiny.without_labels([2])
    assert all((r.label == -1) == (r.subject == 2) for r in hidden)
    assert all(np.array_equal(a.streams["imu"], b.streams["imu"]) for a, b in zip(tiny, hidden))
