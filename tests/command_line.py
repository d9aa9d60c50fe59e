"""Runs the programs of tools/ as from a command line, in this process: a new one loads TensorFlow for seconds first."""

import contextlib
import io
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from absl import app
from absl.testing import flagsaver

TOOLS = Path(__file__).resolve().parent.parent / "tools"


def run(tool, *arguments):
    """What `python tools/<tool> <arguments>` answers, without TFKD_DATA. An exception that it does not catch comes
    through, where the program would end with a traceback.

    Returns:
        A `subprocess.CompletedProcess`.
    """
    command, out, errors = [str(TOOLS / tool), *map(str, arguments)], io.StringIO(), io.StringIO()
    app.define_help_flags()  # they stay; the tool's flags go with it
    with pytest.MonkeyPatch.context() as patch, flagsaver.flagsaver():
        patch.setattr(sys, "argv", command)
        patch.syspath_prepend(TOOLS)
        patch.delenv("TFKD_DATA", raising=False)
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
            pytest.raises(SystemExit) as end,
        ):
            runpy.run_path(command[0], run_name="__main__")
    status = end.value.code
    if isinstance(status, str):
        print(status, file=errors)
        status = 1
    return subprocess.CompletedProcess(command, status or 0, out.getvalue(), errors.getvalue())
