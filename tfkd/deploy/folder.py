"""Replacing a whole folder at once, as `tfkd.files` does for one file."""

import contextlib
import os
import shutil

from tfkd.files import OutputError


@contextlib.contextmanager
def replacing_folder(folder):
    """Yields an empty sibling folder; when the block succeeds, it takes the place of `folder`.

    A reader never sees a folder that is half old, half new. (Between the two renames there is
    none for a moment; a process killed just then leaves the earlier one beside it, as
    `.<name>.<pid>.old`.)

    Args:
        folder: `Path`, resolved, whose parent need not exist.

    Raises:
        OutputError: it cannot be written. What was there before is unchanged.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    earlier = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed run that had the same number
        temporary.mkdir(parents=True)
        yield temporary
        had_one = folder.exists()
        if had_one:
            os.rename(folder, earlier)
        try:
            os.rename(temporary, folder)
        except OSError:
            if had_one:
                os.rename(earlier, folder)
            raise
        shutil.rmtree(earlier, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"Could not write {folder}: {error.strerror or error}. What was there before is "
            "unchanged. Free some space, or choose a folder that you may write to."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
