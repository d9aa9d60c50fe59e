"""MMAct: 35 trimmed activities of 20 people in 4 scenes and 5 sessions; phone and watch sensors, poses from 4 cameras.

Source: Kong, Wu, Deng, Klinkigt, Tong, Murakami, "MMAct: A large-scale dataset for cross modal human action
understanding", ICCV 2019. The phone is in the right trouser pocket, the watch on the right hand. The figure that is
reported is the macro F1 over the classes.

The reader takes the owners' archives unpacked into one folder, nested or differently cased, with stray files. The
files' known faults are repaired or left out, and counted: CSVs with or without header, rows out of order or
repeated, times without a fraction, empty files, names in any case.
"""

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from tfkd.data import cache, clocks, keypoints, splits
from tfkd.data.mmact_files import CLASSES, COLUMNS, WAY_OUT, find_files, read_pose, read_sensor
from tfkd.data.recordings import DataError, Recording, Recordings, Stream
from tfkd.data.sources import check_on_error, notes_within, stamp_of

HOMEPAGE = "https://mmact19.github.io/2019/"

RATE_HZ = 50.0
"""Of the `imu` stream. The accelerometers have about 100 samples a second, the gyroscope 50."""

G = 9.80665
"""The published accelerations are in m/s^2."""

# What the numbers of gyroscope and orientation mean is not documented, so no unit is claimed.
AXES = {
    "acc_watch": (("watch_acc_x", "watch_acc_y", "watch_acc_z"), "g"),
    "acc_phone": (("phone_acc_x", "phone_acc_y", "phone_acc_z"), "g"),
    "gyro": (("phone_gyro_x", "phone_gyro_y", "phone_gyro_z"), "as published"),
    "orientation": (("phone_azimuth", "phone_pitch", "phone_roll"), "as published"),
}
"""Sensor -> names of its channels, and their unit."""

LONG_GAP = 0.5
"""Seconds without a sample from which an interpolated gap is noted."""

SKELETON = Stream(keypoints.JOINTS, ("px",) * len(keypoints.JOINTS), None, keypoints.BONES)


def read_mmact(
    data_dir,
    modalities=("imu", "skeleton"),
    on_error="raise",
    use_cache=True,
    sensors=("acc_watch", "acc_phone", "gyro"),
):
    """Reads MMAct's trimmed clips from the owners' archives, unpacked.

    Args:
        data_dir: a folder that holds `acc_watch_clip` and so on, and `pose`, at any depth.
        modalities: `"imu"`, `"skeleton"` or both.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it. The known faults
            of the data set are repaired or left out, and noted, either way.
        use_cache: keep the parsed arrays, and use them again while no file has changed.
        sensors: which make up the `imu` stream, in this order: some of `"acc_watch"`, `"acc_phone"`, `"gyro"` and
            `"orientation"`. A clip that lacks one of them lacks `imu`. The orientation is angles, which jump where
            they come round: its channels take the nearest sample, and are no triple of axes for augmentation.

    Returns:
        `Recordings`: one for each clip and camera that has a pose, and one without a view for each clip that has
        sensor data alone; `conditions` say `"scene"`, `"session"` and, with a pose, `"view"` (the camera). A stream
        `imu` `(time, 3 * sensors)` float32 at 50 Hz, over the time that all of `sensors` cover: accelerations in g
        with gravity, gyroscope and orientation as published (their unit is not documented). The recordings of one clip
        share that array. A stream `skeleton` `(time, 17, 3)` float32: x and y in pixels and the confidence of COCO's
        joints, as `tfkd.data.keypoints.cleaned` leaves them. Poses have no clock; they and the sensors span the same
        clip.

    Raises:
        DataError: a modality or sensor was not found at all, or (with `on_error="raise"`) a file is unreadable.
    """
    check_on_error(on_error)
    if unknown := set(modalities) - {"imu", "skeleton"}:
        raise ValueError(f"MMAct has no modality {sorted(unknown)}; known: imu, skeleton.")
    sensors = tuple(sensors)
    if not sensors or set(sensors) - set(AXES) or len(set(sensors)) < len(sensors):
        raise ValueError(f"sensors must name some of {list(AXES)}, each once, got {list(sensors)}.")
    readings, poses, notes = find_files(Path(data_dir), modalities, sensors, on_error)
    absent = [s for s in sensors if "imu" in modalities and not any(s in found for found in readings.values())]
    absent += ["pose"] if "skeleton" in modalities and not poses else []
    if absent:
        raise DataError(_not_found(data_dir, absent))
    imu = skeletons = {}
    if "imu" in modalities:
        stamp = [*sensors, *(stamp for found in readings.values() for s in sensors for stamp in _stamp(found.get(s)))]
        make = partial(_read_each, readings, "imu", partial(_read_imu, sensors=sensors), on_error)
        imu = _cached("mmact_imu", [*stamp, on_error], make, use_cache, notes)
    if "skeleton" in modalities:
        stamp = [stamp for path in poses.values() for stamp in _stamp(path)]
        make = partial(_read_each, poses, "skeleton", _read_skeleton, on_error)
        skeletons = _cached("mmact_skeleton", [*stamp, on_error], make, use_cache, notes)
    notes = notes_within(notes, data_dir)
    return _assemble(imu, skeletons, modalities, sensors, notes)


