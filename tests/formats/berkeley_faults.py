"""Faults that people's copies of Berkeley-MHAD have: each spoils one trial of a tree of `berkeley`, and returns the
path of the spoilt (or removed) file."""

import re
import shutil
import zipfile

import numpy as np

from tests.formats.berkeley import lines_of, path_of
from tests.formats.berkeley_motion import BEGIN
from tfkd.data.berkeley_skeleton import MARKERS


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
    path.write_text(lines_of(_table(path) * [9.80665, 9.80665, 9.80665, 1]))
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
    path.write_text(lines_of(table))
    return path


def fault_backwards_clock(tree, trial, sensor=2):
    """Line 8 is earlier than line 7."""
    return change_cell(path_of(tree, trial, sensor), 8, 4, f"{BEGIN - 5:.6f}")


def fault_milliseconds(tree, trial, sensor=2):
    """Time in milliseconds."""
    path = path_of(tree, trial, sensor)
    path.write_text(lines_of(_table(path) * [1, 1, 1, 1000]))
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


def fault_in_zip(archive, name, kind):
    """A file within a zip is `"damaged"`, `"encrypted"` or compressed in an `"unknown"` way. Returns `zip:file`."""
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        (info,) = [info for info in opened.infolist() if info.filename.endswith(name)]
    if kind == "damaged":
        begin = info.header_offset + 30 + len(info.filename)
        data[begin : begin + 20] = b"\xff" * 20
    else:
        entry = data.rindex(info.filename.encode()) - 46  # in the directory at the end
        data[entry + 8 if kind == "encrypted" else entry + 10] = 1 if kind == "encrypted" else 98
    archive.write_bytes(data)
    return f"{archive}:{info.filename}"
