"""What is wrong with a folder of one's own recordings is told, by file and line, or noted."""

import numpy as np
import pytest

from tests.data.test_folder import read, toml
from tests.formats import own
from tfkd.data import folder as folder_module
from tfkd.data.recordings import DataError

FAULTS = {
    "decimal comma": (
        lambda d: own.fault_cell(d / "imu" / "a1.csv", 7, "acc_y", "0,5"),
        "imu/a1.csv: line 7 has 8 cells, the header 7. Decimal commas?",
    ),
    "quoted decimal comma": (
        lambda d: own.fault_cell(d / "imu" / "a1.csv", 7, "acc_y", '"0,5"'),
        "imu/a1.csv: line 7, column acc_y: '0,5' is no finite number. Write numbers with a decimal point",
    ),
    "semicolons": (
        lambda d: own.change(d / "imu" / "a1.csv", ",", ";"),
        "imu/a1.csv: line 1 has no column time .*separated by semicolons",
    ),
    "missing value": (
        lambda d: own.fault_cell(d / "skeleton" / "a1.csv", 9, "hand_x", ""),
        "skeleton/a1.csv: line 9, column hand_x: '' is no finite number",
    ),
    "missing column": (
        lambda d: own.fault_column(d / "imu" / "b1.csv", "gyro_z"),
        "imu/b1.csv has other channels than most files, such as .*imu/a1.csv: not gyro_z. .*channels = ",
    ),
    "another channel in the first file": (
        lambda d: own.change(d / "imu" / "a1.csv", "gyro_z", "temp"),
        "imu/a1.csv has other channels than most files, such as .*imu/a2.csv: besides temp; not gyro_z",
    ),
    "another joint in the first file": (
        lambda d: own.change(d / "skeleton" / "a1.csv", "hand_", "elbow_"),
        "skeleton/a1.csv has other joints than most files, such as .*skeleton/a2.csv: besides elbow; not hand",
    ),
    "missing axis": (
        lambda d: own.fault_column(d / "skeleton" / "b1.csv", "neck_z"),
        "skeleton/b1.csv has no column neck_z",
    ),
    "missing time": (
        lambda d: own.fault_column(d / "imu" / "b1.csv", "time"),
        r"imu/b1.csv: line 1 has no column time \(seconds\) or time_ms",
    ),
    "clock backwards": (
        lambda d: own.fault_cell(d / "imu" / "a1.csv", 50, "time", "99.5"),
        "imu/a1.csv: line 50, column time: the clock runs backwards, from 100.94 to 99.5",
    ),
    "clock backwards in small steps": (
        lambda d: own.write_imu(d / "imu" / "a1.csv", 104 - own.times(4, 50)),
        "imu/a1.csv: line 8, column time: the clock runs backwards, from 104 to 103.88",
    ),
    "two clocks": (
        lambda d: own.change(d / "imu" / "a1.csv", "gyro_z", "time_ms"),
        "imu/a1.csv has both time and time_ms: which is the clock",
    ),
    "coarse clock": (
        lambda d: own.write_imu(d / "imu" / "a1.csv", np.floor(100 + own.times(4, 50))),
        "imu/a1.csv: 196 of 201 rows have the time of another row",
    ),
    "seconds called milliseconds": (
        lambda d: own.change(d / "imu" / "a1.csv", "time", "time_ms"),
        "imu/a1.csv: from row to row, time_ms goes on by 2e-05 s. Is that the unit",
    ),
    "milliseconds called seconds": (
        lambda d: own.write_imu(d / "imu" / "a1.csv", 1000 * own.times(4, 50)),
        "imu/a1.csv: from row to row, time goes on by 20 s",
    ),
    "blanks in the header": (
        lambda d: own.change(d / "imu" / "a1.csv", ",acc_x", ", acc_x"),
        "imu/a1.csv: line 1, column ' acc_x': take the blanks beside the commas out",
    ),
    "no overlap": (
        lambda d: own.fault_shifted(d / "skeleton" / "a1.csv", 3600),
        "Recording a1: imu ends at 104.000 s and skeleton begins at 3700.100 s",
    ),
    "dead channel": (
        lambda d: [own.fault_cell(d / "imu" / "a2.csv", line, "acc_y", "0") for line in range(2, 203)],
        "imu/a2.csv: channel acc_y never changes",
    ),
    "m/s2": (
        lambda d: own.write_imu(d / "imu" / "a2.csv", own.times(4, 50), scale=(9.8, 1)),
        r'imu/a2.csv: acc_x, acc_y, acc_z have a median length of 9.*in m/s2.*\[imu\] units = {acc = "m/s2"}',
    ),
    "millimetres": (
        lambda d: own.write_skeleton(d / "skeleton" / "a2.csv", own.times(4, 30), 1000),
        r"skeleton/a2.csv: the person measures 500 m.*\[skeleton\] units = 'm' or 'cm' or 'mm'",
    ),
    "metres called millimetres": (
        lambda d: own.write_skeleton(d / "skeleton" / "a2.csv", own.times(4, 30), 0.001),
        "skeleton/a2.csv: the person measures 0.0005 m, so the joints are not in m. ",
    ),
    "nobody seen": (
        lambda d: own.write_skeleton(d / "skeleton" / "a2.csv", own.times(4, 30), 0),
        "skeleton/a2.csv: in all 121 frames the joints are in one point: nobody is seen",
    ),
    "interval outside": (
        lambda d: own.change(d / "intervals" / "shift.csv", "1030", "1032"),
        "intervals/shift.csv: line 4: the interval from 1020.5 to 1032 s lies outside .* from 1000 to 1030 s",
    ),
    "interval without length": (
        lambda d: own.change(d / "intervals" / "shift.csv", "1020.5", "1030"),
        "intervals/shift.csv: line 4: the interval from 1030 to 1030 s has no length",
    ),
    "overlapping intervals": (
        lambda d: own.change(d / "intervals" / "shift.csv", "1020.5", "1017"),
        "intervals of lines 3 and 4 overlap, from 1017 to 1018 s",
    ),
    "interval without label": (
        lambda d: own.change(d / "intervals" / "shift.csv", "carry", ""),
        "intervals/shift.csv: line 3, column label is empty",
    ),
    "wrong part": (
        lambda d: own.change(d / "intervals" / "shift.csv", "lift,2", "lift,two"),
        "intervals/shift.csv: line 4, column part: 'two' is no whole number",
    ),
    "index column": (
        lambda d: [own.change(d / "imu" / "a1.csv", *texts) for texts in (("\n1", "\n0,1"), ("time,", ",time,"))],
        "imu/a1.csv: line 1: column 1 has no name. Is it an index",
    ),
    "damaged npz": (
        lambda d: (d / "imu" / "a1.csv").unlink() or (d / "imu" / "a1.npz").write_bytes(b"PK"),
        "imu/a1.npz cannot be read as NPZ",
    ),
    "npz without names": (
        lambda d: (d / "imu" / "a1.csv").unlink() or np.savez(d / "imu" / "a1.npz", time=[1, 2], values=[[1], [2]]),
        "imu/a1.npz has no array channels, only time, values",
    ),
    "npz with nan": (
        lambda d: (d / "imu" / "a1.csv").unlink()
        or np.savez(d / "imu" / "a1.npz", time=np.arange(9), values=np.full((9, 6), np.nan), channels=own.IMU),
        "imu/a1.npz: row 1, column acc_x: nan is no finite number",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_files_are_told_or_skipped(tmp_path, fault):
    spoil, message = FAULTS[fault]
    own.build(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path)
    found = read(tmp_path, on_error="skip")
    assert len(found) >= 4 and len(found.notes["skipped: bad file"]) == 1
    assert str(tmp_path) not in str(found.notes)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda d: own.change(d / "recordings.csv", "b1,", "a1,"), "line 4, column id: 'a1' is in line 2 already"),
        (lambda d: own.change(d / "recordings.csv", "b1,", "../b1,"), "line 4, column id: '../b1' is no id"),
        (lambda d: own.change(d / "recordings.csv", "b1,ben", "b1,"), "line 4, column subject is empty"),
        (
            lambda d: [own.change(d / "recordings.csv", *names) for names in ((",anna", ",01"), (",ben", ",1"))],
            "lines 2 and 4, column subject: '01' and '1' are one number",
        ),
        (
            lambda d: [
                own.change(d / "recordings.csv", "lift,1", "lift,01"),
                toml(d, "[protocols.x]\nby='session'\ntrain=[1]\ntest=[2]"),
            ],
            "protocols.x: session is '01' and '1' in recordings.csv: one number",
        ),
        (lambda d: own.change(d / "recordings.csv", "label", "class"), "line 1 has no column label, only id, subject"),
        (lambda d: own.change(d / "recordings.csv", "a2,", "c9,"), "line 3: there is no file imu/c9.csv"),
        (lambda d: own.change(d / "recordings.csv", "carl,", "carl,lift"), "line 6, column label: shift is labelled"),
        (lambda d: (d / "recordings.csv").unlink(), "There is no recordings.csv in"),
        (lambda d: own.write(d / "imu" / "a1.npz", ["x"]), "a1.csv and a1.npz are of the same recording"),
        (lambda d: toml(d, 'classes = ["lift"]'), "line 3, column label: 'carry' is not among the classes of"),
        (lambda d: toml(d, ""), r"no joint hip_center; it has pelvis, neck, hand. .*\[skeleton\] hip"),
        (lambda d: toml(d, "[skeleton]\nhip='neck'\nneck='neck'"), "hip is .neck. and skeleton.neck .neck., but"),
        (lambda d: toml(d, "x = "), "dataset.toml cannot be read as TOML"),
        (lambda d: (d / "dataset.toml").write_bytes(b"name = '\xfc'"), "dataset.toml is no UTF-8 text: save it"),
        (lambda d: toml(d, "[imu]\nrate = 50"), "unknown key imu.rate; did you mean imu.rate_hz"),
        (lambda d: toml(d, "[imu]\nrate_hz = 'fast'"), "imu.rate_hz must be a number of samples a second, got 'fast'"),
        (lambda d: toml(d, "[imu]\nunits = {acc = 'N'}"), "imu.units.acc is 'N', but must be g or mg or m/s2"),
        (lambda d: toml(d, "[imu]\nchannels = ['acc_x', 'accX']"), "imu.channels is .*of each channel once"),
        (lambda d: toml(d, "[imu]\nchannels = ['time', 'acc_x']"), "imu.channels is .*without the clock"),
        (lambda d: toml(d, "[protocols.x]\ntrain = [1]\ntest = []"), "protocols.x.test is .*a list that is not empty"),
        (lambda d: toml(d, "[protocols.x]\nby='a'\ntrain=[1]\ntest=[2]"), "protocols.x.by is 'a', which is no column"),
        (lambda d: own.change(d / "dataset.toml", '["neck", "hand"]', '["hand", "foot"]'), "bones names foot; the"),
        (lambda d: own.change(d / "dataset.toml", ', ["pelvis", "neck"]', ""), "no way leads from pelvis to"),
    ],
)
def test_faults_of_the_list_and_the_settings_are_told(tmp_path, spoil, message):
    own.build(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path, on_error="skip")