def missing_data_message(data_dir, modalities=("imu", "skeleton")):
    """What to say when there is no MMAct in `data_dir` (or `None`: no folder was named)."""
    kinds = ["acc_watch", "acc_phone", "gyro"] if "imu" in modalities else []
    return _not_found(data_dir, [*kinds, "pose"] if "skeleton" in modalities else kinds)


def _not_found(data_dir, kinds):
    found = f"No {', '.join(kinds)} file of MMAct found in {data_dir}." if data_dir else "Where is MMAct?"
    archives = ["trimmed_pose.zip" if kind == "pose" else f"{kind}_clip.tar.gz" for kind in kinds]
    files = [
        "pose/cross_view/trainval/subject1/cam1/scene1/session1/walking.json"
        if kind == "pose"
        else f"{kind}_clip/subject1/scene1/session1/walking.csv"
        for kind in kinds
    ]
    return (
        f"{found} Ask its owners for the data at {HOMEPAGE} (their terms forbid passing it on), unpack "
        f"{' and '.join(archives)} into one folder, and name that folder with --data_dir or the environment variable "
        f"TFKD_DATA. Expected inside: {' and '.join(files)}, and so on. "
        "Without any data, --dataset synthetic works now."
    )


# ---- Reading ----


class _Repairs:
    """What was repaired, in sentences: nearly every file has some of it, so files are counted, not listed."""

    def __init__(self):
        self.counts = defaultdict(Counter)

    def add(self, kind, path, count):
        if count:
            self.counts[kind][str(path)] += count

    def notes(self):
        def sentence(files):
            worst, most = files.most_common(1)[0]
            return f"{files.total()} in {len(files)} files, most in {worst} ({most})"

        return {f"repaired: {kind}": [sentence(files)] for kind, files in sorted(self.counts.items())}


def _stamp(path):
    return [None] if path is None else list(stamp_of(path))


def _cached(name, stamp, make, use_cache, notes):
    """Clip (and camera) -> array, from the cache where that is as new as the files."""
    (ids, arrays), read_notes = cache.load_or_make(name, stamp, make) if use_cache else make()
    for kind, entries in read_notes.items():
        notes[kind].extend(entries)
    (values,) = arrays.values() or [[]]
    return {tuple(map(int, key.split())): array for key, array in zip(ids, values)}


def _read_each(files, modality, read, on_error):
    """Returns ((keys in words, {modality: list of arrays}), notes), without what cannot be used."""
    notes, repairs, arrays = defaultdict(list), _Repairs(), {}
    for key, found in files.items():
        try:
            values = read(key, found, notes, repairs)
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
            continue
        if values is not None:
            arrays[" ".join(map(str, key))] = values
    return (list(arrays), {modality: list(arrays.values())} if arrays else {}), {**notes, **repairs.notes()}


def _read_imu(clip, found, notes, repairs, sensors):
    """The sensors of a clip on one grid; `None` where one is missing or empty."""
    read = {}
    for sensor in (s for s in sensors if s in found):
        times, values, counts = read_sensor(found[sensor], sensor)
        if len(times) < 2:
            notes[f"skipped: {['empty file', 'only one sample'][len(times)]}"].append(str(found[sensor]))
            continue
        if not np.ptp(values, axis=0).any():
            raise DataError(f"{found[sensor]}: all three channels never change (dead?). {WAY_OUT}")
        read[sensor] = (times, values)
        repairs.add(f"rows of {sensor} out of order", found[sensor], counts["out of order"])
        repairs.add(f"rows of {sensor} with the time of another", found[sensor], counts["repeated"])
        repairs.add(f"gaps of {sensor} over {LONG_GAP} s", found[sensor], len(clocks.gaps(times, LONG_GAP)))
    if lacking := [sensor for sensor in sensors if sensor not in read]:
        notes[f"no imu: {' and '.join(lacking)} missing"].append(_id(clip))
        return None
    where = f"{', '.join(str(found[sensor]) for sensor in sensors)}"
    try:
        begin, end = clocks.common_span({sensor: times for sensor, (times, _) in read.items()}, where)
    except DataError as error:
        raise DataError(f"{error} {WAY_OUT}") from error
    grid = clocks.grid_over(begin, end, RATE_HZ)
    if len(grid) < 2:
        raise DataError(f"{where}: the sensors have only {end - begin:.3f} s in common. {WAY_OUT}")
    longest = max(times[-1] - times[0] for times, _ in read.values())
    if end - begin < 0.8 * longest:
        notes["sensors have less than 80 % of the clip in common"].append(
            f"{_id(clip)}: {end - begin:.2f} of {longest:.2f} s"
        )
    return np.concatenate([_on_grid(sensor, *read[sensor], grid) for sensor in sensors], axis=1)


