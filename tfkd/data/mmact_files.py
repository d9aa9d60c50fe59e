"""The files of MMAct: sensor CSVs with times of Tokyo, poses as JSON, lists of invalid files, annotations."""

import functools
import json
import re
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from tfkd.data import clocks, keypoints, tables
from tfkd.data.recordings import DataError
from tfkd.data.sources import walk

CLASSES = (
    "carrying", "carrying_heavy", "carrying_light", "checking_time", "closing", "crouching", "drinking", "entering",
    "exiting", "fall", "jumping", "kicking", "loitering", "looking_around", "opening", "picking_up", "pocket_in",
    "pocket_out", "pointing", "pulling", "pushing", "running", "setting_down", "sitting", "sitting_down", "standing",
    "standing_up", "talking", "talking_on_phone", "throwing", "transferring_object", "using_pc", "using_phone",
    "walking", "waving_hand",
)  # fmt: skip
"""The 35 classes of the trimmed clips."""

UNTRIMMED_CLASSES = (*CLASSES, "using_phone_desk", "talking_on_phone_desk")
"""The 37 classes of the annotations of the untrimmed recordings."""

COLUMNS = {
    "acc_watch": ("time", "x", "y", "z"),
    "acc_phone": ("time", "x", "y", "z"),
    "gyro": ("time", "x", "y", "z"),
    "orientation": ("time", "azimuth", "pitch", "roll"),
}
"""Sensor -> columns of its files. Its folder is the sensor's name and `_clip`."""

WAY_OUT = "Unpack it again, list it in invalid_files.txt, or skip such files with on_error='skip' (--skip_bad_files)."
LONGEST_GAP = 10.0
"""Seconds without a sample, beyond which a clip of some seconds cannot be what was recorded."""

_PLACE = r"scene(\d+)/session(\d+)/([^/]+)\."
_SENSOR = re.compile(rf"(?:^|/)({'|'.join(COLUMNS)})_clip/subject(\d+)/{_PLACE}csv$", re.IGNORECASE)
_POSE = re.compile(rf"(?:^|/)subject(\d+)/cam(\d+)/{_PLACE}json$", re.IGNORECASE)
# Japan has no daylight saving time.
_TOKYO = timezone(timedelta(hours=9))
_MOMENT = r"(\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}(?:\.\d{1,6})?)"
_INTERVAL = re.compile(rf"{_MOMENT}\s*-\s*{_MOMENT}\s*-\s*(.+)")


def class_name(written):
    """A class as it is named here: lower case, with underscores."""
    return re.sub(r"[\s_-]+", "_", written.strip().lower())


def find_files(root, modalities, sensors, on_error):
    """The clips' files, whatever folders they lie in.

    Args:
        root: folder.
        modalities: `"imu"`, `"skeleton"` or both.
        sensors: whose files to look for.
        on_error: `"raise"`, or `"skip"` to note files of an unknown class and what cannot be read.

    Returns:
        `(readings, poses, notes)`: `{(subject, scene, session, label): {sensor: path}}`, and
        `{(subject, scene, session, label, camera): path}`.
    """
    notes = defaultdict(list)
    found = [
        Path(folder) / name
        for folder, _, names in walk(root, on_error, notes)
        for name in sorted(names)
        if not name.startswith(".")  # as what macOS adds to an archive
    ]
    lists = [path for path in found if path.name.lower() == "invalid_files.txt"]
    invalid = _listed_as_invalid(lists, on_error, notes)
    readings, poses = defaultdict(dict), {}
    twice = 0
    for path in found:
        try:
            key = _key(path.as_posix())
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: no such class"].append(str(error))
            continue
        if key is None:
            continue
        kind, clip, camera = key
        if kind not in (*(sensors if "imu" in modalities else ()), *(["pose"] if "skeleton" in modalities else ())):
            continue
        if key in invalid:
            notes["skipped: listed in invalid_files.txt"].append(str(path))
            continue
        place, spot = (poses, (*clip, camera)) if kind == "pose" else (readings[clip], kind)
        kept = place.setdefault(spot, path)
        if kept is not path and _other_tree(kept, path):
            twice += 1
        elif kept is not path:
            notes["ignored: duplicate"].append(f"{path} (kept {kept})")
    if twice:
        notes["ignored: the same clip in another tree"] = [f"{twice} poses are in cross_view and cross_scene"]
    return readings, poses, notes


