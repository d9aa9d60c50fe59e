"""Folders of one's own recordings, as tfkd/data/README.md describes them, and the faults that such have.

    folder = build(tmp_path)
    fault_cell(folder / "imu" / "a1.csv", 7, "acc_y", "x")

Four labelled trials of two people and a continuous recording of a third. In all of them acc_y is the second by the
recording's clock as a fraction of 100, and the hand goes right by a metre in ten seconds.
"""

from pathlib import Path

import numpy as np

TRIALS = {"a1": ("anna", "lift"), "a2": ("anna", "carry"), "b1": ("ben", "lift"), "b2": ("ben", "carry")}
IMU = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
JOINTS = ("pelvis", "neck", "hand")
TOML = """
[skeleton]
hip = "pelvis"
neck = "neck"
bones = [["neck", "hand"], ["pelvis", "neck"]]

[protocols.cross_subject]
train = ["anna", "carl"]
test = ["ben"]
"""


def build(folder, seconds=4.0, skeletons=True, continuous=True):
    """Writes the folder and returns it: trials from 100 s on by their clocks, the shift of carl from 1000 s on."""
    folder = Path(folder)
    rows = [f"{key},{subject},{label},1" for key, (subject, label) in TRIALS.items()]
    for key in TRIALS:
        write_imu(folder / "imu" / f"{key}.csv", 100 + times(seconds, 50))
        if skeletons:
            write_skeleton(folder / "skeleton" / f"{key}.csv", 100.1 + times(seconds, 30))
    if continuous:
        rows.append("shift,carl,,2")
        write_imu(folder / "imu" / "shift.csv", 1000 + times(30, 50))
        if skeletons:
            write_skeleton(folder / "skeleton" / "shift.csv", 1000 + times(30, 30))
        lines = ["1000,1010,lift,1", "1010,1018,carry,1", "1020.5,1030,lift,2"]
        write(folder / "intervals" / "shift.csv", ["begin,end,label,part", *lines])
    write(folder / "recordings.csv", ["id,subject,label,session", *rows])
    write(folder / "dataset.toml", [TOML if continuous else TOML.replace(', "carl"', "")])
    return folder


def times(seconds, rate_hz):
    return np.arange(round(seconds * rate_hz) + 1) / rate_hz


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def imu_at(seconds):
    """`(samples, 6)`: about 1 g in all, angular rates of some 50 deg/s."""
    seconds = np.asarray(seconds)
    acc = [0.1 * np.sin(seconds), seconds / 100 % 1, 1 + 0.05 * np.cos(seconds)]
    return np.stack([*acc, 50 * np.sin(seconds), 50 * np.cos(seconds), seconds % 7], axis=1)


def skeleton_at(seconds):
    """`(frames, 3, 3)`: pelvis, neck and hand, in metres."""
    joints = np.zeros((len(seconds), 3, 3))
    joints[:, :, 1] = 0.9, 1.4, 1.0
    joints[:, 2, 0] = 0.3 + np.asarray(seconds) / 10 % 1
    return joints


def write_imu(path, seconds, clock="time", scale=(1, 1)):
    """`scale` of accelerations and angular rates, for other units."""
    values = imu_at(seconds) * np.repeat(scale, 3)
    stamps = [f"{1000 * t:.0f}" if clock == "time_ms" else f"{t:.4f}" for t in seconds]
    rows = [",".join([stamp, *(f"{v:.6f}" for v in row)]) for stamp, row in zip(stamps, values)]
    write(path, [",".join([clock, *IMU]), *rows])


def write_skeleton(path, seconds, scale=1.0):
    header = ",".join(["time", *(f"{joint}_{axis}" for joint in JOINTS for axis in "xyz")])
    values = scale * skeleton_at(seconds).reshape(len(seconds), -1)
    write(path, [header, *(",".join([f"{t:.4f}", *(f"{v:.5f}" for v in row)]) for t, row in zip(seconds, values))])


# ---- Faults ----


def change(path, old, new):
    """Puts `new` in place of `old`, which must be there."""
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def fault_cell(path, line, column, text):
    lines = path.read_text().splitlines()
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(column)] = text
    path.write_text("\n".join([*lines[: line - 1], ",".join(cells), *lines[line:]]) + "\n")


def fault_column(path, column):
    """Takes a column out."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    gone = rows[0].index(column)
    write(path, [",".join(row[:gone] + row[gone + 1 :]) for row in rows])


def fault_gap(path, begin, end):
    """No row from `begin` to `end` in seconds of the file's clock."""
    header, *rows = path.read_text().splitlines()
    write(path, [header, *(row for row in rows if not begin < float(row.split(",")[0]) < end)])


def fault_shifted(path, seconds):
    """Another clock: all times later by `seconds`."""
    header, *rows = path.read_text().splitlines()
    moved = [row.split(",", 1) for row in rows]
    write(path, [header, *(f"{float(t) + seconds:.4f},{rest}" for t, rest in moved)])
