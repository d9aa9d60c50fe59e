"""Parsed arrays, kept on disk and used again only while the files they came from are unchanged.

The cache lives in `TFKD_CACHE`, else in `tfkd` under the user's cache folder. It is a convenience: where
it cannot be written or read, the data is simply parsed again.
"""

import hashlib
import json
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np

from tfkd.files import OutputError, atomic_path

FORMAT = 1


def folder():
    """Where parsed arrays are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TFKD_CACHE") or Path(base) / "tfkd")


def load_or_make(name, stamp, make):
    """Returns `make()`, from the cache when an entry with the same stamp is there and whole.

    Args:
        name: data set name; one entry is kept for each name and stamp.
        stamp: JSON-able description of the sources (paths, sizes, times). Another stamp is another
            entry.
        make: function that returns `((ids, {modality: list of arrays}), notes)`.
    """
    key = hashlib.sha256(json.dumps([FORMAT, name, stamp]).encode()).hexdigest()[:20]
    path = folder() / f"{name}-{key}.npz"
    if path.exists():
        try:
            return _load(path)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            warnings.warn(f"The cache file {path} is damaged ({error}); reading the data again.")
    made = make()
    try:
        _save(path, *made)
    except OutputError as error:
        warnings.warn(f"The data is read, but not cached: {error}")
    return made


def _save(path, content, notes):
    ids, arrays = content
    packed = {"ids": np.array(ids), "notes": np.array(json.dumps(notes))}
    for modality, values in arrays.items():
        packed[f"{modality}_values"] = np.concatenate(values)
        packed[f"{modality}_lengths"] = np.array([len(v) for v in values])
    with atomic_path(path) as temporary:
        np.savez(temporary, **packed)


def _load(path):
    # A zip member is checked against its CRC when read, so flipped bytes are noticed. No pickles.
    with np.load(path, allow_pickle=False) as packed:
        ids = [str(i) for i in packed["ids"]]
        notes = json.loads(str(packed["notes"]))
        arrays = {}
        for key in packed.files:
            if key.endswith("_values"):
                modality = key.removesuffix("_values")
                ends = np.cumsum(packed[f"{modality}_lengths"])
                arrays[modality] = np.split(packed[key], ends[:-1])
    return (ids, arrays), notes
