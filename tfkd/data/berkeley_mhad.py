"""Berkeley-MHAD: 11 actions, 12 people, 5 repetitions; six accelerometers and an optical motion capture system.

Source: Ofli, Chaudhry, Kurillo, Vidal, Bajcsy, "Berkeley MHAD: a comprehensive multimodal human action database",
WACV 2013. Of the official layout this reader takes

    Accelerometer/Shimmer01/acc_h01_s01_a01_r01.txt    x y z in g, unix seconds; six sensors, about 31 Hz, uneven
    Mocap/SkeletalData/skl_s01_a01_r01.bvh             the skeleton, 480 frames a second
    Mocap/OpticalData/moc_s01_a01_r01.txt              43 markers x y z in mm (zeros: occluded), frame, unix seconds

and beside the BVH files, or instead of them, the position CSVs that people make of them
(`Mocap/SkeletalData/csv/skl_s01_a01_r01_pos.csv`: `time,Hips.x,...` in centimetres). Files are told by their names: in
folders or zips, at any depth, in any case; the flat `data/moc_s01_a01_r01.txt` of some copies is read too.

Two trials are known to lack something: s04_a08_r05 is not in the release, and of s02_a07_r05 the accelerometers are not
in the copies that people have.
"""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from tfkd.data import cache, clocks, splits
from tfkd.data.berkeley_files import PLACES, SKELETONS, find_files, read_accelerometer
from tfkd.data.berkeley_skeleton import BONES, JOINTS, marker_clock, read_skeleton
from tfkd.data.recordings import DataError, Recording, Recordings, Stream
from tfkd.data.sources import WAY_OUT, check_on_error, notes_within

HOMEPAGE = "https://tele-immersion.citris-uc.org/berkeley_mhad"

CLASSES = (
    "jumping_in_place", "jumping_jacks", "bending", "punching", "waving_two_hands", "waving_one_hand", "clapping_hands",
    "throwing_a_ball", "sit_down_then_stand_up", "sit_down", "stand_up",
)  # fmt: skip
"""In the order of the action numbers. Some copies list the last three in another order; their lengths (17, 3 and 2
seconds) tell that this is the right one."""

RATE_HZ = 30.0
STREAMS = {
    "imu": Stream(tuple(f"{place}_acc_{axis}" for place in PLACES.values() for axis in "xyz"), ("g",) * 18, RATE_HZ),
    "skeleton": Stream(JOINTS, ("m",) * len(JOINTS), RATE_HZ, BONES),
}

SUBJECTS, TRIALS = 12, 5
TRAIN_SUBJECTS = range(1, 8)
ABSENT_IN_THE_RELEASE = "s04_a08_r05"
WITHOUT_ACCELEROMETERS = "s02_a07_r05"

SHORTEST_SECONDS = 0.5  # that all sensors of a trial must share; the shortest trial lasts 1.3
APART_SECONDS = 0.5  # sensors of a trial that start or end further apart are noted
READER = 1  # another number where the same files would give other arrays: the cache then starts anew


def cross_subject(recordings, validation_subjects=()):
    """People 1 to 7 train, 8 to 12 test; those who are not in the data are missing on their side."""
    return splits.cross_subject(recordings, validation_subjects, set(TRAIN_SUBJECTS) & set(recordings.subjects))


PROTOCOLS = {"cross_subject": cross_subject}


