"""The report of invented runs: what it says must be what `results.json` says."""

import copy
import dataclasses
import json
import re
import types
from pathlib import Path

import numpy as np
import pytest

from tests.report.invented import CLASSES, RATES, Reader, make_run, make_windows, written
from tfkd import files, report, results
from tfkd.deploy import exported, variants
from tfkd.recipe import Ablation, Data, PruningSettings, Quantization, Recipe, Teacher, Windowing
from tfkd.report import card, device
from tfkd.report.page import number, p_value, percent, points
from tfkd.report.words import COMPARISONS, STAGES
from tfkd.seed_run import stages_of


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A folder with a run and its report, its summary and its page, to be read only."""
    folder = tmp_path_factory.mktemp("runs") / "usual"
    summary = make_run(folder)
    return folder, summary, written(folder, summary)


def test_page_is_whole_and_alone(usual):
    folder, _, page = usual
    reader = Reader(page)
    assert reader.links and all(re.match(r"#|\./", link) for link in reader.links)
    assert "http" not in page and "url(" not in page and "@import" not in page and "<script" not in page
    assert len(reader.ids) == len(set(reader.ids))
    assert all(link[1:] in reader.ids for link in reader.links if link.startswith("#"))
    for link in reader.links:
        assert link.startswith("#") or (folder / link).exists(), link
    assert '<meta name="viewport"' in page
    assert str(folder.parent) not in page


def test_every_stage_has_its_row(usual):
    _, summary, page = usual
    reader = Reader(page)
    for stage in RATES:
        found = summary["stages"][stage]["accuracy"]
        name = STAGES[stage][0]
        mean, spread = (f"{100 * found[key]:.1f}" for key in ("mean", "std"))
        assert reader.row(name)[1].split() == [mean, "±", spread]


def test_headline_says_what_results_json_says(tmp_path):
    make_run(tmp_path, trials=12)
    summary = json.loads((tmp_path / "results.json").read_text())
    text = Reader(written(tmp_path, summary)).text.replace("−", "-")
    got = re.search(
        r"gets ([\d.]+) % ± ([\d.]+) of (\d+) test recordings right \((\d+) seeds\), "
        r"with a model of ([\d.]+) KB and an arena of ([\d.]+) KB",
        text,
    ).groups()
    accuracy = summary["stages"]["int8"]["accuracy"]
    expected = (100 * accuracy["mean"], 100 * accuracy["std"], 72, 2, 18638 / 1024, 10036 / 1024)
    assert np.allclose([float(value) for value in got], expected, atol=0.051)
    gain = re.search(r"student is better than the same student on labels alone: \+([\d.]+) points", text)
    assert float(gain[1]) == round(100 * summary["comparisons"]["distilled_vs_labels"]["gain"], 1)


def test_no_gain_is_said_plainly(tmp_path):
    text = Reader(written(tmp_path, make_run(tmp_path, same=RATES, rates=dict.fromkeys(RATES, 0.8)))).text
    assert (
        "No difference shown between the distilled student and the same student on labels alone: "
        "0.0 points (p = 1.00)." in text
    )
    assert "better" not in text and "+0.0" not in text and "−0.0" not in text


def test_loss_is_said_plainly(tmp_path):
    text = Reader(written(tmp_path, make_run(tmp_path, rates={**RATES, "distilled": 0.2}, trials=10))).text
    assert re.search(r"The distilled student is worse than the same student on labels alone: −\d", text)


def test_gain_that_the_control_has_too_is_not_credited_to_the_teacher(tmp_path):
    doubt = "not shown that the gain comes from what the teacher knows"
    rates = {**RATES, "labels": 0.3}
    alike = make_run(tmp_path / "a", same=("distilled", "control"), rates={**rates, "control": 0.9}, trials=8)
    apart = make_run(tmp_path / "b", rates=rates, trials=8)
    assert alike["comparisons"]["distilled_vs_labels"]["p_value"] < 0.05
    assert doubt in written(tmp_path / "a", alike)
    assert doubt not in written(tmp_path / "b", apart)


def test_names_are_escaped(tmp_path):
    page = written(tmp_path, make_run(tmp_path, notes={"<i>kind": ["<script>alert(1)</script>"]}))
    assert "<b>" not in page and "<i>" not in page and "<script" not in page
    assert "a &lt; b &amp; c" in page
    assert "&amp;lt;" not in page and not re.search("&lt;(dt|dd|td|th|p|a|h3|span)\\b", page), "escaped twice"
    reader = Reader(page)
    for name in CLASSES:
        assert reader.row(name)
        assert reader.words.count(name) == 5, "one row, and two axes of two confusion matrices"


def test_one_seed_has_no_spread(tmp_path):
    text = Reader(written(tmp_path, make_run(tmp_path, seeds=1))).text
    assert "±" not in text
    assert "(1 seed)" in text and "with another is unknown" in text


def test_validation_people_are_not_called_test_people(tmp_path):
    text = Reader(written(tmp_path, make_run(tmp_path, side="validation"))).text
    assert "validation recordings right" in text and "not the test people" in text
    assert "test recordings" not in text


def test_people_who_also_trained_are_named(usual, tmp_path):
    assert "also trained" in written(tmp_path, make_run(tmp_path, judged=(1, 3)))
    assert "also trained" not in usual[2]


def test_labels_that_were_withheld_are_named(usual, tmp_path):
    assert "only: the others" not in usual[2]
    summary = make_run(tmp_path)
    summary["protocol"]["labelled_subjects"] = [3]
    assert (
        "people 1 and 3, 24 windows; labels of 3 only: the others" in Reader(written(tmp_path, summary)).text
    )


def test_a_run_without_a_control_says_so(tmp_path):
    recipe = Recipe(data=Data("utd"), ablation=Ablation(control=False))
    rates = {stage: rate for stage, rate in RATES.items() if stage != "control"}
    page = written(tmp_path, make_run(tmp_path, recipe=recipe, rates=rates))
    assert "There is no control" in page


def test_a_run_without_int8_shows_each_student_once(tmp_path):
    recipe = Recipe(data=Data("utd"), quantization=Quantization(int8=False))
    rates = {stage: rate for stage, rate in RATES.items() if stage not in ("pruned", "int8")}
    reader = Reader(written(tmp_path, make_run(tmp_path, recipe=recipe, rates=rates)))
    head = ["Class", "distilled", "labels", "distilled\n− labels", "teacher", "recordings", "distilled takes it for"]
    assert reader.row("Class") == head and len(reader.row("sit2stand")) == len(head)


def test_words_cover_what_runs_produce(tmp_path):
    ablation = Ablation(("soft_targets", "distance", "angle", "semantic"), ("single", "dask"), raw_signal=True)
    kinds = ("fused", "skeleton", "graph", "imu", "depth", "video")
    more = tuple(Teacher(kind=kind) for kind in kinds)
    quantization = Quantization(aware_epochs=1)
    recipe = Recipe(data=Data("utd"), more_teachers=more, ablation=ablation, quantization=quantization)
    summary = make_run(tmp_path, recipe=recipe, rates=dict.fromkeys(stages_of(recipe), 0.8))
    terms = {f"with_{term}_vs_labels" for term in ablation.terms}
    assert set(summary["stages"]) == set(STAGES)
    of_other_recipes = {"int8_vs_distilled", "int8_vs_pruned", "aware_vs_distilled"}
    assert set(summary["comparisons"]) == set(COMPARISONS) - of_other_recipes | terms
    page = written(tmp_path, summary)
    assert "Each term alone beside the labels, against labels alone: soft targets " in page
    reader = Reader(page)
    assert all(reader.row(STAGES[stage][0]) for stage in STAGES)
    models = map(variants.file_name, variants.MEANINGS)
    left = {*models, exported.VARIANTS, exported.CONTRACT, exported.GOLDEN, *exported.C_FILES}
    assert set(device.EXPORTED_FILES) == left


def test_people_and_classes_are_those_of_results_json(usual):
    _, summary, page = usual
    reader = Reader(page)
    expected = [f"{100 * summary['per_person'][stage]['4']:.1f}" for stage in ("int8", *list(RATES)[:-1])]
    assert reader.row("person 4")[1:] == [*expected, "12"]
    row, recalls = reader.row("sit2stand"), summary["per_class"]
    shown = [f"{100 * recalls[stage][2]:.1f}" for stage in ("int8", "labels", "distilled", "teacher")]
    assert [row[1], row[2], row[3], row[5], row[6]] == [*shown, "8"]
    order = [row[0] for row in reader.rows if row and row[0] in CLASSES]
    assert order[:3] == sorted(CLASSES[:3], key=lambda name: recalls["int8"][CLASSES.index(name)])


def test_moments_are_not_called_recordings(tmp_path):
    summary = make_run(tmp_path)
    summary["protocol"]["windowing"] = "continuous"
    summary["recipe"]["windows"] |= {"kind": "continuous", "hop": 30}
    reader = Reader(written(tmp_path, summary))
    assert "Moments right, in %" in reader.text and "Cells count moments, summed over 2 seeds" in reader.text
    assert reader.row("Person")[-1] == "moments" == reader.row("Class")[-2]


def test_windows_are_a_column_of_streams_only(usual, tmp_path):
    recipe = Recipe(windows=Windowing("stream", length=100, hop=25))
    summary = make_run(tmp_path, recipe=recipe, cuts=3)
    reader = Reader(written(tmp_path, summary))
    found = summary["stages"]["int8"]["window_accuracy"]
    assert reader.row("int8 in TFLM")[2].split()[0] == f"{100 * found['mean']:.1f}"
    assert "100 samples every 25" in reader.text and "72 windows" in reader.text
    whole = Reader(usual[2])
    assert len(whole.row("int8 in TFLM")) == len(reader.row("int8 in TFLM")) - 1


def test_layers_that_are_sparser_than_others_are_told(usual):
    _, _, page = usual
    assert "weights are zero (seed 0\u2019s: stem_conv 90.0 %, head 0.0 %)." in Reader(page).text


def test_a_student_that_was_not_pruned(tmp_path):
    recipe = Recipe(pruning=PruningSettings(sparsity=0))
    summary = make_run(tmp_path, recipe=recipe)
    assert "pruned" not in summary["stages"] and "int8_vs_distilled" in summary["comparisons"]
    reader = Reader(written(tmp_path, summary))
    assert "none: every weight is used" in reader.text
    assert "then pruned" not in reader.text and "the pruned" not in reader.text
    assert "% of the kernel weights are zero" not in card.measured(summary, "command")


def test_bare_records(tmp_path):
    make_run(tmp_path)
    for record in tmp_path.glob("seed*/*.json"):
        facts = json.loads(record.read_text())
        facts.pop("history", None)
        if record.stem == "pruned":
            facts.pop("parameters")
            facts["history"] = {}
        files.write_json(record, facts)
    summary = json.loads((tmp_path / "results.json").read_text())
    summary["stages"]["pruned"].pop("parameters")
    summary["provenance"]["git"] = None
    reader = Reader(written(tmp_path, summary))
    assert reader.row("Distilled, then pruned")[3] == "–"
    assert reader.row("nobody's")[1:7] == [*"–––––", "0"]
    assert "No stage recorded its loss" in reader.text


def test_every_variant_has_its_row_and_older_runs_have_none(tmp_path):
    summary = make_run(tmp_path, seeds=2)
    assert summary["stages"]["int8"]["variants"] == {
        "plain": {"bytes": 18638, "arena_bytes": 10036},
        "decode": {"bytes": 9001, "arena_bytes": 12501},
    }
    reader = Reader(written(tmp_path, summary))
    assert reader.row("student_decode.tflite")[1:3] == ["8.8\u00a0KB", "12.2\u00a0KB"]
    older = copy.deepcopy(summary)
    del older["stages"]["int8"]["variants"]
    assert "student_decode.tflite" not in Reader(written(tmp_path, older)).text

    record = tmp_path / "seed1/int8.json"
    facts = json.loads(record.read_text())
    del facts["variants"]  # a run that was begun before there were any, and resumed after
    files.write_json(record, facts)
    prepared = types.SimpleNamespace(
        train=make_windows((1, 3), CLASSES), judged=make_windows((2, 4), CLASSES), side="test", notes={}, split="x"
    )
    resumed = results.summarize(tmp_path, Recipe(data=Data("utd")), prepared, 2)
    assert "variants" not in resumed["stages"]["int8"]


def test_notes_are_counted_without_the_machines_folders(tmp_path):
    entries = [f"/home/me/my data/a{i}.mat (kept /mnt/x/b.zip:In/a{i}.mat)" for i in range(9)]
    notes = {"ignored: duplicate": entries, "nothing": []}
    reader = Reader(written(tmp_path, make_run(tmp_path, notes=notes)))
    row = reader.row("ignored: duplicate")
    assert row[1] == "9" and row[2].startswith("a0.mat (kept b.zip:In/a0.mat); a1.mat")
    assert "a8.mat (kept b.zip:In/a8.mat)" in reader.text
    assert "/home" not in reader.text and "/mnt" not in reader.text


def test_same_results_give_the_same_bytes(tmp_path, drawn_anew):
    summary = make_run(tmp_path)
    first = written(tmp_path, summary)
    assert written(tmp_path, json.loads((tmp_path / "results.json").read_text())) == first
    other = dataclasses.replace(Recipe(), description="something else")
    assert written(tmp_path, {**summary, "recipe": dataclasses.asdict(other)}) != first


def test_failed_write_leaves_the_earlier_report(tmp_path, monkeypatch):
    summary = make_run(tmp_path)
    (tmp_path / "report.html").write_text("earlier")

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(files.OutputError, match="No space left"):
        report.write(tmp_path, summary)
    assert (tmp_path / "report.html").read_text() == "earlier"
    assert not list(tmp_path.glob(".report*"))


def test_many_classes_and_seeds_stay_small(tmp_path):
    classes = tuple(f"a class of some length {i}" for i in range(27))
    summary = make_run(tmp_path, seeds=5, classes=classes, epochs=100, rates=dict.fromkeys(RATES, 0.7))
    assert len(written(tmp_path, summary).encode()) < 600_000


@pytest.mark.parametrize(
    ("p", "said"),
    [(1 / 20001, "p < 0.0001"), (0.00042, "p = 0.0004"), (0.0312, "p = 0.031"), (0.5, "p = 0.50")],
)
def test_p_values(p, said):
    assert p_value(p).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("gain", "said"), [(0.0, "0.0"), (-0.0, "0.0"), (0.0004, "0.0"), (-0.0123, "−1.2"), (0.1, "+10.0")]
)
def test_points(gain, said):
    assert points(gain) == said


def test_equal_numbers_look_equal_however_they_were_summed():
    assert points(0.85 - 0.6625) == points(0.1875) == "+18.8"
    assert number(0.1 * 8.875) == number(0.8875) and percent(0.8874999999999999) == percent(0.8875)
