"""The streams of a folder of one's own recordings: checked, brought to tfkd's units, and joined on time."""

import itertools
from collections import Counter, defaultdict

import numpy as np

from tfkd.data import clocks
from tfkd.data.folder_channels import plain, side_by_side, triples_of
from tfkd.data.folder_settings import UNITS
from tfkd.data.folder_tables import read_stream
from tfkd.data.recordings import DataError, Stream

LONGEST_GAP = 1.0
"""Seconds without a sample (or five samples' time, if that is longer) at which a continuous recording is cut."""
MOST_MISSING = 0.25
"""Share of a labelled trial that may be lost in such gaps."""
SHORTEST = 2.0
"""Seconds that a part between two gaps must have to be kept."""
USUAL_RATES = np.array([10, 12.5, 15, 20, 25, 30, 40, 50, 60, 75, 100, 120, 125, 150, 200, 240, 250, 300, 400, 500])


def read_streams(files, whole, settings, on_error):
    """Reads all streams and joins those of each recording.

    Args:
        files: id -> {modality: path}.
        whole: id -> whether it is one trial; else it is cut where a stream has a gap.
        settings: `Settings`.
        on_error: `"raise"` or `"skip"`.

    Returns:
        `((ids, arrays), facts)`. `arrays["imu"]` and `arrays["skeleton"]` are empty where a part lacks one;
        `arrays["span"]` is `(5,)`: place of the recording in `files`, begin and end of the part by the streams' clock,
        and the first and last moment that any stream of the recording covers. `facts` holds `"channels"` and `"rates"`
        of each modality, `"columns"`: all channels in the files of the IMU, and `"notes"`.
    """
    notes, raw, columns = defaultdict(list), defaultdict(dict), {}

    def refuse(error):
        if on_error == "raise":
            raise error
        notes["skipped: bad file"].append(str(error))

    for key, found in files.items():
        for modality, path in found.items():
            try:
                raw[key][modality] = _LOAD[modality](path, settings, columns, notes)
            except DataError as error:
                refuse(error)
    there = [modality for modality in _LOAD if any(modality in streams for streams in raw.values())]
    channels = {modality: _agreed(modality, raw, files, refuse, notes) for modality in there}
    raw = {key: streams for key, streams in raw.items() if streams}
    rates = {}
    for modality in _LOAD:
        if times := {key: streams[modality][0] for key, streams in raw.items() if modality in streams}:
            rates[modality] = _rate(modality, times, settings, notes)
    ids, made = [], []
    for place, key in enumerate(files):
        try:
            parts = list(_parts(key, raw.pop(key), rates, whole[key], notes)) if key in raw else []
        except DataError as error:
            refuse(error)
            continue
        free = (name for n in itertools.count(2) if (name := f"{key}.{n}") not in files)
        for name, (span, arrays) in zip(itertools.chain([key], free), parts):
            ids.append(name)
            made.append({"span": np.array([place, *span]), **arrays})
    empty = {kind: values[:0] for arrays in made for kind, values in arrays.items()}
    arrays = {kind: [arrays.get(kind, none) for arrays in made] for kind, none in empty.items()}
    return (ids, arrays), {"channels": channels, "rates": rates, "columns": list(columns), "notes": notes}


# ---- One file ----


def _load_imu(path, settings, columns, notes):
    def choose(names):
        if not names:
            raise DataError(f"{path} has no channels, only times.")
        spelled = {}
        for name in names:
            if (other := spelled.setdefault(plain(name), name)) != name:
                raise DataError(f"{path}: {other} and {name} are both the channel {plain(name)}. Take one of them out.")
        columns.update(spelled)
        return [spelled.get(plain(name), name) for name in settings.imu.channels or names]

    times, values, channels, repairs = read_stream(path, choose)
    channels = [plain(name) for name in channels]
    _note_repairs(path, repairs, notes)
    if constant := [name for name, width in zip(channels, np.ptp(values, axis=0)) if width == 0]:
        raise DataError(
            f"{path}: channel {', '.join(constant)} never changes (dead?). Leave the file out, or the channel: "
            "dataset.toml, [imu] channels = [...]."
        )
    _check_acceleration(path, values, channels, settings)
    return times, values * np.array([settings.imu.unit(name)[1] for name in channels], "float32"), channels


def _check_acceleration(path, values, channels, settings):
    """The earth pulls at every accelerometer with 1 g: a median near 9.8 or 1000 is another unit."""
    for axes in triples_of(channels):
        if settings.imu.unit(axes[0]) == ("g", 1.0):
            length = np.median(np.linalg.norm(values[:, [channels.index(axis) for axis in axes]], axis=1))
            for unit in ("m/s2", "mg"):
                if 0.7 < length * UNITS["acc"][unit] < 1.4:
                    raise DataError(
                        f"{path}: {', '.join(axes)} have a median length of {length:.4g}, so they are in {unit}, not "
                        f'in g. Say so in dataset.toml: [imu] units = {{acc = "{unit}"}}.'
                    )


