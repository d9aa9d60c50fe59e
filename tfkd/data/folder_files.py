"""The files of a folder of one's own recordings: their list, streams as CSV, Parquet or NPZ, and intervals."""

import csv
import dataclasses
import itertools
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfkd.data import clocks, tables
from tfkd.data.recordings import DataError

ENDINGS = (".csv", ".parquet", ".npz")
BACKWARDS = 0.1
"""Seconds by which a time stamp may lie before the one above it: such rows are put in order."""
REPEATED = 0.1
"""Share of the rows that may have the time of another."""
FASTEST, SLOWEST = 1e-4, 1.0
"""Seconds from row to row, beyond which the times are not in the unit that they say."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of recordings.csv; `subject` and the values of `conditions` are as they stand there."""

    id: str
    subject: str
    label: str
    conditions: dict[str, str]
    line: int


class Span(NamedTuple):
    """A line of an intervals file, in seconds of the streams' clock."""

    begin: float
    end: float
    label: str
    part: int
    line: int


def read_list(path):
    """The rows of recordings.csv.

    Raises:
        DataError: a column is missing, an id is there twice or no file's name, or a subject is missing.
    """
    names = _header(path)
    table = tables.read_table(path, [], list(dict.fromkeys(["id", "subject", "label", *names])))
    rows, lines = [], {}
    for line, values in zip(_lines(path), table.to_dict("records")):
        values = {name: str(value).strip() for name, value in values.items()}
        key = values.pop("id")
        if not re.fullmatch(r"[^/\\:.][^/\\:]*", key):
            raise DataError(f"{path}: line {line}, column id: {key!r} is no id: it is part of the files' names.")
        if key in lines:
            raise DataError(f"{path}: line {line}, column id: {key!r} is in line {lines[key]} already.")
        lines[key] = line
        subject, label = values.pop("subject"), values.pop("label")
        if not subject:
            raise DataError(f"{path}: line {line}, column subject is empty: who is it? Any name or number will do.")
        rows.append(Row(key, subject, label, values, line))
    return rows


def numbered(texts):
    """Text -> whole number: itself where all are numbers, else its place in the order of the names, from 1."""
    texts = set(texts)
    if all(map(is_number, texts)):
        return {text: int(text) for text in texts}
    return {text: place for place, text in enumerate(sorted(texts, key=_natural), start=1)}


def is_number(text):
    """Whether a text is a whole number."""
    return re.fullmatch(r"[0-9]+", text) is not None


def _natural(text):
    """So that P2 comes before P10."""
    return [(int(part), "") if is_number(part) else (-1, part) for part in re.split(r"([0-9]+)", text)]


def find_files(root, kinds):
    """The files of folders of `root`.

    Returns:
        `{id: {kind: path}}`, where a kind is the name of a folder, and a list of files with other endings.

    Raises:
        DataError: there are two files of a recording, in different formats.
    """
    found, others = {}, []
    for kind in kinds:
        endings = (".csv",) if kind == "intervals" else ENDINGS
        folder = Path(root) / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith("."):
                continue
            if path.suffix.lower() not in endings:
                others.append(path)
                continue
            files = found.setdefault(path.stem, {})
            if kind in files:
                raise DataError(f"{files[kind]} and {path.name} are of the same recording. Remove one of them.")
            files[kind] = path
    return found, others


def read_stream(path, choose):
    """A stream as it was recorded.

    Args:
        path: a CSV file with a header or a Parquet file, with a column `time` (seconds) or `time_ms` (milliseconds) and
            one for each channel; or an NPZ file with arrays `time` or `time_ms` `(samples,)`, `values` `(samples,
            channels)` and `channels`, their names.
        choose: function from the names of the channels to those that are wanted, in order.

    Returns:
        `(times, values, channels, counts)`: ascending seconds; float32; the names of `values`; what was repaired.

    Raises:
        DataError: something is wrong with the file; line (in a CSV, else row) and column are named.
    """
    load = {".csv": _load_csv, ".parquet": _load_parquet, ".npz": _load_npz}[path.suffix.lower()]
    clock, channels, numbers = load(path, choose)
    times = numbers[:, 0] / (1000 if clock == "time_ms" else 1)
    if len(times) < 2:
        raise DataError(f"{path} has only {len(times)} sample.")
    steps = np.diff(times)
    if steps.min() < -BACKWARDS:
        row = int(np.argmax(steps < -BACKWARDS)) + 1
        raise DataError(
            f"{path}: {place(path, row)}, column {clock}: the clock runs backwards, from {numbers[row - 1, 0]:.15g} to "
            f"{numbers[row, 0]:.15g}. If the device was started anew there, make two recordings of it."
        )
    times, values, counts = clocks.in_order(times, numbers[:, 1:].astype("float32"))
    step = np.median(np.diff(times)) if len(times) > 1 else 0.0
    if counts["repeated"] > REPEATED * len(steps):
        raise DataError(
            f"{path}: {counts['repeated']} of {len(numbers)} rows have the {clock} of another row. If the clock ticks "
            "slower than the sensor, write fractions of a second or number the samples between its ticks."
        )
    if not FASTEST <= step <= SLOWEST:
        raise DataError(
            f"{path}: from row to row, {clock} goes on by {step:.3g} s. Is that the unit? Columns called time are in "
            "seconds, and time_ms in milliseconds."
        )
    return times, values, channels, {what: count for what, count in counts.items() if count}


