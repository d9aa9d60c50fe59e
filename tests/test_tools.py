"""The command line: quick help, and one clear message where something is missing."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.command_line import TOOLS, run
from tests.formats import clips, own, utd
from tests.test_comparison import write_run


@pytest.mark.parametrize(
    "tool", sorted(path.name for path in TOOLS.glob("*.py") if "app.run(main)" in path.read_text())
)
def test_help_shows_the_command_and_loads_nothing_heavy(tool):
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    answer = subprocess.run([sys.executable, TOOLS / tool, "--help"], capture_output=True, text=True, env=environment)
    assert f"python tools/{tool}" in answer.stdout
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in answer.stderr.splitlines()}
    heavy = {"tensorflow", "keras", "tflite_micro", "numpy", "pandas", "matplotlib", "scipy"}
    assert "absl" in imported and not imported & heavy


def test_no_data_says_where_to_get_it_and_what_works_now(tmp_path):
    answer = run("distill.py", "--dataset", "utd", "--out", tmp_path / "run")
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    for part in ("UTD-MHAD.html", "Inertial/a1_s1_t1_inertial.mat", "TFKD_DATA", "--dataset synthetic"):
        assert part in answer.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "Name a data set"),
        (["--dataset", "mnist"], "mnist"),
        (["--recipe", "none.toml"], "There is no recipe none.toml"),
        (["--dataset", "synthetic", "--recipe", "models/utd-imu/recipe.toml"], "is for --dataset utd"),
        (["--dataset", "synthetic", "--seeds", "0"], "seeds"),
        (["--dataset", "synthetic", "extra"], "Unknown arguments: extra"),
    ],
)
def test_wrong_arguments_are_told_plainly(arguments, message, monkeypatch):
    monkeypatch.chdir(TOOLS.parent)
    answer = run("distill.py", *arguments)
    assert answer.returncode != 0 and message in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr


def test_check_data_counts_and_draws(tmp_path):
    tree = utd.build(tmp_path / "utd")
    utd.fault_truncated(tree, "a2_s1_t2")
    answer = run("check_data.py", "--dataset", "utd", "--data_dir", tree, "--out", tmp_path / "out")
    assert answer.returncode == 1, "a file could not be used"
    assert "utd_mhad: 12 recordings of 2 people" in answer.stdout
    assert "skipped: bad file: 1" in answer.stdout and "a2_s1_t2_inertial.mat" in answer.stdout
    assert "11 recordings have every modality" in answer.stdout
    assert (tmp_path / "out" / "trials.png").stat().st_size > 10_000


def test_check_data_counts_depth_and_names_what_lacks_it(tmp_path):
    tree = utd.build(tmp_path / "utd")
    for path in sorted((tree / "Inertial").iterdir())[1:]:
        trial = path.name.removesuffix("_inertial.mat")
        frames = utd.values_of(utd.path_of(tree, trial, "skeleton")).shape[-1]
        clips.write_depth(tree / "Depth" / f"{trial}_depth.mat", clips.depth_maps(frames))
    arguments = ("--dataset", "utd", "--data_dir", tree, "--modalities", "imu,depth", "--out", tmp_path / "out")
    answer = run("check_data.py", *arguments)
    assert "depth: 11 recordings, 3 channels" in answer.stdout and "skeleton" not in answer.stdout
    assert "left out: no depth: 1\n  a1_s1_t1" in answer.stdout
    assert (tmp_path / "out" / "trials.png").stat().st_size > 10_000
    for path in (tree / "Depth").iterdir():
        path.write_bytes(b"nothing")
    answer = run("check_data.py", *arguments)
    assert answer.returncode == 1 and "bad file: 11" in answer.stdout, "why there is no depth"
    answer = run("check_data.py", "--dataset", "utd", "--data_dir", tree, "--modalities", "imu,radar")
    assert answer.returncode == 1 and "radar" in answer.stderr and "Traceback" not in answer.stderr


def test_check_data_reports_on_ones_own_folder(tmp_path):
    tree = own.build(tmp_path / "mine")
    own.fault_gap(tree / "imu" / "shift.csv", 1012, 1014)
    answer = run("check_data.py", "--dataset", "folder", "--data_dir", tree, "--out", tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    for part in (
        "People: 1 is anna, 2 is ben, 3 is carl", "Recordings a person: 2\n", "as many recordings of each activity",
        "lift: 20\n  carry: 6\n", "Hours: 0.01, of which", "cut: gaps in time: 1", "sample rate: 2\n  imu: 50 Hz",
        "Clocks: no offset can be told", "6 recordings have every modality",
    ):  # fmt: skip
        assert part in answer.stdout, answer.stdout
    assert (tmp_path / "out" / "trials.png").stat().st_size > 10_000


def test_check_data_knows_every_data_set():
    from tfkd.data.datasets import NAMES

    (listed,) = re.findall(r"DATASETS = \[(.*)\]", (TOOLS / "check_data.py").read_text())
    assert tuple(re.findall(r'"(\w+)"', listed)) == NAMES


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--out", "x"], "Name one student, not 0"),
        (["a", "b", "--out", "x"], "Name one student, not 2: a b"),
        (["a", "--export_dir", "b", "--out", "x"], "Name one student, not 2: a b"),
        (["a", "--out", "x", "--format", "arduino"], "must name a .zip file"),
        (["a", "--out", "x", "--format", "mbed"], "mbed"),
        (["a", "--out", "x", "--format", "zephyr", "--variant", "slim"], "--variant is for --format c"),
        (["a"], "--out"),
        (["a", "--out", ""], "--out is empty"),
        (["a", "--out", "x"], "There is no file or folder a."),
    ],
)
def test_wrong_arguments_for_an_export_are_told_at_once(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run("export.py", *arguments)
    assert answer.returncode != 0 and message in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr and not list(tmp_path.iterdir())


def test_a_published_student_becomes_an_arduino_library(tmp_path):
    model, out = TOOLS.parent / "models" / "utd-imu-stream", tmp_path / "watch.zip"
    answer = run("export.py", model, "--format", "arduino", "--out", out)
    assert answer.returncode == 0, answer.stderr
    assert "identical in the TFLM interpreter" in answer.stdout and f"wrote {out}" in answer.stdout
    assert list(tmp_path.iterdir()) == [out]
    with zipfile.ZipFile(out) as archive:
        names = set(archive.namelist())
        contract = archive.read("watch/extras/contract.json")
    assert {"watch/library.properties", "watch/src/watch.h", "watch/examples/Activity/Activity.ino"} <= names
    assert contract == (model / "contract.json").read_bytes()


def test_an_export_does_not_write_over_another_student(tmp_path):
    models, other = TOOLS.parent / "models", tmp_path / "other"
    shutil.copytree(models / "utd-imu", other)
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    answer = run("export.py", models / "utd-imu-small", "--out", other)
    assert answer.returncode == 1 and f"{other} holds student.tflite with a contract.json of its own" in answer.stderr
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before


def test_an_export_says_what_a_bare_file_lacks(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"x")
    answer = run("export.py", tmp_path / "a.tflite", "--out", tmp_path / "out")
    assert answer.returncode == 1 and "has no contract.json beside it" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()


def test_an_export_takes_the_smaller_file_that_was_asked_for(tmp_path):
    model = TOOLS.parent / "models" / "utd-imu"
    answer = run("export.py", f"--export_dir={model}", "--out", tmp_path, "--variant", "decode")
    assert answer.returncode == 0, answer.stderr
    header = (tmp_path / "student_model.h").read_text()
    assert '#define STUDENT_MODEL_VARIANT "decode"' in header
    size = int(re.search(r"STUDENT_MODEL_BYTES (\d+)", header)[1])
    assert size < (model / "student.tflite").stat().st_size
    assert (tmp_path / "student_plain.c").exists() and (tmp_path / "tfkd_contract.h").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [([], "Name at least one run folder"), (["."], "is not a run folder: it has no results.json")],
)
def test_a_comparison_of_what_is_no_run_is_told_plainly(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run("evaluate.py", *arguments)
    assert answer.returncode != 0 and message in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr and not list(tmp_path.glob("runs/*"))


def test_robustness_without_a_student_is_told_plainly(tmp_path):
    folder = write_run(tmp_path / "a", {"teacher": "11111101", "labels": "10100110"})
    answer = run("evaluate.py", f"{folder}:teacher", "--robustness", "--out", tmp_path / "out")
    assert answer.returncode == 1 and "there is none among what is compared" in answer.stderr
