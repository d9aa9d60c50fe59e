"""Tables of numbers in text files: read fast, and where one is bad, its line and column are named."""

import io
import warnings

import numpy as np

from tfkd.data.recordings import DataError


def read_numbers(data, name, columns, separator=None, skip=0):
    """The numbers of a text table.

    Args:
        data: the file's bytes.
        name: of the file, for errors.
        columns: names of all columns, in order, for errors.
        separator: between columns; `None` is any stretch of blanks.
        skip: lines to leave out at the beginning.

    Returns:
        `(rows, columns)` float64, all finite.

    Raises:
        DataError: no rows, a row with more or fewer columns, or something else than a finite number; line and column
            are named.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of mixed types: found below
            frame = pd.read_csv(
                io.BytesIO(data), sep=r"\s+" if separator is None else separator, header=None, skiprows=skip,
                dtype="float64", encoding="latin-1",
            )  # fmt: skip
        values = frame.to_numpy()
    except ValueError:  # of text, of uneven rows, of no rows: all are told apart below
        values = None
    if values is None or values.shape[1] != len(columns) or not np.isfinite(values).all():
        raise DataError(_fault(data, name, columns, separator, skip))
    return values


def _fault(data, name, columns, separator, skip):
    """What is wrong with a table, as a sentence."""
    lines = data.decode("latin-1").splitlines()
    rows = 0
    for number, line in enumerate(lines[skip:], skip + 1):
        if not line.strip():
            continue
        rows += 1
        fields = line.split(separator)
        if len(fields) != len(columns):
            commas = " (decimal commas?)" if separator == "," and len(fields) > len(columns) else ""
            shown = f"{', '.join(columns[:4])}{', ...' if len(columns) > 4 else ''}"
            return f"{name}, line {number}: {len(fields)} columns{commas}, expected {len(columns)} ({shown})."
        for place, (column, field) in enumerate(zip(columns, fields), 1):
            where = f"{name}, line {number}, column {place} ({column}): {field.strip()[:40]!r}"
            try:
                if not np.isfinite(float(field)):
                    return f"{where} is not a finite number."
            except ValueError:
                comma = " (a decimal comma?)" if "," in field else ""
                return f"{where} is not a number{comma}."
    return f"{name} holds numbers in a form that is not understood." if rows else f"{name} holds no rows of numbers."
