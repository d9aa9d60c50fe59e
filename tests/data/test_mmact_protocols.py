"""MMAct's protocols, classes and annotations: who is on which side, and what was done when."""

import pytest

from tests.formats import mmact
from tfkd.data import DataError
from tfkd.data.mmact import PROTOCOLS, read_mmact
from tfkd.data.mmact_files import CLASSES, UNTRIMMED_CLASSES, class_name, read_annotation

# ---- Protocols ----


@pytest.fixture
def read(tmp_path):
    """Two people, four scenes and five sessions, and a camera 4."""
    places = ((1, 1), (2, 5), (3, 2), (4, 4), (5, 3))
    clips = [(subject, *place, "walking") for subject in (1, 2, 17) for place in places]
    return read_mmact(mmact.build(tmp_path / "mmact", clips, (2, 4), ("acc_watch",)), sensors=("acc_watch",))


@pytest.mark.parametrize(
    "name, of, train, test",
    [
        ("cross_subject", lambda r: r.subject, {1}, {17}),
        ("cross_view", lambda r: r.conditions["view"], {2}, {4}),
        ("cross_scene", lambda r: r.conditions["scene"], {1, 3, 4}, {2}),
        ("cross_session", lambda r: r.conditions["session"], {1, 2, 3, 4}, {5}),
    ],
)
def test_protocols_divide_by_what_their_names_say(read, name, of, train, test):
    split = PROTOCOLS[name](read, validation_subjects=(2,))
    assert split.name == name and split.same_people == (name != "cross_subject")
    assert {of(r) for r in split.train} == train and {of(r) for r in split.test} == test
    assert set(split.validation.subjects) == {2} and 2 not in split.train.subjects
    outside = split.train.notes.get(f"left out: on no side of {name}", [])
    assert len(split.train) + len(split.validation) + len(split.test) + len(outside) == 30
    assert len(outside) == (6 if name == "cross_scene" else 0)  # there is no scene 5 in it
    with pytest.raises(DataError, match=r"validation_subjects \[99\] are not among"):
        PROTOCOLS[name](read, validation_subjects=(99,))


def test_people_beyond_the_twentieth_are_on_no_side(read):
    moved = read.mapped(lambda r: r if r.subject != 2 else type(r)(r.id, 21, r.label, r.trial, r.streams, r.conditions))
    split = PROTOCOLS["cross_subject"](moved)
    assert split.test.subjects == [17] and len(split.train.notes["left out: on no side of cross_subject"]) == 10


def test_cross_view_says_that_the_same_sensor_clips_train_and_are_tested(read):
    kind = "cross_view: the same sensor clip trains and is tested"
    (note,) = PROTOCOLS["cross_view"](read).train.notes[kind]
    assert note.startswith("15 of 15 test recordings")
    no_imu = read.mapped(
        lambda r: type(r)(r.id, r.subject, r.label, r.trial, {"skeleton": r.streams["skeleton"]}, r.conditions)
    )
    assert kind not in PROTOCOLS["cross_view"](no_imu).train.notes
    assert kind not in PROTOCOLS["cross_session"](read).train.notes


# ---- Classes and annotations ----


def test_classes_are_35_and_37():
    assert len(set(CLASSES)) == 35 and len(set(UNTRIMMED_CLASSES)) == 37 and UNTRIMMED_CLASSES[:35] == CLASSES
    assert list(CLASSES) == sorted(CLASSES)
    assert class_name(" Talking on-Phone ") == "talking_on_phone"


def test_annotations_are_read(tmp_path):
    path = tmp_path / "subject1_scene1_session1.txt"
    path.write_bytes(
        b"\xef\xbb\xbf2018/10/16 13:33:45.170-2018/10/16 13:33:49.891-standing\r\n"
        b"2018/10/16 13:33:50-2018/10/16 13:33:52.5 - Using phone desk\r\n\r\n"
    )
    start = 1539664425.0  # 2018-10-16 04:33:45 UTC
    assert read_annotation(path) == [
        (pytest.approx(start + 0.170), pytest.approx(start + 4.891), "standing"),
        (start + 5, start + 7.5, "using_phone_desk"),
    ]


@pytest.mark.parametrize(
    "line, message",
    [
        ("standing", "line 2: 'standing', expected for example"),
        ("2018/10/16 13:33:45.170-standing", "expected for example"),
        ("2018/13/16 13:33:45-2018/13/16 13:33:49-standing", "line 2: '2018/13/16 13:33:45' is no time"),
        (
            "2018/10/16 13:33:45-2018/10/16 13:33:45-standing",
            "line 2: ends at 2018/10/16 13:33:45, not after it begins",
        ),
        ("2018/10/16 13:33:45-2018/10/16 13:33:49-flying", "line 2: there is no class 'flying'; known: carrying,"),
    ],
)
def test_a_wrong_line_of_an_annotation_is_named(tmp_path, line, message):
    path = tmp_path / "a.txt"
    path.write_text(f"2018/10/16 13:33:45.170-2018/10/16 13:33:49.891-standing\n{line}\n")
    with pytest.raises(DataError) as raised:
        read_annotation(path)
    assert str(path) in str(raised.value) and message in str(raised.value) and "remove the line" in str(raised.value)
