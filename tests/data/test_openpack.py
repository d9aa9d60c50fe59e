"""OpenPack: sessions of every release on one clock, and what is wrong with them told."""

import numpy as np
import pytest

from tests.formats import openpack as tree_of
from tfkd.data import openpack_facts, openpack_splits
from tfkd.data.openpack import read_openpack
from tfkd.data.recordings import DataError

ONE = {"U0102": ["S0100"]}


def read(tree, modalities=("imu", "skeleton"), **settings):
    return read_openpack(tree, modalities, use_cache=False, **settings)


def atr(tree, sensor="atr01"):
    return tree_of.atr_path(tree, "U0102", "S0100", sensor)


def labels(tree):
    return tree_of.label_path(tree, "U0102", "S0100")


@pytest.mark.parametrize("step_ms", [30, 33])
def test_all_streams_come_on_the_clock_of_the_labels(tmp_path, step_ms):
    (session,) = read(tree_of.build(tmp_path, ONE, seconds=32, step_ms=step_ms))
    assert (session.id, session.subject, session.trial, session.label) == ("U0102-S0100", 102, 1, -1)
    assert session.conditions == {"user": "U0102", "session": "S0100"}
    imu, skeleton = session.streams["imu"], session.streams["skeleton"]
    assert imu.shape == (32 * 30 + 1, 12) and skeleton.shape == (32 * 15 + 1, 17, 3)
    seconds = np.arange(len(imu)) / 30
    # Both wrists, whose clocks tick 3 ms apart; acc_y counts seconds, gyro_x tens of them.
    np.testing.assert_allclose(imu[:, [1, 7]], np.stack([seconds, seconds], 1), atol=1e-3)
    np.testing.assert_allclose(imu[:, 3], 10 * seconds, atol=1e-2)
    np.testing.assert_allclose(imu[:, 0], np.sin(np.pi / 2 * seconds), atol=1e-2)
    np.testing.assert_allclose(skeleton[:, 0, 0], 100 + 10 * np.arange(len(skeleton)) / 15, atol=1e-2)
    assert skeleton[0, 3].tolist() == pytest.approx([103, 65, 0.9], abs=1e-3)
    spans = [(i.begin, i.end, i.label, i.part) for i in session.intervals]
    # Null (8100), from 15 to 20 s, is nobody's; box 2 begins at 15, box 3 at 30.
    assert spans == [(0, 5, 0, 1), (5, 10, 1, 1), (10, 15, 2, 1), (20, 25, 3, 2), (25, 30, 4, 2), (30, 32, 0, 3)]


def test_streams_say_where_each_sensor_sits(tmp_path):
    tree = tree_of.build(tmp_path, ONE)
    found = read(tree, ("imu",), sensors=("atr04", "atr01"))
    assert found.streams["imu"].channels[0] == "left_upper_arm_acc_x"
    assert found.streams["imu"].channels[6] == "right_wrist_acc_x"
    assert found.classes[0] == "picking" and len(found.classes) == 10
    assert found[0].streams["imu"].shape[1] == len(found.streams["imu"].units) == 12


def test_3d_keypoints_come_in_metres_with_y_up(tmp_path):
    tree = tree_of.build(tmp_path, ONE, keypoints=False)
    tree_of.write_3d(tree, "U0102", "S0100", 25)
    (session,) = read(tree, poses="3d")
    skeleton = session.streams["skeleton"]
    assert skeleton.shape[1:] == (32, 3)
    np.testing.assert_allclose(skeleton[0, 20], [0.020, -0.2, 1.0], atol=1e-6)
    assert skeleton[15, 0, 0] == pytest.approx(0.001, abs=1e-6)


def test_a_person_with_two_ids_is_one_person(tmp_path):
    found = read(tree_of.build(tmp_path, {"U0103": ["S0100"], "U0210": ["S0100"], "U0109": ["S0200"]}))
    assert [(r.conditions["user"], r.subject) for r in found] == [("U0103", 103), ("U0109", 109), ("U0210", 103)]


@pytest.mark.parametrize("layout", [tree_of.layout_v03, tree_of.layout_sample])
def test_earlier_releases(tmp_path, layout):
    tree = tree_of.build(tmp_path / "new", ONE)
    (new,) = read(tree)
    layout(tree, "U0102", "S0100")
    (old,) = read(tree)
    assert old.intervals == new.intervals
    for modality, values in new.streams.items():
        np.testing.assert_array_equal(old.streams[modality], values)


def test_a_users_own_folder_is_enough(tmp_path):
    tree = tree_of.build(tmp_path, {"U0102": ["S0100"], "U0103": ["S0100"]})
    assert [r.id for r in read(tree / "U0102")] == ["U0102-S0100"]


