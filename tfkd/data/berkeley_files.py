"""The files of a Berkeley-MHAD copy: which there are, and what an accelerometer's holds."""

import dataclasses
import re
from collections import defaultdict

import numpy as np

from tfkd.data import clocks
from tfkd.data.recordings import DataError
from tfkd.data.sources import find_sources
from tfkd.data.tables import read_plain_numbers

ACTIONS = 11
PLACES = {
    "h01": "left_wrist", "h02": "right_wrist", "h03": "left_hip", "h04": "right_hip", "h05": "left_ankle",
    "h06": "right_ankle",
}  # fmt: skip
"""Where the sensors are. The wrists show in the data (waving the right hand moves h02 alone); the hips and ankles are
those of the authors' paper, not verified."""
SKELETONS = ("bvh", "csv", "markers")
"""Files with a skeleton, the best first."""

LIMIT_G = 2.01  # the sensors measure up to 2 g
MOST_SPIKES = 0.1  # of a file's values; more is another unit
GAP_SECONDS = 0.2
LOW_RATE_HZ = 25.0
POSSIBLE_HZ = 4.0, 100.0  # about 31 usually, and 8.7 in the slowest file of the release

_DATA = re.compile(r"^(acc|moc|skl)_.*\.(txt|bvh|csv)$", re.IGNORECASE)
_TRIAL = re.compile(r"^(acc_h\d+|moc|skl)_s(\d+)_a(\d+)_r(\d+)(\.txt|\.bvh|_pos\.csv)$")


@dataclasses.dataclass(frozen=True)
class Signal:
    """One accelerometer in one trial.

    Attributes:
        seconds: `(samples,)`, ascending, unix time.
        values: `(samples, 3)` in g.
        notes: kind -> sentence, of what was repaired or is odd.
    """

    seconds: np.ndarray
    values: np.ndarray
    notes: dict[str, str]


def find_files(root, modalities, on_error):
    """Maps (trial id, kind) to its `Source`; folders come before zips, the first of duplicates wins.

    Kinds are `"h01"` to `"h06"` of modality `imu`, and those of `SKELETONS`.

    Returns:
        `(files, notes)`.

    Raises:
        DataError: a zip cannot be read, and `on_error` is `"raise"`.
    """
    kinds = {**dict.fromkeys(PLACES, "imu"), **dict.fromkeys(SKELETONS, "skeleton")}
    notes, files = defaultdict(list), {}
    for match, source in find_sources(root, _DATA, on_error, notes):
        trial, kind = _trial_and_kind(match.string.lower())
        key = trial, kind
        if kind is None:
            notes["ignored: not of a trial"].append(str(source))
        elif kind not in kinds or not 1 <= int(trial[5:7]) <= ACTIONS:
            notes["ignored: no such sensor or action"].append(str(source))
        elif kinds[kind] not in modalities:
            continue
        elif key in files:
            notes["ignored: duplicate"].append(f"{source} (kept {files[key]})")
        else:
            files[key] = source
    return files, notes


def _trial_and_kind(name):
    match = _TRIAL.match(name)
    if not match:
        return None, None
    prefix, *numbers, ending = match.groups()
    kind = {("moc", ".txt"): "markers", ("skl", ".bvh"): "bvh", ("skl", "_pos.csv"): "csv"}.get((prefix, ending))
    if prefix.startswith("acc") and ending == ".txt":
        kind = f"h{int(prefix[5:]):02d}"
    return "s{:02d}_a{:02d}_r{:02d}".format(*map(int, numbers)), kind


def content(source):
    """All bytes of a file, without the mark that some editors put before the text.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with source.open() as file:
            return file.read().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error}.") from error


def read_accelerometer(source):
    """Reads `acc_*.txt`: x, y, z in g and unix seconds, without a header.

    Values beyond the sensor's range are wild samples (16 in the release, up to 61 g): each is interpolated over time
    from its neighbours in the channel.

    Returns:
        `Signal`.

    Raises:
        DataError: see `read_plain_numbers`; the clock runs backwards or at an impossible rate, or many values are out
            of range.
    """
    table = read_plain_numbers(content(source), str(source), ("x", "y", "z", "seconds"))
    forwards(table[:, 3], source, "4 (seconds)")
    seconds, values, counts = clocks.in_order(table[:, 3], table[:, :3])
    if len(seconds) < 2:
        raise DataError(f"{source}: only {len(seconds)} samples in time.")
    rate = (len(seconds) - 1) / (seconds[-1] - seconds[0])
    if not POSSIBLE_HZ[0] <= rate <= POSSIBLE_HZ[1]:
        raise DataError(f"{source}: {rate:.3g} samples a second; about 31 expected. Is column 4 in seconds?")
    notes = {}
    wild = np.abs(values) > LIMIT_G
    if wild.mean() > MOST_SPIKES or wild.all(axis=0).any():
        raise DataError(f"{source}: {wild.sum()} of {wild.size} values are beyond 2 g. Is the unit another than g?")
    if wild.any():
        notes["spikes beyond 2 g, interpolated"] = f"{wild.sum()}"
        for channel, bad in zip(values.T, wild.T):
            channel[bad] = np.interp(seconds[bad], seconds[~bad], channel[~bad])
    if len(wide := clocks.gaps(seconds, GAP_SECONDS)):
        longest = np.ptp(wide, axis=1).max()
        notes[f"gaps over {GAP_SECONDS} s, interpolated"] = f"{len(wide)}, the longest {longest:.2f} s"
    if rate < LOW_RATE_HZ:
        notes["low sample rate"] = f"{rate:.1f} Hz"
    if counts["repeated"]:
        notes["repeated times, left out"] = f"{counts['repeated']}"
    if constant := [name for name, channel in zip("xyz", values.T) if np.ptp(channel) == 0]:
        notes["channel never changes"] = ", ".join(constant)
    return Signal(seconds, values, notes)


def forwards(seconds, source, column):
    """Raises `DataError` where a clock runs backwards.

    Args:
        seconds: `(rows,)`.
        source: the file, whose first line holds the first row.
        column: what to call the column.
    """
    if len(back := np.flatnonzero(np.diff(seconds) < 0)):
        row = back[0] + 1
        raise DataError(
            f"{source}: line {row + 1}, column {column}: the clock runs backwards, from {seconds[row - 1]:.6f} to "
            f"{seconds[row]:.6f}."
        )
