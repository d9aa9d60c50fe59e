"""UTD-MHAD: 27 actions, 8 people, 4 repetitions; Kinect v1 skeleton and one inertial sensor.

Source: Chen, Jafari, Kehtarnavaz, "UTD-MHAD: a multimodal dataset for human action recognition utilizing
a depth camera and a wearable inertial sensor", ICIP 2015. The sensor is on the right wrist for actions
1 to 21 and on the right thigh for 22 to 27.

The reader takes the official download as it is: unzipped folders or the zips themselves, nested or
differently cased folders, stray files, missing trials.
"""

import io
import os
import re
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from tfkd.data import cache
from tfkd.data.recordings import DataError, Recording, Recordings, Stream

HOMEPAGE = "https://personal.utdallas.edu/~kehtar/UTD-MHAD.html"

CLASSES = (
    "swipe_left", "swipe_right", "wave", "clap", "throw", "arm_cross", "basketball_shoot", "draw_x",
    "draw_circle_CW", "draw_circle_CCW", "draw_triangle", "bowling", "boxing", "baseball_swing",
    "tennis_swing", "arm_curl", "tennis_serve", "push", "knock", "catch", "pickup_throw", "jog", "walk",
    "sit2stand", "stand2sit", "lunge", "squat",
)  # fmt: skip

JOINTS = (
    "head", "shoulder_center", "spine", "hip_center",
    "left_shoulder", "left_elbow", "left_wrist", "left_hand",
    "right_shoulder", "right_elbow", "right_wrist", "right_hand",
    "left_hip", "left_knee", "left_ankle", "left_foot",
    "right_hip", "right_knee", "right_ankle", "right_foot",
)  # fmt: skip

