"""Publishing: the same run gives the same files, and what cannot be published changes nothing."""

import json
import shutil

import pytest

from tests import command_line

HOUSE = command_line.TOOLS.parent


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A copy of what publishing reads and writes."""
    house = tmp_path / "house"
    shutil.copytree(HOUSE / "tools", house / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HOUSE / "models", house / "models", ignore=shutil.ignore_patterns("*.tflite"))
    shutil.copy(HOUSE / "README.md", house)
    monkeypatch.setattr(command_line, "TOOLS", house / "tools")
    return house


@pytest.fixture
def run(house):
    """A run too large for a microcontroller, so that there is no export to publish."""
    return shutil.copytree(house / "models" / "utd-vskd", house / "run")


def files_of(house):
    return {path: path.read_bytes() for path in [house / "README.md", *house.glob("models/*/*")]}


def test_the_same_run_gives_the_same_files_and_no_path_of_this_machine(house, run):
    before = files_of(house)
    (house / "models" / "utd-vskd" / "results.json").unlink()
    answer = command_line.run("publish.py", "--run", run, "--model", house / "models" / "utd-vskd")
    assert answer.returncode == 0 and files_of(house) == before


@pytest.mark.parametrize("damage", ["{", "[]", "{}"])
@pytest.mark.parametrize("whose", ["run", "models/utd-imu"])
def test_damaged_results_are_named_and_nothing_is_changed(house, run, whose, damage):
    damaged = house / whose / "results.json"
    damaged.write_text(damage)
    before = files_of(house)
    answer = command_line.run("publish.py", "--run", run, "--model", house / "models" / "utd-vskd")
    assert answer.returncode == 1 and f"{damaged} cannot be read" in answer.stderr
    assert files_of(house) == before


def test_results_of_another_version_are_not_published(house, run):
    found = json.loads((run / "results.json").read_text())
    (run / "results.json").write_text(json.dumps(found | {"format": 0}))
    before = files_of(house)
    answer = command_line.run("publish.py", "--run", run, "--model", house / "models" / "utd-vskd")
    assert answer.returncode == 1 and "results.json is of format 0; this tfkd reads 1" in answer.stderr
    assert files_of(house) == before


def test_a_folder_elsewhere_does_not_take_the_place_of_the_zoo(house, run, tmp_path):
    before = files_of(house)
    answer = command_line.run("publish.py", "--run", run, "--model", shutil.copytree(run, tmp_path / "mine" / "utd"))
    assert answer.returncode == 1 and "must be a folder of" in answer.stdout + answer.stderr
    assert files_of(house) == before