def _key(path):
    """`(sensor or "pose", (subject, scene, session, label), camera or None)`, or `None` for another file."""
    if match := _SENSOR.search(path):
        kind, subject, scene, session, action = match.groups()
        camera = None
    elif match := _POSE.search(path):
        kind = "pose"
        subject, camera, scene, session, action = match.groups()
    else:
        return None
    if (name := class_name(action)) not in CLASSES:
        raise DataError(
            f"{path}: MMAct has no trimmed class {name!r}; the file's name must be one of {', '.join(CLASSES)}. "
            "Rename or remove it, or skip such files with on_error='skip' (--skip_bad_files)."
        )
    clip = (int(subject), int(scene), int(session), CLASSES.index(name))
    return kind.lower(), clip, camera and int(camera)


def _listed_as_invalid(lists, on_error, notes):
    """Keys of the files that lists of invalid files name, from the list's folder or from above it."""
    keys = set()
    for path in lists:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            if on_error == "raise":
                raise DataError(f"{path} cannot be read: {error}. {WAY_OUT}") from error
            notes["skipped: bad file"].append(f"{path} cannot be read: {error}")
            continue
        for line in text.split("\n"):
            if not line.strip():
                continue
            try:
                key = _key(f"{path.parent.as_posix()}/{line.strip().replace(chr(92), '/')}")
            except DataError:
                key = None
            if key is None:
                notes["ignored: line of invalid_files.txt"].append(f"{path}: {line.strip()}")
            keys.add(key)
    return keys


def _other_tree(a, b):
    trees = ({"cross_view", "cross_scene"} & {part.lower() for part in path.parts} for path in (a, b))
    return len(set.union(*trees)) == 2


def read_sensor(path, sensor):
    """The samples of one file, in the order of time.

    Returns:
        `(times, values, counts)`: unix seconds `(samples,)`, `(samples, 3)` as published, and what was repaired, as in
        `clocks.in_order`. A file without samples is a known fault of the data set, and no error.

    Raises:
        DataError: the file is no such CSV; its line and column are named.
    """
    text = _text(path)
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    columns = COLUMNS[sensor]
    header = bool(lines) and not lines[0][1].lstrip()[0].isdigit()
    if len(lines) == header:
        return np.zeros(0), np.zeros((0, 3)), {}
    rows = [line.split(",") for _, line in lines]
    names = rows.pop(0) if header else list(columns)
    try:  # faster than pandas, which these files are too short for
        by_name = dict(zip(names, zip(*rows)))
        values = np.array([[float(cell) for cell in by_name[name]] for name in columns[1:]]).T
        moments = by_name["time"]
        careful = {len(row) for row in rows} != {len(names)} or not np.isfinite(values).all()
        careful = careful or text.count("_") != len(rows)  # of 1_000 float() makes 1000; a time has one
    except (KeyError, ValueError):
        careful = True
    if careful:  # it finds out what is wrong, and where
        try:
            table = tables.read_table(path, columns[1:], columns[:1], None if header else columns)
        except DataError as error:
            raise DataError(f"{error} {WAY_OUT}") from error
        moments, values = table["time"].tolist(), table[list(columns[1:])].to_numpy()
    times = np.array([_seconds(moment) for moment in moments])
    if (unclear := np.flatnonzero(np.isnan(times))).size:
        raise DataError(
            f"{path}: line {lines[unclear[0] + header][0]}, column time: {moments[unclear[0]]!r} is not written "
            f"like 20181016_13:33:45.170. {WAY_OUT}"
        )
    times, values, counts = clocks.in_order(times, values)
    if len(wide := clocks.gaps(times, LONGEST_GAP)):
        begin, end = (datetime.fromtimestamp(moment, _TOKYO).strftime("%Y%m%d_%H:%M:%S") for moment in wide[0])
        raise DataError(f"{path}: there is no sample between {begin} and {end}: a wrong time? {WAY_OUT}")
    return times, values, counts


def _text(path):
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is unreadable as text ({error}). {WAY_OUT}") from error


def _seconds(written):
    """Unix seconds; NaN where the time is not written as it should be. The fraction may be missing."""
    whole, point, fraction = written.strip().partition(".")
    if point and not fraction.isdigit():
        return np.nan
    return _whole_seconds(whole) + float(f"0.{fraction}")


@functools.lru_cache(1000)  # the next sample is of the same second, as a rule
def _whole_seconds(written):
    try:
        return datetime.strptime(written, "%Y%m%d_%H:%M:%S").replace(tzinfo=_TOKYO).timestamp()
    except ValueError:
        return np.nan


