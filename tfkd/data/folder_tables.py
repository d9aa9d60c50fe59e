"""The streams of a folder of one's own recordings, as they stand in CSV, Parquet and NPZ files."""

import zipfile
import zlib
from collections import Counter

import numpy as np

from tfkd.data import clocks, tables
from tfkd.data.recordings import DataError

CLOCKS = ("time", "time_ms")
BACKWARDS = 0.1
"""Seconds by which a time stamp may lie before one further above: such rows are put in order."""
REPEATED = 0.1
"""Share of the rows that may have the time of another."""
FASTEST, SLOWEST = 1e-4, 1.0
"""Seconds from row to row, beyond which the times are not in the unit that they say."""


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
    steps, latest = np.diff(times), np.maximum.accumulate(numbers[:, 0])
    behind = np.maximum.accumulate(times) - times > BACKWARDS  # many small steps are a large one too
    if behind.any():
        row = int(behind.argmax())
        where = f"{path}: {tables.place(path, row)}, column {clock}"
        raise DataError(
            f"{where}: the clock runs backwards, from {latest[row]:.15g} to {numbers[row, 0]:.15g}. If the device was "
            "started anew there, make two recordings of it."
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


_DAMAGED = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What a file that is no NPZ, or a damaged or encrypted one, makes NumPy and its zip reader raise."""


def _load_csv(path, choose):
    names = tables.read_header(path)
    clock = _clock(path, names)
    _check_names(path, names, "line 1")
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
    if table.index.name in CLOCKS:
        raise DataError(f"{path}: {table.index.name} is the index; write it as a column: table.reset_index().")
    clock = _clock(path, names)
    _check_names(path, names, "the table")
    channels = choose([name for name in names if name != clock])
    return clock, channels, _checked(path, table.set_axis(names, axis=1), [clock, *channels])


def _load_npz(path, choose):
    import pandas as pd

    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise DataError(f"{path} holds one array without a name, as NPY files do. Write it with np.savez.")
        with loaded as arrays:
            content = {name: arrays[name] for name in arrays.files}
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(f"{path} cannot be read as NPZ without pickles: {error}") from error
    clock = _clock(path, content, "array")
    if missing := {"values", "channels"} - set(content):
        raise DataError(f"{path} has no array {' or '.join(sorted(missing))}, only {', '.join(content)}.")
    times, values, names = content[clock], content["values"], content["channels"].ravel()
    names = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names.tolist()]
    if values.ndim == 3 and values.shape[2] == 3:  # a skeleton, (samples, joints, 3)
        values, names = values.reshape(len(values), -1), [f"{name}_{axis}" for name in names for axis in "xyz"]
    if values.ndim != 2 or times.shape != values.shape[:1] or values.shape[1] != len(names):
        raise DataError(
            f"{path}: {clock} has shape {times.shape}, values {content['values'].shape} and channels "
            f"{content['channels'].shape}, but must be (samples,), (samples, channels) and (channels,)."
        )
    for name, array in ((clock, times), ("values", values)):
        if array.dtype.kind in "cmM":  # which would become numbers without a word
            raise DataError(f"{path}: {name} has type {array.dtype}, but must be real numbers. Convert it.")
    _clock(path, [clock, *names])  # there is one, and no other among the channels
    _check_names(path, [clock, *names], "array channels")
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
            f"{path}: {tables.place(path, row)}, column {columns[column]}: {numbers[row, column]} is no finite number."
        )
    return numbers


def _check_names(path, names, where):
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{path}: {where} has several columns {', '.join(repeated)}. A channel is there once.")


def _clock(path, names, kind="column"):
    there = [name for name in CLOCKS if name in names]
    if len(there) > 1:
        raise DataError(f"{path} has both {' and '.join(there)}: which is the clock? Take the other out.")
    if there:
        return there[0]
    where = f"{path}: line 1" if path.suffix.lower() == ".csv" else f"{path}"
    raise DataError(
        f"{where} has no {kind} time (seconds) or time_ms (milliseconds), only {', '.join(names)}."
        + tables.separator_hint(names)
    )
