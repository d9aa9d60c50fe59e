"""Tiny Berkeley-MHAD trees with the official names and format, and the faults that people's copies have.

A test builds a tree, spoils one thing and reads it:

    tree = build(tmp_path)
    path = fault_spike(tree, TRIALS[0])

What is recorded is in `berkeley_motion`.

`layout_*` functions rearrange the whole tree, in ways that a reader must not mind. `fault_*` functions spoil one trial
and return the path of the spoilt (or removed) file.
"""

import functools
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np

from tests.formats.berkeley_motion import (
    BEGIN,
    NODES,
    TREE,
    acceleration,
    hips,
    marker_positions,
    mocap_times,
    node_angles,
    node_positions,
    sensor_times,
)
from tfkd.data.berkeley_skeleton import MARKERS

TRIALS = ("s01_a01_r01", "s01_a10_r02", "s08_a01_r01", "s09_a11_r05")


# ---- Files ----


def _lines(values, form="%.6f", separator=" "):
    row = separator.join([form] * values.shape[1])
    return "".join(row % tuple(numbers) + "\n" for numbers in values.tolist())


def accelerometer_text(trial, sensor):
    """An `acc_*.txt`."""
    times = sensor_times(trial, sensor)
    return _lines(np.column_stack([acceleration(sensor, times), times]))


@functools.cache
def markers_text():
    """A `moc_*.txt`."""
    times = mocap_times()
    rows = zip(marker_positions(times).reshape(len(times), -1).tolist(), times.tolist())
    form = " ".join(["%.3f"] * 129) + " %d %.6f\n"
    return "".join(form % (*numbers, i + 1, time) for i, (numbers, time) in enumerate(rows))


@functools.cache
def csv_text():
    """A `skl_*_pos.csv`."""
    times = mocap_times()
    places = np.concatenate([node_positions(times)[node] for node in NODES], axis=1)
    header = ",".join(["time", *(f"{node}.{axis}" for node in NODES for axis in "xyz")])
    return header + "\n" + _lines(np.column_stack([np.arange(len(times)) / 480, places]), separator=",")


