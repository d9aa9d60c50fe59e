"""Where a result comes from: versions, revision, and a fingerprint of the data."""

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path

import numpy as np

PACKAGES = ("tensorflow", "keras", "tensorflow-model-optimization", "tflite-micro", "numpy", "tfkd")


def hash_of_recordings(recordings):
    """SHA-256 over ids, labels, intervals, conditions and every sample of every stream."""
    digest = hashlib.sha256()
    for recording in sorted(recordings, key=lambda r: r.id):
        digest.update(f"{recording.id} {recording.subject} {recording.label}".encode())
        if recording.intervals:
            digest.update(repr([tuple(interval) for interval in recording.intervals]).encode())
        if recording.conditions:
            digest.update(repr(sorted(recording.conditions.items())).encode())
        for name in sorted(recording.streams):
            values = np.ascontiguousarray(recording.streams[name])
            digest.update(f"{name} {values.shape} {values.dtype}".encode())
            digest.update(values.tobytes())
    return digest.hexdigest()


def meaning_of_recordings(recordings):
    """What the numbers in them mean, which their hash does not tell: `"classes"` in order, and of each stream
    `"<name>.channels"`, `.units`, `.rate_hz` and `.bones`; as JSON would give it back."""
    meaning = {"classes": recordings.classes}
    for name, stream in sorted(recordings.streams.items()):
        meaning |= {f"{name}.{key}": value for key, value in dataclasses.asdict(stream).items()}
    return json.loads(json.dumps(meaning))


def hash_of_files(paths):
    """File name -> SHA-256."""
    return {Path(path).name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def versions():
    """Python's and the main packages' versions."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def git_revision():
    """Revision of the checkout tfkd runs from, with `+changes` if edited; `None` outside a checkout."""
    where = Path(__file__).parent

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+changes" if git("status", "-s", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
