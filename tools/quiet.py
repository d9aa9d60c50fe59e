"""Keeping TensorFlow's start-up chatter off the screen of the command-line tools."""

import contextlib
import os
import sys


@contextlib.contextmanager
def without_start_up_messages():
    """Imports TensorFlow quietly: what its C++ side writes to standard error while loading is dropped.

    Python errors come through; so do later C++ errors, unless `TF_CPP_MIN_LOG_LEVEL` says otherwise.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
