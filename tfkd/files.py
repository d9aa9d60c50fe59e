"""Writing files so that a reader only ever sees a whole one.

Every file that tfkd writes goes to a temporary name in its own folder first and is renamed when it is
complete: a killed run, a full disk or a read-only folder leaves what was there before.
"""

import contextlib
import json
import os
from pathlib import Path


class OutputError(OSError):
    """A file or folder could not be written; the message names it, the cause and the way out."""


@contextlib.contextmanager
def atomic_path(path):
    """Yields a temporary path beside `path`; renames it onto `path` when the block succeeds.

    The temporary name keeps the suffix, because Keras and numpy choose a format by it.

    Raises:
        OutputError: the folder or file cannot be written (disk full, read-only, ...).
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"Could not write {path}: {error.strerror or error}. What was there before is unchanged. "
            "Free some space, or choose a folder that you may write to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path, wait=lambda: None):
    """Keeps other processes out of the block that name the same `path`, a file made for it; they wait.

    A process that is killed lets the next one in. Where the system has no such locks (Windows), nobody waits.

    Args:
        path: of a file that holds nothing else.
        wait: called once if another process is in the block; `None` to go on into the block at once all the same.

    Yields:
        Whether no other process is in the block: always, if this one waits.

    Raises:
        OutputError: the file cannot be made.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise OutputError(f"Could not write {path}: {error.strerror or error}.") from error
    with lock:
        mine = True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait is None:
                mine = False
            else:
                wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield mine


def write_bytes(path, data):
    """Writes `data` (bytes) to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path, text):
    """Writes `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path, value):
    """Writes `value` as indented JSON to `path`; NaN and infinities are refused, since JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
