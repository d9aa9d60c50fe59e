"""One's own recordings: streams of any clock joined on time, in tfkd's units."""

import sys
import unicodedata

import numpy as np
import pandas as pd
import pytest

from tests.formats import own
from tfkd.data.folder import protocols, read_folder, split
from tfkd.data.recordings import DataError

BOTH = ("imu", "skeleton")


def read(folder, modalities=BOTH, **settings):
    return read_folder(folder, modalities, use_cache=False, **settings)


def toml(folder, text):
    own.write(folder / "dataset.toml", [text])


# ---- What is read ----


def test_streams_of_different_clocks_are_joined_on_time(tmp_path):
    found = read(own.build(tmp_path))
    trial = found[0]
    assert (trial.id, trial.subject, trial.label, trial.trial) == ("a1", 1, 1, 1)
    assert trial.conditions["person"] == "anna" and trial.conditions["session"] == 1
    assert found.classes == ("carry", "lift") and found.subjects == [1, 2, 3]
    imu, skeleton = trial.streams["imu"], trial.streams["skeleton"]
    # The skeleton begins 0.1 s later and ends 0.1 s later.
    assert imu.dtype == skeleton.dtype == "float32"
    np.testing.assert_allclose(imu[:, 1], (0.1 + np.arange(196) / 50) / 100, atol=1e-6)
    # Both end on the same moment: the skeleton's steps are as near to 1/30 s as that allows.
    np.testing.assert_allclose(skeleton[:, 2, 0], 0.31 + np.linspace(0, 3.9, 118) / 10, atol=1e-5)
    imu_stream, skeleton_stream = found.streams["imu"], found.streams["skeleton"]
    assert imu_stream.channels == own.IMU and imu_stream.rate_hz == 50
    assert imu_stream.units == ("g", "g", "g", "deg/s", "deg/s", "deg/s")
    assert skeleton_stream.channels == ("hip_center", "shoulder_center", "hand") and skeleton_stream.rate_hz == 30
    assert skeleton_stream.bones == ((0, 1), (1, 2)), "from the hip outwards"
    assert list(found.notes) == ["sample rate"]


def test_a_recording_without_a_label_is_continuous(tmp_path):
    shift = read(own.build(tmp_path))[-1]
    assert (shift.id, shift.label, len(shift.streams["imu"])) == ("shift", -1, 1501)
    spans = [(round(i.begin, 3), round(i.end, 3), i.label, i.part) for i in shift.intervals]
    assert spans == [(0, 10, 1, 1), (10, 18, 0, 1), (20.5, 30, 1, 2)]


def test_a_part_without_an_interval_is_not_taken_for_unlabelled(tmp_path):
    own.build(tmp_path, skeletons=False)
    own.write(tmp_path / "intervals" / "shift.csv", ["begin,end,label", "1000,1010,lift", "1025,1030,carry"])
    for begin in (1012, 1021):
        own.fault_gap(tmp_path / "imu" / "shift.csv", begin, begin + 2)
    found = read(tmp_path, ("imu",))
    assert [(r.id, len(r.intervals)) for r in found][-2:] == [("shift", 1), ("shift.3", 1)]
    assert found.notes["left out: parts of labelled recordings without an interval"] == ["shift.2: 7 s"]


def test_the_simplest_folder_needs_no_toml(tmp_path):
    own.build(tmp_path, skeletons=False, continuous=False)
    (tmp_path / "dataset.toml").unlink()
    found = read(tmp_path, ("imu",))
    assert len(found) == 4 and found.name == "folder" and not protocols(found)
    np.testing.assert_allclose(found[0].streams["imu"], own.imu_at(100 + own.times(4, 50)), atol=1e-5)


