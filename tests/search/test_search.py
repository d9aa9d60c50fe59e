"""A search from budget to recipe, on a small data set."""

import dataclasses
import json

import pytest

from tests.formats import utd
from tfkd.deploy import load_export
from tfkd.deploy.cost import Budget, BudgetError, cost_of
from tfkd.recipe import RecipeError, load_recipe, parse_recipe
from tfkd.search import Search, Space, held_out, search
from tfkd.search.space import name_of, recipe_of

RECIPE = parse_recipe(
    {
        "data": {"dataset": "utd", "validation_subjects": [3]},
        "windows": {"length": 32, "skeleton_length": 16},
        "teacher": {"kind": "skeleton", "width": 8},
        "teacher_training": {"epochs": 1, "batch_size": 8},
        "student": {"width": 8, "depth": 1, "dropout": 0.1},
        "student_training": {"epochs": 1, "batch_size": 8},
        "channels": {"epochs": 1, "multiple": 2},
        "pruning": {"sparsity": 0.5},
    }
)
SPACE = Space(widths=(8, 32, 256), depths=(1, 2), kernels=(3, 5), strided=(0, 1), stem_strides=(2,), kept=(1.0, 0.8))
BUDGET = Budget(flash_bytes=30 * 1024, ram_bytes=16 * 1024)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return str(utd.build(tmp_path_factory.mktemp("data") / "utd", subjects=4))


@pytest.fixture(scope="module", autouse=True)
def converted_once():
    """A student that is planned again costs what it did before: none is converted twice."""
    known, convert = {}, search.int8_cost

    def cost(student, budget, weight_bits):
        key = student.to_json(), budget.engine, budget.core, weight_bits
        if key not in known:
            known[key] = convert(student, budget, weight_bits)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "int8_cost", cost)
        yield


