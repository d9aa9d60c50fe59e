"""OpenPack: packing work in shifts of half an hour; wrist and arm sensors, keypoints, ten operations.

Source: Yoshimura, Morales, Maekawa, Hara, "OpenPack: a large-scale dataset for recognizing packaging works in
IoT-enabled logistic environments", PerCom 2024 (arXiv 2212.11152). 53 hours of 16 people under 21 ids.

The reader takes the official download as it is (v1.0.0, v0.3 and the small samples), one user or all of them.
A session is one continuous recording, with an operation for each second and the box that was being packed.
"""

import itertools
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from tfkd.data import cache, clocks, keypoints, openpack_facts
from tfkd.data import openpack_files as files_of
from tfkd.data.recordings import DataError, Interval, Recording, Recordings, Stream
from tfkd.data.sources import check_on_error, notes_within, stamp_of

HOMEPAGE = "https://open-pack.github.io"
CLASSES = tuple(openpack_facts.OPERATIONS.values())
SENSORS = tuple(openpack_facts.PLACES)
WRISTS = SENSORS[:2]
IMU_HZ, SKELETON_HZ = 30, 15
LONGEST_GAP = 1.0
"""Seconds without a sample, at which a recording is cut in two."""
SHORTEST = 10
"""Seconds that a part between two such gaps must have to be kept."""
READER = 2  # another number where the same files would give other arrays or notes: the cache then starts anew


def read_openpack(
    data_dir, modalities=("imu", "skeleton"), on_error="raise", use_cache=True, sensors=WRISTS, poses="2d"
):
    """Reads OpenPack from the official download.

    All streams of a session are put on one clock, beginning at a full second: the sensors at 30 Hz, the skeleton at 15.
    Sessions with labels are cut to the labelled stretch.

    Args:
        data_dir: a folder that holds folders of users (`U0101`, ...), at any depth, or one of those.
        modalities: which of `"imu"` and `"skeleton"` to read.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it.
        use_cache: keep the parsed arrays, and use them again while no file has changed.
        sensors: which of `atr01` (right wrist), `atr02` (left wrist), `atr03` and `atr04` (upper arms) the IMU
            stream has, in this order. Sessions in which one of these is known to have been off, swapped or
            worn in the wrong direction have no IMU stream.
        poses: `"2d"` for the 17 keypoints in the image, `"3d"` for the 32 joints of the Azure Kinect.

    Returns:
        `Recordings`, one a session (`U0209-S0500`; a session with gaps gives several, `U0209-S0500.2` the second),
        with `Interval`s. Streams: `imu` `(time, 6 * sensors)` in g and deg/s; `skeleton` `(time, 17, 3)`, x, y in
        pixels and the score (`poses="2d"`), or `(time, 32, 3)` in metres, y up. A person's number is that of
        their first id (102 for U0102), also in sessions under their second.

    Raises:
        DataError: nothing was found, or (with `on_error="raise"`) a file is unreadable or implausible.
    """
    check_on_error(on_error)
    if poses not in ("2d", "3d"):
        raise ValueError(f"poses must be '2d' or '3d', got {poses!r}.")
    sensors = tuple(sensors)
    if not sensors or len(set(sensors)) < len(sensors) or set(sensors) - set(SENSORS):
        raise ValueError(f"sensors must be some of {list(SENSORS)}, each once, got {list(sensors)}.")
    streams = _streams(sensors, poses)
    if unknown := set(modalities) - set(streams):
        raise ValueError(f"OpenPack has no modality {sorted(unknown)}; known: {sorted(streams)}.")
    wanted = [*(sensors if "imu" in modalities else ()), *((poses,) if "skeleton" in modalities else ())]
    found, notes = files_of.find_files(Path(data_dir), on_error)
    sessions = defaultdict(dict)
    for (user, session, kind), path in found.items():
        if kind in (*wanted, "operations"):
            sessions[user, session][kind] = path
    sessions = {key: kinds for key, kinds in sessions.items() if set(kinds) & set(wanted)}
    if not sessions:
        raise DataError(missing_data_message(data_dir, modalities))
    make = partial(_read_sessions, sessions, wanted, on_error)
    stamps = [stamp_of(path) for kinds in sessions.values() for path in kinds.values()]
    stamp = [READER, wanted, on_error, *stamps]
    (ids, arrays), read_notes = cache.load_or_make("openpack", stamp, make) if use_cache else make()
    notes = notes_within({**notes, **read_notes}, data_dir)
    items = [_recording(name, {kind: values[i] for kind, values in arrays.items()}) for i, name in enumerate(ids)]
    return Recordings(items, CLASSES, {m: streams[m] for m in modalities}, "openpack", notes)


