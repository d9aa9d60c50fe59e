"""Tables of numbers in text files, read fast; what is wrong with one is told by file, line and column."""

import contextlib
import csv
import io
from pathlib import Path

import numpy as np

from tfkd.data.recordings import DataError

_NO_UTF_8 = "is no UTF-8 text. Save it as such: in a spreadsheet as 'CSV UTF-8', in pandas with encoding='utf-8'."


def read_numbers(path, columns):
    """Columns of a CSV file with a header, as numbers.

    Args:
        path: the file.
        columns: names that the header must have, in the order wanted; other columns are not parsed.

    Returns:
        `(rows, columns)` float64.

    Raises:
        DataError: a column is missing, or a cell is no finite number; line, column and text are named.
    """
    return read_table(path, columns).to_numpy("float64")


def read_table(path, numbers, texts=(), header=None):
    """Columns of a CSV file as a pandas table: `numbers` as float64, `texts` as they stand.

    Args:
        path, numbers, texts: the file, and the names of the wanted columns.
        header: names of all columns, of a file whose first line does not hold them.

    Raises:
        DataError: as in `read_numbers`; the file is unreadable, or has no rows.
    """
    import pandas as pd

    columns = [*numbers, *texts]
    types = {**dict.fromkeys(numbers, "float64"), **dict.fromkeys(texts, "str")}
    try:
        content = Path(path).read_bytes()
        # No words for "missing": an empty or unknown cell is looked up below, and told.
        table = pd.read_csv(
            io.BytesIO(content), header=None if header else 0, names=header, usecols=columns, dtype=types,
            index_col=False, na_filter=False, low_memory=False, encoding="utf-8",
        )  # fmt: skip
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except ValueError as error:  # of pandas' parser, and of text that is no UTF-8
        _explain(path, content, columns, numbers, header)
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    if table.empty:
        raise DataError(f"{path} has no rows.")
    commas, lines = (len(header) - 1, 0) if header else (content[: content.find(b"\n")].count(b","), 1)
    # pandas says nothing of cells too many where it is asked for some of the columns. (NumPy counts faster than bytes.)
    found = np.count_nonzero(np.frombuffer(content, "uint8") == ord(","))
    if found != commas * (len(table) + lines) or not np.isfinite(table[list(numbers)].to_numpy()).all():
        _explain(path, content, columns, numbers, header)
    return table[columns]


def _explain(path, content, columns, numbers, header=None):
    """Goes through a suspicious file, slowly, and raises a `DataError` about the first fault that there is."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {_NO_UTF_8} ({error})") from error
    if not any(lines):
        raise DataError(f"{path} is empty.")
    rows = csv.reader(lines)
    expected = "the header" if header is None else "expected"
    header = header or next(rows)
    if missing := [name for name in columns if name not in header]:
        raise DataError(
            f"{path}: line 1 has no column {', '.join(missing)}, only {', '.join(header)}.{separator_hint(header)}"
        )
    places = [(name, header.index(name)) for name in numbers]
    for row in rows:
        if _is_blank(row):
            continue
        if len(row) != len(header):
            hint = " Decimal commas?" if len(row) > len(header) else " Was it cut off?"
            raise DataError(f"{path}: line {rows.line_num} has {len(row)} cells, {expected} {len(header)}.{hint}")
        for name, place in places:
            if not _is_number(row[place]):
                hint = " Write numbers with a decimal point." if _is_number(row[place].replace(",", ".")) else ""
                raise DataError(
                    f"{path}: line {rows.line_num}, column {name}: {row[place]!r} is no finite number.{hint}"
                )


def read_header(path):
    """The names in the first line of a CSV file, each of them a name.

    Raises:
        DataError: the file cannot be read, or a name is empty or has blanks around it.
    """
    names = first_line(path)
    if names[0].startswith("sep="):
        raise DataError(f"{path}: line 1 ({','.join(names)}) is for a spreadsheet alone: take it out.")
    if "" in names and any(names):
        raise DataError(
            f"{path}: line 1: column {names.index('') + 1} has no name. Is it an index (pandas: to_csv(..., "
            "index=False)), or a comma too many at the end of each line?"
        )
    if blank := [name for name in names if name != name.strip()]:
        raise DataError(f"{path}: line 1, column {blank[0]!r}: take the blanks beside the commas out.")
    return names


def first_line(path):
    """The cells in the first line of a CSV file, of which there is one at least."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {_NO_UTF_8} ({error})") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from error
    if not names:
        raise DataError(f"{path} is empty.")
    return names


def _is_blank(cells):
    """Whether pandas takes a line for none: one of commas is one."""
    return len(cells) < 2 and not "".join(cells).strip()


def separator_hint(names):
    """What to do about a header that was not taken apart at commas; empty where it was."""
    signs = {";": "semicolons", "\t": "tabs"}
    for sign in (sign for sign in signs if len(names) == 1 and sign in names[0]):
        return f" It is separated by {signs[sign]}: save it with commas between the cells and points in the numbers."
    return ""


def place(path, row):
    """Where in the file a row of its table is, in words."""
    return f"line {lines_of_rows(path)[row]}" if path.suffix.lower() == ".csv" else f"row {row + 1}"


def lines_of_rows(path):
    """The line of each row of a CSV file with a header; blank lines are no rows."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        return [rows.line_num for cells in rows if not _is_blank(cells)][1:]


def read_plain_numbers(data, name, columns, separator=None, skip=0):
    """A table without a header, whose columns are known.

    Args:
        data: the file's bytes.
        name: of the file, for errors.
        columns: names of all its columns, in order.
        separator: between columns; `None` is any stretch of blanks.
        skip: lines to leave out at the beginning.

    Returns:
        `(rows, columns)` float64.

    Raises:
        DataError: there are no rows, one has more or fewer cells, or a cell is no finite number.
    """
    import pandas as pd

    values = None
    with contextlib.suppress(ValueError):  # text, uneven rows or none: told apart below
        table = pd.read_csv(
            io.BytesIO(data), sep=r"\s+" if separator is None else separator, header=None, skiprows=skip,
            dtype="float64", keep_default_na=False, encoding="latin-1",
        )  # fmt: skip
        values = table.to_numpy()
    if values is None or values.shape[1] != len(columns) or not np.isfinite(values).all():
        _explain_plain(data, name, columns, separator, skip)
        raise DataError(f"{name} cannot be read as a table of numbers.")
    return values


def _explain_plain(data, name, columns, separator, skip):
    """As `_explain`, of a table without a header."""
    lines = data.decode("latin-1").splitlines()
    rows = [(n, line.split(separator)) for n, line in enumerate(lines[skip:], skip + 1) if line.strip()]
    if not rows:
        raise DataError(f"{name} has no rows.")
    for number, cells in rows:
        if len(cells) != len(columns):
            some = ", ".join(columns[:4]) + (", ..." if len(columns) > 4 else "")
            hint = " Decimal commas?" if separator == "," and len(cells) > len(columns) else ""
            raise DataError(f"{name}: line {number} has {len(cells)} cells instead of {len(columns)} ({some}).{hint}")
        for place, (column, cell) in enumerate(zip(columns, cells), 1):
            if not _is_number(cell):
                hint = " Numbers with a decimal point are expected." if _is_number(cell.replace(",", ".")) else ""
                raise DataError(
                    f"{name}: line {number}, column {place} ({column}): {cell.strip()[:40]!r} is no finite "
                    f"number.{hint}"
                )


def _is_number(text):
    try:
        if "_" in text:  # Python's way of writing thousands, which pandas does not know
            return False
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
