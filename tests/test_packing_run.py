"""A run on continuous recordings: decisions by the second, from a graph teacher to an exported student."""

import json

import pytest

from tests.formats import openpack
from tfkd.deploy import load_export
from tfkd.evaluation import Predictions
from tfkd.experiment import Experiment
from tfkd.recipe import parse_recipe
from tfkd.report import card
from tfkd.segments import continuous_metrics

RECIPE = {
    "data": {"dataset": "openpack", "sensors": ["atr01"], "split": "challenge_2022"},
    "windows": {"kind": "continuous", "length": 64, "hop": 30, "skeleton_length": 16, "channels": []},
    "augmentation": {"rotation_deg": 10, "mixup": 0.2},
    "teacher": {"kind": "graph", "width": 4},
    "teacher_training": {"epochs": 1, "batch_size": 16},
    "student": {"width": 8, "depth": 1},
    "student_training": {"epochs": 1, "batch_size": 16},
    "pruning": {"sparsity": 0.0},
}


@pytest.mark.usefixtures("quick", "unchecked", "undrawn")
def test_a_shift_is_decided_second_by_second(tmp_path):
    tree = openpack.build(tmp_path / "openpack", {"U0102": ["S0100"], "U0104": ["S0100"]}, 60)
    Experiment(parse_recipe(RECIPE), tmp_path / "run", str(tree), say=lambda line: None, show_epochs=False).run(1)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    protocol, stages = results["protocol"], results["stages"]
    assert list(stages) == ["teacher", "labels", "distilled", "control", "int8"]
    assert protocol["windowing"] == "continuous" and protocol["judged_windows"] == 50  # ten seconds are Null
    assert (protocol["train_subjects"], protocol["judged_subjects"]) == ([102], [104])

    int8 = Predictions.load(tmp_path / "run" / "seed0" / "int8.npz")
    assert set(int8.units) == {f"U0104-S0100#{box}" for box in (1, 2, 3, 4)}
    for key, value in {**int8.metrics(), **continuous_metrics(int8)}.items():
        assert stages["int8"][key]["mean"] == value

    contract = load_export(tmp_path / "run" / "seed0" / "export").contract
    assert (contract.windowing, contract.sample_rate_hz, contract.window, contract.hop) == ("stream", 30.0, 64, 30)
    assert contract.channels[0] == "right_wrist_acc_x" and contract.labels[0] == "picking"

    report, measured = (tmp_path / "run" / "report.html").read_text(), card.measured(results, "command")
    # Four boxes are compared, whatever they are full of.
    assert protocol["judged_units"] == 4 and all("p is never below 0.12" in text for text in (report, measured))
    assert "over 50 test moments" in report and "a decision every 30 samples" in report
    assert "| macro F1, points | p |" in measured and "gain in macro" in report
    assert "moments right, %" in measured and "segments' F1, %" in measured and "parts of the recordings" in measured
