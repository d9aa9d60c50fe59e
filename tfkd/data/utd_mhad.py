"""UTD-MHAD: 27 actions, 8 people, 4 repetitions; Kinect v1 skeleton, depth and video, and one inertial sensor.

Source: Chen, Jafari, Kehtarnavaz, "UTD-MHAD: a multimodal dataset for human action recognition utilizing
a depth camera and a wearable inertial sensor", ICIP 2015. The sensor is on the right wrist for actions
1 to 21 and on the right thigh for 22 to 27.

The reader takes the official download as it is: unzipped folders or the zips themselves, nested or
differently cased folders, stray files, missing trials.
"""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from tfkd.data import cache, utd_frames
from tfkd.data.recordings import DataError, Recording, Recordings, Stream
from tfkd.data.sources import WAY_OUT, check_on_error, notes_within
from tfkd.data.utd_files import FILES, find_files, load_mat
from tfkd.data.video import require as require_video

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
    "depth": Stream(("depth", "motion", "pose"), ("8 bit",) * 3),
    "video": Stream(("red", "green", "blue"), ("8 bit",) * 3),
}

SUBJECTS, TRIALS = 8, 4
ABSENT_IN_THE_RELEASE = ("a8_s1_t4", "a23_s6_t4", "a27_s8_t4")

def read_utd_mhad(
    data_dir, modalities=("imu", "skeleton"), on_error="raise", use_cache=True, frame_size=64, most_frames=32
):
    """Reads UTD-MHAD from the official download.

    Args:
        data_dir: a folder that holds the `Inertial`, `Skeleton`, `Depth` and `RGB` folders or zips, at any depth.
        modalities: which of `"imu"`, `"skeleton"`, `"depth"` and `"video"` to read.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it.
        use_cache: keep the parsed arrays, and use them again while no file has changed.
        frame_size: height and width in pixels to which depth and video are brought.
        most_frames: of a longer clip, this many are kept, evenly chosen. 861 clips of 32 frames of 64 x 64 pixels
            take 340 MB in memory and in the cache.

    Returns:
        `Recordings` with streams `imu` `(time, 6)` in g and deg/s and `skeleton` `(time, 20, 3)` in
        metres, both float32; `depth` and `video` `(time, frame_size, frame_size, 3)` uint8, depth in the three
        channels of `tfkd.data.encode_depth`.

    Raises:
        DataError: nothing was found, or (with `on_error="raise"`) a file is unreadable or implausible.
    """
    check_on_error(on_error)
    unknown = set(modalities) - set(STREAMS)
    if unknown:
        raise ValueError(f"UTD-MHAD has no modality {sorted(unknown)}; known: {sorted(STREAMS)}.")
    files, notes = find_files(Path(data_dir), set(modalities), on_error)
    absent = [m for m in modalities if m in utd_frames.MODALITIES and m not in {kind for _, kind in files}]
    if not files or absent:
        raise DataError(missing_data_message(data_dir, absent or modalities))
    if "video" in modalities:
        require_video()  # at once, and not as a fault of every single file
    streams = defaultdict(dict)

    def add(name, kinds, settings, read):
        part = {key: source for key, source in files.items() if key[1] in kinds}
        if not part:
            return
        # A file that was skipped is part of what is remembered: the notes are cached with the arrays.
        stamp = [*settings, *((*source.stamp(), on_error) for source in part.values())]
        make = partial(_read_files, part, on_error, read)
        (ids, arrays), read_notes = cache.load_or_make(name, stamp, make) if use_cache else make()
        for i, trial in enumerate(ids):
            streams[trial].update({kind: values[i] for kind, values in arrays.items() if len(values[i])})
        for kind, entries in read_notes.items():
            notes[kind].extend(entries)

    add("utd_mhad", ("imu", "skeleton"), [], _read_signals)
    for kind in (m for m in utd_frames.MODALITIES if m in modalities):
        read = partial(utd_frames.read, size=frame_size, most=most_frames)
        add(f"utd_mhad_{kind}", (kind,), utd_frames.settings(kind, frame_size, most_frames), read)
    _check_clips(streams, files, on_error, notes)
    notes = notes_within(notes, data_dir)
    return _assemble(streams, modalities, notes)


