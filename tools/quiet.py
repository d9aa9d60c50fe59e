"""Keeping TensorFlow's start-up chatter off the screen of the command-line tools."""

import contextlib
import logging
import os
import sys


@contextlib.contextmanager
def without_start_up_messages():
    """Imports TensorFlow quietly: what its C++ side writes to standard error while loading is dropped.

    Later only its errors are shown, of which Python's exceptions come through in any case. Set
    `TF_CPP_MIN_LOG_LEVEL` to see more.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
