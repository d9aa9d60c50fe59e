"""The MMAct reader against trees with the faults of the release and of people's copies."""

import numpy as np
import pytest

from tests.data.mmact_clips import CLIP, DEFAULT, ID, expected_imu, one, same, tree
from tests.formats import mmact
from tests.formats import mmact_faults as faults
from tfkd.data import DataError
from tfkd.data.mmact import read_mmact

__all__ = ["tree"]  # a fixture


# ---- Sensors ----

REPAIRED = [
    (faults.fault_out_of_order, {"rows of acc_watch out of order": 3}),
    (faults.fault_repeated, {"rows of acc_watch with the time of another": 2, "rows of acc_watch out of order": 1}),
    (faults.fault_shuffled, {"rows of acc_watch out of order": 19}),
]


@pytest.mark.parametrize("fault, counts", REPAIRED, ids=lambda v: getattr(v, "__name__", ""))
def test_rows_are_put_in_order_and_counted(tree, fault, counts):
    plain = read_mmact(tree)
    path = fault(tree, CLIP)
    for use_cache in (False, True, True):
        read = read_mmact(tree, use_cache=use_cache)
        assert same(plain, read)
        where = path.relative_to(tree)
        assert read.notes == {f"repaired: {k}": [f"{n} in 1 files, most in {where} ({n})"] for k, n in counts.items()}


def test_a_time_may_lack_its_fraction(tree):
    for sensor in DEFAULT:
        path = faults.fault_no_fraction(tree, CLIP, sensor)
        assert b"." not in path.read_bytes().split(b",")[0]
    np.testing.assert_allclose(one(read_mmact(tree), f"{ID}_cam1").streams["imu"], expected_imu(CLIP), atol=2e-6)


@pytest.mark.parametrize(
    "fault, kind",
    [
        (faults.fault_empty, "skipped: empty file"),
        (faults.fault_only_blank_lines, "skipped: empty file"),
        (faults.fault_only_a_header, "skipped: empty file"),
        (faults.fault_one_row, "skipped: only one sample"),
        (faults.fault_listed_as_invalid, "skipped: listed in invalid_files.txt"),
        (lambda *a: faults.fault_listed_as_invalid(*a, from_root=True), "skipped: listed in invalid_files.txt"),
        (faults.fault_missing, None),
    ],
)
def test_known_faults_of_the_release_cost_a_clip_its_imu_and_no_more(tree, fault, kind):
    path = fault(tree, CLIP)
    read = read_mmact(tree)
    assert read.notes == {
        "no imu: acc_watch missing": [ID],
        **({kind: [str(path.relative_to(tree))]} if kind else {}),
    }
    assert len(read) == 16 and set(one(read, f"{ID}_cam1").streams) == {"skeleton"}
    assert read.paired(["imu", "skeleton"]).notes["left out: no imu"] == [f"{ID}_cam1", f"{ID}_cam4"]
    phone = read_mmact(tree, sensors=("acc_phone",))
    assert len(phone.paired(["imu", "skeleton"])) == 16, "another sensor of the clip is as good as ever"


def test_a_line_of_invalid_files_that_names_nothing_is_noted(tree):
    (tree / "gyro_clip" / "invalid_files.txt").write_text("see readme\n")
    assert read_mmact(tree).notes == {"ignored: line of invalid_files.txt": ["gyro_clip/invalid_files.txt: see readme"]}


def test_sensors_without_a_pose_have_a_recording_of_their_own(tree):
    for camera in mmact.CAMERAS:
        faults.fault_pose_missing(tree, CLIP, camera)
    faults.fault_pose_missing(tree, (1, 1, 1, "carrying_light"), 4)
    read = read_mmact(tree)
    assert len(read) == 16 - 2 and read.notes == {"no skeleton": [ID]}
    assert one(read, ID).conditions == {"scene": 1, "session": 1} and set(one(read, ID).streams) == {"imu"}