def test_what_is_not_taken_is_noted(tmp_path):
    own.build(tmp_path)
    (tmp_path / "skeleton" / "a1.csv").unlink()
    (tmp_path / "intervals" / "shift.csv").unlink()
    own.write(tmp_path / "imu" / "z9.csv", ["time,acc_x"])
    own.write(tmp_path / "imu" / "readme.txt", ["x"])
    for key in ("a2", "b1"):
        path = tmp_path / "skeleton" / f"{key}.csv"
        own.write(path, [f"{line},{'score' if i == 0 else 1}" for i, line in enumerate(path.read_text().splitlines())])
    found = read(tmp_path)
    assert found.notes["ignored: not in recordings.csv, or of another ending"] == ["imu/readme.txt", "imu/z9.csv"]
    assert found.notes["no skeleton"] == ["a1"] and found.notes["without labels"] == ["shift"]
    assert found.notes["ignored: columns of skeleton files that are no joint"] == ["score"]
    assert list(found[0].streams) == ["imu"] and len(found) == 5


def test_a_trial_that_is_no_number_is_noted_and_counted(tmp_path):
    own.build(tmp_path, skeletons=False)
    own.change(tmp_path / "recordings.csv", "session", "trial")
    own.change(tmp_path / "recordings.csv", "b1,ben,lift,1", "b1,ben,lift,first")
    toml(tmp_path, "\ufeff" + own.TOML)  # as editors on Windows begin a file
    found = read(tmp_path, ("imu",))
    assert [r.trial for r in found] == [1, 1, 1, 1, 2]
    assert found.notes["counted: trial is no whole number"] == ["recordings.csv: line 4: 'first'"]