def missing_data_message(data_dir, modalities=("imu", "skeleton")):
    """What to say when there is no OpenPack in `data_dir` (or `None`: no folder was named)."""
    found = f"No {', '.join(modalities)} file of OpenPack found in {data_dir}." if data_dir else "Where is OpenPack?"
    return (
        f"{found} Its sessions are on Zenodo, a zip for each user (record 8145223; {HOMEPAGE}; CC BY-NC-SA 4.0): unzip "
        "them into one folder and name it with --data_dir or the environment variable TFKD_DATA. Expected inside: "
        "U0101/atr/atr01/S0100.csv, U0101/annotation/openpack-operations-1hz/S0100.csv, "
        "U0101/kinect/2d-kpt/.../S0100.json, and so on."
    )


def _streams(sensors, poses):
    names = tuple(f"{openpack_facts.PLACES[sensor]}_{axis}" for sensor in sensors for axis in files_of.AXES)
    units = ("g", "g", "g", "deg/s", "deg/s", "deg/s") * len(sensors)
    joints, bones, unit = {
        "2d": (keypoints.JOINTS, keypoints.BONES, "px"),
        "3d": (openpack_facts.AZURE_KINECT, openpack_facts.AZURE_KINECT_BONES, "m"),
    }[poses]
    return {
        "imu": Stream(names, units, float(IMU_HZ)),
        "skeleton": Stream(joints, (unit,) * len(joints), float(SKELETON_HZ), bones),
    }


