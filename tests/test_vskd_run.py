"""Runs of VSKD from a recipe: a depth teacher, students that see images, and the method taken apart."""

import json

import numpy as np
import pytest

from tests.formats import clips, utd
from tfkd.deploy import TflmModel, encode_for, load_export
from tfkd.evaluation import Predictions
from tfkd.experiment import Experiment
from tfkd.recipe import parse_recipe
from tfkd.report import card

pytestmark = pytest.mark.usefixtures("quick", "unchecked", "undrawn")

MICRO = {
    "data": {"dataset": "utd"},
    "windows": {"length": 32, "channels": ["acc_x", "acc_y", "acc_z"]},
    "frames": {"size": 16, "most": 8, "segments": 3},
    "augmentation": {"rotation_deg": 10},
    "teacher": {"kind": "depth", "embedding": 12},
    "teacher_training": {"epochs": 1, "batch_size": 8},
    "student": {"kind": "gaf", "image_size": 16, "encoding": "gadf -3 3", "embedding": 8, "width": 8, "depth": 1},
    "student_training": {"epochs": 1, "batch_size": 8},
    "distillation": {"teacher": "stored", "label": 1.0, "soft_targets": 0.01, "distance": 1.0, "semantic": 1.0},
    "ablation": {"terms": ["angle"], "raw_signal": True},
    "pruning": {"epochs": 1},
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=2)
    for path in sorted((folder / "Inertial").iterdir()):
        trial = path.name.removesuffix("_inertial.mat")
        frames = utd.values_of(utd.path_of(folder, trial, "skeleton")).shape[-1] // 2
        clips.write_depth(folder / "Depth" / f"{trial}_depth.mat", clips.depth_maps(frames))
    return folder


def run(tree, folder, **change):
    recipe = parse_recipe({**MICRO, **change})
    Experiment(recipe, folder, str(tree), say=lambda line: None, show_epochs=False).run(1)
    return json.loads((folder / "results.json").read_text())


def test_a_run_takes_the_method_apart_and_exports_the_student(tree, tmp_path):
    """One run, one test: it is the longest there is."""
    results = run(tree, tmp_path / "micro")
    seed0 = tmp_path / "micro" / "seed0"

    students = ["with_angle", "distilled", "control", "raw_labels", "raw_distilled", "pruned", "int8"]
    assert list(results["stages"]) == ["teacher", "labels", *students]
    compared = {"with_angle_vs_labels", "labels_vs_raw_labels", "distilled_vs_raw_distilled"}
    assert compared <= set(results["comparisons"])
    report, measured = (tmp_path / "micro" / "report.html").read_text(), card.measured(results, "command")
    for text, names in (
        (report, ("Labels and angles", "Raw signal, distilled")),
        (measured, ("student, labels and angles minus student, labels only", "raw signal, labels only")),
    ):
        assert all(name in text for name in names)

    with np.load(seed0 / "teacher_outputs.npz") as stored:  # the teacher of depth spoke once
        assert stored["value_embedding"].shape == (results["protocol"]["train_windows"], 12)

    exported = load_export(seed0 / "export")
    assert exported.contract.encoding == "gadf -3.0 3.0"
    assert exported.contract.input_shape == (1, 16, 16, 3)
    x = np.random.default_rng(0).normal(size=(2, 32, 3))
    assert TflmModel(exported.model_bytes).predict(encode_for(exported.contract, x)).shape == (2, 27)
    claimed = results["stages"]["int8"]["accuracy"]["mean"]
    assert claimed == Predictions.load(seed0 / "int8.npz").metrics()["accuracy"]


def test_a_student_too_large_for_a_microcontroller_ends_with_what_was_distilled(tree, tmp_path):
    results = run(
        tree, tmp_path / "large", quantization={"int8": False}, ablation={},
        teacher={"kind": "skeleton", "width": 8}, distillation={"semantic": 1.0}, augmentation={"mixup": 0.2},
    )  # fmt: skip
    assert list(results["stages"]) == ["teacher", "labels", "distilled", "control"]
    report = (tmp_path / "large" / "report.html").read_text()
    assert "The distilled student gets" in report
    assert "On the device" not in report