def test_what_is_seldom_meant_is_noted(tmp_path):
    own.build(tmp_path, continuous=False)
    for key in own.TRIALS:
        own.write_imu(tmp_path / "imu" / f"{key}.csv", 100 + own.times(4, 50), scale=(1, 0.02))
        own.write_skeleton(tmp_path / "skeleton" / f"{key}.csv", 100 + own.times(4, 30), -1)
    rad, down = read(tmp_path).notes["doubtful"]
    assert rad.startswith("no angular rate is above 1 deg/s: is it in rad/s?")
    assert down == "from hip to neck it goes by 0.00, -0.50, 0.00 m in x, y and z: y should go up"


def test_classes_that_nobody_does_are_noted(tmp_path):
    own.build(tmp_path)
    own.change(tmp_path / "recordings.csv", "anna,carry", "anna,lift")
    own.change(tmp_path / "intervals" / "shift.csv", "carry", "lift")
    toml(tmp_path, 'classes = ["lift", "carry", "rest"]\n' + own.TOML)
    assert read(tmp_path).notes["doubtful"] == [
        "nobody does rest, of the classes in dataset.toml",
        "protocols.cross_subject: nobody who trains does carry, so it cannot be learnt",
    ]
    own.change(tmp_path / "recordings.csv", "ben,carry", "ben,lift")
    toml(tmp_path, own.TOML)
    assert read(tmp_path).notes["doubtful"] == ["all that is labelled is lift: there is nothing to tell it from"]