@pytest.fixture(scope="module")
def finished(tree, quick, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "fit"
    said = []
    Search(RECIPE, BUDGET, folder, SPACE, tree, say=said.append).run(2)
    return folder, said


def test_what_a_search_finds(finished, tree):
    folder, _ = finished
    found = json.loads((folder / "budget.json").read_text())
    assert len(found["students"]) == 2 and found["validation_subjects"] == [3]
    accuracies = [student["accuracy"] for student in found["students"]]
    assert accuracies == sorted(accuracies, reverse=True)
    for student in found["students"]:
        seed = folder / "students" / student["name"] / "seed0"
        exported = load_export(seed / "export")
        cost = cost_of(exported.model_bytes, "plain_c", "m4")
        assert (student["ram_bytes"], student["flash_bytes"]) == (cost.ram_bytes, cost.flash_bytes)
        assert student["instructions"] == round(cost.instructions)
        assert student["accuracies"] == [json.loads((seed / "int8.json").read_text())["accuracy"]]
        assert student["fits"] == BUDGET.fits(cost)
        assert not (seed / "teacher.keras").exists() and not (seed / "labels.keras").exists()
    assert any(student["front"] for student in found["students"])
    chosen = next(student for student in found["students"] if student["fits"])
    assert found["chosen"] == chosen["name"]
    recipe = load_recipe(folder / "recipe.toml")
    assert recipe.data.validation_subjects == () and recipe.ablation.control
    assert recipe.pruning.sparsity == 0, "no zeros, as it was judged"
    assert recipe.student == recipe_of(chosen["sizes"], RECIPE).student
    assert list(recipe.channels.weight_kb) == chosen["weight_kb"]
    if chosen["weight_kb"]:  # it is brought to the budget again, whatever its weights will be
        assert (recipe.channels.flash_kb, recipe.channels.ram_kb, recipe.channels.core) == (30, 16, "m4")
    assert found["chosen"] in (folder / "budget.html").read_text()


def test_of_the_finalists_the_one_is_chosen_that_stays_good(finished, tree, tmp_path, monkeypatch):
    """Of three students the one that looked best had luck; the second is no match for the third either."""
    monkeypatch.setattr(search, "FINALISTS", 2)
    seen = {}

    def judge(self, name, sizes, recipe, seeds):
        rank = seen.setdefault(name, len(seen))
        first, later = [(1.0, 0.4), (0.9, 0.8), (0.7, 0.7), (0.6, 1.0)][rank]
        costs = dict.fromkeys(("flash_bytes", "ram_bytes", "instructions", "model_bytes"), 1000 + rank)
        fits = rank != 1 or seeds == 1  # the second, trained again, loses fewer channels
        excess = {"flash_bytes": -0.5 if fits else 0.5}
        return {"accuracies": [first, *[later] * (seeds - 1)], "weight_kb": [], "fits": fits, "excess": excess} | costs

    monkeypatch.setattr(Search, "_judge", judge)
    found = Search(RECIPE, BUDGET, tmp_path, SPACE, tree, final_seeds=3, say=lambda line: None).run(4)
    names = list(seen)
    assert sorted(found["finalists"]) == sorted(names[:3]), "one that no longer fits makes room for the next"
    assert found["chosen"] == names[2], "not the first, by luck, nor the fourth, which nobody trained again"
    by_name = {student["name"]: student for student in found["students"]}
    assert by_name[names[0]]["accuracy"] == pytest.approx(0.6) and not by_name[names[1]]["fits"]
    assert [len(by_name[name]["accuracies"]) for name in names] == [3, 3, 3, 1]
    page = (tmp_path / "budget.html").read_text()
    assert "Judged by person 3, who was held out of training" in page
    assert "The most accurate that fit, 3 of them, were trained 3 times" in page


def test_a_search_ends_where_there_is_nothing_new_to_try(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "IN_VAIN", 3)
    costs = dict.fromkeys(("flash_bytes", "ram_bytes", "instructions", "model_bytes"), 1000)
    known = {"accuracies": [0.5], "weight_kb": [], "fits": True, "excess": {"flash_bytes": -0.5}} | costs
    monkeypatch.setattr(Search, "_judge", lambda *arguments: known)
    said, alone = [], Space((8,), (1,), (3,), (0,), (2,), kept=(1.0,))
    found = Search(RECIPE, BUDGET, tmp_path, alone, tree, say=said.append).run(5)
    assert len(found["students"]) == 1 and said[-1].startswith("3 in a row did not fit, or had been tried before")


def test_the_same_search_goes_on_and_takes_up_what_was_killed(finished, tree, tmp_path):
    import shutil

    import optuna

    folder = tmp_path / "fit"
    shutil.copytree(finished[0], folder)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    )
    study = optuna.load_study(study_name="tfkd", storage=storage)
    done = next(t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE)
    study.enqueue_trial(done.params)
    killed = study.ask()
    SPACE.suggest(killed)
    import socket

    killed.set_user_attr("process", f"{socket.gethostname()}:4194305")  # above the kernel's largest
    said = []
    found = Search(RECIPE, BUDGET, folder, SPACE, tree, final_seeds=2, say=said.append).run(3)
    # What was killed had been trained before, in the same folder: its finished stages are not repeated. It is no third.
    assert len(found["students"]) == 3 and any("done before" in line for line in said)
    # Finalists are trained once more, in folders of their own.
    finalists = [student for student in found["students"] if student["name"] in found["finalists"]]
    assert [len(student["accuracies"]) for student in finalists] == [2] * len(finalists) and finalists
    for student in finalists:
        records = [folder / "students" / student["name"] / f"seed{seed}" / "int8.json" for seed in range(2)]
        assert student["accuracies"] == [json.loads(record.read_text())["accuracy"] for record in records]
        assert student["accuracy"] == pytest.approx(sum(student["accuracies"]) / 2)
    states = {trial.number: trial.state.name for trial in study.trials}
    assert states[killed.number] == "FAIL" and list(states.values()).count("COMPLETE") >= 4


def test_a_folder_with_another_search_is_refused(finished, tree):
    other = dataclasses.replace(BUDGET, ram_bytes=8 * 1024)
    with pytest.raises(RecipeError, match="holds a search with another budget. Choose another --out"):
        Search(RECIPE, other, finished[0], SPACE, tree, say=lambda line: None)


def test_a_budget_that_nothing_meets_names_the_nearest_student_and_by_how_much(tree, tmp_path):
    budget = Budget(flash_bytes=2 * 1024, ram_bytes=64 * 1024)
    with pytest.raises(BudgetError, match=r"w8-d1-k3-s1-r2, takes flash \S+ KB of 2.0 KB.*by \d+ % of flash_bytes"):
        Search(RECIPE, budget, tmp_path / "fit", SPACE, tree, say=lambda line: None)
    # Nothing was tried in that folder: a larger budget may have it.
    Search(RECIPE, BUDGET, tmp_path / "fit", SPACE, tree, say=lambda line: None)