def _load_csv(path, choose):
    names = _header(path)
    clock = _clock(path, names)
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{path}: line 1 has several columns {', '.join(repeated)}.")
    channels = choose([name for name in names if name != clock])
    return clock, channels, tables.read_numbers(path, [clock, *channels])


def _load_parquet(path, choose):
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise DataError(
            f'{path}: Parquet files need pyarrow: pip install "tfkd[parquet]". CSV and NPZ files need nothing more.'
        ) from error
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
    names = [str(name) for name in table.columns]
    clock = _clock(path, names)
    channels = choose([name for name in names if name != clock])
    return clock, channels, _checked(path, table.set_axis(names, axis=1), [clock, *channels])


def _load_npz(path, choose):
    import pandas as pd

    try:
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as NPZ without pickles: {error}") from error
    clock = _clock(path, content, "array")
    if missing := {"values", "channels"} - set(content):
        raise DataError(f"{path} has no array {' or '.join(sorted(missing))}, only {', '.join(content)}.")
    times, values, names = content[clock], content["values"], [str(name) for name in content["channels"].ravel()]
    if values.ndim == 3 and values.shape[2] == 3:  # a skeleton, (samples, joints, 3)
        values, names = values.reshape(len(values), -1), [f"{name}_{axis}" for name in names for axis in "xyz"]
    if times.shape != (len(values),) or values.shape != (len(values), len(names)):
        raise DataError(
            f"{path}: {clock} has shape {times.shape}, values {content['values'].shape} and channels "
            f"{content['channels'].shape}, but must be (samples,), (samples, channels) and (channels,)."
        )
    channels = choose(names)
    table = pd.DataFrame(values, columns=names)
    table.insert(0, clock, times)
    return clock, channels, _checked(path, table, [clock, *channels])


def _checked(path, table, columns):
    """Columns of a table as float64; a missing one, and a cell that is no finite number, are told."""
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{path} has no column {', '.join(missing)}, only {', '.join(table.columns)}.")
    try:
        numbers = table[columns].to_numpy("float64")
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: the columns are not all numbers: {error}") from error
    if len(wrong := np.argwhere(~np.isfinite(numbers))):
        row, column = wrong[0]
        raise DataError(
            f"{path}: {place(path, row)}, column {columns[column]}: {numbers[row, column]} is no finite number."
        )
    return numbers


def _clock(path, names, kind="column"):
    if clocks_there := [name for name in ("time", "time_ms") if name in names]:
        return clocks_there[0]
    where = f"{path}: line 1" if path.suffix.lower() == ".csv" else f"{path}"
    semicolons = any(";" in name for name in names)
    hint = " It is separated by semicolons: save it with commas between the cells and points in the numbers."
    raise DataError(
        f"{where} has no {kind} time (seconds) or time_ms (milliseconds), only {', '.join(names)}."
        + hint * semicolons
    )


def _header(path):
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    if not names:
        raise DataError(f"{path} is empty.")
    if blank := [name for name in names if name != name.strip()]:
        raise DataError(f"{path}: line 1, column {blank[0]!r}: take the blanks beside the commas out.")
    return names


def place(path, row):
    """Where in the file a row of its table is, in words."""
    return f"line {_lines(path)[row]}" if path.suffix.lower() == ".csv" else f"row {row + 1}"


def _lines(path):
    """The line of each row of a CSV file with a header; blank lines are no rows."""
    with open(path, encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        return [rows.line_num for cells in rows if cells][1:]


def read_intervals(path):
    """The `Span`s of an intervals file, ascending.

    Raises:
        DataError: a column is missing, an interval ends before it begins, or two overlap; lines are named.
    """
    names = _header(path)
    unit = "_ms" if "begin_ms" in names and "begin" not in names else ""
    columns = [f"begin{unit}", f"end{unit}"]
    texts = ["label", *(["part"] if "part" in names else [])]
    table = tables.read_table(path, columns, texts)
    spans = []
    for line, values in zip(_lines(path), table.to_dict("records")):
        begin, end = (values[name] / (1000 if unit else 1) for name in columns)
        label, part = values["label"].strip(), values.get("part", "").strip()
        if not begin < end:
            raise DataError(f"{path}: line {line}: the interval from {begin:.15g} to {end:.15g} s has no length.")
        if not label:
            raise DataError(f"{path}: line {line}, column label is empty. Leave out the times that have no label.")
        if part and not is_number(part):
            raise DataError(f"{path}: line {line}, column part: {part!r} is no whole number.")
        spans.append(Span(begin, end, label, int(part or -1), line))
    spans.sort()
    for one, other in itertools.pairwise(spans):
        if other.begin < one.end - 1e-6:
            raise DataError(
                f"{path}: the intervals of lines {one.line} and {other.line} overlap, from {other.begin:.15g} to "
                f"{min(one.end, other.end):.15g} s. A moment has one label."
            )
    return spans
