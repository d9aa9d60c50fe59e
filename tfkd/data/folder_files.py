"""The files of a folder of one's own recordings: which there are, and their list."""

import dataclasses
import re
import unicodedata
from pathlib import Path

from tfkd.data import tables
from tfkd.data.recordings import DataError
from tfkd.data.sources import require_access

ENDINGS = (".csv", ".parquet", ".npz")


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of recordings.csv; `subject` and the values of `conditions` are as they stand there."""

    id: str
    subject: str
    label: str
    conditions: dict[str, str]
    line: int


def read_list(path):
    """The rows of recordings.csv.

    Raises:
        DataError: a column is missing, an id is there twice or no file's name, or a subject is missing or written in
            two ways.
    """
    names = tables.read_header(path)
    table = tables.read_table(path, [], list(dict.fromkeys(["id", "subject", "label", *names])))
    rows, lines = [], {}
    for line, values in zip(tables.lines_of_rows(path), table.to_dict("records")):
        values = {name: plain_text(str(value)) for name, value in values.items()}
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
    if twice := written_twice(row.subject for row in rows):
        first = [next(row.line for row in rows if row.subject == text) for text in twice]
        raise DataError(
            f"{path}: lines {first[0]} and {first[1]}, column subject: {twice[0]!r} and {twice[1]!r} are one number. "
            "Write a person the same way everywhere, and people that differ by different numbers or names."
        )
    return rows


def plain_text(text):
    """Without blanks around it, and with one sign a letter: macOS writes the u and the dots of ü one by one."""
    return unicodedata.normalize("NFC", text.strip())


def written_twice(texts):
    """Two texts that are the same whole number, such as 1 and 01, or `None`."""
    first = {}
    for text in filter(is_number, texts):
        if (other := first.setdefault(int(text), text)) != text:
            return other, text
    return None


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
        DataError: there are two files of a recording, in different formats, or a folder may not be looked into.
    """
    found, others = {}, []
    for kind in kinds:
        endings = (".csv",) if kind == "intervals" else ENDINGS
        folder = Path(root) / kind
        require_access(folder)
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith("."):
                continue
            if path.suffix.lower() not in endings:
                others.append(path)
                continue
            files = found.setdefault(plain_text(path.stem), {})
            if kind in files:
                raise DataError(f"{files[kind]} and {path.name} are of the same recording. Remove one of them.")
            files[kind] = path
    return found, others
