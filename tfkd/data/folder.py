"""A folder of one's own recordings: a list of them, a file a stream, each stream on a clock of its own.

    my_data/
      recordings.csv       id,subject,label and any other columns (session, ...): a line a recording
      imu/<id>.csv         time,acc_x,acc_y,acc_z,... in seconds (or time_ms), g and deg/s
      skeleton/<id>.csv    time,<joint>_x,<joint>_y,<joint>_z,... in metres, y up
      intervals/<id>.csv   begin,end,label of a continuous recording, by the clock of the streams
      dataset.toml         units, rates, bones, protocols; optional, as are all of its keys

`tfkd/data/README.md` goes through it, from two such files to a student on a microcontroller.
"""

import os
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

from tfkd.data import cache, folder_intervals
from tfkd.data import folder_files as files_of
from tfkd.data.folder_doubts import suspicions, suspicions_of_classes
from tfkd.data.folder_settings import load_settings
from tfkd.data.folder_streams import read_streams, stream_of
from tfkd.data.recordings import DataError, Recording, Recordings
from tfkd.data.sources import check_on_error, notes_within, require_access, stamp_of
from tfkd.data.splits import Split, by_condition

KINDS = ("imu", "skeleton")
READER = 2  # another number where the same files would give other arrays: the cache then starts anew
_PROTOCOL = "protocol "  # and its name: key of the condition that says which side a recording is on


def read_folder(data_dir, modalities=("imu",), on_error="raise", use_cache=True):
    """Reads a folder of one's own recordings.

    The streams of a recording are joined on time: cut to the stretch that all of them cover, and interpolated linearly,
    each at an even rate: that of dataset.toml, else the usual one nearest to the median of the recordings'. A recording
    with a label is one trial; one without is continuous, with the intervals of its file, and is cut where a stream has
    a gap.

    Args:
        data_dir: the folder.
        modalities: which of `"imu"` and `"skeleton"` to read. The time all streams cover is that of what is read.
        on_error: `"raise"` stops at the first bad file; `"skip"` leaves that file out and notes it. Faults of
            recordings.csv and dataset.toml are raised either way.
        use_cache: keep the parsed arrays, and use them again while no file has changed.

    Returns:
        `Recordings` with streams `imu` `(time, channels)`, accelerations in g and angular rates in deg/s, and
        `skeleton` `(time, joints, 3)` in metres, both float32. The second part of a recording that was cut is called
        `<id>.2`, or by the next such name that no recording has. Classes are the labels' names, sorted, unless
        dataset.toml orders them. Subjects that are not all numbers are numbered by name, and `conditions["person"]` is
        the name.

    Raises:
        DataError: there is no such folder, or a file is bad; it is named, with line and column.
    """
    check_on_error(on_error)
    if not modalities or set(modalities) - set(KINDS):
        raise ValueError(f"A folder has no modality {sorted(set(modalities) - set(KINDS))}; known: imu, skeleton.")
    root, notes = Path(data_dir), defaultdict(list)
    require_access(root)
    if not os.path.isfile(root / "recordings.csv"):
        raise DataError(missing_data_message(data_dir, modalities))
    settings = load_settings(root / "dataset.toml")
    rows = {row.id: row for row in files_of.read_list(root / "recordings.csv")}
    files = _files(root, rows, modalities, notes)
    spans = folder_intervals.read_spans(files, on_error, notes)
    classes = _classes(root, rows, spans, files, settings)
    conditions = _conditions(root, rows, settings)

    streams = {key: {m: found[m] for m in modalities if m in found} for key, found in files.items() if key in spans}
    whole = {key: bool(rows[key].label) for key in streams}
    make = partial(read_streams, streams, whole, settings, on_error)
    stamp = [READER, on_error, repr((settings.imu, settings.skeleton)), list(whole.items())]
    stamp += [stamp_of(path) for found in streams.values() for path in found.values()]
    (ids, arrays), facts = cache.load_or_make("folder", stamp, make) if use_cache else make()
    for kind, entries in facts["notes"].items():
        notes[kind].extend(entries)

    known = {m: stream_of(m, facts["channels"][m], facts["rates"][m], settings, facts["columns"],
                          root / "dataset.toml")
             for m in modalities if m in arrays}  # fmt: skip
    people, trials = files_of.numbered(row.subject for row in rows.values()), _trials(root, rows, notes)
    items, bad, made, placed = [], set(), defaultdict(list), [rows[key] for key in streams]
    for i, name in enumerate(ids):
        place, *span = arrays["span"][i].tolist()
        row = placed[int(place)]
        try:
            path = files[row.id].get("intervals")
            intervals = folder_intervals.within(path, spans[row.id], row.id, span, classes, notes)
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"] += [str(error)] if row.id not in bad else []
            bad.add(row.id)
            continue
        if spans[row.id] and not intervals:  # somebody watched it, and said of nothing what it was
            told = f"{name}: {span[1] - span[0]:.0f} s"
            notes["left out: parts of labelled recordings without an interval"].append(told)
            continue
        label = classes.index(row.label) if row.label else -1
        values = {m: arrays[m][i] for m in known if len(arrays[m][i])}
        numbers = (people[row.subject], label, trials[row.id])
        items.append(Recording(name, *numbers, values, conditions[row.id], intervals))
        made[row.id].append(items[-1])
    if not items:
        reasons = "; ".join(f"{kind}: {', '.join(entries[:3])}" for kind, entries in notes.items() if entries)
        raise DataError(f"None of the {len(rows)} recordings in {root} could be used. {reasons}.")
    folder_intervals.note_lost({key: found for key, found in spans.items() if key not in bad}, made, notes)
    training = {n: [r for r in items if r.conditions.get(_PROTOCOL + n) == "train"] for n in settings.protocols}
    notes["doubtful"] += [*suspicions(items, known), *suspicions_of_classes(items, classes, training)]
    notes = notes_within(notes, root)
    return Recordings(items, classes, known, settings.name, notes)


