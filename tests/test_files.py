"""A file is whole or not there, and what was there before stays."""

import errno
import subprocess
import sys
import threading
import time

import pytest

from tfkd import files


def test_an_interrupted_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_said_plainly(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(files.OutputError) as raised, files.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(path) in str(raised.value) and "No space left on device" in str(raised.value)
    assert "What was there before is unchanged" in str(raised.value)
    assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(files.OutputError, match="Could not write"):
        files.write_text(tmp_path / "file" / "a.txt", "text")


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_one_process_at_a_time(tmp_path):
    """Another one waits, and comes in when the first is killed."""
    script = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(1); time.sleep(60)"
    said = []
    with subprocess.Popen([sys.executable, "-uc", script, str(tmp_path / "lock")], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"1\n"
        with files.alone(tmp_path / "lock", wait=None) as mine:
            assert not mine
        threading.Timer(0.3, other.kill).start()
        started = time.monotonic()
        with files.alone(tmp_path / "lock", lambda: said.append("waiting")):
            assert said == ["waiting"] and time.monotonic() - started > 0.25
    with files.alone(tmp_path / "lock", lambda: said.append("again")) as mine:
        assert mine and said == ["waiting"]
