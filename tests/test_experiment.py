"""A recipe in, a finished run folder out: whole, resumable, repeatable, and honest about what it cannot do."""

import contextlib
import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.formats import utd
from tests.tiny_run import TINY, experiment
from tfkd import files
from tfkd.data import datasets, utd_mhad
from tfkd.data.recordings import DataError, Recordings
from tfkd.deploy import load_export, replay
from tfkd.evaluation import Predictions
from tfkd.experiment import export_keras
from tfkd.recipe import RecipeError, parse_recipe
from tfkd.seed_run import SeedRun, stages_of

ROOT = Path(__file__).resolve().parent.parent
QUICK = """
import sys
import pytest
from tests import command_line, conftest
conftest.train_quickly(pytest.MonkeyPatch())
command_line.run("distill.py", *sys.argv[1:])
"""

pytestmark = pytest.mark.usefixtures("quick", "undrawn")

STAGES = stages_of(parse_recipe(TINY))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=4)


@pytest.fixture(scope="module")
def finished(tree, quick, tmp_path_factory):
    """An uninterrupted run of one seed."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    experiment(tree, folder).run(1)
    return folder


def outcome(folder):
    """All that a run found: results without times, and every predicted logit."""
    results = json.loads((folder / "results.json").read_text())
    for stage in results["stages"].values():
        stage.pop("seconds")
    results["provenance"].pop("git")  # of the checkout, which may move on while the tests run
    logits = [Predictions.load(folder / "seed0" / f"{stage}.npz").logits for stage in STAGES]
    return results, logits


def without(run, folder, *stages):
    """A copy of a run as it was before these stages."""
    shutil.copytree(run, folder)
    for stage in stages:
        for path in (folder / "seed0").glob(f"{stage}.*"):
            path.unlink()
    if "int8" in stages:
        shutil.rmtree(folder / "seed0" / "export")
    for name in ("results.json", "report.html"):
        (folder / name).unlink()
    return folder


def assert_same(a, b):
    (results_a, logits_a), (results_b, logits_b) = outcome(a), outcome(b)
    assert results_a == results_b
    assert all(np.array_equal(x, y) for x, y in zip(logits_a, logits_b))


def test_what_a_run_leaves(finished):
    results = json.loads((finished / "results.json").read_text())
    assert list(results["stages"]) == STAGES == ["teacher", "labels", "distilled", "control", "pruned", "int8"]
    assert results["protocol"]["train_subjects"] == [1, 3]
    assert results["protocol"]["judged_subjects"] == [2, 4] and results["protocol"]["judged"] == "test"
    for stage in STAGES:
        metrics = Predictions.load(finished / "seed0" / f"{stage}.npz").metrics()
        assert results["stages"][stage]["accuracy"]["seeds"] == [metrics["accuracy"]]
    assert results["stages"]["pruned"]["sparsity"] == pytest.approx(0.5, abs=0.02)
    gain = results["stages"]["distilled"]["accuracy"]["mean"] - results["stages"]["labels"]["accuracy"]["mean"]
    assert results["comparisons"]["distilled_vs_labels"]["gain"] == pytest.approx(gain)
    assert results["notes"]["absent in the release"] and len(results["provenance"]["data_sha256"]) == 64
    assert "<html" in (finished / "report.html").read_text()


def test_the_exported_bytes_are_what_was_measured(finished):
    export = load_export(finished / "seed0" / "export")
    assert replay(export) == len(export.golden["inputs"]) == 8
    results = json.loads((finished / "results.json").read_text())["stages"]["int8"]
    assert results["model_bytes"] == len(export.model_bytes)
    assert results["arena_bytes"] == export.contract.arena_bytes
    contract = export.contract
    assert contract.windowing == "whole_trial" and contract.sample_rate_hz is None
    assert list(contract.channels)[:2] == ["acc_x", "acc_y"] and contract.units[3] == "deg/s"
    assert len(contract.labels) == 27 and len(contract.mean) == 6


def test_killed_and_started_again_it_ends_with_the_same_result(tree, finished, tmp_path):
    folder = without(finished, tmp_path / "run", "labels", "distilled", "pruned", "int8")
    command = [sys.executable, "-c", QUICK, "--recipe", folder / "recipe.toml", "--data_dir", tree, "--out", folder]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "seed0" / "labels.json").exists() and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (folder / "results.json").exists() and (folder / "seed0" / "labels.json").exists()
    said = []
    experiment(tree, folder, say=said.append).run(1)
    assert [line.split()[2] for line in said if "done before" in line] == ["teacher:", "labels:", "control:"]
    assert_same(folder, finished)


def test_several_processes_share_the_seeds_of_a_run(tree, tmp_path, monkeypatch):
    """Each takes what no other is at, and in the end waits for the others, whose records are then there."""
    said, done, other = [], [], contextlib.ExitStack()

    def run(seed_run):
        done.append(seed_run.seed)
        if len(done) == 2:
            threading.Timer(0.3, other.close).start()

    monkeypatch.setattr(SeedRun, "run", run)
    monkeypatch.setattr("tfkd.experiment.results.summarize", lambda *_: {})
    monkeypatch.setattr("tfkd.experiment.report.write", lambda *_: None)
    with other:
        other.enter_context(files.alone(tmp_path / "seed1" / "lock"))
        experiment(tree, tmp_path, {"quantization": {"int8": False}}, say=said.append).run(3)
    assert done == [0, 2, 1]
    assert said[-1].startswith("[seed 1] another process")


def test_a_stage_without_a_record_is_done_again_whatever_of_it_lies_about(tree, finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    for stage in ("labels", "int8"):
        (folder / "seed0" / f"{stage}.json").unlink()
    (folder / "seed0" / "labels.keras").write_bytes(b"half")
    (folder / "seed0" / "export" / "golden.npz").unlink()
    experiment(tree, folder).run(1)
    assert_same(folder, finished)


def test_another_recipe_or_other_data_are_refused(tree, finished, tmp_path):
    with pytest.raises(RecipeError, match="holds a run of another recipe"):
        experiment(tree, finished, {"student": {"width": 9}})
    with pytest.raises(RecipeError, match="already holds a run"):
        experiment(tree, finished, resume=False)
    other = tmp_path / "other"
    shutil.copytree(tree, other)
    utd.fault_missing(other, "a1_s1_t1")
    with pytest.raises(RecipeError, match="holds a run on other data"):
        experiment(other, finished)


def test_channels_and_classes_that_were_renamed_are_refused(tree, finished, tmp_path, monkeypatch):
    folder, read = tmp_path / "run", datasets.read
    folder.mkdir()
    for name in ("recipe.toml", "data.json"):
        shutil.copy(finished / name, folder)
    stream = utd_mhad.STREAMS["imu"]
    for change, message in (
        ({"classes": ("other", *utd_mhad.CLASSES[1:])}, r"classes was \['swipe_left'.* now it is \['other'"),
        ({"channels": (*stream.channels[3:], *stream.channels[:3])}, r"imu\.channels was \['acc_x.* it is \['gyro_x"),
        ({"rate_hz": 25.0}, r"imu\.rate_hz was 50\.0, but now it is 25\.0.*another --out"),
    ):

        def renamed(*arguments, change=change, **settings):
            found = read(*arguments, **settings)
            known = {key: value for key, value in change.items() if key != "classes"}
            streams = {**found.streams, "imu": dataclasses.replace(stream, **known)}
            return Recordings(found, change.get("classes", found.classes), streams, found.name, found.notes)

        monkeypatch.setattr(datasets, "read", renamed)
        with pytest.raises(RecipeError, match=message):
            experiment(tree, folder)
    # A run of an earlier version does not tell what it was.
    kept = json.loads((folder / "data.json").read_text())
    assert kept.pop("meaning")["skeleton.units"][0] == "m"
    files.write_json(folder / "data.json", kept)
    experiment(tree, folder)


def test_a_full_disk_stops_the_run_and_keeps_what_is_there(tree, finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "seed0" / "labels.json").unlink()
    before = (folder / "seed0" / "labels.keras").read_bytes()
    replace = os.replace

    def full(source, target):
        if str(target).endswith("labels.keras"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(files.OutputError, match=r"labels\.keras: No space left on device"):
        experiment(tree, folder).run(1)
    assert (folder / "seed0" / "labels.keras").read_bytes() == before
    assert not list((folder / "seed0").glob(".*part*"))
    monkeypatch.undo()
    monkeypatch.setenv("TFKD_CACHE", str(tmp_path / "cache"))
    experiment(tree, folder).run(1)
    assert_same(folder, finished)


def test_a_runs_keras_students_can_be_exported_later(finished, tree, tmp_path):
    pruned = load_export(finished / "seed0" / "export")
    again = export_keras(finished / "seed0" / "pruned.keras", tmp_path / "again", tree)
    assert again.model_bytes == pruned.model_bytes and again.contract == pruned.contract
    labels = export_keras(finished / "seed0" / "labels.keras", tmp_path / "labels", tree)
    assert replay(labels) == len(labels.golden["inputs"]) and labels.model_bytes != pruned.model_bytes


def test_damaged_files_of_a_run_are_named(finished, tree, tmp_path):
    folder = tmp_path / "run"
    (folder / "seed0").mkdir(parents=True)
    for name in ("recipe.toml", "data.json", "seed0/distilled.keras"):
        shutil.copy(finished / name, folder / name)
    (folder / "seed0" / "distilled.keras").write_bytes(b"half")
    with pytest.raises(RecipeError, match=r"distilled\.keras is no Keras model that can be read"):
        export_keras(folder / "seed0" / "distilled.keras", tmp_path / "export", tree)
    for stage in STAGES:
        for path in (finished / "seed0").glob(f"{stage}.*"):
            shutil.copy(path, folder / "seed0")
    shutil.copy(finished / "exportable.json", folder)
    (folder / "seed0" / "labels.npz").write_bytes(b"PK")
    with pytest.raises(RecipeError, match=r"labels\.npz could not be read: .*Delete .*labels\.json to have it made"):
        experiment(tree, folder).run(1)
    for damaged in ("half", "[]"):
        (folder / "seed0" / "labels.json").write_text(damaged)
        with pytest.raises(RecipeError, match=r"labels\.json could not be read: .*Delete it to have its stage done"):
            experiment(tree, folder).run(1)
    (folder / "data.json").write_text("half")
    with pytest.raises(RecipeError, match=r"data\.json could not be read: .*Choose another --out"):
        experiment(tree, folder)


def test_a_keras_file_that_lacks_its_run_or_its_data_is_refused(finished, tree, tmp_path, monkeypatch):
    monkeypatch.delenv("TFKD_DATA", raising=False)
    seed = finished / "seed0"
    shutil.copy(seed / "distilled.keras", tmp_path / "mine.keras")
    (tmp_path / "empty").mkdir()
    for path, data, error, message in (
        (tmp_path / "none.keras", tree, RecipeError, "There is no file"),
        (tmp_path / "mine.keras", tree, RecipeError, "is not in a run folder.*export_student"),
        (seed / "teacher.keras", tree, RecipeError, "not a student; those of a run are labels.keras, distilled.keras"),
        (seed / "distilled.keras", tmp_path / "empty", DataError, "Inertial"),
        (seed / "distilled.keras", utd.build(tmp_path / "less", subjects=2), RecipeError, "on other data.*--data_dir"),
    ):
        with pytest.raises(error, match=message):
            export_keras(path, tmp_path / "export", data)
    assert not (tmp_path / "export").exists()
