"""Students on perturbed recordings: the way of the data, the two engines, and what cannot be run."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import recordings
from tests.formats import utd
from tests.tiny_run import TINY
from tfkd import files
from tfkd.comparison import ComparisonError
from tfkd.data.perturbations import LostSamples, LowerRate, Rotation
from tfkd.deploy import Contract
from tfkd.deploy.streaming import Stream
from tfkd.evaluation import Predictions
from tfkd.experiment import Experiment
from tfkd.recipe import RecipeError, parse_recipe
from tfkd.robustness import AS_RECORDED, judge, students_of
from tfkd.seed_run import SeedRun


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=4)


@pytest.fixture(scope="module")
def run(tree, tmp_path_factory):
    """A run folder with two students that nobody trained."""
    folder = tmp_path_factory.mktemp("runs") / "untrained"
    windows = {"kind": "stream", "length": 32, "hop": 16, "skeleton_length": 16}
    recipe = parse_recipe(TINY | {"windows": windows, "augmentation": {}})
    seed_run = SeedRun(Experiment(recipe, folder, str(tree), say=lambda line: None), 0)
    for seed, stage in enumerate(("labels", "distilled")):
        seed_run.trainer.seed = seed  # so that the two differ
        student = seed_run.trainer.new_student()
        seed_run.kept(stage, student, {})
    files.write_json(folder / "results.json", {"stages": {"teacher": {}, "labels": {}, "distilled": {}}})
    return folder


def judged(run, tree, exports, stages=("labels", "distilled"), **settings):
    return judge(run, stages, 1, exports, str(tree), say=lambda line: None, **settings)


def test_float_students_see_what_the_run_saw_and_then_what_was_changed(run, tree, tmp_path):
    before = sorted(path.stat().st_mtime_ns for path in run.rglob("*"))
    found = judged(run, tree, tmp_path / "exports", float_students=True, perturbations=[LostSamples(0.0), Rotation(90)])
    for stage, by_condition in found["students"].items():
        recorded = Predictions.load(run / "seed0" / f"{stage}.npz").metrics()["accuracy"]
        assert by_condition[AS_RECORDED]["seeds"] == [recorded]
        assert by_condition["0 % of samples lost"]["seeds"] == [recorded]
        assert set(by_condition) == {AS_RECORDED, "0 % of samples lost", "turned by 90°"}
    compared = found["comparisons"]["distilled"]
    assert list(found["comparisons"]) == ["distilled"] and found["baseline"] == "labels"
    students = found["students"]
    for name, pair in compared.items():
        assert pair["gain"] == pytest.approx(students["distilled"][name]["mean"] - students["labels"][name]["mean"])
        assert pair["p_value"] <= pair["holm_p_value"] <= 1
    assert "90°" in found["meanings"]["turned by 90°"] and "float" in found["engine"]
    json.dumps(found, allow_nan=False)
    assert not (tmp_path / "exports").exists(), "nothing is exported for float students"
    assert before == sorted(path.stat().st_mtime_ns for path in run.rglob("*")), "the run folder is left alone"


def test_int8_students_are_exported_beside_the_run(run, tree, tmp_path):
    found = judged(run, tree, tmp_path, stages=("labels",), perturbations=[LostSamples(0.5)])
    assert (tmp_path / "seed0" / "labels" / "student.tflite").exists() and not (run / "seed0" / "export").exists()
    assert "TFLM" in found["engine"] and found["comparisons"] == {}
    assert set(found["students"]["labels"]) == {AS_RECORDED, "50 % of samples lost"}


def test_what_cannot_be_run_is_told_at_once(run, tree, tmp_path):
    with pytest.raises(ComparisonError, match="no student 'teacher' to run; it has labels, distilled"):
        judged(run, tree, tmp_path, stages=("teacher",))
    with pytest.raises(ComparisonError, match=r"seed1.labels\.keras is missing"):
        judge(run, ("labels",), 2, tmp_path, str(tree))
    other = utd.build(tmp_path / "other", subjects=3)
    with pytest.raises(RecipeError, match="other data"):
        judged(run, other, tmp_path)


def test_students_are_those_that_were_compared():
    stages = ["teacher", "labels", "control", "int8"]
    summary = {"entries": {f"a:{stage}": {"run": "a", "stage": stage} for stage in stages}}
    assert students_of(summary, "a", chosen=False) == ["labels", "int8"]
    assert students_of(summary, "a", chosen=True) == ["labels", "control", "int8"]
    assert students_of(summary, "b", chosen=True) == []


@pytest.mark.parametrize("perturbation", [LostSamples(0.3), LowerRate(4)], ids=str)
def test_pauses_are_bridged_as_the_firmware_bridges_them(perturbation):
    """The firmware's twin, given only the samples that came, sees the windows of the perturbed recording."""
    contract = Contract.read(Path(__file__).resolve().parent.parent / "models" / "utd-imu-stream" / "contract.json")
    seen = []

    def student(inputs):
        seen.append(inputs[0].copy())
        return np.zeros((1, len(contract.labels)), "int8")

    tiny = recordings(1, 1, 1)
    before, after = (found[0].streams["imu"] for found in (tiny, perturbation(tiny)))
    came = np.flatnonzero((before == after).all(axis=1))
    assert len(came) < 0.8 * len(before)
    stream = Stream(contract, student)
    for i in came:
        stream.push(int(20_000 * i), before[i])
        stream.run()
    assert contract.sample_rate_hz == 50 and len(seen) > 1
    for number, inputs in enumerate(seen):
        window = after[number * contract.hop :][: contract.window]
        standard = (window - np.float32(contract.mean)) / np.float32(contract.scale)
        steps = np.clip(np.rint(standard / contract.input_scale) + contract.input_zero_point, -128, 127)
        assert np.abs(steps - inputs).max() <= 1 and (steps == inputs).mean() > 0.99