def _on_grid(sensor, times, values, grid):
    if sensor == "orientation":
        places = clocks.on_grid(times, np.arange(len(times)), grid)
        return values[np.rint(places).astype(int)].astype("float32")
    return clocks.on_grid(times, values / G if AXES[sensor][1] == "g" else values, grid)


def _read_skeleton(key, path, notes, repairs):
    try:
        pose, counts = read_pose(path)
    except keypoints.NotSeenError as error:
        notes["skipped: the person is hardly seen"].append(str(error))
        return None
    repairs.add("joints that were not seen, interpolated", path, counts["interpolated"])
    repairs.add("joints that are never seen, put in the middle", path, counts["never seen"])
    repairs.add("frames without the person", path, counts["frames"])
    repairs.add("poses of two people, of which one was taken", path, counts["two people"])
    return pose


def _id(clip, camera=None):
    subject, scene, session, label = clip
    return f"subject{subject}_scene{scene}_session{session}_{CLASSES[label]}" + (f"_cam{camera}" if camera else "")


def _assemble(imu, skeletons, modalities, sensors, notes):
    cameras = defaultdict(list)
    for *clip, camera in skeletons:
        cameras[tuple(clip)].append(camera)
    items = []
    for clip in sorted({*imu, *cameras}):
        subject, scene, session, label = clip
        streams = {"imu": imu[clip]} if clip in imu else {}
        conditions = {"scene": scene, "session": session}
        if "skeleton" in modalities and clip not in cameras:
            notes.setdefault("no skeleton", []).append(_id(clip))
        if clip not in cameras:
            items.append(Recording(_id(clip), subject, label, session, streams, conditions))
        for camera in sorted(cameras[clip]):
            seen = {**streams, "skeleton": skeletons[(*clip, camera)]}
            of = {**conditions, "view": camera}
            items.append(Recording(_id(clip, camera), subject, label, session, seen, of))
    channels = tuple(channel for sensor in sensors for channel in AXES[sensor][0])
    units = tuple(AXES[sensor][1] for sensor in sensors for _ in COLUMNS[sensor][1:])
    streams = {"imu": Stream(channels, units, RATE_HZ), "skeleton": SKELETON}
    return Recordings(items, CLASSES, {m: streams[m] for m in modalities}, "mmact", notes)


# ---- Protocols: those of the paper, as in the lists released with SAKDN ----


def cross_subject(recordings, validation_subjects=()):
    """People 1 to 16 train, 17 to 20 test; others (of later versions of the data) are left out."""
    known = recordings.of_subjects(range(1, 21))
    if others := [r.id for r in recordings if r.subject > 20]:
        known.notes["left out: on no side of cross_subject"] = others
    return splits.cross_subject(known, validation_subjects, {s for s in known.subjects if s <= 16})


def cross_view(recordings, validation_subjects=()):
    """Cameras 1 to 3 train, camera 4 tests.

    The sensors know no camera: the *very same* sensor recordings train and are tested. So the figures of whatever
    sees the sensors, a student above all, say nothing here of data that it has not seen; those of a network that sees
    the skeleton alone say how it does from another side, of the very same performances. A note beside the training
    recordings says how many are concerned. Recordings without a view are left out.
    """
    split = splits.by_condition(recordings, "cross_view", "view", (1, 2, 3), (4,), validation_subjects)
    trained = {_clip(r) for r in split.train if "imu" in r.streams}
    if seen := sum(_clip(r) in trained for r in split.test if "imu" in r.streams):
        split.train.notes["cross_view: the same sensor clip trains and is tested"] = [
            f"{seen} of {len(split.test)} test recordings; figures of what sees the sensors are of data that trained it"
        ]
    return split


def cross_scene(recordings, validation_subjects=()):
    """Scenes 1, 3 and 4 train, scene 2 (occlusion) tests. The same people train and test."""
    return splits.by_condition(recordings, "cross_scene", "scene", (1, 3, 4), (2,), validation_subjects)


def cross_session(recordings, validation_subjects=()):
    """Sessions 1 to 4 train, session 5 tests. The same people train and test."""
    return splits.by_condition(recordings, "cross_session", "session", (1, 2, 3, 4), (5,), validation_subjects)


PROTOCOLS = {
    "cross_subject": cross_subject,
    "cross_view": cross_view,
    "cross_scene": cross_scene,
    "cross_session": cross_session,
}


def _clip(recording):
    return (recording.subject, recording.label, recording.conditions["scene"], recording.conditions["session"])