def test_a_gap_and_a_late_sensor_are_noted(tree):
    path = faults.fault_gap(tree, CLIP)
    faults.fault_late(tree, (1, 1, 1, "carrying_light"), "gyro")
    read = read_mmact(tree, ("imu",))
    assert read.notes == {
        "repaired: gaps of acc_watch over 0.5 s": [f"1 in 1 files, most in {path.relative_to(tree)} (1)"],
        "sensors have less than 80 % of the clip in common": [
            "subject1_scene1_session1_carrying_light: 0.20 of 0.40 s"
        ],
    }
    np.testing.assert_allclose(one(read, ID).streams["imu"], expected_imu(CLIP, end=3.0), atol=2e-6)
    late = one(read, "subject1_scene1_session1_carrying_light").streams["imu"]
    np.testing.assert_allclose(late, expected_imu((1, 1, 1, ""), begin=0.2), atol=2e-6)


BAD = [
    (faults.fault_cut_off, "line 10 has 1 cells, expected 4. Was it cut off?"),
    (faults.fault_short_row, "line 5 has 3 cells"),
    (faults.fault_decimal_commas, "line 1 has 7 cells"),
    (faults.fault_decimal_commas, "Decimal commas?"),
    (faults.fault_column_missing, "line 1 has no column z"),
    (faults.fault_text, "line 3, column x: 'broken' is no finite number"),
    (faults.fault_not_a_number, "line 3, column x: 'nan' is no finite number"),
    (faults.fault_underscore, "line 3, column x: '1_000' is no finite number"),
    (faults.fault_other_times, "line 2, column time: '2018/10/16 13:33:45.170' is not written like 20181016_13:33"),
    (faults.fault_web_page, "line 1 has no column x, y, z, time"),
    (faults.fault_binary, "is unreadable as text"),
    (faults.fault_dead, "all three channels never change (dead?)"),
    (faults.fault_wrong_day, "there is no sample between 19700101_13:33:01 and 20181001_13:33:01"),
    (faults.fault_another_hour, "so they have no time in common"),
    (faults.fault_json_cut_off, "line 1, column 1001: no JSON"),
    (faults.fault_json_list, "expected frames, each with person1"),
    (faults.fault_frame_names, "frame 'first' has no number"),
    (faults.fault_joint_missing, "frame '5' holds 48 numbers, expected 51"),
]


@pytest.mark.parametrize("fault, message", BAD, ids=lambda v: getattr(v, "__name__", ""))
def test_a_bad_file_is_named_and_skipped_or_fatal(tree, fault, message):
    path = fault(tree, CLIP)
    with pytest.raises(DataError) as raised:
        read_mmact(tree)
    assert str(path) in str(raised.value) and message in str(raised.value)
    assert "--skip_bad_files" in str(raised.value), "the way out is named"
    for _ in range(2):  # the second time from the cache
        read = read_mmact(tree, on_error="skip")
        (note,) = read.notes["skipped: bad file"]
        assert str(path.relative_to(tree)) in note and str(tree) not in note
        assert len(read.paired(["imu", "skeleton"])) == (15 if path.suffix == ".json" else 14)


def test_an_unknown_class_is_named_and_skipped_or_fatal(tree):
    path = faults.fault_unknown_class(tree, CLIP)
    with pytest.raises(DataError) as raised:
        read_mmact(tree)
    for part in (str(path), "no trimmed class 'transferring'", "transferring_object", "--skip_bad_files"):
        assert part in str(raised.value)
    read = read_mmact(tree, on_error="skip")
    assert len(read) == 16 and len(read.notes["skipped: no such class"]) == 1


def test_duplicates_are_noted(tree):
    path, kept = faults.fault_duplicate(tree, CLIP), mmact.path_of(tree, CLIP, "acc_watch")
    assert read_mmact(tree).notes == {
        "ignored: duplicate": [f"{path.relative_to(tree)} (kept {kept.relative_to(tree)})"]
    }


# ---- Poses ----