def test_milliseconds_and_other_units_are_converted(tmp_path):
    own.build(tmp_path)
    plain = read(tmp_path)
    toml(tmp_path, '[imu]\nunits = {acc = "m/s2", gyro = "rad/s"}\n' + own.TOML.replace("]\n", ']\nunits = "mm"\n', 1))
    for key in (*own.TRIALS, "shift"):
        seconds = 1000 + own.times(30, 50) if key == "shift" else 100 + own.times(4, 50)
        own.write_imu(tmp_path / "imu" / f"{key}.csv", seconds, "time_ms", (9.80665, np.pi / 180))
        seconds = 1000 + own.times(30, 30) if key == "shift" else 100.1 + own.times(4, 30)
        own.write_skeleton(tmp_path / "skeleton" / f"{key}.csv", seconds, 1000)
    spans = tmp_path / "intervals" / "shift.csv"
    own.write(spans, ["label,begin_ms,end_ms", "lift,1000000,1010000", "carry,1010000,1018000"])
    for one, other in zip(plain, read(tmp_path)):
        for modality, values in one.streams.items():
            np.testing.assert_allclose(other.streams[modality], values, atol=1e-4)
    assert [i[2:] for i in other.intervals] == [(1, -1), (0, -1)] and other.intervals[1].end == pytest.approx(18)


def test_numbers_of_people_stay_and_names_are_counted_as_people_count(tmp_path):
    own.build(tmp_path, skeletons=False, continuous=False)
    toml(tmp_path, "")
    text = (tmp_path / "recordings.csv").read_text()
    (tmp_path / "recordings.csv").write_text(text.replace("anna", "7").replace("ben", "012"))
    found = read(tmp_path, ("imu",))
    assert found.subjects == [7, 12] and "person" not in found[0].conditions
    (tmp_path / "recordings.csv").write_text(text.replace("anna", "P10").replace("ben", "P2"))
    assert [r.subject for r in read(tmp_path, ("imu",))] == [2, 2, 1, 1]


def test_other_channels_of_the_imu_are_read_or_left_out(tmp_path):
    own.build(tmp_path, skeletons=False, continuous=False)
    for key in own.TRIALS:
        path = tmp_path / "imu" / f"{key}.csv"
        header, *rows = path.read_text().splitlines()
        own.write(path, [f"note,{header},baro", *(f"x,{row},{i}" for i, row in enumerate(rows))])
    toml(tmp_path, '[imu]\nunits = {baro = "hPa"}\nchannels = ["baro", "acc_z"]\nrate_hz = 25')
    found = read(tmp_path, ("imu",))
    assert found.streams["imu"].channels == ("baro", "acc_z") and found.streams["imu"].units == ("hPa", "g")
    assert found[0].streams["imu"][:3, 0].tolist() == pytest.approx([0, 2, 4], abs=1e-3)
    toml(tmp_path, "")
    with pytest.raises(DataError, match="line 2, column note: 'x' is no finite number"):
        read(tmp_path, ("imu",))


def test_npz_and_parquet_are_read_as_csv_is(tmp_path, monkeypatch):
    own.build(tmp_path, continuous=False)
    plain = read(tmp_path)
    for key, kind in (("a1", "imu"), ("a1", "skeleton"), ("a2", "imu")):
        path = tmp_path / kind / f"{key}.csv"
        table = pd.read_csv(path)
        path.unlink()
        names, values = list(table.columns[1:]), table.to_numpy()[:, 1:]
        if key == "a2":
            (tmp_path / kind / f"{key}.parquet").write_bytes(b"as if")
            monkeypatch.setattr(pd, "read_parquet", lambda path, table=table: table)
            continue
        if kind == "skeleton":
            names, values = own.JOINTS, values.reshape(len(values), -1, 3)
        np.savez(tmp_path / kind / f"{key}.npz", time=table["time"], values=values, channels=names)
    for one, other in zip(plain, read(tmp_path)):
        for modality, values in one.streams.items():
            np.testing.assert_array_equal(other.streams[modality], values)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r'a2.parquet.*pip install "tfkd\[parquet\]"'):
        read(tmp_path)


def test_what_is_read_is_kept_until_a_file_or_setting_changes(tmp_path):
    own.build(tmp_path)
    first, again = read_folder(tmp_path, BOTH), read_folder(tmp_path, BOTH)
    assert again.notes == first.notes and again.streams == first.streams
    assert [r.intervals for r in again] == [r.intervals for r in first]
    np.testing.assert_array_equal(again[-1].streams["skeleton"], first[-1].streams["skeleton"])
    own.change(tmp_path / "intervals" / "shift.csv", "1018,carry", "1018,rest")
    toml(tmp_path, "[imu]\nrate_hz = 25\n" + own.TOML)
    changed = read_folder(tmp_path, BOTH)
    assert changed.classes == ("carry", "lift", "rest") and len(changed[-1].streams["imu"]) == 751


