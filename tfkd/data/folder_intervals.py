"""What was done when, in the continuous recordings of a folder of one's own."""

import itertools
from typing import NamedTuple

from tfkd.data import tables
from tfkd.data.folder_files import is_number, plain_text
from tfkd.data.recordings import DataError, Interval

STICKING_OUT = 1.0
"""Seconds by which an interval may begin before, or end after, what was recorded."""


class Span(NamedTuple):
    """A line of an intervals file, in seconds of the streams' clock."""

    begin: float
    end: float
    label: str
    part: int
    line: int


def read_intervals(path):
    """The `Span`s of an intervals file, ascending.

    Raises:
        DataError: a column is missing, an interval ends before it begins, or two overlap; lines are named.
    """
    names = tables.read_header(path)
    unit = "_ms" if "begin_ms" in names and "begin" not in names else ""
    columns = [f"begin{unit}", f"end{unit}"]
    texts = ["label", *(["part"] if "part" in names else [])]
    table = tables.read_table(path, columns, texts)
    spans = []
    for line, values in zip(tables.lines_of_rows(path), table.to_dict("records")):
        begin, end = (values[name] / (1000 if unit else 1) for name in columns)
        label, part = plain_text(values["label"]), values.get("part", "").strip()
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


def read_spans(files, on_error, notes):
    """Id -> intervals, none for a trial; without the recordings whose intervals are bad."""
    spans = {}
    for key, found in files.items():
        try:
            spans[key] = read_intervals(found["intervals"]) if "intervals" in found else []
        except DataError as error:
            if on_error == "raise":
                raise
            notes["skipped: bad file"].append(str(error))
    return spans


def within(path, spans, key, span, classes, notes):
    """`Interval`s within a part of the recording `key`, in seconds from the part's beginning."""
    start, stop, first, last = span
    made = []
    for begin, end, label, part, line in spans:
        out = max(first - begin, end - last)
        if out > STICKING_OUT or begin >= last or end <= first:
            raise DataError(
                f"{path}: line {line}: the interval from {begin:.15g} to {end:.15g} s lies outside the recording, from "
                f"{first:.15g} to {last:.15g} s. Both go by one clock; columns begin_ms and end_ms take milliseconds."
            )
        told = notes["clipped: intervals that stick out of the recording"]
        if out > 0.1 and (clipped := f"{key}: line {line}, by {out:.2f} s") not in told:  # by a part before this one
            told.append(clipped)
        begin, end = max(begin, start), min(end, stop)
        if begin < end:
            made.append(Interval(begin - start, end - start, classes.index(label), part))
    return tuple(made)


def note_lost(spans, recordings_of, notes):
    """Notes how much labelled time is in no recording.

    Args:
        spans: id -> `Span`s of a continuous recording.
        recordings_of: id -> the `Recording`s that were made of it.
        notes: kind -> list.
    """
    for key, found in spans.items():
        labelled = sum(span.end - span.begin for span in found)
        kept = sum(i.end - i.begin for recording in recordings_of.get(key, ()) for i in recording.intervals)
        if labelled - kept > 0.1:  # each part ends on a sample
            notes["left out: labelled seconds that not all streams cover"].append(
                f"{key}: {labelled - kept:.1f} of {labelled:.1f}"
            )