def _load_skeleton(path, settings, columns, notes):
    def choose(names):
        joints = list(dict.fromkeys(name[:-2] for name in names if name.endswith(("_x", "_y", "_z"))))
        columns = [f"{joint}_{axis}" for joint in joints for axis in "xyz"]
        if missing := [name for name in columns if name not in names]:
            raise DataError(f"{path} has no column {', '.join(missing)}: a joint has x, y and z.")
        if not joints:
            raise DataError(f"{path} has no joints: its columns are called <joint>_x, <joint>_y and <joint>_z.")
        others = ", ".join(name for name in names if name not in columns)
        if others and others not in notes["ignored: columns of skeleton files that are no joint"]:
            notes["ignored: columns of skeleton files that are no joint"].append(others)
        return columns

    times, values, columns, repairs = read_stream(path, choose)
    _note_repairs(path, repairs, notes)
    units = settings.skeleton.units
    joints = values.reshape(len(values), -1, 3) * np.float32(UNITS["skeleton"][units])
    extents = np.ptp(joints, axis=1).max(axis=1)
    seen = extents[extents > 0]
    if not len(seen):
        raise DataError(f"{path}: in all {len(joints)} frames the joints are in one point: nobody is seen. Remove it.")
    if len(seen) < len(joints):
        notes["frames without a person: all joints in one point"].append(
            f"{path}: {len(joints) - len(seen)} of {len(joints)}"
        )
    extent = float(np.median(seen))
    if not 0.2 <= extent <= 5:
        raise DataError(
            f"{path}: the person measures {extent:.4g} m, so the joints are not in {units}. Say their unit in "
            f'dataset.toml: [skeleton] units = {" or ".join(repr(unit) for unit in UNITS["skeleton"])}.'
        )
    return times, joints, [name[:-2] for name in columns[::3]]


_LOAD = {"imu": _load_imu, "skeleton": _load_skeleton}


def _agreed(modality, raw, files, refuse, notes):
    """The channels or joints of most files; brings the streams in `raw` to their order, and refuses the others."""
    names = {key: streams[modality][2] for key, streams in raw.items() if modality in streams}
    usual = Counter(frozenset(found) for found in names.values()).most_common(1)[0][0]  # of equals the first
    example = next(key for key, found in names.items() if set(found) == usual)
    order = side_by_side(names[example]) if modality == "imu" else names[example]
    if order != names[example]:
        notes["put in order: channels of a sensor side by side"].append(", ".join(order))
    for key, found in names.items():
        times, values, _ = raw[key].pop(modality)
        if set(found) == usual:
            raw[key][modality] = times, values[:, [found.index(name) for name in order]] if found != order else values
            continue
        what, hint = {
            "imu": ("channels", " Or say which to read in dataset.toml: [imu] channels = [...]."),
            "skeleton": ("joints", ""),
        }[modality]
        more, less = sorted(set(found) - usual), sorted(usual - set(found))
        refuse(
            DataError(
                f"{files[key][modality]} has other {what} than most files, such as {files[example][modality]}: "
                + "; ".join([f"besides {', '.join(more)}"] * bool(more) + [f"not {', '.join(less)}"] * bool(less))
                + f". All files must have the same ones: correct it.{hint}"
            )
        )
    return order


def _note_repairs(path, repairs, notes):
    for what, count in repairs.items():
        notes[f"repaired: {what}"].append(f"{path}: {count}")


# ---- Time ----


def _rate(modality, times, settings, notes):
    """The even rate of a modality, from the times of each recording."""
    declared, rates, jitter, longest = getattr(settings, modality).rate_hz, [], [], {}
    for key, stamps in times.items():
        steps = np.diff(stamps)
        longest[key] = steps.max()
        steps = steps[steps <= max(LONGEST_GAP, 5 * np.median(steps))]
        rates.append(1 / steps.mean())
        jitter.append(steps.std() / steps.mean())
    found = float(np.median(rates))
    nearest = float(USUAL_RATES[np.argmin(abs(USUAL_RATES - found))])
    usual = nearest if abs(found / nearest - 1) < 0.025 else round(found) if found > 10 else round(found, 1)
    rate = declared or float(usual)
    worst = max(longest, key=longest.get)
    notes["sample rate"].append(
        f"{modality}: {rate:g} Hz{' as declared' if declared else ''}; recorded at {min(rates):.4g} to "
        f"{max(rates):.4g} Hz, with steps that vary by {100 * np.median(jitter):.0f} %; the longest step is "
        f"{longest[worst]:.3g} s, in {worst}"
    )
    return rate


