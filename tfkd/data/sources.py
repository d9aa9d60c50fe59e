"""The files of a download: in folders or zips, at any depth, told by their names."""

import io
import os
import zipfile
from pathlib import Path

from tfkd.data.recordings import DataError

WAY_OUT = "Download it again, or skip such files with on_error='skip' (--skip_bad_files)."


def check_on_error(on_error):
    """Refuses any other value than those that readers take."""
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")


def notes_within(notes, data_dir):
    """The notes of a reader, kind -> lines, with paths from `data_dir` on, and without kinds that have none.

    Notes go into reports: where this machine keeps its data is nobody's business there.
    """
    within = f"{Path(data_dir)}{os.sep}"
    return {kind: [line.replace(within, "") for line in lines] for kind, lines in notes.items() if lines}


class Source:
    """One file, on disk or inside a zip."""

    def __init__(self, path, member=None, archive=None):
        self.path, self.member, self.archive = path, member, archive

    def __str__(self):
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def stamp(self):
        """Path, size and time: another file, or the same one changed, has another."""
        status = os.stat(self.path)
        return (str(self), status.st_size, status.st_mtime_ns)

    def open(self):
        """The bytes, as an open binary file."""
        return io.BytesIO(self.archive.read(self.member)) if self.member else open(self.path, "rb")


def find_sources(root, wanted, on_error, notes):
    """The files below `root` whose name matches, those in folders before those in zips.

    Args:
        root: folder.
        wanted: compiled pattern, matched against the beginning of a file's name.
        on_error: `"raise"` or `"skip"`, for zips that cannot be read.
        notes: kind -> list; a skipped zip is added.

    Returns:
        List of `(match, Source)`.

    Raises:
        DataError: a zip cannot be read, and `on_error` is `"raise"`.
    """
    found, zipped = [], []
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        for name in sorted(names):
            path = Path(folder) / name
            if match := wanted.match(name):
                found.append((match, Source(path)))
            elif name.lower().endswith(".zip") and not name.startswith("."):
                zipped.extend(_in_zip(path, wanted, on_error, notes))
    return found + zipped


def _in_zip(path, wanted, on_error, notes):
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        if on_error == "raise":
            raise DataError(
                f"{path} is not a readable zip ({error}). Download it again, remove it, "
                "or skip such files with on_error='skip' (--skip_bad_files)."
            ) from error
        notes["skipped: unreadable"].append(f"{path}: {error}")
        return []
    matches = [(wanted.match(Path(member).name), member) for member in sorted(archive.namelist())]
    return [(match, Source(path, member, archive)) for match, member in matches if match]
