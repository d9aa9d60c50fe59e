"""Tiny Berkeley-MHAD trees with the official names and format.

A test builds a tree, spoils one thing and reads it:

    tree = build(tmp_path)
    path = berkeley_faults.fault_spike(tree, TRIALS[0])

What is recorded is in `berkeley_motion`. `layout_*` functions rearrange the whole tree, in ways that a reader must not
mind; `berkeley_faults` has what spoils one trial.
"""

import functools
import shutil
import zipfile
from pathlib import Path

import numpy as np

from tests.formats.berkeley_motion import (
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

TRIALS = ("s01_a01_r01", "s01_a10_r02", "s08_a01_r01", "s09_a11_r05")


# ---- Files ----


def lines_of(values, form="%.6f", separator=" "):
    row = separator.join([form] * values.shape[1])
    return "".join(row % tuple(numbers) + "\n" for numbers in values.tolist())


def accelerometer_text(trial, sensor):
    """An `acc_*.txt`."""
    times = sensor_times(trial, sensor)
    return lines_of(np.column_stack([acceleration(sensor, times), times]))


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
    return header + "\n" + lines_of(np.column_stack([np.arange(len(times)) / 480, places]), separator=",")


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
    return "\n".join(lines) + "\n" + lines_of(values)


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
