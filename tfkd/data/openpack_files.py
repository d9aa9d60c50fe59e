"""The files of an OpenPack download, of v1.0.0 and earlier layouts, each read into times and numbers."""

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from tfkd.data import clocks, keypoints, tables
from tfkd.data.openpack_facts import NULL, OPERATIONS
from tfkd.data.recordings import DataError
from tfkd.data.sources import walk

WAY_OUT = "Download that user's archive again, or skip such files with on_error='skip' (--skip_bad_files)."
AXES = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")

_USER, _SESSION = re.compile(r"^U\d{4}$", re.IGNORECASE), re.compile(r"^(S\d{4})\.(csv|json)$", re.IGNORECASE)
# What a file is, by the folders above it; the first that fits. Newer layouts come first.
_KINDS = (
    ("operations", ("openpack-operations-1hz", "activity-1s", "work-process")),
    ("2d", ("2d-kpt", "pose")),
    ("3d", ("3d-kpt",)),
)
_LABEL_COLUMNS = ("id", "operation", "act_id")
_STRAY = 60.0  # seconds from its neighbours, at which a first or last time stamp is no time stamp


def find_files(root, on_error):
    """Maps (user, session, kind) to a path; a kind is `"atr01"` to `"atr04"`, `"2d"`, `"3d"` or `"operations"`.

    Returns:
        `(files, notes)`; of several that would fit, the newest layout stays, then the first by name.

    Raises:
        DataError: a folder may not be looked into, and `on_error` is `"raise"`.
    """
    found, notes = {}, defaultdict(list)
    for folder, _, names in walk(root, on_error, notes):
        parts = Path(folder).relative_to(root).parts
        # The user may be the named folder itself.
        users = [part.upper() for part in (Path(root).resolve().name, *parts) if _USER.match(part)]
        lower = [part.lower() for part in parts]
        kind, rank = _kind(lower)
        if not users or kind is None:
            continue
        for name in sorted(names):
            if match := _SESSION.match(name):
                path = Path(folder) / name
                found.setdefault((users[-1], match[1].upper(), kind), []).append((rank, str(path), path))
    files = {}
    for key in sorted(found):
        (_, _, files[key]), *others = sorted(found[key])
        notes["ignored: duplicate"] += [f"{path} (kept {files[key]})" for _, _, path in others]
    return files, notes


def _kind(folders):
    for sensor in ("atr01", "atr02", "atr03", "atr04"):
        if sensor in folders:
            return sensor, 0
    for kind, names in _KINDS:
        for rank, name in enumerate(names):
            if name in folders:
                # Of the 3D keypoints, those with people told apart come before the raw ones.
                return kind, rank + ("none" in folders)
    return None, 0


def read_atr(path):
    """Seconds, `(samples, 6)` in g and deg/s, and what was repaired."""
    table = tables.read_numbers(path, ("unixtime", *AXES))
    return _cleaned(path, table[:, 0] / 1000, table[:, 1:].astype("float32"))


def read_operations(path):
    """Labelled seconds, each once: `(seconds,)` unix time, ascending, `(seconds,)` class or -1 for Null, `(seconds,)`
    box number; and what was repaired.

    Raises:
        DataError: an operation that is not OpenPack's, or a second has several operations or boxes; file and line are
            named.
    """
    header = tables.first_line(path)
    column = next((name for name in _LABEL_COLUMNS if name in header), _LABEL_COLUMNS[0])
    seconds, boxes, ids = tables.read_numbers(path, ("unixtime", "box", column)).T
    index = {operation: i for i, operation in enumerate(OPERATIONS)} | dict.fromkeys(NULL, -1)
    if (unknown := ~np.isin(ids, list(index))).any():
        where = f"{path}: {tables.place(path, int(unknown.argmax()))}, column {column}"
        raise DataError(
            f"{where}: there is no operation {ids[unknown][0]:g}; known: {', '.join(map(str, index))}. {WAY_OUT}"
        )
    every = np.floor(seconds / 1000)
    seconds, first, place = np.unique(every, return_index=True, return_inverse=True)
    if len(other := np.flatnonzero((ids != ids[first][place]) | (boxes != boxes[first][place]))):
        one, two = int(first[place[other[0]]]), int(other[0])
        raise DataError(
            f"{path}: lines {one + 2} and {two + 2} label the same second, {every[two]:.0f}, once as {column} "
            f"{ids[one]:g}, box {boxes[one]:g}, once as {ids[two]:g}, box {boxes[two]:g}. A second has one label: take "
            f"one of the lines out. {WAY_OUT}"
        )
    labels = np.array([index[i] for i in ids[first].astype(int)], int)
    repairs = {"repeated": len(every) - len(seconds)} if len(every) > len(seconds) else {}
    return seconds, labels, boxes[first].astype(int), repairs


def read_keypoints_2d(path):
    """Seconds, `(frames, 17, 3)` x and y in pixels and score, and what was repaired."""
    try:
        annotations = json.loads(path.read_bytes())["annotations"]
        stamps = [entry["image_id"] for entry in annotations]
        times = np.array(stamps, "float64") / 1000
        people = [entry["keypoints"] for entry in annotations]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no COCO-style JSON of keypoints: {error!r}. {WAY_OUT}") from error
    if not len(times):
        raise DataError(f"{path} has no frames. {WAY_OUT}")
    return _cleaned(path, times, keypoints.parsed(people, [f"{path}: the frame of {stamp}" for stamp in stamps]))


def read_keypoints_3d(path):
    """Seconds, `(frames, 32, 3)` in metres, y up, and what was repaired. The files are in millimetres, y down."""
    columns = [f"J{joint:02d}_P{axis}" for joint in range(32) for axis in range(3)]
    table = tables.read_numbers(path, ("unixtime", *columns))
    points = table[:, 1:].reshape(-1, 32, 3) / 1000 * np.array([1, -1, 1])
    return _cleaned(path, table[:, 0] / 1000, points.astype("float32"))


def _cleaned(path, times, values):
    """In the order of time, each moment once, without stray first or last stamps.

    Raises:
        DataError: the clock runs backwards by more than a second, somewhere in the middle.
    """
    first = int(len(times) > 2 and abs(times[1] - times[0]) > _STRAY)
    last = len(times) - int(len(times) > 2 + first and abs(times[-1] - times[-2]) > _STRAY)
    stray, times, values = len(times) - (last - first), times[first:last], values[first:last]
    steps = np.diff(times)
    if len(steps) and steps.min() < -1:
        where = tables.place(path, int(steps.argmin()) + first + 1)
        raise DataError(f"{path}: {where}: the clock runs backwards by {-steps.min():.3f} s. {WAY_OUT}")
    times, values, counts = clocks.in_order(times, values)
    counts["stray first or last time stamps"] = stray
    return times, values, {what: count for what, count in counts.items() if count}