def test_missing_frames_and_unseen_joints_are_filled_in_and_counted(tree):
    missing = faults.fault_frames_missing(tree, CLIP)
    unseen = faults.fault_joints_unseen(tree, CLIP, 4)
    read = read_mmact(tree, ("skeleton",))
    found, written = one(read, f"{ID}_cam1").streams["skeleton"], mmact.pose(CLIP, 1)
    np.testing.assert_allclose(found[:, :, :2], written[:, :, :2], rtol=1e-6)  # even motion is found again
    filled = [3, 4, 8]
    assert not found[filled, :, 2].any() and np.allclose(np.delete(found - written, filled, 0), 0, atol=1e-5)
    found, written = one(read, f"{ID}_cam4").streams["skeleton"], mmact.pose(CLIP, 4)
    np.testing.assert_allclose(found[:, :16, :2], written[:, :16, :2], rtol=1e-6)
    assert not found[1:-1, 9, 2].any() and found[0, 9, 2] > 0
    np.testing.assert_allclose(found[:, 16, :2], written[:, :16, :2].mean(axis=1), rtol=1e-6)
    missing, unseen = missing.relative_to(tree), unseen.relative_to(tree)
    assert read.notes == {
        "repaired: frames without the person": [f"3 in 1 files, most in {missing} (3)"],
        "repaired: joints that are never seen, put in the middle": [f"1 in 1 files, most in {unseen} (1)"],
        "repaired: joints that were not seen, interpolated": [f"61 in 2 files, most in {missing} (51)"],
    }


def test_frames_are_put_in_the_order_of_their_numbers(tree):
    plain = read_mmact(tree)
    faults.fault_frames_out_of_order(tree, CLIP)
    assert same(plain, read_mmact(tree))


@pytest.mark.parametrize("frames, shift", [(12, 1000), (7, 1000), (6, 0)])
def test_of_two_people_one_is_taken_throughout(tree, frames, shift):
    faults.fault_two_people(tree, CLIP, frames=frames)
    read = read_mmact(tree, ("skeleton",))
    found = one(read, f"{ID}_cam1").streams["skeleton"]
    seen = slice(frames if shift else None)
    expected = mmact.pose(CLIP, 1) + np.array([shift, 0, 0])
    np.testing.assert_allclose(found[seen, :, :2], expected[seen, :, :2], rtol=1e-6)
    assert len(found) == mmact.FRAMES and len(read.notes["repaired: poses of two people, of which one was taken"]) == 1


@pytest.mark.parametrize("fault", [faults.fault_nobody, faults.fault_no_frames])
def test_a_pose_that_does_not_show_the_person_is_left_out(tree, fault):
    path = fault(tree, CLIP)
    read = read_mmact(tree)
    (note,) = read.notes["skipped: the person is hardly seen"]
    assert str(path.relative_to(tree)) in note
    assert f"{ID}_cam1" not in [r.id for r in read] and len(read) == 15


# ---- All at once ----


def test_a_tree_with_all_the_faults_of_the_release_is_read_and_every_one_counted(tree):
    clips = iter(mmact.CLIPS)
    mmact.layout_headers(tree)
    mmact.layout_stray_files(tree)
    clip = next(clips)
    faults.fault_out_of_order(tree, clip)
    faults.fault_repeated(tree, clip, "gyro")
    faults.fault_frames_missing(tree, clip)
    faults.fault_two_people(tree, clip, 4)
    faults.fault_empty(tree, next(clips))
    faults.fault_listed_as_invalid(tree, next(clips), "gyro")
    faults.fault_missing(tree, next(clips), "acc_phone")
    faults.fault_nobody(tree, next(clips))
    mmact.layout_odd_names(tree)
    mmact.layout_nested(tree)
    read = read_mmact(tree)  # with no wish to skip anything
    assert {kind: len(entries) for kind, entries in read.notes.items()} == {
        "skipped: listed in invalid_files.txt": 1,
        "skipped: empty file": 1,
        "skipped: the person is hardly seen": 1,
        "no imu: acc_watch missing": 1,
        "no imu: gyro missing": 1,
        "no imu: acc_phone missing": 1,
        "repaired: rows of acc_watch out of order": 1,
        "repaired: rows of gyro out of order": 1,
        "repaired: rows of gyro with the time of another": 1,
        "repaired: frames without the person": 1,
        "repaired: joints that were not seen, interpolated": 1,
        "repaired: poses of two people, of which one was taken": 1,
    }
    assert len(read) == 15 and len(read.paired(["imu", "skeleton"])) == 9