def test_what_is_read_is_kept(tmp_path):
    tree = tree_of.build(tmp_path, ONE)
    first, again = read_openpack(tree), read_openpack(tree)
    assert again[0].intervals == first[0].intervals and again.notes == first.notes
    np.testing.assert_array_equal(again[0].streams["imu"], first[0].streams["imu"])
    assert read_openpack(tree, sensors=("atr03",))[0].streams["imu"].shape[1] == 6


def test_gaps_cut_a_session(tmp_path):
    tree = tree_of.build(tmp_path, ONE, seconds=40)
    tree_of.fault_gap(atr(tree, "atr02"), 14.5, 17.2)
    tree_of.fault_gap(atr(tree), 31, 33)
    first, second = (found := read(tree))
    assert (first.id, second.id) == ("U0102-S0100", "U0102-S0100.2")
    assert len(first.streams["imu"]) == 14 * 30 + 1
    assert second.streams["imu"][0, 1] == pytest.approx(18, abs=1e-3) and len(second.streams["imu"]) == 12 * 30 + 1
    assert first.intervals[-1].end == 14 and second.intervals[0].begin == 2  # Null until 20
    assert found.notes["cut: gaps in time"] == ["U0102-S0100 atr01: 1, 2 s", "U0102-S0100 atr02: 1, 3 s"]
    assert found.notes["left out: short stretch between gaps"] == ["U0102-S0100: 7 s"]
    # Second 14, and the ten from 30 on; what else the first gap takes is Null.
    assert found.notes["left out: labelled seconds that not all streams cover"] == ["U0102-S0100: 11 of 35"]


def test_what_is_all_null_is_not_taken_for_unlabelled(tmp_path):
    tree = tree_of.build(tmp_path, {"U0102": ["S0100", "S0200"]}, seconds=40)
    for session, ids in (("S0100", [100] * 14 + [8100] * 26), ("S0200", [8100] * 40)):
        tree_of.write_operations(tree_of.label_path(tree, "U0102", session), "U0102", session, ids)
    tree_of.fault_gap(atr(tree), 14.5, 17.2)
    found = read(tree)
    assert [(r.id, len(r.intervals)) for r in found] == [("U0102-S0100", 1)]
    left_out = found.notes["left out: parts of labelled recordings without an interval"]
    assert left_out == ["U0102-S0100: 22 s", "U0102-S0200: 40 s"]


def test_small_faults_of_the_clock_are_repaired_and_counted(tmp_path):
    tree = tree_of.build(tmp_path, ONE)
    clean = read(tree)[0].streams["imu"]
    tree_of.fault_stray_stamp(atr(tree))
    tree_of.fault_swapped_rows(atr(tree, "atr02"))
    found = read(tree)
    np.testing.assert_array_equal(found[0].streams["imu"], clean)
    assert found.notes["repaired: stray first or last time stamps"] == ["U0102-S0100 atr01: 1"]
    assert found.notes["repaired: out of order"] == ["U0102-S0100 atr02: 1"]
    assert found.notes["repaired: repeated"] == ["U0102-S0100 atr02: 1"]


def test_a_second_labelled_twice_alike_is_counted(tmp_path):
    tree = tree_of.build(tmp_path, ONE)
    clean = read(tree)[0].intervals
    tree_of.fault_labelled_twice(labels(tree), 4)
    found = read(tree)
    assert found[0].intervals == clean and found.notes["repaired: repeated"] == ["U0102-S0100 operations: 1"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda tree: tree_of.fault_backwards(atr(tree), 100), "line 102: the clock runs backwards by 9.970 s"),
        (lambda tree: tree_of.fault_other_time(atr(tree)), "U0102-S0100: .* so they have no time in common"),
        (lambda tree: tree_of.fault_cell(atr(tree), 7, 3, "x"), "line 9, column acc_z: 'x' is no finite number"),
        (lambda tree: tree_of.fault_cell(atr(tree), 7, 3, "1,5"), "line 9 has 12 cells"),
        (lambda tree: tree_of.fault_truncated(atr(tree)), "cells, the header 11. Was it cut off"),
        (
            lambda tree: tree_of.fault_cell(labels(tree), 4, 4, "150"),
            "line 6, column id: there is no operation 150; known: 100, 200",
        ),
        (
            lambda tree: tree_of.fault_labelled_twice(labels(tree), 4, 4, "300"),
            "lines 6 and 7 label the same second, 1634869197, once as id 100, box 1, once as 300, box 1",
        ),
        (
            lambda tree: tree_of.fault_labelled_twice(labels(tree), 0, 3, "7"),
            "lines 2 and 3 .* box 1, once as 100, box 7.*take one of the lines out",
        ),
        (
            lambda tree: tree_of.keypoint_path(tree, "U0102", "S0100").write_text("{}"),
            "no COCO-style JSON of keypoints",
        ),
    ],
)
def test_bad_files_are_told_or_skipped(tmp_path, spoil, message):
    tree = tree_of.build(tmp_path, {"U0102": ["S0100", "S0200"]})
    spoil(tree)
    with pytest.raises(DataError, match=message):
        read(tree)
    found = read(tree, on_error="skip")
    assert found[-1].id == "U0102-S0200" and len(found.notes["skipped: bad file"]) == 1
    assert str(tmp_path) not in str(found.notes)