def read_berkeley_mhad(data_dir, modalities=("imu", "skeleton"), on_error="raise", use_cache=True):
    """Reads Berkeley-MHAD.

    The six accelerometers and the skeleton of a trial are interpolated linearly onto one grid of 30 Hz over the time
    that all of them cover. Marker files have the accelerometers' clock. BVH and CSV files have none: their rows are
    those of the trial's marker file where that is there; else their first and last row are taken to coincide with the
    accelerometers' first and last moment, and the trial is noted.

    Of a trial's skeletons the first that can be read is taken: BVH, position CSV, markers. The joints are UTD-MHAD's
    without the hands. Made of markers they are approximate, see `berkeley_skeleton.MADE_OF`.

    Args:
        data_dir: a folder that holds the files at any depth.
        modalities: `"imu"`, `"skeleton"` or both. The time all sensors cover is that of what is read.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it.
        use_cache: keep the parsed arrays, and use them again while no file has changed.

    Returns:
        `Recordings` with streams `imu` `(time, 18)` in g, channels `left_wrist_acc_x` and so on, and `skeleton`
        `(time, 18, 3)` in metres, y up, both float32. A trial that lacks one of the six accelerometers has no `imu`.
        `Recordings.notes` counts what was repaired (spikes beyond 2 g, gaps above 0.2 s, occluded markers), what is odd
        and what is missing.

    Raises:
        DataError: nothing was found, or (with `on_error="raise"`) a file is bad, or the sensors of a trial have no time
            in common.
    """
    check_on_error(on_error)
    if unknown := set(modalities) - set(STREAMS):
        raise ValueError(f"Berkeley-MHAD has no modality {sorted(unknown)}; known: {sorted(STREAMS)}.")
    files, notes = find_files(Path(data_dir), set(modalities), on_error)
    if not files:
        raise DataError(missing_data_message(data_dir, modalities))
    # A file that was skipped is part of what is remembered: the notes are cached with the arrays.
    stamp = [READER, *sorted(modalities), on_error, *(source.stamp() for source in files.values())]
    make = partial(_read_trials, files, on_error)
    (ids, arrays), read_notes = cache.load_or_make("berkeley_mhad", stamp, make) if use_cache else make()
    for kind, entries in [*read_notes.items(), *_missing(files, modalities).items()]:
        notes[kind].extend(entries)
    notes = notes_within(notes, data_dir)
    items = []
    for i, trial in enumerate(ids):
        subject, action, repetition = map(int, re.findall(r"\d+", trial))
        streams = {m: arrays[m][i] for m in STREAMS if m in arrays and len(arrays[m][i])}
        items.append(Recording(trial, subject, action - 1, repetition, streams))
    return Recordings(items, CLASSES, {m: STREAMS[m] for m in modalities}, "berkeley_mhad", notes)


def missing_data_message(data_dir, modalities=("imu", "skeleton")):
    """What to say when there is no Berkeley-MHAD in `data_dir` (or `None`: no folder was named)."""
    found = f"No {' or '.join(modalities)} file of Berkeley-MHAD found in {data_dir}." if data_dir else ""
    expected = {
        "imu": "acc_h01_s01_a01_r01.txt to acc_h06_... (official folder: Accelerometer/Shimmer01 to 06)",
        "skeleton": "skl_s01_a01_r01.bvh (Mocap/SkeletalData), skl_s01_a01_r01_pos.csv, or moc_s01_a01_r01.txt "
        "(Mocap/OpticalData)",
    }
    return (
        f"{found or 'Where is Berkeley-MHAD?'} Name the folder of your copy with --data_dir or the environment "
        f"variable TFKD_DATA. Expected inside, at any depth: {'; and '.join(expected[m] for m in modalities)}; and so "
        f"on. The official page {HOMEPAGE} is reported not to answer since February 2024, so tfkd cannot say where to "
        "download it; the layout is described in tfkd/data/berkeley_mhad.py. Without any download, --dataset "
        "synthetic works now."
    )


def _missing(files, modalities):
    """Notes of the trials of which nothing was found."""
    notes, found = defaultdict(list), {trial for trial, _ in files}
    for subject in range(1, SUBJECTS + 1):
        for action in range(1, len(CLASSES) + 1):
            for repetition in range(1, TRIALS + 1):
                trial = f"s{subject:02d}_a{action:02d}_r{repetition:02d}"
                without = trial == WITHOUT_ACCELEROMETERS and not any((trial, place) in files for place in PLACES)
                if without and "imu" in modalities:
                    notes["accelerometers absent in public copies"].append(trial)
                elif trial not in found:
                    absent = trial == ABSENT_IN_THE_RELEASE
                    notes["absent in the release" if absent else "missing trial"].append(trial)
    return notes


def _read_trials(files, on_error):
    """Returns ((trial ids, {modality: arrays}), notes); an array is empty where a trial lacks it."""
    by_trial, notes, trials = defaultdict(dict), defaultdict(list), {}
    for (trial, kind), source in files.items():
        by_trial[trial][kind] = source
    for trial in sorted(by_trial):
        if streams := _Trial(trial, by_trial[trial], on_error, notes).streams():
            trials[trial] = streams
    empty = {name: values[:0] for streams in trials.values() for name, values in streams.items()}
    return (list(trials), {n: [s.get(n, none) for s in trials.values()] for n, none in empty.items()}), dict(notes)