# ---- Time ----


def test_gaps_cut_a_continuous_recording(tmp_path):
    own.build(tmp_path)
    own.fault_gap(tmp_path / "imu" / "shift.csv", 1008, 1012)
    own.fault_gap(tmp_path / "skeleton" / "shift.csv", 1013, 1015)
    first, second = list(found := read(tmp_path))[-2:]
    assert (first.id, second.id) == ("shift", "shift.2") and second.subject == 3
    assert len(first.streams["imu"]) == 401 and len(second.streams["imu"]) == 751
    np.testing.assert_allclose(second.streams["imu"][:, 1], 0.15 + np.arange(751) / 5000, atol=1e-5)
    assert [i[:2] for i in first.intervals] == [(0, 8)]
    assert np.round([i[:2] for i in second.intervals], 3).tolist() == [[0, 3], [5.5, 15]]
    assert found.notes["cut: gaps in time"] == ["shift: 1 of imu, 1 of skeleton, 6.0 s"]
    assert found.notes["left out: short stretch between gaps"] == ["shift: 1.00 s"]
    assert found.notes["left out: labelled seconds that not all streams cover"] == ["shift: 7.0 of 27.5"]


def test_parts_have_names_of_their_own(tmp_path):
    own.build(tmp_path, skeletons=False)
    for key in ("shift.2", "shift.4"):
        own.write_imu(tmp_path / "imu" / f"{key}.csv", own.times(4, 50))
    own.change(tmp_path / "recordings.csv", "shift,carl,,2", "shift,carl,,2\nshift.2,carl,lift,2\nshift.4,carl,lift,2")
    for begin in (1005, 1012, 1020):
        own.fault_gap(tmp_path / "imu" / "shift.csv", begin, begin + 2)
    found = read(tmp_path, ("imu",))
    assert [(r.id, r.label) for r in found][4:] == [
        ("shift", -1), ("shift.3", -1), ("shift.5", -1), ("shift.6", -1), ("shift.2", 1), ("shift.4", 1),
    ]  # fmt: skip


def test_letters_of_two_signs_are_those_of_one(tmp_path):
    own.build(tmp_path)
    toml(tmp_path, 'classes = ["carry", "Ü"]\n' + own.TOML.replace("anna", "Jörg"))
    own.change(tmp_path / "recordings.csv", "a1,anna,lift", "ü1,Jörg,Ü")
    text = (tmp_path / "recordings.csv").read_text().replace("lift", "Ü").replace("anna", "Jörg")
    (tmp_path / "recordings.csv").write_text(unicodedata.normalize("NFD", text))
    own.change(tmp_path / "intervals" / "shift.csv", "lift", unicodedata.normalize("NFD", "Ü"))
    (tmp_path / "imu" / "a1.csv").rename(tmp_path / "imu" / "ü1.csv")
    (tmp_path / "skeleton" / "a1.csv").rename(tmp_path / "skeleton" / unicodedata.normalize("NFD", "ü1.csv"))
    found = read(tmp_path)
    assert found[0].id == "ü1" and len(found[0].streams) == 2 and found.classes == ("carry", "Ü")
    assert len(split(found, "cross_subject").train) == 3


def test_gaps_in_a_labelled_trial_are_interpolated_up_to_a_quarter(tmp_path):
    own.build(tmp_path, seconds=8)
    own.fault_gap(tmp_path / "imu" / "a1.csv", 103, 104.5)
    found = read(tmp_path)
    np.testing.assert_allclose(found[0].streams["imu"][:, 1], (0.1 + np.arange(396) / 50) / 100, atol=1e-6)
    assert found.notes["interpolated: gaps in a labelled trial"] == ["a1: 1 of imu, 1.5 s"]
    own.fault_gap(tmp_path / "imu" / "a1.csv", 102, 105)
    with pytest.raises(DataError, match=r"Recording a1: 3.0 of 7.9 s are lost in gaps \(1 of imu\), more than 25%"):
        read(tmp_path)