BONES = (
    (3, 2), (2, 1), (1, 0), (1, 4), (4, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (10, 11),
    (3, 12), (12, 13), (13, 14), (14, 15), (3, 16), (16, 17), (17, 18), (18, 19),
)  # fmt: skip
"""Pairs of joints, from the hip outwards; the pairs are those of the authors' drawing script."""

STREAMS = {
    "imu": Stream(
        ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"),
        ("g", "g", "g", "deg/s", "deg/s", "deg/s"),
        50.0,
    ),
    # The stored skeletons hold fewer frames than the nominal 30 Hz would give (about 19 a second).
    "skeleton": Stream(JOINTS, ("m",) * len(JOINTS), None, BONES),
}

SUBJECTS, TRIALS = 8, 4
ABSENT_IN_THE_RELEASE = ("a8_s1_t4", "a23_s6_t4", "a27_s8_t4")

_NAME = re.compile(r"^(a(\d+)_s(\d+)_t(\d+))_(inertial|skeleton)\.mat$", re.IGNORECASE)
_MODALITY = {"inertial": "imu", "skeleton": "skeleton"}
_KEY = {"imu": "d_iner", "skeleton": "d_skel"}


def read_utd_mhad(data_dir, modalities=("imu", "skeleton"), on_error="raise", use_cache=True):
    """Reads UTD-MHAD from the official download.

    Args:
        data_dir: a folder that holds the `Inertial` and `Skeleton` folders or zips, at any depth.
        modalities: which of `"imu"` and `"skeleton"` to read.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it.
        use_cache: keep the parsed arrays, and use them again while no file has changed.

    Returns:
        `Recordings` with streams `imu` `(time, 6)` in g and deg/s and `skeleton` `(time, 20, 3)` in
        metres, both float32.

    Raises:
        DataError: nothing was found, or (with `on_error="raise"`) a file is unreadable or implausible.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")
    unknown = set(modalities) - set(STREAMS)
    if unknown:
        raise ValueError(f"UTD-MHAD has no modality {sorted(unknown)}; known: {sorted(STREAMS)}.")
    files, notes = _find_files(Path(data_dir), set(modalities), on_error)
    if not files:
        raise DataError(missing_data_message(data_dir))

    def read():
        return _read_files(files, on_error)

    if use_cache:
        # A file that was skipped is part of what is remembered: the notes are cached with the arrays.
        stamp = [(*source.stamp(), on_error) for source in files.values()]
        (ids, arrays), read_notes = cache.load_or_make("utd_mhad", stamp, read)
    else:
        (ids, arrays), read_notes = read()
    for kind, entries in read_notes.items():
        notes[kind].extend(entries)
    # Notes go into reports: where this machine keeps its data is nobody's business there.
    within = f"{Path(data_dir)}{os.sep}"
    notes = {kind: [entry.replace(within, "") for entry in entries] for kind, entries in notes.items()}
    return _assemble(ids, arrays, modalities, notes)


def missing_data_message(data_dir):
    """What to say when there is no UTD-MHAD in `data_dir` (or `None`: no folder was named)."""
    found = f"No UTD-MHAD file found in {data_dir}." if data_dir else "Where is UTD-MHAD?"
    return (
        f"{found} Download Inertial.zip and Skeleton.zip from {HOMEPAGE} into one folder (unzipped or "
        "not) and name that folder with --data_dir or the environment variable TFKD_DATA. Expected "
        "inside: Inertial/a1_s1_t1_inertial.mat and Skeleton/a1_s1_t1_skeleton.mat, and so on. "
        "Without any download, --dataset synthetic works now."
    )


class _Source:
    """One `.mat` file, on disk or inside a zip."""

    def __init__(self, path, member=None, archive=None):
        self.path, self.member, self.archive = path, member, archive

    def __str__(self):
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def stamp(self):
        status = os.stat(self.path)
        return (str(self), status.st_size, status.st_mtime_ns)

    def open(self):
        return io.BytesIO(self.archive.read(self.member)) if self.member else open(self.path, "rb")


def _find_files(root, modalities, on_error):
    """Maps (trial id, modality) to its file; folders come before zips, the first of duplicates wins."""
    notes = defaultdict(list)
    candidates = []
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        for name in sorted(names):
            path = Path(folder) / name
            if _NAME.match(name):
                candidates.append((name, _Source(path)))
            elif name.lower().endswith(".zip") and not name.startswith("."):
                candidates.extend(_in_zip(path, on_error, notes))
    candidates.sort(key=lambda entry: entry[1].member is not None)
    files = {}
    for name, source in candidates:
        trial, action, _, _, kind = _NAME.match(name).groups()
        key = (trial.lower(), _MODALITY[kind.lower()])
        if key[1] not in modalities:
            continue
        if not 1 <= int(action) <= len(CLASSES):
            notes["ignored: no such action"].append(str(source))
        elif key in files:
            notes["ignored: duplicate"].append(f"{source} (kept {files[key]})")
        else:
            files[key] = source
    return files, notes


def _in_zip(path, on_error, notes):
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        if on_error == "raise":
            raise DataError(
                f"{path} is not a readable zip ({error}). Download it again, remove it, "
                "or skip such files with on_error='skip' (--skip_bad_files)."
            ) from error
        notes["skipped: unreadable"].append(f"{path}: {error}")
        return []
    names = [(Path(member).name, member) for member in sorted(archive.namelist())]
    return [(name, _Source(path, member, archive)) for name, member in names if _NAME.match(name)]


def _read_files(files, on_error):
    """Returns ((trial ids, {modality: arrays}), notes)."""
    notes, trials = defaultdict(list), defaultdict(dict)
    for (trial, modality), source in files.items():
        try:
            trials[trial][modality] = _read_mat(source, modality)
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
    ids = sorted(trials, key=_numbers)
    empty = {"imu": np.zeros((0, 6), "float32"), "skeleton": np.zeros((0, 20, 3), "float32")}
    arrays = {m: [trials[t].get(m, empty[m]) for t in ids] for m in {m for _, m in files}}
    return (ids, arrays), dict(notes)


def _read_mat(source, modality):
    from scipy.io import loadmat

    way_out = "Download it again, or skip such files with on_error='skip' (--skip_bad_files)."
    key = _KEY[modality]
    try:
        with source.open() as file:
            content = loadmat(file)
    except Exception as error:  # scipy raises whatever the broken bytes led it to
        raise DataError(f"{source} is unreadable as a .mat file ({error}). {way_out}") from error
    if key not in content:
        names = sorted(name for name in content if not name.startswith("__"))
        raise DataError(f"{source} holds {names} instead of {key!r}: renamed? {way_out}")
    values = content[key]
    if modality == "skeleton" and values.ndim == 3:
        values = values.transpose(2, 0, 1)
    expected = {"imu": (6,), "skeleton": (len(JOINTS), 3)}[modality]
    if values.dtype.kind not in "fiu" or values.ndim != 1 + len(expected) or (values.shape[1:] != expected):
        raise DataError(
            f"{source}: {key} has shape {content[key].shape} and type {values.dtype}, expected "
            f"{'(time, 6)' if modality == 'imu' else '(20, 3, time)'} numbers. {way_out}"
        )
    if len(values) < 2:
        raise DataError(f"{source}: only {len(values)} samples in time. {way_out}")
    if not np.isfinite(values).all():
        bad = int(np.size(values) - np.isfinite(values).sum())
        raise DataError(f"{source}: {bad} values are NaN or infinite. {way_out}")
    if modality == "imu" and (constant := np.flatnonzero(np.ptp(values, axis=0) == 0)).size:
        names = [STREAMS["imu"].channels[i] for i in constant]
        raise DataError(f"{source}: channel {', '.join(names)} never changes (dead?). {way_out}")
    return np.ascontiguousarray(values, dtype="float32")


def _numbers(trial):
    return tuple(int(number) for number in re.findall(r"\d+", trial))


def _assemble(ids, arrays, modalities, notes):
    items = []
    for i, trial in enumerate(ids):
        action, subject, repetition = _numbers(trial)
        streams = {m: arrays[m][i] for m in modalities if m in arrays and len(arrays[m][i])}
        items.append(Recording(trial, subject, action - 1, repetition, streams))
    found, notes = set(ids), defaultdict(list, notes)
    for action in range(1, len(CLASSES) + 1):
        for subject in range(1, SUBJECTS + 1):
            for repetition in range(1, TRIALS + 1):
                trial = f"a{action}_s{subject}_t{repetition}"
                if trial not in found:
                    absent = trial in ABSENT_IN_THE_RELEASE
                    kind = "absent in the release" if absent else "missing trial"
                    notes[kind].append(trial)
    streams = {m: STREAMS[m] for m in modalities}
    return Recordings(items, CLASSES, streams, "utd_mhad", notes)