def missing_data_message(data_dir, modalities=("imu",)):
    """What to say when `data_dir` is no such folder (or is `None`: none was named)."""
    found = f"There is no recordings.csv in {data_dir}." if data_dir else "Where are your recordings?"
    files = " and ".join(f"{m}/<id>.csv (or .parquet, .npz)" for m in modalities)
    return (
        f"{found} Name the folder with --data_dir or the environment variable TFKD_DATA. Expected inside: "
        f"recordings.csv with the columns id, subject and label, and for each id {files}. tfkd/data/README.md shows "
        "an example. Without any data, --dataset synthetic works now."
    )


# ---- Protocols: who trains and who tests stands in dataset.toml ----


def protocols(recordings):
    """The protocols that the recordings' dataset.toml declares: name -> function that makes the `Split`.

    Each takes `(recordings, validation_subjects=())`. Leaving one subject out is always possible, and not named here.
    """
    keys = dict.fromkeys(key for r in recordings for key in r.conditions if key.startswith(_PROTOCOL))
    names = [key.removeprefix(_PROTOCOL) for key in keys]
    return {name: partial(_divided, name=name) for name in names}


def split(recordings, name, validation_subjects=()):
    """The `Split` of a declared protocol.

    Raises:
        DataError: there is no such protocol; it says how to declare one.
    """
    known = protocols(recordings)
    if name not in known:
        raise DataError(
            f"The dataset.toml of {recordings.name} declares no protocol {name!r}"
            + (f", only {', '.join(known)}" if known else "")
            + f". Say there who trains and who tests: [protocols.{name}] train = [1, 3] test = [2, 4], each on a line "
            "of its own; or leave one person out: data.split = 'loso' with data.test_subject."
        )
    return known[name](recordings, validation_subjects)


def _divided(recordings, validation_subjects=(), name=None):
    key = _PROTOCOL + name
    divided = by_condition(recordings, name, key, ["train"], ["test"], validation_subjects)
    people = [set(side.subjects) for side in (divided.train, divided.validation, divided.test)]
    if people[2] & (people[0] | people[1]):  # divided by session, say
        return divided
    return Split(name, divided.train, divided.validation, divided.test)


