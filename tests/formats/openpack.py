"""Tiny OpenPack trees with the official names and format, and the faults that sessions have.

    tree = build(tmp_path, {"U0102": ["S0100", "S0200"]})
    fault_gap(tree, "U0102", "S0100", "atr01")

`layout_*` functions are other releases of the same sessions; `fault_*` functions spoil one file.
"""

import json
from pathlib import Path

import numpy as np

SENSORS = ("atr01", "atr02", "atr03", "atr04")
START = 1634869193  # unix seconds at which labels begin; the sensors begin three seconds earlier
OPERATIONS = (100, 200, 300, 8100, 400, 500)
KEYPOINTS = "kinect/2d-kpt/mmpose-hrnet-w48-posetrack18-384x288-posewarper-stage2/single"


def build(folder, sessions, seconds=30, step_ms=30, keypoints=True):
    """Writes sessions of v1.0.0 and returns the folder that holds them.

    Each sensor's acceleration along x is a sine of unix time with 4 s a cycle, the y axis counts seconds from `START`;
    the nose goes right by 10 pixels a second. An operation takes five seconds, a box 15.
    """
    folder = Path(folder)
    for user, names in sessions.items():
        for session in names:
            for number, sensor in enumerate(SENSORS):
                times = np.arange(0, (seconds + 6) * 1000, step_ms) + (START - 3) * 1000 + 3 * number
                write_atr(atr_path(folder, user, session, sensor), times)
            ids = [OPERATIONS[i // 5 % len(OPERATIONS)] for i in range(seconds)]
            write_operations(label_path(folder, user, session), user, session, ids)
            if keypoints:
                times = np.arange(0, (seconds + 4) * 1000, 66) + (START - 2) * 1000 + 11
                write_keypoints(folder / user / KEYPOINTS / f"{session}.json", times)
    return folder


def atr_path(folder, user, session, sensor):
    return Path(folder) / user / "atr" / sensor / f"{session}.csv"


def label_path(folder, user, session):
    return Path(folder) / user / "annotation" / "openpack-operations-1hz" / f"{session}.csv"


def keypoint_path(folder, user, session):
    return Path(folder) / user / KEYPOINTS / f"{session}.json"


def write_atr(path, times):
    since = times / 1000 - START
    wave = np.sin(np.pi / 2 * since)
    axes = [wave, since, 1 + 0.1 * wave, 10 * since, -since, 20 * wave]
    rows = [",".join([f"{t}", *(f"{v:.4f}" for v in values), "0.5,0.5,0.5,0.5"]) for t, *values in zip(times, *axes)]
    header = "unixtime,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,quat_w,quat_x,quat_y,quat_z"
    _write(path, "\n".join([header, *rows]) + "\n")


def write_operations(path, user, session, ids, column="id"):
    rows = [f"{(START + i) * 1000},{user},{session},{i // 15 + 1},{number}" for i, number in enumerate(ids)]
    _write(path, "\n".join([f"unixtime,user,session,box,{column}", *rows]) + "\n")


def write_keypoints(path, times):
    annotations = []
    for t in times.tolist():
        points = [[100.0 + j + 10 * (t / 1000 - START), 50.0 + 5 * j, 0.9] for j in range(17)]
        annotations.append({"id": t * 1000, "image_id": t, "category_id": 1, "keypoints": points})
    _write(path, json.dumps({"info": {"version": "v1.0.0"}, "annotations": annotations}))


def write_3d(folder, user, session, seconds):
    """The 3D keypoints of a session, official and raw: joint j is at (j, 10 j, 1000) mm and moves right."""
    times = np.arange(0, seconds * 1000, 66) + START * 1000
    names = [f"J{j:02d}_{what}" for j in range(32) for what in ("P0", "P1", "P2", "O0", "O1", "O2", "O3", "CONF")]
    rows = []
    for t in times:
        cells = [f"{j + t / 1000 - START:.3f},{10 * j},1000,0,0,0,1,2" for j in range(32)]
        rows.append(",".join([f"{t},0", *cells]))
    for kind in ("none", "single-ffill-flip-fixed"):
        path = Path(folder) / user / "kinect/3d-kpt" / kind / f"{session}.csv"
        _write(path, "\n".join([",".join(["unixtime", "body_index", *names]), *rows]) + "\n")
        rows = rows[::-1]  # so that it shows which of them was read: the other's clock runs backwards
    (Path(folder) / user / "kinect/3d-kpt/none" / f"{session}.csv").write_text("not to be read")


# ---- Other releases ----


def layout_v03(tree, user, session):
    """v0.3: labels in `annotation/activity-1s`, under `operation`."""
    new = label_path(tree, user, session)
    old = tree / user / "annotation" / "activity-1s" / f"{session}.csv"
    text = new.read_text().replace("box,id", "box,operation,action", 1)
    first, *rows = text.splitlines()
    new.unlink()
    _write(old, "\n".join([first, *(f"{row},0" for row in rows)]) + "\n")


def layout_sample(tree, user, session):
    """The oldest sample: no `atr` folder, labels in `annotation/work-process`, under `act_id`."""
    new = label_path(tree, user, session)
    old = tree / user / "annotation" / "work-process" / f"{session}.csv"
    _write(old, new.read_text().replace("box,id", "box,act_id"))
    new.unlink()
    for sensor in SENSORS:
        path = atr_path(tree, user, session, sensor)
        _write(tree / user / sensor / f"{session}.csv", path.read_text())
        path.unlink()
    keypoints = keypoint_path(tree, user, session)
    _write(tree / user / "pose/mmpose-hrnet-mmdet/cleaned" / f"{session}.json", keypoints.read_text())
    keypoints.unlink()


# ---- Faults ----


def _lines(path, change):
    """Rewrites the rows of a CSV file, header apart; `change` takes and returns a list of lines."""
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *change(rows)]) + "\n")
    return path


