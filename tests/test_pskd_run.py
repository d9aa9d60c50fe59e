"""Runs of PSKD from a recipe: several teachers, missing recordings, wrong labels, the methods side by side."""

import json

import pytest

from tests.formats import utd
from tfkd.experiment import Experiment
from tfkd.recipe import RecipeError, load_recipe, parse_recipe
from tfkd.report import card
from tfkd.seed_run import SeedRun

RECIPE = {
    "data": {"dataset": "utd", "label_noise": 0.1, "keep_unpaired": True},
    "windows": {"length": 32, "skeleton_length": 16, "channels": ["acc_x", "acc_y", "acc_z"]},
    "augmentation": {"rotation_deg": 10, "mixup": 0.2},
    "teacher": {"kind": "fused", "width": 4},
    "more_teachers": [
        {"kind": "imu", "width": 4, "taught_by": "fused"},
        {"kind": "skeleton", "width": 4, "cross_fitted": True},
    ],
    "teacher_training": {"epochs": 1, "batch_size": 32},
    "student": {"width": 8, "depth": 1},
    "student_training": {"epochs": 3, "batch_size": 32},
    "distillation": {"label": 0.1},
    "pskd": {"stages": [["imu"], ["imu", "skeleton", "fused"]], "epochs": [1, 2], "learning_rates": [0.002, 0.001]},
    "ablation": {"methods": ["single", "dask"]},
    "pruning": {"epochs": 1},
}


@pytest.mark.usefixtures("quick", "unchecked", "undrawn")
def test_a_run_sets_the_methods_side_by_side(tmp_path):
    tree = utd.build(tmp_path / "utd", subjects=4)
    lost = sorted((tree / "Skeleton").glob("a1_s1_t*"))[0]
    lost.unlink()
    recipe, said = parse_recipe(RECIPE), []
    Experiment(recipe, tmp_path / "run", str(tree), say=said.append, show_epochs=False).run(1)
    assert load_recipe(tmp_path / "run" / "recipe.toml") == recipe
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    teachers = ["teacher", "teacher_imu", "teacher_skeleton"]
    assert list(results["stages"]) == [*teachers, "labels", "single", "dask", "distilled", "control", "pruned", "int8"]
    compared = {"single_vs_labels", "dask_vs_labels", "distilled_vs_single", "distilled_vs_dask"}
    assert compared <= set(results["comparisons"])

    seed0 = tmp_path / "run" / "seed0"
    record = json.loads((seed0 / "distilled.json").read_text())
    assert len(record["history"]["loss"]) == 3
    assert record["history"]["chosen_skeleton"][0] == 0  # not heard in the first stage
    followed = results["stages"]["distilled"]["followed"]
    assert list(followed) and followed["label"] == record["history"]["chosen_label"][-1]
    assistant = json.loads((seed0 / "teacher_imu.json").read_text())
    assert "soft_targets_loss" in assistant["history"]  # taught by the fused teacher
    last = [record["history"][f"chosen_{name}"][-1] for name in ("imu", "skeleton", "fused", "label")]
    assert sum(last) == pytest.approx(1, abs=1e-4)
    # One skeleton teacher without each person who trains, beside the one that knows them all.
    assert {p.stem for p in seed0.glob("*_without*.keras")} == {f"teacher_skeleton_without{p}" for p in (1, 3)}

    # Two people on each side: the recording without a skeleton trains too.
    assert results["protocol"]["train_windows"] == results["protocol"]["judged_windows"]
    report, measured = (tmp_path / "run" / "report.html").read_text(), card.measured(results, "command")
    assert "DASK of one teacher" in report and "10.0" in report
    assert "teacher of the skeleton" in measured and "10 % of the training labels" in measured
    assert all("the distilled student followed" in text for text in (report, measured))
    accuracy = {stage: found["accuracy"]["mean"] for stage, found in results["stages"].items()}
    poor = [teacher for teacher in teachers if accuracy[teacher] < accuracy["labels"]]
    assert len(poor) == sum("knows less than the student" in line for line in said)
    assert len(poor) == report.count("it knows less than the student on labels alone")


def test_poor_teachers_are_named_with_both_figures():
    said = []
    run = SeedRun.__new__(SeedRun)
    run.seed, run.experiment = 0, type("Experiment", (), {"say": staticmethod(said.append)})
    run._warn_of_poor_teachers({"teacher": 0.9, "teacher_imu": 0.5, "labels": 0.8})
    assert len(said) == 1 and "teacher_imu: warning: with 50.0 %" in said[0] and "80.0 %" in said[0]


@pytest.mark.parametrize(
    "part, change, message",
    [
        ("pskd", {"stages": []}, "more_teachers is ['imu', 'skeleton'], but must be left out, or named in pskd.stages"),
        ("pskd", {"stages": [["imu"], ["radar"]]}, "pskd.stages[1] is 'radar', but must be a teacher of this recipe"),
        ("pskd", {"stages": [["imu"], []]}, "pskd.stages[1] is (), but must be not empty"),
        ("pskd", {"stages": ["imu"]}, "pskd.stages[0] must be a list of str, got 'imu'"),
        ("pskd", {"epochs": [3]}, "pskd.epochs is (3,), but must be 2 numbers"),
        ("pskd", {"epochs": [1, 3]}, "pskd.epochs is (1, 3), but must be 3 in all, as student_training.epochs"),
        ("pskd", {"learning_rates": [0.1]}, "pskd.learning_rates is (0.1,)"),
        ("pskd", {"selection": "best"}, "pskd.selection is 'best', but must be hard or mean or vote or soft"),
        ("pskd", {"threshold": 2}, "pskd.threshold is 2.0, but must be at most 1"),
        ("pskd", {"softness": 0}, "pskd.softness is 0.0, but must be above 0"),
        ("data", {"labelled_subjects": [1]}, "more_teachers[1].cross_fitted is True, but must be false"),
        ("data", {"label_noise": 1.0}, "data.label_noise is 1.0"),
        ("teacher", {"kind": "imu"}, "more_teachers[0].kind is 'imu', but must be another kind than those before it"),
        ("teacher", {"taught_by": "imu"}, "teacher.taught_by is 'imu', but must be empty: no teacher is before it"),
        ("ablation", {"methods": ["triple"]}, "ablation.methods is 'triple', but must be single or dask"),
    ],
)
def test_recipes_that_cannot_run_are_refused(part, change, message):
    with pytest.raises(RecipeError) as raised:
        parse_recipe({**RECIPE, part: {**RECIPE[part], **change}}, "my.toml")
    assert message in str(raised.value) and str(raised.value).startswith("my.toml: ")