def _parts(key, streams, rates, whole, notes):
    """Yields `(span, arrays)` of each stretch without gaps; of a whole trial, in one."""
    times = {modality: stamps for modality, (stamps, _) in streams.items()}
    begin, end = clocks.common_span(times, f"Recording {key}")
    first, last = min(stamps[0] for stamps in times.values()), max(stamps[-1] for stamps in times.values())
    if end - begin < 0.8 * (last - first):
        notes["streams have less than 80 % of their time in common"].append(
            f"{key}: {end - begin:.2f} of {last - first:.2f} s"
        )
    holes = [clocks.gaps(stamps, max(LONGEST_GAP, 5 / rates[m])) for m, stamps in times.items()]
    stretches = list(clocks.between(begin, end, np.concatenate(holes)))
    missing = end - begin - sum(stop - start for start, stop in stretches)
    if missing > 0:
        gaps = ", ".join(f"{len(found)} of {m}" for m, found in zip(times, holes) if len(found))
        if whole and missing > MOST_MISSING * (end - begin):
            raise DataError(
                f"Recording {key}: {missing:.1f} of {end - begin:.1f} s are lost in gaps ({gaps}), more than "
                f"{MOST_MISSING:.0%}. Leave it out of recordings.csv."
            )
        kind = "interpolated: gaps in a labelled trial" if whole else "cut: gaps in time"
        notes[kind].append(f"{key}: {gaps}, {missing:.1f} s")
    for start, stop in [(begin, end)] if whole else stretches:
        if stop - start < SHORTEST and not whole and missing > 0:
            notes["left out: short stretch between gaps"].append(f"{key}: {stop - start:.2f} s")
            continue
        grids = _grids(start, stop, rates, streams)
        if min(len(grid) for grid in grids.values()) < 2:
            raise DataError(f"Recording {key}: its streams have only {stop - start:.3f} s in common.")
        stop = next(iter(grids.values()))[-1]
        yield (start, stop, first, last), {m: clocks.on_grid(*streams[m], grid) for m, grid in grids.items()}


def _grids(begin, end, rates, modalities):
    """Even times of each modality, of which the first and the last are the same.

    The IMU has its rate exactly. The other's is as near to its own as a whole number of steps allows.
    """
    leading, *others = sorted(modalities, key=lambda modality: modality != "imu")
    grids = {leading: clocks.grid_over(begin, end, rates[leading])}
    end = grids[leading][-1]
    return grids | {m: np.linspace(begin, end, round((end - begin) * rates[m]) + 1) for m in others}


# ---- What is known of a modality ----


def stream_of(modality, channels, rate_hz, settings, columns, path):
    """The `Stream` of a modality; `columns` are all that the IMU's files have, `path` of dataset.toml is for errors."""
    if modality == "imu":
        keys = {settings.imu.key(name) for name in columns}
        if unused := [key for key in settings.imu.units if key not in keys]:
            raise DataError(
                f"{path}: imu.units.{unused[0]} is about no channel of the IMU; there are {', '.join(columns)}. acc is "
                "about names with a word that begins with acc, gyro about those with gyr, others about a name or word."
            )
        return Stream(tuple(channels), tuple(settings.imu.unit(name)[0] for name in channels), rate_hz)
    skeleton = settings.skeleton
    for key, ours in (("hip", "hip_center"), ("neck", "shoulder_center")):
        if getattr(skeleton, key) not in channels:
            raise DataError(
                f"The skeleton has no joint {getattr(skeleton, key)}; it has {', '.join(channels)}. Say in {path} "
                f'which of them is {ours}: [skeleton] {key} = "...". Skeletons are measured from the hip to the neck.'
            )
    names = {skeleton.hip: "hip_center", skeleton.neck: "shoulder_center"}
    joints = tuple(names.get(joint, joint) for joint in channels)
    if len(names) < 2 or len(set(joints)) < len(joints):
        raise DataError(
            f"{path}: skeleton.hip is {skeleton.hip!r} and skeleton.neck {skeleton.neck!r}, but must be two joints, "
            "where no other is called hip_center or shoulder_center."
        )
    return Stream(joints, ("m",) * len(joints), rate_hz, _outwards(list(channels), skeleton, path))


def _outwards(joints, skeleton, path):
    """Pairs of joint indices, from the hip outwards, of bones in any order."""
    if unknown := sorted({joint for bone in skeleton.bones for joint in bone} - set(joints)):
        raise DataError(f"{path}: skeleton.bones names {', '.join(unknown)}; the joints are {', '.join(joints)}.")
    reached, rest, ordered = [skeleton.hip], list(skeleton.bones), []
    for joint in reached:  # grows on the way
        for bone in [bone for bone in rest if joint in bone]:
            other = bone[bone[0] == joint]
            if other in reached:
                raise DataError(f"{path}: skeleton.bones go in a circle through {joint} and {other}.")
            rest.remove(bone)
            reached.append(other)
            ordered.append((joints.index(joint), joints.index(other)))
    if rest:
        raise DataError(f"{path}: no way leads from {skeleton.hip} to the bones {[list(bone) for bone in rest]}.")
    return tuple(ordered)