def missing_data_message(data_dir, modalities=("imu", "skeleton")):
    """What to say when there is no UTD-MHAD in `data_dir` (or `None`: no folder was named)."""
    found = f"No {', '.join(modalities)} file of UTD-MHAD found in {data_dir}." if data_dir else "Where is UTD-MHAD?"
    names = [FILES[m][:2] for m in modalities]
    zips, files = [f"{folder}.zip" for folder, _ in names], [f"{folder}/a1_s1_t1_{end}" for folder, end in names]
    return (
        f"{found} Download {' and '.join(zips)} from {HOMEPAGE} into one folder (unzipped or "
        "not) and name that folder with --data_dir or the environment variable TFKD_DATA. Expected "
        f"inside: {' and '.join(files)}, and so on. "
        "Without any download, --dataset synthetic works now."
    )


def _read_files(files, on_error, read):
    """Returns ((trial ids, {name: arrays}), notes); an array is empty where a trial lacks it."""
    notes, trials = defaultdict(list), defaultdict(dict)
    for (trial, modality), source in files.items():
        try:
            trials[trial].update(read(source, modality))
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
    ids = sorted(trials, key=_numbers)
    empty = {name: values[:0] for arrays in trials.values() for name, values in arrays.items()}
    return (ids, {name: [trials[t].get(name, none) for t in ids] for name, none in empty.items()}), dict(notes)


def _read_signals(source, modality):
    values = load_mat(source, modality)
    expected = {"imu": (6,), "skeleton": (len(JOINTS), 3)}[modality]
    ordered = values.transpose(2, 0, 1) if modality == "skeleton" and values.ndim == 3 else values
    if ordered.ndim != 1 + len(expected) or ordered.shape[1:] != expected:
        raise DataError(
            f"{source}: {FILES[modality][2]} has shape {values.shape}, expected "
            f"{'(time, 6)' if modality == 'imu' else '(20, 3, time)'}. {WAY_OUT}"
        )
    if len(ordered) < 2:
        raise DataError(f"{source}: only {len(ordered)} samples in time. {WAY_OUT}")
    if modality == "imu" and (constant := np.flatnonzero(np.ptp(ordered, axis=0) == 0)).size:
        names = [STREAMS["imu"].channels[i] for i in constant]
        raise DataError(f"{source}: channel {', '.join(names)} never changes (dead?). {WAY_OUT}")
    return {modality: np.ascontiguousarray(ordered, dtype="float32")}


def _check_clips(streams, files, on_error, notes):
    """Takes the clips' facts out of `streams`, and the clips that do not fit their set or trial."""
    for kind in utd_frames.MODALITIES:
        facts = {trial: found.pop(f"{kind}_facts") for trial, found in streams.items() if kind in found}
        usual = utd_frames.usual_size(facts.values()) if facts else None
        for trial, fact in facts.items():
            if problem := utd_frames.not_this_trial(kind, fact, usual, streams[trial]):
                message = f"{files[trial, kind]}: {problem}. {WAY_OUT}"
                if on_error == "raise":
                    raise DataError(message)
                notes["skipped: bad file"].append(message)
                del streams[trial][kind]


def _numbers(trial):
    return tuple(int(number) for number in re.findall(r"\d+", trial))


def _assemble(streams, modalities, notes):
    items = []
    for trial in sorted(streams, key=_numbers):
        action, subject, repetition = _numbers(trial)
        items.append(Recording(trial, subject, action - 1, repetition, streams[trial]))
    notes = defaultdict(list, notes)
    for action in range(1, len(CLASSES) + 1):
        for subject in range(1, SUBJECTS + 1):
            for repetition in range(1, TRIALS + 1):
                trial = f"a{action}_s{subject}_t{repetition}"
                if trial not in streams:
                    absent = trial in ABSENT_IN_THE_RELEASE
                    kind = "absent in the release" if absent else "missing trial"
                    notes[kind].append(trial)
    return Recordings(items, CLASSES, {m: STREAMS[m] for m in modalities}, "utd_mhad", notes)