def _conditions(root, rows, settings):
    """Id -> conditions: other columns, the person's name, and the side of each protocol."""
    columns = next(iter(rows.values())).conditions
    values = {name: files_of.numbered(row.conditions[name] for row in rows.values()) for name in columns}
    plain = {name for name, found in values.items() if all(map(files_of.is_number, found))}
    named = not all(files_of.is_number(row.subject) for row in rows.values())
    made = {}
    for key, row in rows.items():
        made[key] = {n: values[n][text] if n in plain else text for n, text in row.conditions.items()}
        made[key] |= {"person": row.subject} if named else {}
    for name, protocol in settings.protocols.items():
        of = {key: {**row.conditions, "subject": row.subject}.get(protocol.by) for key, row in rows.items()}
        where = f"{root / 'dataset.toml'}: protocols.{name}"
        if None in of.values():
            raise DataError(f"{where}.by is {protocol.by!r}, which is no column of recordings.csv.")
        if twice := files_of.written_twice(of.values()):
            raise DataError(f"{where}: {protocol.by} is {twice[0]!r} and {twice[1]!r} in recordings.csv: one number?")
        if absent := [value for value in (*protocol.train, *protocol.test) if value not in of.values()]:
            known = ", ".join(sorted(set(of.values())))
            raise DataError(f"{where} names {', '.join(absent)}, but recordings.csv has the {protocol.by}s {known}.")
        for key, value in of.items():
            sides = [side for side in ("train", "test") if value in getattr(protocol, side)]
            made[key] |= {_PROTOCOL + name: sides[0]} if sides else {}
    return made


# ---- What belongs to what ----


def _files(root, rows, modalities, notes):
    """Id -> {kind: path}, of the recordings that have one of `modalities`."""
    found, others = files_of.find_files(root, (*KINDS, "intervals"))
    others += [path for key in sorted(set(found) - set(rows)) for path in found[key].values()]
    notes["ignored: not in recordings.csv, or of another ending"] += map(str, others)
    files = {}
    for key, row in rows.items():
        have = found.get(key, {})
        if not set(have) & set(KINDS):
            raise DataError(
                f"{root / 'recordings.csv'}: line {row.line}: there is no file imu/{key}.csv (nor .parquet, .npz, nor "
                "in skeleton). Put it there, or take the line out."
            )
        if "intervals" in have and row.label:
            raise DataError(
                f"{root / 'recordings.csv'}: line {row.line}, column label: {key} is labelled {row.label!r} and has "
                f"{have['intervals']} too. Leave the label empty if it is continuous."
            )
        if not row.label and "intervals" not in have:
            notes["without labels"].append(key)
        for modality in (m for m in modalities if m not in have):
            notes[f"no {modality}"].append(key)
        if set(have) & set(modalities):
            files[key] = have
    if absent := [m for m in modalities if not any(m in have for have in files.values())]:
        raise DataError(f"No recording in {root} has {' or '.join(absent)}. {missing_data_message(None, absent)}")
    return files


def _classes(root, rows, spans, files, settings):
    """Class names in order."""
    places = {}
    for row in rows.values():
        if row.label:
            places.setdefault(row.label, f"{root / 'recordings.csv'}: line {row.line}")
    for key, found in spans.items():
        for span in found:
            places.setdefault(span.label, f"{files[key]['intervals']}: line {span.line}")
    if unknown := [label for label in places if settings.classes and label not in settings.classes]:
        raise DataError(
            f"{places[unknown[0]]}, column label: {unknown[0]!r} is not among the classes of {root / 'dataset.toml'}: "
            f"{', '.join(settings.classes)}."
        )
    if not places:
        raise DataError(f"{root / 'recordings.csv'}: nothing in it has a label, nor has it intervals.")
    return settings.classes or tuple(sorted(places))


def _trials(root, rows, notes):
    """Id -> number: of the column trial, else which time that person does it."""
    seen, trials = Counter(), {}
    for key, row in rows.items():
        seen[row.subject, row.label] += 1
        told = row.conditions.get("trial", "")
        trials[key] = int(told) if files_of.is_number(told) else seen[row.subject, row.label]
        if told and not files_of.is_number(told):
            notes["counted: trial is no whole number"].append(f"{root / 'recordings.csv'}: line {row.line}: {told!r}")
    return trials
