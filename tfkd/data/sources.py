"""The files of a download: in folders or zips, at any depth, told by their names."""

import io
import os
import zipfile
import zlib
from pathlib import Path

from tfkd.data.recordings import DataError

WAY_OUT = "Download it again, or skip such files with on_error='skip' (--skip_bad_files)."


def check_on_error(on_error):
    """Refuses any other value than those that readers take."""
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")


def notes_within(notes, data_dir):
    """The notes of a reader, kind -> lines, with paths from `data_dir` on, and without kinds that have none.

    Notes go into reports: where this machine keeps its data is nobody's business there. Reports are UTF-8, which names
    of files need not be: other bytes of a name are written out.
    """
    within = f"{Path(data_dir)}{os.sep}"

    def told(line):
        return line.replace(within, "").encode("utf-8", "backslashreplace").decode()

    return {kind: [told(line) for line in lines] for kind, lines in notes.items() if lines}


def stamp_of(path):
    """Path, size and time of a file: another file, or the same one changed, has another.

    A file that is not there, or may not be read, has one too: that is told where it is read.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        return (str(path), error.strerror)
    return (str(path), status.st_size, status.st_mtime_ns) if os.access(path, os.R_OK) else (str(path), "unreadable")


def require_access(folder):
    """Raises `DataError` if there is such a folder, but nobody may look into it."""
    if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
        raise DataError(_no_access(folder))


def _no_access(folder):
    return f"{folder} may not be looked into by this user. Permit it (chmod -R u+rX), or name a copy of one's own."


def walk(root, on_error, notes):
    """As `os.walk`, in the order of the names, and not silent about folders that cannot be looked into.

    Raises:
        DataError: there is one, and `on_error` is `"raise"`; else it is noted.
    """

    def refuse(error):
        if isinstance(error, FileNotFoundError | NotADirectoryError):  # who finds nothing says where it was looked for
            return
        if on_error == "raise":
            raise DataError(_no_access(error.filename)) from error
        notes["skipped: unreadable"].append(_no_access(error.filename))

    return sorted(os.walk(root, onerror=refuse, followlinks=True))


class Source:
    """One file, on disk or inside a zip."""

    def __init__(self, path, member=None, archive=None):
        self.path, self.member, self.archive = path, member, archive

    def __str__(self):
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def stamp(self):
        """Path, size and time: another file, or the same one changed, has another."""
        return (str(self), *stamp_of(self.path)[1:])

    def open(self):
        """The bytes, as an open binary file.

        Raises:
            OSError: they cannot be read, or in their zip are damaged, encrypted or packed in an unknown way.
        """
        if not self.member:
            return open(self.path, "rb")
        try:
            return io.BytesIO(self.archive.read(self.member))
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # Cut off (EOFError), encrypted, or compressed in a way that Python does not know (RuntimeError).
            raise OSError(f"in its zip: {error}") from error


def find_sources(root, wanted, on_error, notes):
    """The files below `root` whose name matches, those in folders before those in zips.

    Args:
        root: folder.
        wanted: compiled pattern, matched against the beginning of a file's name.
        on_error: `"raise"` or `"skip"`, for zips that cannot be read.
        notes: kind -> list; a skipped zip or folder is added.

    Returns:
        List of `(match, Source)`.

    Raises:
        DataError: a zip or folder cannot be read, and `on_error` is `"raise"`.
    """
    found, zipped = [], []
    for folder, _, names in walk(root, on_error, notes):
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