def test_sessions_without_labels_or_a_modality_are_noted(tmp_path):
    tree = tree_of.build(tmp_path, {"U0102": ["S0100", "S0200"]})
    tree_of.label_path(tree, "U0102", "S0100").unlink()
    tree_of.keypoint_path(tree, "U0102", "S0200").unlink()
    first, second = (found := read(tree))
    assert first.intervals == () and "skeleton" not in second.streams
    assert found.notes["without labels"] == ["U0102-S0100"] and found.notes["missing file"] == ["U0102-S0200 2d"]


def test_sensors_with_known_faults_are_not_taken_for_sound(tmp_path):
    tree = tree_of.build(tmp_path, {"U0209": ["S0500"]})
    assert "imu" in read(tree)[0].streams
    found = read(tree, sensors=("atr02", "atr03"))
    assert list(found[0].streams) == ["skeleton"]
    assert found.notes["left out: known fault of a sensor"] == ["U0209-S0500 atr03: worn in the wrong direction"]


def test_nothing_there_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match="Zenodo.*8145223"):
        read(tmp_path)
    for settings in ({"sensors": ("atr05",)}, {"sensors": ()}, {"poses": "4d"}, {"on_error": "warn"}):
        with pytest.raises(ValueError, match=str(next(iter(settings)))):
            read(tmp_path, **settings)
    with pytest.raises(ValueError, match="no modality"):
        read(tmp_path, ("depth",))


def test_the_challenges_people_are_apart(tmp_path):
    challenge = openpack_facts.CHALLENGE_2022
    assert [len(challenge[side]) for side in ("train", "validation", "test", "submission")] == [44, 7, 4, 22]

    def people(sessions):
        return {openpack_facts.SAME_PERSON.get(user, user) for user, _ in sessions}

    assert not people(challenge["train"]) & people(challenge["submission"])
    tree = tree_of.build(tmp_path, {"U0101": ["S0100", "S0300"], "U0106": ["S0100"], "U0104": ["S0100"]}, 12)
    split = openpack_splits.challenge_2022(read(tree), [106])
    sides = [[r.id for r in side] for side in (split.train, split.validation, split.test)]
    assert sides == [["U0101-S0100"], ["U0106-S0100"], ["U0104-S0100"]]
    with pytest.raises(DataError, match="not among the training people"):
        openpack_splits.challenge_2022(read(tree), [104])
    for split, message in (
        (openpack_splits.challenge_2022, "2022 leaves no recording for test, .*U0104, .*found are U0101 S0100"),
        (openpack_splits.pilot, "pilot leaves no recording for train, .* --users U0102,U0103.*data.split=by_box"),
    ):
        with pytest.raises(DataError, match=message):
            split(read(tree / "U0101"))


def test_boxes_become_recordings_of_their_own(tmp_path):
    found = read(tree_of.build(tmp_path, ONE, seconds=60))
    boxes = openpack_splits.boxes_of(found)
    assert [(r.id, r.conditions["box"]) for r in boxes] == [(f"U0102-S0100#{n}", n) for n in (1, 2, 3, 4)]
    second = boxes[1]  # from 15 s on, of which Null takes five
    assert second.intervals[0][:3] == (0, 5, 3) and second.intervals[-1].end == 10
    np.testing.assert_array_equal(second.streams["imu"], found[0].streams["imu"][20 * 30 : 30 * 30 + 1])
    np.testing.assert_array_equal(second.streams["skeleton"], found[0].streams["skeleton"][20 * 15 : 30 * 15 + 1])
    split = openpack_splits.by_box(found)
    assert [r.conditions["box"] for r in split.train] == [1, 2, 3] and [r.conditions["box"] for r in split.test] == [4]


@pytest.mark.parametrize("what", ["label", "clock"])
def test_lines_are_those_of_the_file_with_empty_ones(tmp_path, what):
    tree = tree_of.build(tmp_path, ONE, 12)
    path = tree_of.label_path(tree, "U0102", "S0100") if what == "label" else atr(tree)
    if what == "label":
        tree_of.fault_cell(path, 4, 4, "150")
    else:
        tree_of.fault_backwards(path, 100)
    header, rest = path.read_text().split("\n", 1)
    path.write_text(f"{header}\n\n \n{rest}")
    with pytest.raises(DataError, match=f"{path.name}: line {8 if what == 'label' else 104}"):
        read(tree, ("imu",))