def _recording(name, arrays):
    """A `Recording` from what the cache keeps of one."""
    user, session = name.split(".")[0].split("-")
    person = openpack_facts.SAME_PERSON.get(user, user)
    intervals = tuple(Interval(b, e, int(label), int(box)) for b, e, label, box in arrays["intervals"].tolist())
    streams = {kind: arrays[kind] for kind in ("imu", "skeleton") if kind in arrays and len(arrays[kind])}
    conditions = {"user": user, "session": session}
    return Recording(name, int(person[1:]), -1, int(session[1:]) // 100, streams, conditions, intervals)


def _read_sessions(sessions, wanted, on_error):
    """Returns ((recording ids, {name: arrays}), notes); an array is empty where a recording lacks it."""
    notes, ids, found = defaultdict(list), [], []
    for (user, session), kinds in sorted(sessions.items()):
        name = f"{user}-{session}"
        try:
            parts = _read_session(name, kinds, wanted, on_error, notes)
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
            continue
        for number, arrays in enumerate(parts, start=1):
            ids.append(name if number == 1 else f"{name}.{number}")
            found.append(arrays)
    if not found:
        reasons = "; ".join(f"{kind}: {', '.join(entries[:3])}" for kind, entries in notes.items())
        raise DataError(f"None of the {len(sessions)} sessions of OpenPack could be used. {reasons}.")
    empty = {kind: values[:0] for arrays in found for kind, values in arrays.items()}
    return (ids, {kind: [arrays.get(kind, none) for arrays in found] for kind, none in empty.items()}), dict(notes)


def _read_session(name, kinds, wanted, on_error, notes):
    """Reads what a session has; returns a list of arrays by name, one entry a stretch without gaps."""
    user, session = name.split("-")
    sensors = [kind for kind in wanted if kind in SENSORS]
    faulty = [sensor for sensor in sensors if (user, session, sensor) in openpack_facts.FAULTS]
    for sensor in faulty:
        fault = openpack_facts.FAULTS[user, session, sensor]
        notes["left out: known fault of a sensor"].append(f"{name} {sensor}: {fault}")
    absent = [kind for kind in wanted if kind not in kinds]
    for kind in absent:
        notes["missing file"].append(f"{name} {kind}")
    read = {"2d": files_of.read_keypoints_2d, "3d": files_of.read_keypoints_3d}
    raw = {}
    # The IMU stream has all of its sensors or is not there.
    whole = not faulty and not set(absent) & set(sensors)
    for kind in (k for k in wanted if k in kinds and (whole or k not in sensors)):
        try:
            *raw[kind], repairs = read.get(kind, files_of.read_atr)(kinds[kind])
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
            continue
        for what, count in repairs.items():
            notes[f"repaired: {what}"].append(f"{name} {kind}: {count}")
    if set(sensors) - set(raw):
        raw = {kind: values for kind, values in raw.items() if kind not in sensors}
    if not raw:
        return []
    labels = None
    if "operations" in kinds:
        *labels, repairs = files_of.read_operations(kinds["operations"])
        for what, count in repairs.items():
            notes[f"repaired: {what}"].append(f"{name} operations: {count}")
    else:
        notes["without labels"].append(name)
    return list(_parts(name, raw, sensors, labels, notes))


def _parts(name, raw, sensors, labels, notes):
    times = {kind: stamps for kind, (stamps, _) in raw.items()}
    if labels is not None:
        times["operations"] = np.array([labels[0].min(), labels[0].max() + 1])
    begin, end = clocks.common_span(times, name)
    holes = {kind: clocks.gaps(stamps, LONGEST_GAP) for kind, stamps in times.items() if kind != "operations"}
    for kind, found in holes.items():
        inside = found[(found[:, 1] > begin) & (found[:, 0] < end)]
        if len(inside):
            notes["cut: gaps in time"].append(f"{name} {kind}: {len(inside)}, {np.ptp(inside, axis=1).sum():.0f} s")
    kept = 0
    for start, stop in clocks.between(begin, end, np.concatenate(list(holes.values()))):
        start, stop = int(np.ceil(start - 1e-6)), int(np.floor(stop + 1e-6))
        if stop - start < SHORTEST:
            notes["left out: short stretch between gaps"].append(f"{name}: {max(stop - start, 0)} s")
            continue
        arrays = _arrays(name, raw, sensors, labels, start, stop, notes)
        if labels is not None and not len(arrays["intervals"]):  # not unlabelled: somebody says that it is all Null
            notes["left out: parts of labelled recordings without an interval"].append(f"{name}: {stop - start} s")
            continue
        kept += np.diff(arrays["intervals"][:, :2], axis=1).sum()
        yield arrays
    labelled = 0 if labels is None else int((labels[1] >= 0).sum())
    if lost := int(labelled - kept):
        notes["left out: labelled seconds that not all streams cover"].append(f"{name}: {lost} of {labelled}")


def _arrays(name, raw, sensors, labels, start, stop, notes):
    arrays = {"intervals": _intervals(labels, start, stop)}
    if sensors and sensors[0] in raw:
        grid = clocks.grid_over(start, stop, IMU_HZ)
        arrays["imu"] = np.concatenate([clocks.on_grid(*raw[sensor], grid) for sensor in sensors], axis=1)
    for poses in {"2d", "3d"} & set(raw):
        stamps, points = raw[poses]
        if poses == "2d":
            # With the frame before and the one after, or the ends would be held instead of interpolated.
            around = slice(max(np.searchsorted(stamps, start) - 1, 0), np.searchsorted(stamps, stop) + 1)
            try:
                cleaned, counts = keypoints.cleaned(points[around], name)
            except keypoints.NotSeenError as error:
                notes["left out: person not seen"].append(str(error))
                continue
            stamps, points = stamps[around], cleaned
            for what, count in counts.items():
                kind = "frames without a person" if what == "frames" else f"joints {what}"
                notes[kind] += [f"{name}: {count}"] if count else []
        arrays["skeleton"] = clocks.on_grid(stamps, points, clocks.grid_over(start, stop, SKELETON_HZ))
    return arrays


def _intervals(labels, start, stop):
    """`(intervals, 4)` float64: begin and end in seconds from `start`, class, box."""
    rows = []
    if labels is not None:
        seconds, operations, boxes = labels
        inside = (seconds >= start) & (seconds < stop) & (operations >= 0)
        known = zip(seconds[inside] - start, operations[inside], boxes[inside])
        # Of equal second, label and box minus their place in the row: one group for each unbroken run.
        runs = itertools.groupby(enumerate(known), key=lambda item: (item[1][0] - item[0], *item[1][1:]))
        for (_, label, box), run in runs:
            within = [second for _, (second, _, _) in run]
            rows.append((within[0], within[-1] + 1, label, box))
    return np.array(rows, "float64").reshape(-1, 4)