@functools.cache
def bvh_text():
    """A `skl_*.bvh`: six channels for the hips, three for the others."""
    children = {name: [n for n, parent, _ in TREE if parent == name] for name in NODES}
    offsets = {name: offset for name, _, offset in TREE}
    order, lines = [], ["HIERARCHY"]

    def write(node, depth):
        pad, rotations = "\t" * depth, "Zrotation Xrotation Yrotation"
        order.append(node)
        lines.extend([f"{pad}{'JOINT' if depth else 'ROOT'} {node}", pad + "{"])
        lines.append("{}\tOFFSET {:.6f} {:.6f} {:.6f}".format(pad, *offsets[node]))
        channels = f"3 {rotations}" if depth else f"6 Xposition Yposition Zposition {rotations}"
        lines.append(f"{pad}\tCHANNELS {channels}")
        for child in children[node]:
            write(child, depth + 1)
        if not children[node]:
            lines.extend([f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET 0.0 5.0 0.0", pad + "\t}"])
        lines.append(pad + "}")

    write("Hips", 0)
    times = mocap_times()
    angles = node_angles(times)
    still = np.zeros((len(times), 3))
    values = np.concatenate([hips(times), *(angles.get(node, still) for node in order)], axis=1)
    lines += ["MOTION", f"Frames: {len(times)}", "Frame Time: 0.00208333"]
    return "\n".join(lines) + "\n" + _lines(values)


FOLDERS = {
    "bvh": "Mocap/SkeletalData/skl_{}.bvh",
    "csv": "Mocap/SkeletalData/csv/skl_{}_pos.csv",
    "markers": "Mocap/OpticalData/moc_{}.txt",
}
TEXTS = {"bvh": bvh_text, "csv": csv_text, "markers": markers_text}


def build(folder, trials=TRIALS, skeletons=("bvh", "markers"), sensors=range(1, 7)):
    """Writes a flawless tree in the official layout and returns its folder.

    Args:
        folder: where.
        trials: names like `s01_a01_r01`.
        skeletons: some of `"bvh"`, `"csv"` and `"markers"`.
        sensors: numbers of the accelerometers.
    """
    tree = Path(folder)
    for trial in trials:
        texts = {path_of(tree, trial, kind): TEXTS[kind]() for kind in skeletons}
        texts |= {path_of(tree, trial, sensor): accelerometer_text(trial, sensor) for sensor in sensors}
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tree


def path_of(tree, trial, kind):
    """Where `build` put a file; `kind` is a sensor's number or one of `FOLDERS`."""
    if kind in FOLDERS:
        return Path(tree) / FOLDERS[kind].format(trial)
    return Path(tree) / f"Accelerometer/Shimmer{kind:02d}/acc_h{kind:02d}_{trial}.txt"


# ---- Other layouts of the same data ----


def layout_upper_case(tree):
    """All files and folders in capitals."""
    for path in sorted(tree.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name("moving"))  # in two steps: some file systems take the two names for one
        path.with_name("moving").rename(path.with_name(path.name.upper()))


def layout_flat(tree):
    """Everything in `data/`, as in one copy of the markers."""
    files = [path for path in tree.rglob("*") if path.is_file()]
    (tree / "data").mkdir()
    for path in files:
        path.rename(tree / "data" / path.name)


def layout_zips(tree):
    """`Accelerometer.zip` and `Mocap.zip` instead of folders. Returns their paths."""
    archives = []
    for name in ("Accelerometer", "Mocap"):
        archives.append(tree / f"{name}.zip")
        with zipfile.ZipFile(archives[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tree / name).rglob("*.*")):
                archive.write(path, path.relative_to(tree))
        shutil.rmtree(tree / name)
    return archives


def layout_stray_files(tree):
    """Files of other modalities, notes and the like beside the data. Returns their paths."""
    stray = {
        "Mocap/OpticalData/moc_s01_a01_r01.c3d": b"\x02P+\0",
        "Accelerometer/Shimmer01/._acc_h01_s01_a01_r01.txt": b"\0\5\26\7Mac OS X",
        "Camera/Correspondences/corr_moc_img_s01_a01_r01.txt": b"0 1332864600.25 0\n",
        "Calibration/camcfg_l01.yml": b"%YAML:1.0\n",
        "readme.txt": b"Berkeley MHAD\n",
    }
    for name, data in stray.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    return [tree / name for name in stray]


# ---- Faults of one trial ----


def change_cell(path, line, column, text, separator=" "):
    """Puts `text` into a cell; lines and columns count from 1. Returns the path."""
    lines = path.read_text().splitlines()
    cells = lines[line - 1].split(separator)
    cells[column - 1] = text
    lines[line - 1] = separator.join(cells)
    path.write_text("\n".join(lines) + "\n")
    return path


def keep_lines(path, keep):
    """Leaves the lines for which `keep(index from 0)` holds. Returns the path."""
    path.write_text("".join(line for i, line in enumerate(path.read_text().splitlines(True)) if keep(i)))
    return path


def _table(path):
    return np.loadtxt(path, ndmin=2)


def fault_spike(tree, trial, sensor=1, value=61.0):
    """One wild value: line 12, y."""
    return change_cell(path_of(tree, trial, sensor), 12, 2, f"{value:.6f}")


def fault_other_unit(tree, trial, sensor=1):
    """The values in m/s2."""
    path = path_of(tree, trial, sensor)
    path.write_text(_lines(_table(path) * [9.80665, 9.80665, 9.80665, 1]))
    return path


def fault_gap(tree, trial, sensor=3, first=10, last=30):
    """Samples lost in between."""
    return keep_lines(path_of(tree, trial, sensor), lambda i: not first <= i < last)


def fault_low_rate(tree, trial, sensor=3):
    """Every second sample only."""
    return keep_lines(path_of(tree, trial, sensor), lambda i: i % 2 == 0)


def fault_missing_sensor(tree, trial, sensor=4):
    """The trial lacks one accelerometer."""
    path = path_of(tree, trial, sensor)
    path.unlink()
    return path


def fault_missing(tree, trial, sensors_only=False):
    """The trial lacks all its files, or all accelerometers. Returns the paths."""
    paths = [path for path in tree.rglob(f"*{trial}*") if not sensors_only or path.name.startswith("acc")]
    for path in paths:
        path.unlink()
    return paths


def fault_shifted_clock(tree, trial, sensor=2, by=100.0):
    """A sensor whose clock is wrong: no time in common with the others."""
    path = path_of(tree, trial, sensor)
    table = _table(path)
    table[:, 3] += by
    path.write_text(_lines(table))
    return path


def fault_backwards_clock(tree, trial, sensor=2):
    """Line 8 is earlier than line 7."""
    return change_cell(path_of(tree, trial, sensor), 8, 4, f"{BEGIN - 5:.6f}")


def fault_milliseconds(tree, trial, sensor=2):
    """Time in milliseconds."""
    path = path_of(tree, trial, sensor)
    path.write_text(_lines(_table(path) * [1, 1, 1, 1000]))
    return path


def fault_decimal_comma(tree, trial, kind=2):
    """Decimal commas throughout."""
    path = path_of(tree, trial, kind)
    path.write_text(re.sub(r"(\d)\.(\d)", r"\1,\2", path.read_text()))
    return path


def fault_missing_column(tree, trial, kind=2):
    """The last column is not there."""
    path = path_of(tree, trial, kind)
    path.write_text("".join(line.rsplit(None, 1)[0] + "\n" for line in path.read_text().splitlines()))
    return path


def fault_nan(tree, trial, kind=2, line=5, column=3):
    """One value is not a number."""
    separator = "," if kind == "csv" else " "
    return change_cell(path_of(tree, trial, kind), line, column, "NaN", separator)


def fault_truncated(tree, trial, kind="bvh", share=0.6):
    """An interrupted download."""
    path = path_of(tree, trial, kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def fault_empty(tree, trial, kind=2):
    """A file of no bytes."""
    path = path_of(tree, trial, kind)
    path.write_bytes(b"")
    return path


def fault_web_page(tree, trial, kind=2):
    """An error page that was saved under the file's name."""
    path = path_of(tree, trial, kind)
    path.write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
    return path


def fault_occluded(tree, trial, marker="lelb", rows=slice(100, 200)):
    """A marker that the cameras lose for some rows (zeros)."""
    path = path_of(tree, trial, "markers")
    lines = path.read_text().splitlines()
    column = 3 * MARKERS.index(marker)
    for i in range(*rows.indices(len(lines))):
        cells = lines[i].split(" ")
        cells[column : column + 3] = ["0.000"] * 3
        lines[i] = " ".join(cells)
    path.write_text("\n".join(lines) + "\n")
    return path


def fault_never_seen(tree, trial, marker="bell"):
    """A marker that was lost throughout."""
    return fault_occluded(tree, trial, marker, slice(None))


def fault_csv_column(tree, trial, old="Neck.y", new="Nack.y"):
    """A column of the position CSV is called something else."""
    path = path_of(tree, trial, "csv")
    path.write_text(path.read_text().replace(old, new, 1))
    return path


def fault_duplicate(tree, trial, sensor=1):
    """The same file a second time, in `copy/`. Returns the copy."""
    original = path_of(tree, trial, sensor)
    copy = tree / "copy" / original.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(original, copy)
    return copy