class _Trial:
    """One trial's files on their way to streams; what happens is added to `notes`."""

    def __init__(self, trial, files, on_error, notes):
        self.trial, self.files, self.on_error, self.notes = trial, files, on_error, notes

    def streams(self):
        """Streams on one grid, by modality; none where nothing of the trial can be used."""
        sensors, skeleton = self._sensors(), self._skeleton()
        times = {place: signal.seconds for place, signal in sensors.items()}
        try:
            if skeleton:
                seconds = self._skeleton_times(skeleton, times)
                times["skeleton"], joints, _ = clocks.in_order(seconds, skeleton.joints)
            if not times:
                return {}
            begin, end = clocks.common_span(times, self.trial)
            if end - begin < SHORTEST_SECONDS:
                raise DataError(f"{self.trial}: its sensors have only {end - begin:.2f} s in common.")
        except DataError as error:
            self._refuse(error, "skipped: no time in common")
            return {}
        grid, streams = clocks.grid_over(begin, end, RATE_HZ), {}
        if sensors:
            signals = [clocks.on_grid(signal.seconds, signal.values, grid) for signal in sensors.values()]
            streams["imu"] = np.concatenate(signals, axis=1)
        if skeleton:
            streams["skeleton"] = clocks.on_grid(times["skeleton"], joints, grid)
        return streams

    def _sensors(self):
        """Place -> `Signal` of all six, or none of them."""
        signals = {}
        for place, name in PLACES.items():
            if place in self.files and (signal := self._load(read_accelerometer, self.files[place])):
                signals[name] = signal
        if lacking := [name for name in PLACES.values() if name not in signals]:
            if len(lacking) < len(PLACES):
                self.notes["no imu: sensors missing"].append(f"{self.trial}: {', '.join(lacking)}")
            return {}
        for which, moment in (("starts", 0), ("ends", -1)):
            moments = np.array([signal.seconds[moment] for signal in signals.values()])
            for name, offset in zip(signals, moments - np.median(moments)):
                if abs(offset) > APART_SECONDS:
                    self.notes[f"a sensor starts or ends over {APART_SECONDS} s from the others"].append(
                        f"{self.trial}: {name} {which} {abs(offset):.2f} s {'later' if offset > 0 else 'earlier'}"
                    )
        return signals

    def _skeleton(self):
        """The best `Skeleton` that can be read, or `None`."""
        for kind in SKELETONS:
            if kind in self.files and (skeleton := self._load(read_skeleton, self.files[kind], kind)):
                return skeleton
        return None

    def _skeleton_times(self, skeleton, times):
        """When its frames were recorded, by the clock of the accelerometers where there are any."""
        if skeleton.absolute or not times:
            return skeleton.seconds
        clock = self._load(marker_clock, self.files["markers"]) if "markers" in self.files else None
        frames = len(skeleton.seconds)
        length = skeleton.seconds[-1]
        if clock is None:
            self.notes["skeleton without a clock: stretched from the accelerometers' start to their end"].append(
                self.trial
            )
            begin, end = clocks.common_span(times, self.trial)
            return begin + skeleton.seconds * ((end - begin) / length)
        begin, step, rows = clock
        if abs(length - (rows - 1) * step) > 0.05 * length:
            self.notes["skeleton and markers differ in length"].append(
                f"{self.trial}: {length:.2f} s and {(rows - 1) * step:.2f} s"
            )
        same_rows = abs(length / (frames - 1) / step - 1) < 0.05
        return begin + (np.arange(frames) * step if same_rows else skeleton.seconds)

    def _load(self, read, source, *args):
        """What `read` makes of a file, its notes taken over; `None` for a bad one where such are skipped."""
        try:
            made = read(source, *args)
        except DataError as error:
            self._refuse(error, "skipped: bad file")
            return None
        for kind, told in getattr(made, "notes", {}).items():
            self.notes[kind].append(f"{source}: {told}")
        return made

    def _refuse(self, error, kind):
        """Raises the error with its way out, or notes it."""
        message = f"{error} {WAY_OUT}"
        if self.on_error == "raise":
            raise DataError(message) from error
        self.notes[kind].append(message)