def test_frames_without_a_person_are_counted(tmp_path):
    own.build(tmp_path)
    path = tmp_path / "skeleton" / "a1.csv"
    header, *rows = path.read_text().splitlines()
    empty = [f"{row.split(',')[0]}{',0' * 9}" for row in rows]
    own.write(path, [header, *empty[:70], *rows[70:]])
    found = read(tmp_path)
    assert found.notes["frames without a person: all joints in one point"] == ["skeleton/a1.csv: 70 of 121"]


def test_a_modality_without_a_good_file_is_left_out_if_bad_files_are(tmp_path):
    own.build(tmp_path)
    for path in (tmp_path / "skeleton").iterdir():
        own.fault_cell(path, 3, "neck_y", "?")
    found = read(tmp_path, on_error="skip")
    assert len(found) == 5 and list(found.streams) == ["imu"] and len(found.notes["skipped: bad file"]) == 5
    for path in (tmp_path / "imu").iterdir():
        path.write_text("")
    with pytest.raises(DataError, match="None of the 5 recordings .*a1.csv is empty"):
        read(tmp_path, on_error="skip")


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match="There is no recordings.csv in .*skeleton/<id>.csv.*--dataset synthetic"):
        read(tmp_path)
    own.build(tmp_path, skeletons=False)
    with pytest.raises(DataError, match="No recording in .* has skeleton"):
        read(tmp_path)
    for settings in ({"on_error": "warn"}, {"modalities": ("depth",)}):
        with pytest.raises(ValueError, match="on_error|depth"):
            read(tmp_path, **settings)
    assert "Where are your recordings?" in folder_module.missing_data_message(None)