def read_pose(path):
    """One person's pose in a clip, cleaned by `keypoints.cleaned`.

    Where two people are found, it is `person2` if most frames that show anybody show them, else `person1`; the same one
    throughout (after cmc-cmkm, which takes `person2` in each frame that has them).

    Returns:
        `(pose, counts)`: `(frames, 17, 3)` float32, one row for each frame from the first to the last number, and the
        counts of `keypoints.cleaned`, with `"two people"` 1 or 0.

    Raises:
        keypoints.NotSeenError: the person is seen in too few frames.
        DataError: the file holds something else.
    """
    try:
        frames = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {error.lineno}, column {error.colno}: no JSON ({error.msg}). {WAY_OUT}"
        ) from error
    if not isinstance(frames, dict) or not all(isinstance(people, dict) for people in frames.values()):
        raise DataError(f"{path}: expected frames, each with person1 and perhaps person2. {WAY_OUT}")
    numbers = [re.findall(r"\d+", name) for name in frames]
    if unnumbered := [name for name, found in zip(frames, numbers) if not found or len(found[-1]) > 15]:
        raise DataError(f"{path}: frame {unnumbered[0]!r} has no number. {WAY_OUT}")
    seconds = [people.get("person2") for people in frames.values()]
    anybody = sum(bool(people.get("person1") or people.get("person2")) for people in frames.values())
    second = sum(map(bool, seconds)) > anybody / 2
    people = seconds if second else [people.get("person1") for people in frames.values()]
    try:
        pose = keypoints.parsed(people, [f"frame {name!r}" for name in frames])
    except DataError as error:
        raise DataError(f"{path}: {error}. {WAY_OUT}") from error
    pose, counts = keypoints.cleaned(_every_frame(pose, [int(found[-1]) for found in numbers], path), path)
    return pose, {**counts, "two people": int(any(seconds))}


def _every_frame(pose, numbers, path):
    """The pose with empty frames in the place of missing ones."""
    numbers, pose, _ = clocks.in_order(np.array(numbers, dtype="int64"), pose)
    step = np.gcd.reduce(np.diff(numbers)) if len(numbers) > 1 else 1
    length = int((numbers[-1] - numbers[0]) // step) + 1 if len(numbers) else 0
    if length > 10 * len(numbers):  # not worth the memory
        raise keypoints.NotSeenError(f"{path}: only {len(numbers)} of {length} frames are there.")
    full = np.zeros((length, *pose.shape[1:]), pose.dtype)
    full[(numbers - numbers[:1]) // step] = pose
    return full


def read_annotation(path):
    """What was done when, in an untrimmed recording: `subjectX_sceneY_sessionZ.txt`.

    Args:
        path: of a file with lines like `2018/10/16 13:33:45.170-2018/10/16 13:33:49.891-standing`, in Tokyo's time.

    Returns:
        A list of `(begin, end, class)` in the order of the file: unix seconds, and a name of `UNTRIMMED_CLASSES`.

    Raises:
        DataError: a line is written otherwise, ends before it begins, or names an unknown class; the line is named.
    """
    intervals = []
    for number, line in enumerate(_text(Path(path)).split("\n"), 1):
        if not line.strip():
            continue
        if not (match := _INTERVAL.fullmatch(line.strip())):
            raise DataError(
                f"{path}, line {number}: {line.strip()[:80]!r}, expected for example "
                "'2018/10/16 13:33:45.170-2018/10/16 13:33:49.891-standing'. Correct or remove the line."
            )
        begin, end = (_moment(moment, f"{path}, line {number}") for moment in match.groups()[:2])
        if not begin < end:
            raise DataError(
                f"{path}, line {number}: ends at {match[2]}, not after it begins. Correct or remove the line."
            )
        if (name := class_name(match[3])) not in UNTRIMMED_CLASSES:
            raise DataError(
                f"{path}, line {number}: there is no class {name!r}; known: {', '.join(UNTRIMMED_CLASSES)}. Correct or "
                "remove the line."
            )
        intervals.append((begin, end, name))
    return intervals


def _moment(written, where):
    try:
        moment = datetime.strptime(written, "%Y/%m/%d %H:%M:%S" + (".%f" if "." in written else ""))
    except ValueError as error:
        raise DataError(f"{where}: {written!r} is no time ({error}). Correct or remove the line.") from error
    return moment.replace(tzinfo=_TOKYO).timestamp()
