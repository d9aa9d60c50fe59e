"""The files of a UTD-MHAD download: folders or zips, nested or differently cased, with strays and duplicates."""

import io
import os
import re
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from tfkd.data.recordings import DataError

FILES = {  # modality: folder, end of the file's name, variable in it
    "imu": ("Inertial", "inertial.mat", "d_iner"),
    "skeleton": ("Skeleton", "skeleton.mat", "d_skel"),
    "depth": ("Depth", "depth.mat", "d_depth"),
    "video": ("RGB", "color.avi", None),
}
ACTIONS = 27
WAY_OUT = "Download it again, or skip such files with on_error='skip' (--skip_bad_files)."

_ENDINGS = {ending: modality for modality, (_, ending, _) in FILES.items()}
_NAME = re.compile(rf"^(a(\d+)_s\d+_t\d+)_({'|'.join(map(re.escape, _ENDINGS))})$", re.IGNORECASE)


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


def find_files(root, modalities, on_error):
    """Maps (trial id, modality) to its `Source`; folders come before zips, the first of duplicates wins.

    Returns:
        `(files, notes)`.

    Raises:
        DataError: a zip cannot be read, and `on_error` is `"raise"`.
    """
    notes = defaultdict(list)
    candidates = []
    for folder, _, names in sorted(os.walk(root, followlinks=True)):
        for name in sorted(names):
            path = Path(folder) / name
            if _NAME.match(name):
                candidates.append((name, Source(path)))
            elif name.lower().endswith(".zip") and not name.startswith("."):
                candidates.extend(_in_zip(path, on_error, notes))
    candidates.sort(key=lambda entry: entry[1].member is not None)
    files = {}
    for name, source in candidates:
        trial, action, ending = _NAME.match(name).groups()
        key = (trial.lower(), _ENDINGS[ending.lower()])
        if key[1] not in modalities:
            continue
        if not 1 <= int(action) <= ACTIONS:
            notes["ignored: no such action"].append(str(source))
        elif key in files:
            notes["ignored: duplicate"].append(f"{source} (kept {files[key]})")
        else:
            files[key] = source
    return files, notes


def _in_zip(path, on_error, notes):
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
    names = [(Path(member).name, member) for member in sorted(archive.namelist())]
    return [(name, Source(path, member, archive)) for name, member in names if _NAME.match(name)]


def load_mat(source, modality):
    """The numbers in a `.mat` file, in MATLAB's order of axes, finite.

    Raises:
        DataError: unreadable, another variable, no numbers, or some that are NaN or infinite.
    """
    from scipy.io import loadmat

    key = FILES[modality][2]
    try:
        with source.open() as file:
            content = loadmat(file)
    except Exception as error:  # scipy raises whatever the broken bytes led it to
        raise DataError(f"{source} is unreadable as a .mat file ({error}). {WAY_OUT}") from error
    if key not in content:
        names = sorted(name for name in content if not name.startswith("__"))
        raise DataError(f"{source} holds {names} instead of {key!r}: renamed? {WAY_OUT}")
    values = content[key]
    if values.dtype.kind not in "fiu":
        raise DataError(f"{source}: {key} has type {values.dtype}, expected numbers. {WAY_OUT}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.size(values) - np.isfinite(values).sum())
        raise DataError(f"{source}: {bad} values are NaN or infinite. {WAY_OUT}")
    return values
