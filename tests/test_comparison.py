"""Runs side by side: what is compared with what, numbers worked out by hand, and what may not stand in one table."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from tfkd import files
from tfkd.comparison import ComparisonError, compare
from tfkd.evaluation import Predictions
from tfkd.recipe import Ablation, Data, Recipe, Student, Windowing
from tfkd.report.comparison import warnings

CLASSES = ["wave", "clap", "nobody's"]
SUBJECTS = np.repeat([2, 4], 4)
LABELS = np.tile([0, 0, 1, 1], 2)
TEACHER, BASE, BETTER = "11111101", "10100110", "11111110"
"""Whether each of the eight recordings is decided rightly: four of person 2, four of person 4."""


def write_run(folder, stages, seeds=1, recipe=None, ids=None, **protocol):
    """What a comparison reads of a run: `stages` maps names to texts such as BASE, or lists of them, one a seed."""
    ids = np.array(ids or [f"r{i}" for i in range(8)])
    for stage, answers in stages.items():
        for seed in range(seeds):
            text = answers if isinstance(answers, str) else answers[seed]
            decided = np.where(np.array(list(text)) == "1", LABELS, 1 - LABELS)
            logits = np.eye(3, dtype="float32")[decided] * 3
            Predictions(ids, ids, LABELS, SUBJECTS, logits).save(folder / f"seed{seed}" / f"{stage}.npz")
    found = {
        "format": 1,
        "recipe": dataclasses.asdict(recipe or Recipe(data=Data("utd"))),
        "protocol": {
            "split": "cross_subject",
            "judged": "test",
            "judged_subjects": [2, 4],
            "train_subjects": [1, 3],
            "labelled_subjects": [1, 3],
            "classes": CLASSES,
            **protocol,
        },
        "stages": {stage: {} for stage in stages},
        "seeds": seeds,
    }
    files.write_json(folder / "data.json", {})
    files.write_json(folder / "results.json", found)
    return folder


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "a", {"teacher": TEACHER, "labels": BASE, "distilled": BETTER})


def test_every_stage_of_a_run_against_labels_alone_by_hand(run):
    found = compare([run])
    assert list(found["entries"]) == ["a:teacher", "a:labels", "a:distilled"]
    assert found["entries"]["a:labels"]["comparison"] is None
    entry = found["entries"]["a:distilled"]
    assert entry["baseline"] == "a:labels" and entry["accuracy"]["mean"] == 7 / 8
    compared = entry["comparison"]
    assert (compared["gain"], compared["only_ours"], compared["only_baseline"]) == (3 / 8, 3, 0)
    assert compared["p_value"] == pytest.approx(2 / 8, abs=0.02), "of 8 sign patterns, 2 are as extreme"
    assert compared["per_person"] == {"2": 2 / 4, "4": 1 / 4}
    assert compared["people_p_value"] == 2 / 4
    assert compared["per_class"] == {"wave": 2 / 4, "clap": 1 / 4}, "nobody performed the third"
    low, high = compared["interval"]
    assert 0 <= low < 3 / 8 < high <= 1
    teacher = found["entries"]["a:teacher"]["comparison"]
    assert compared["holm_p_value"] == pytest.approx(min(1, 2 * min(compared["p_value"], teacher["p_value"])), abs=0.02)


def test_agreement_is_with_every_teacher_of_the_run_and_teachers_have_none(tmp_path):
    run = write_run(tmp_path / "a", {"teacher": TEACHER, "teacher_imu": BASE, "labels": BASE, "distilled": BETTER})
    entries = compare([run])["entries"]
    assert entries["a:teacher"]["agreement"] == entries["a:teacher_imu"]["agreement"] == {}
    found = entries["a:distilled"]["agreement"]
    assert list(found) == ["teacher", "teacher_imu"]
    assert found["teacher"] == {"same": 6 / 8, "teacher_errors": 1, "copied": 0, "corrected": 1}
    assert found["teacher_imu"] == {"same": 5 / 8, "teacher_errors": 4, "copied": 1 / 4, "corrected": 3 / 4}


def test_calibration_by_hand(run):
    entry = compare([f"{run}:distilled"])["entries"]["a:distilled"]
    sure = np.exp(3) / (np.exp(3) + 2)
    assert entry["calibration_error"]["mean"] == pytest.approx(abs(sure - 7 / 8))
    assert entry["negative_log_likelihood"]["mean"] == pytest.approx(-(7 * np.log(sure) + np.log(sure / np.exp(3))) / 8)


def test_baselines_of_ones_own_run_or_one_for_all(run, tmp_path):
    other = write_run(tmp_path / "b", {"labels": BETTER, "distilled": BASE})

    def baselines(*arguments):
        return {name: entry["baseline"] for name, entry in compare(*arguments)["entries"].items()}

    both, stages = [run, other], ["labels", "distilled"]
    assert baselines(both, stages) == {
        "a:labels": None, "a:distilled": "a:labels", "b:labels": None, "b:distilled": "b:labels",
    }  # fmt: skip
    fixed = baselines([f"{run}:distilled", f"{other}:distilled"], [], f"{run}:labels")
    assert fixed == {"a:distilled": "a:labels", "b:distilled": "a:labels", "a:labels": None}
    assert baselines(both, stages, "distilled")["b:labels"] == "b:distilled"


def test_each_against_each_where_they_are_few(run, tmp_path):
    found = compare([run])
    assert [(p["ours"], p["baseline"]) for p in found["pairs"]] == [
        ("a:teacher", "a:labels"), ("a:teacher", "a:distilled"), ("a:labels", "a:distilled"),
    ]  # fmt: skip
    assert found["pairs"][2]["gain"] == -3 / 8
    assert all(pair["holm_p_value"] >= pair["p_value"] for pair in found["pairs"])
    assert compare([run], ["labels", "distilled"])["pairs"] == [], "the table says it already"
    assert len(compare([f"{run}:teacher", f"{run}:distilled"])["pairs"]) == 1
    many = write_run(tmp_path / "many", {f"with_{i}": BASE for i in range(9)})
    assert compare([many])["pairs"] == []


def test_seeds_that_all_runs_have(run, tmp_path):
    more = write_run(tmp_path / "b", {"labels": [BASE, BETTER], "distilled": [BETTER, BETTER]}, seeds=2)
    assert compare([more])["entries"]["b:labels"]["accuracy"]["mean"] == pytest.approx((4 + 7) / 16)
    found = compare([run, more], ["labels"])
    assert found["seeds"] == 1 and found["runs"]["b"]["seeds"] == 2
    assert found["entries"]["b:labels"]["accuracy"]["seeds"] == [4 / 8]


def test_folders_of_the_same_name_are_told_apart(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "old" / "a")
    found = compare([run, other], ["distilled"], f"{other}:labels")
    assert list(found["entries"]) == ["a:distilled", "old/a:distilled", "old/a:labels"]
    assert found["entries"]["a:distilled"]["baseline"] == "old/a:labels"
    within = shutil.copytree(other, run / "a")
    assert list(compare([run, within])["runs"]) == ["a", "a/a"]


def test_accuracy_over_a_value_of_the_recipe(tmp_path):
    def labelled(name, people, answers):
        recipe = Recipe(data=Data("utd", labelled_subjects=people))
        return write_run(tmp_path / name, {"labels": answers}, recipe=recipe, labelled_subjects=list(people) or [1, 3])

    runs = [labelled("one", (1,), BASE), labelled("other", (3,), BETTER), labelled("all", (), TEACHER)]
    curve = compare(runs, against="data.labelled_subjects")["curve"]
    assert curve["runs"] == {"one": 1, "other": 1, "all": 2}, "no list means everybody who trains"
    (low, high) = curve["stages"]["labels"]
    assert (low["value"], low["seeds"], low["mean"]) == (1, [4 / 8, 7 / 8], 11 / 16)
    assert (high["value"], high["mean"]) == (2, 7 / 8)
    with pytest.raises(ComparisonError, match="teacher.width is 48 in every run"):
        compare(runs, against="teacher.width")
    with pytest.raises(ComparisonError, match="no key 'teacher.widt'; did you mean teacher.width"):
        compare(runs, against="teacher.widt")
    with pytest.raises(ComparisonError, match="data.split is 'cross_subject' in"):
        compare(runs, against="data.split")


def test_recipes_may_differ_and_the_keys_are_named(run, tmp_path):
    recipe = Recipe(description="else", data=Data("utd", labelled_subjects=(1,)), windows=Windowing(length=64))
    other = write_run(tmp_path / "b", {"labels": BASE}, recipe=recipe, labelled_subjects=[1])
    assert compare([run, other], ["labels"])["differences"] == {
        "data.labelled_subjects": {"a": [], "b": [1]},
        "windows.length": {"a": 128, "b": 64},
    }
    json.dumps(compare([run, other], ["labels"]), allow_nan=False)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"split": "loso_2"}, "split is 'cross_subject' in the first and 'loso_2' in the second"),
        ({"judged": "validation"}, "judged side is 'test'"),
        ({"classes": CLASSES[::-1]}, "classes is"),
        ({"recipe": Recipe(data=Data("utd"), windows=Windowing("stream"))}, "windowing is 'whole_trial'"),
        ({"recipe": Recipe()}, "data set is 'utd' in the first and 'synthetic' in the second"),
        ({"ids": [f"r{i}" for i in range(1, 9)]}, "2 are in one alone"),
        ({"ids": [f"r{i}" for i in (2, 1, 0, 3, 4, 5, 6, 7)]}, "2 have different labels"),
    ],
)
def test_protocols_that_differ_are_not_mixed(run, tmp_path, change, said):
    other = write_run(tmp_path / "b", {"labels": BASE}, **change)
    with pytest.raises(ComparisonError, match=said) as caught:
        compare([run, other], ["labels"])
    assert str(run) in str(caught.value) and str(other) in str(caught.value)


def test_what_is_no_finished_run_is_told_apart(run, tmp_path):
    def said(*arguments):
        with pytest.raises(ComparisonError) as caught:
            compare(*arguments)
        return str(caught.value)

    assert "There is no folder" in said([tmp_path / "none"])
    assert "is not a run folder: it has no results.json" in said([tmp_path])
    assert "has no stage 'dask'; it has teacher, labels, distilled" in said([f"{run}:dask"])
    assert "has no stage 'dask'" in said([run], ["dask"])
    assert "a: names no stage after the colon" in said([f"{run}:"])
    assert "stages must be a list of stages, got 'labels'" in said([run], "labels")
    assert f"named must be a list of run folders, got '{run}'" in said(run) == said(str(run))
    assert "No run is named" in said([])
    assert "has no stage 'dask' to be the baseline" in said([run], [], "dask")
    good = Predictions.load(run / "seed0" / "labels.npz")
    dataclasses.replace(good, logits=good.logits * np.nan).save(run / "seed0" / "labels.npz")
    assert "labels.npz holds NaN or infinity: that training failed. Leave the stage out" in said([run])
    compare([run], ["teacher", "distilled"], "teacher")
    kept = (run / "seed0" / "teacher.npz").read_bytes()
    dataclasses.replace(good, logits=good.logits * np.nan).save(run / "seed0" / "teacher.npz")
    assert "teacher.npz holds NaN or infinity: that training failed. Run it again." in said([run], ["distilled"])
    (run / "seed0" / "teacher.npz").write_bytes(kept)
    dataclasses.replace(good, recordings=good.windows[::-1].copy() + "x").save(run / "seed0" / "labels.npz")
    assert "are of different recordings" in said([run])
    (run / "seed0" / "labels.npz").write_bytes(b"PK")
    assert "labels.npz cannot be read" in said([run])
    (run / "seed0" / "labels.npz").unlink()
    assert "labels.npz is missing" in said([run])
    kept = json.loads((run / "results.json").read_text())
    files.write_json(run / "results.json", kept | {"format": 2})
    assert "results.json is of format 2; this tfkd reads 1. Read it with the tfkd that wrote it" in said([run])
    (run / "results.json").write_text("{")
    assert "results.json cannot be read" in said([run])
    (run / "results.json").unlink()
    assert "is not finished" in said([run]) and "python tools/distill.py --recipe" in said([run])


@pytest.mark.parametrize("change", [{"seeds": None}, {"stages": ["labels"]}, {"protocol": {}}, {"recipe": 3}], ids=str)
def test_damaged_results_are_told_as_such(run, change):
    found = json.loads((run / "results.json").read_text())
    files.write_json(run / "results.json", found | change)
    with pytest.raises(ComparisonError, match=r"results\.json cannot be read"):
        compare([run])


@pytest.mark.parametrize(
    "change, said",
    [
        ({"logits": None}, "cannot be read .it holds labels, recordings, subjects, windows, not predictions"),
        ({"logits": np.eye(3)[:2]}, "labels.npz cannot be read .its arrays do not belong together"),
        ({"logits": np.zeros((8, 2))}, "labels.npz is not of the 3 classes"),
        ({"labels": -LABELS}, "labels.npz is not of the 3 classes"),
        ({"labels": 1 - LABELS}, "different recordings, people or labels"),
        ({"subjects": SUBJECTS + 1}, "different recordings, people or labels"),
    ],
)
def test_damaged_predictions_are_told_as_such_and_not_counted(run, change, said):
    path = run / "seed0" / "labels.npz"
    with np.load(path) as stored:
        arrays = {**stored, **change}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ComparisonError, match=said):
        compare([run])


def write_left_out(folder, person, answers, recipe=None, **protocol):
    """A run that judges the recordings of one person: four of the eight."""
    recipe = recipe or Recipe(data=Data("utd", split="loso", test_subject=person))
    ids = [f"s{person}_{i}" for i in range(8)]
    return write_run(
        folder, answers, recipe=recipe, ids=ids, split=f"loso_{person}", judged_subjects=[person], **protocol
    )


def test_runs_that_leave_out_one_person_each_are_one(tmp_path):
    folders = [
        write_left_out(tmp_path / f"loso-{person}", person, {"labels": base, "distilled": TEACHER})
        for person, base in ((1, BASE), (2, BETTER), (3, TEACHER))
    ]
    for folder, revision in zip(folders, ("one", "two", "one")):
        results = json.loads((folder / "results.json").read_text())
        files.write_json(folder / "results.json", results | {"provenance": {"git": revision}})
    found = compare(folders, baseline=f"{folders[0]}:labels")
    assert list(found["entries"]) == ["loso:labels", "loso:distilled"]
    assert found["runs"]["loso"]["revisions"] == ["one", "two"]
    assert found["protocol"]["judged_subjects"] == [1, 2, 3] and found["protocol"]["judged_recordings"] == 24
    assert found["protocol"]["split"] == "loso, 3 people"
    assert found["entries"]["loso:labels"]["accuracy"]["mean"] == pytest.approx((4 + 7 + 7) / 24)
    assert found["entries"]["loso:distilled"]["comparison"]["gain"] == pytest.approx(3 / 24)
    assert found["runs"]["loso"]["folders"] == [str(folder) for folder in folders]
    with pytest.raises(ComparisonError, match="both judge person 1"):
        compare([*folders, shutil.copytree(folders[0], tmp_path / "again")])


def test_runs_that_leave_out_one_person_each_must_fit_together(tmp_path):
    one = write_left_out(tmp_path / "loso-1", 1, {"labels": BASE, "distilled": TEACHER})
    less = write_left_out(tmp_path / "loso-2", 2, {"labels": BASE})
    with pytest.raises(ComparisonError, match="loso-2 has no stage 'distilled'; it has labels"):
        compare([f"{one}:distilled", f"{less}:labels"])
    other = write_left_out(tmp_path / "loso-3", 3, {"labels": BASE}, classes=CLASSES[::-1])
    with pytest.raises(ComparisonError, match="loso-1 and .*loso-3 have one recipe, but other classes"):
        compare([one, other])


def test_runs_that_hold_out_people_in_turn_are_one(tmp_path):
    for name, dropout, answers in (("a", 0.2, BASE), ("b", 0.3, BETTER)):
        for person in (1, 3):
            data = Data("utd", validation_subjects=(person,))
            recipe = Recipe(data=data, student=Student(dropout=dropout))
            ids = [f"s{person}_{i}" for i in range(8)]
            facts = {"judged": "validation", "judged_subjects": [person]}
            write_run(tmp_path / f"{name}-{person}", {"labels": answers}, recipe=recipe, ids=ids, **facts)
    found = compare(sorted(tmp_path.iterdir()), baseline=f"{tmp_path / 'a-1'}:labels")
    assert found["protocol"]["split"] == "cross_subject, held out in turn, 2 people"
    assert found["entries"]["b:labels"]["comparison"]["gain"] == pytest.approx(3 / 8)
    told = "a is a-1 and a-3 taken together: one recipe, judged on other people in each."
    assert told in warnings(compare([tmp_path / "a-1", tmp_path / "a-3"]))
    with pytest.raises(ComparisonError, match=r"a-1 with .*a-3 and .*b-3 are of .*; judged people is \[1, 3\] in"):
        compare([tmp_path / "a-1", tmp_path / "a-3", tmp_path / "b-3"])


def test_a_split_and_its_reverse_are_one(tmp_path):
    """Whatever else either trained; and two runs of one side are still two."""
    folders = []
    for split, person, answers in (("cross_subject_reversed", 1, BETTER), ("cross_subject", 2, BASE)):
        recipe = Recipe(data=Data("utd", split=split), ablation=Ablation(control=split == "cross_subject"))
        stages = {"labels": answers, "distilled": TEACHER} | ({"control": BASE} if recipe.ablation.control else {})
        ids = [f"s{person}_{i}" for i in range(8)]
        facts = {"split": split, "judged_subjects": [person]}
        folders.append(write_run(tmp_path / split, stages, recipe=recipe, ids=ids, seeds=3 - person, **facts))
    found = compare(folders)
    name = "cross_subject_reversed + cross_subject"
    assert list(found["entries"]) == [f"{name}:labels", f"{name}:distilled"] and found["seeds"] == 1
    assert found["protocol"]["split"] == "cross_subject both ways, 2 people"
    assert found["entries"][f"{name}:distilled"]["comparison"]["gain"] == pytest.approx(3 / 16)
    told = f"Of cross_subject_reversed not all seeds are taken: 1, as many as {name} has in each part."
    assert told in warnings(found)
    again = shutil.copytree(folders[1], tmp_path / "again")
    assert list(compare([folders[1], again])["runs"]) == ["cross_subject", "again"]
    with pytest.raises(ComparisonError, match="different protocols: split is"):
        compare([*folders, again])


def test_runs_of_different_recipes_are_not_taken_together(tmp_path):
    one = write_left_out(tmp_path / "a-1", 1, {"labels": BASE})
    recipe = Recipe(data=Data("utd", split="loso", test_subject=2), windows=Windowing(length=64))
    other = write_left_out(tmp_path / "a-2", 2, {"labels": BASE}, recipe)
    with pytest.raises(ComparisonError, match="different protocols: split is 'loso_1'"):
        compare([one, other])