def fault_stray_stamp(path):
    """The first row's time stamp is another day's, as in U0101 S0500 atr01."""
    return _lines(path, lambda rows: ["1600000000000" + rows[0][13:], *rows[1:]])


def fault_gap(path, begin, end):
    """No sample from `begin` to `end`, in seconds since the labels began."""

    def kept(row):
        return not begin < int(row.split(",")[0]) / 1000 - START < end

    return _lines(path, lambda rows: [row for row in rows if kept(row)])


def fault_swapped_rows(path):
    """Two neighbours out of order, and one row twice."""
    return _lines(path, lambda rows: [rows[0], rows[2], rows[1], rows[3], rows[3], *rows[4:]])


def fault_labelled_twice(path, row, cell=None, text=""):
    """A row of the labels comes again, unless with another text in one of its cells."""

    def twice(rows):
        cells = rows[row].split(",")
        if cell is not None:
            cells[cell] = text
        return [*rows[: row + 1], ",".join(cells), *rows[row + 1 :]]

    return _lines(path, twice)


def fault_backwards(path, row, seconds=10):
    """From a row on, the clock was set back."""

    def back(text):
        stamp, rest = text.split(",", 1)
        return f"{int(stamp) - 1000 * seconds},{rest}"

    return _lines(path, lambda rows: rows[:row] + [back(text) for text in rows[row:]])


def fault_other_time(path, seconds=10_000):
    """The whole stream hours away from the others."""

    def away(text):
        stamp, rest = text.split(",", 1)
        return f"{int(stamp) + 1000 * seconds},{rest}"

    return _lines(path, lambda rows: [away(text) for text in rows])


def fault_cell(path, row, cell, text):
    """One cell of a row (0 is the first after the header) holds something else."""

    def spoilt(rows):
        cells = rows[row].split(",")
        cells[cell] = text
        return [*rows[:row], ",".join(cells), *rows[row + 1 :]]

    return _lines(path, spoilt)


def fault_truncated(path):
    """The file ends in the middle of its last row."""
    path.write_text(path.read_text()[:-40])
    return path


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