def test_an_uneven_clock_is_measured_and_made_even(tmp_path):
    own.build(tmp_path, skeletons=False, continuous=False)
    for key in own.TRIALS:
        seconds = 100 + own.times(4, 52) + 0.002 * np.resize([1, -1], 209)
        own.write_imu(tmp_path / "imu" / f"{key}.csv", seconds)
    found = read(tmp_path, ("imu",))
    assert found.streams["imu"].rate_hz == 52, "no usual rate is near"
    np.testing.assert_allclose(np.diff(found[0].streams["imu"][:, 1]), 1 / 5200, atol=1e-6)
    (told,) = found.notes["sample rate"]  # steps of 1/52 s and 4 ms more or less
    assert told.startswith("imu: 52 Hz; recorded at 52") and "vary by 21 %" in told


@pytest.mark.parametrize("rate, usual", [(49.6, 50), (33.3, 33), (99, 100), (12.4, 12.5), (3.3, 3.3)])
def test_the_rate_is_a_usual_one(tmp_path, rate, usual):
    own.build(tmp_path, skeletons=False, continuous=False)
    own.write_imu(tmp_path / "imu" / "a1.csv", own.times(6, rate))
    own.write(tmp_path / "recordings.csv", ["id,subject,label", "a1,1,walk"])
    toml(tmp_path, "")
    assert read(tmp_path, ("imu",)).streams["imu"].rate_hz == usual


def test_small_faults_of_the_clock_are_repaired_and_counted(tmp_path):
    own.build(tmp_path)
    clean = read(tmp_path)[0].streams["imu"]
    path = tmp_path / "imu" / "a1.csv"
    lines = path.read_text().splitlines()
    own.write(path, [*lines[:9], lines[10], lines[9], lines[9], *lines[11:]])
    found = read(tmp_path)
    np.testing.assert_array_equal(found[0].streams["imu"], clean)
    assert found.notes["repaired: out of order"] == found.notes["repaired: repeated"] == ["imu/a1.csv: 1"]


def test_intervals_that_stick_out_a_little_are_clipped(tmp_path):
    own.build(tmp_path)
    own.change(tmp_path / "intervals" / "shift.csv", "1000,1010", "999.5,1010")
    own.fault_gap(tmp_path / "imu" / "shift.csv", 1004, 1006)
    found = read(tmp_path)
    assert found[-2].intervals[0][:2] == (0, 4)
    told = found.notes["clipped: intervals that stick out of the recording"]
    assert told == ["shift: line 2, by 0.50 s"], "once, not once a part"
    assert found.notes["left out: labelled seconds that not all streams cover"] == ["shift: 2.5 of 28.0"]


def test_labelled_time_that_a_stream_lacks_is_counted(tmp_path):
    own.build(tmp_path)
    own.fault_gap(tmp_path / "skeleton" / "shift.csv", 1001, 1040)
    found = read(tmp_path)
    assert len(found[-1].streams["imu"]) == 51
    assert found.notes["left out: labelled seconds that not all streams cover"] == ["shift: 26.5 of 27.5"]
    for begin in range(1001, 1030, 2):
        own.fault_gap(tmp_path / "imu" / "shift.csv", begin, begin + 1.2)
    found = read(tmp_path, ("imu",))
    assert [r.id for r in found] == list(own.TRIALS)
    assert found.notes["left out: labelled seconds that not all streams cover"] == ["shift: 27.5 of 27.5"]


# ---- Protocols ----


def test_protocols_are_declared_by_person_or_by_another_column(tmp_path):
    own.build(tmp_path)
    toml(tmp_path, own.TOML + '[protocols.later]\nby = "session"\ntrain = [1]\ntest = [2]')
    found = read(tmp_path)
    assert list(protocols(found)) == ["cross_subject", "later"]
    divided = split(found, "cross_subject", [3])
    sides = [[r.id for r in side] for side in (divided.train, divided.validation, divided.test)]
    assert sides == [["a1", "a2"], ["shift"], ["b1", "b2"]] and divided.name == "cross_subject"
    assert not divided.same_people
    assert [r.id for r in split(found, "later").test] == ["shift"]
    with pytest.raises(DataError, match="validation_subjects"):
        split(found, "cross_subject", [2])
    with pytest.raises(DataError, match=r"no protocol 'cross_trial', only .*\[protocols.cross_trial\] train.*loso"):
        split(found, "cross_trial")
    toml(tmp_path, own.TOML.replace('["ben"]', '["bob"]'))
    with pytest.raises(DataError, match="protocols.cross_subject names bob, .* subjects anna, ben, carl"):
        read(tmp_path)