def test_students_that_remember_are_planned_as_the_device_runs_them(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(Search, "_refuse_what_nothing_meets", lambda self: None)
    stream = dataclasses.replace(RECIPE.windows, kind="stream", length=32, hop=8)
    student = dataclasses.replace(RECIPE.student, kind="causal", stem_kernel=5)
    recipe = dataclasses.replace(RECIPE, windows=stream, student=student)
    search = Search(recipe, BUDGET, tmp_path / "fit", SPACE, tree, say=lambda line: None)
    sizes = {**SPACE.smallest(), "depth": 2, "kernel": 3}
    windows = dataclasses.replace(recipe, student=dataclasses.replace(student, kind="imu"))
    other = Search(windows, BUDGET, tmp_path / "whole", SPACE, tree, say=lambda line: None)
    chunks, whole = (one._planned_cost("student", one._planned(sizes)[1]) for one in (search, other))
    assert "(memory)" in chunks.by_operator and chunks.instructions < 0.7 * whole.instructions
    # Strides that a chunk of 8 is no multiple of: such a student cannot be, and is not tried.
    with pytest.raises(ValueError, match="samples must be a multiple of 16"):
        search._planned({**sizes, "stem_stride": 4, "strided": 2, "kernel": 3, "depth": 2})


def test_what_cannot_be_searched_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="validation_subjects is empty"):
        recipe = dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, validation_subjects=()))
        Search(recipe, BUDGET, tmp_path)
    with pytest.raises(RecipeError, match="student.kind is 'gaf'; only imu and causal"):
        Search(parse_recipe({"student": {"kind": "gaf"}}), BUDGET, tmp_path)


def test_what_is_wrong_with_all_students_ends_a_search_at_once(tree, tmp_path):
    said = []
    data = dataclasses.replace(RECIPE.data, validation_subjects=(99,))
    with pytest.raises(ValueError, match=r"validation_subjects \[99\] are not among the training people"):
        Search(dataclasses.replace(RECIPE, data=data), BUDGET, tmp_path / "fit", SPACE, tree, say=said.append)
    assert said == ["Reading utd ..."]
    for length, told in ((-32, "must be at least 8"), (4, "--lengths 4: windows.length is 4")):
        with pytest.raises(RecipeError, match=told):
            Search(RECIPE, BUDGET, tmp_path / "fit", dataclasses.replace(SPACE, lengths=(32, length)), tree)


def test_students_of_four_bits_are_planned_for_tflm_too(tree, tmp_path):
    quantization = dataclasses.replace(RECIPE.quantization, aware_epochs=1, weight_bits=4)
    four = dataclasses.replace(RECIPE, quantization=quantization)
    with pytest.raises(BudgetError, match=r"takes flash \S+ KB of 48.0 KB"):  # which the code alone takes
        Search(four, Budget(flash_bytes=48 * 1024, engine="tflm"), tmp_path / "fit", SPACE, tree, say=lambda line: None)
    Search(four, Budget(flash_bytes=80 * 1024, engine="tflm"), tmp_path / "fit", SPACE, tree, say=lambda line: None)


def test_the_folder_of_a_run_is_no_folder_for_a_search(tree, tmp_path):
    (tmp_path / "recipe.toml").write_text("of a run")
    with pytest.raises(RecipeError, match="holds a recipe.toml of no search.*Choose another --out"):
        Search(RECIPE, BUDGET, tmp_path, SPACE, tree)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: "?\n" + text, lambda text: text + "1\n"])
def test_a_damaged_journal_is_told_with_its_line(finished, tree, tmp_path, damage):
    for name in ("search.json", "journal.log"):
        (tmp_path / name).write_text((finished[0] / name).read_text())
    search = Search(RECIPE, BUDGET, tmp_path, SPACE, tree, say=lambda line: None)
    (tmp_path / "journal.log").write_text(damage((finished[0] / "journal.log").read_text()))
    with pytest.raises(RecipeError, match=r"journal\.log: line \d+ is damaged or cut short"):
        search.run(3)


def test_a_damaged_search_json_is_told(tree, tmp_path):
    (tmp_path / "search.json").write_text('{"recipe": ')
    with pytest.raises(RecipeError, match=r"search\.json could not be read.*Delete it"):
        Search(RECIPE, BUDGET, tmp_path, SPACE, tree)


def test_the_last_quarter_of_the_training_people_is_held_out(tree):
    recipe = dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, validation_subjects=()))
    assert held_out(recipe, data_dir=tree).data.validation_subjects == (3,)
    assert held_out(recipe, (1,)).data.validation_subjects == (1,)
    assert held_out(RECIPE) == RECIPE


def test_names_tell_sizes_apart():
    sizes = SPACE.smallest()
    assert name_of(sizes) == "w8-d1-k3-s1-r2"
    assert name_of({**sizes, "length": 64, "kept": 0.5}) == "w8-d1-k3-s1-r2-n64-kept50"
    assert recipe_of({**sizes, "depth": 2, "strided": 1}, RECIPE).student.strides == (2, 1)
