"""The files of a UTD-MHAD download: folders or zips, nested or differently cased, with strays and duplicates."""

import re
from collections import defaultdict

import numpy as np

from tfkd.data.recordings import DataError
from tfkd.data.sources import WAY_OUT, find_sources

FILES = {  # modality: folder, end of the file's name, variable in it
    "imu": ("Inertial", "inertial.mat", "d_iner"),
    "skeleton": ("Skeleton", "skeleton.mat", "d_skel"),
    "depth": ("Depth", "depth.mat", "d_depth"),
    "video": ("RGB", "color.avi", None),
}
ACTIONS = 27

_ENDINGS = {ending: modality for modality, (_, ending, _) in FILES.items()}
_NAME = re.compile(rf"^(a(\d+)_s\d+_t\d+)_({'|'.join(map(re.escape, _ENDINGS))})$", re.IGNORECASE)


def find_files(root, modalities, on_error):
    """Maps (trial id, modality) to its `Source`; folders come before zips, the first of duplicates wins.

    Returns:
        `(files, notes)`.

    Raises:
        DataError: a zip cannot be read, and `on_error` is `"raise"`.
    """
    notes = defaultdict(list)
    files = {}
    for match, source in find_sources(root, _NAME, on_error, notes):
        trial, action, ending = match.groups()
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
