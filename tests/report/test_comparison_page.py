"""The page of a comparison: its numbers, its warnings, and that it stands whatever the names are."""

import itertools
import json
import re

import pytest

from tests.report.invented import RATES, Reader, make_run, written
from tfkd import files
from tfkd.comparison import compare
from tfkd.recipe import Data, Recipe, Student, Windowing
from tfkd.report import comparison
from tfkd.report.card import zoo
from tfkd.report.words import STAGES

STUDENTS = ["labels", "distilled", "int8"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs; the second has a seed less, few labels and another student."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = Recipe(data=Data("utd", labelled_subjects=(1,)), student=Student(width=32))
    make_run(folder / "a & b", seeds=3, trials=8, rates=RATES | {"control": 0.1})
    few = make_run(folder / "few", seeds=2, trials=8, recipe=recipe, rates=RATES | {"labels": 0.5})
    few["protocol"]["labelled_subjects"] = [1]
    files.write_json(folder / "few" / "results.json", few)
    return [folder / "a & b", folder / "few"]


def page_of(summary):
    return Reader(comparison.build(summary))


def plain(text):
    return text.replace("\u00a0", " ").replace("−", "-")


def robust(students, conditions):
    accuracy = {"mean": 0.8, "std": 0.1, "seeds": [0.7, 0.9]}
    compared = {"gain": -0.2, "p_value": 0.004, "holm_p_value": 0.012}
    return {
        "engine": "the int8 students in TFLM",
        "baseline": students[0],
        "students": {stage: dict.fromkeys(conditions, accuracy) for stage in students},
        "comparisons": {stage: dict.fromkeys(conditions, compared) for stage in students[1:]},
        "meanings": {name: f"what {name} means" for name in conditions[1:]},
        "int8_is": "pruned",
    }


def test_one_run_every_stage(runs, tmp_path):
    summary = compare(runs[:1])
    comparison.write(tmp_path, summary)
    page = Reader((tmp_path / "comparison.html").read_text())
    assert json.loads((tmp_path / "comparison.json").read_text()) == json.loads(json.dumps(summary))
    for stage, found in summary["entries"].items():
        row = page.row(STAGES[stage.rsplit(":", 1)[1]][0])
        assert row[1].startswith(f"{100 * found['accuracy']['mean']:.1f}")
        assert (row[3] == "–") == (found["comparison"] is None)
    assert "Gain: over Student on labels alone." in page.text
    assert "Student, distilled is better than Student on labels alone: +" in page.text
    assert "Control: shuffled teacher is worse than Student on labels alone: −" in page.text
    assert "Far below, and not drawn: Control: shuffled teacher" in page.text
    assert "2 people" in page.text and "Only 3 seeds" in page.text and "recipes differ" not in page.text
    assert page.row("a & b")[-1] == json.loads((runs[0] / "results.json").read_text())["provenance"]["git"]
    assert not [link for link in page.links if not link.startswith(("#", "./"))], "nothing is loaded from anywhere"
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert {"people", "classes", "teacher", "calibration", "pairs"} <= anchors <= set(page.ids)


def test_two_runs_over_a_recipes_value(runs):
    summary = compare(runs, STUDENTS, against="data.labelled_subjects")
    page = page_of(summary)
    assert "a & b · Student, distilled" in page.text and "few · int8 in TFLM" in page.text
    assert "Compared are the first 2 seeds, which all runs have (a & b has 3)." in page.text
    assert "recipes differ in data.labelled_subjects and student.width" in page.text
    assert page.row("data.labelled_subjects") == ["data.labelled_subjects", "1", "2"], "the curve's table"
    assert ["data.labelled_subjects", "none", "1"] in page.rows, "where the recipes differ"
    assert page.row("student.width")[1:] == ["64", "32"]
    drawings = re.findall(r"<svg.*?</svg>", comparison.build(summary), flags=re.S)
    assert len(drawings) == 2 and "people whose labels are used" in drawings[1]
    assert comparison.build(summary) == comparison.build(summary), "the same numbers give the same bytes"


def test_a_stage_without_a_name_in_full_keeps_its_own(runs):
    summary = compare(runs[:1], STUDENTS)
    entries = {name.replace("int8", "novel_stage"): entry for name, entry in summary["entries"].items()}
    entries["a & b:novel_stage"] = entries["a & b:novel_stage"] | {"stage": "novel_stage"}
    page = page_of({**summary, "entries": entries, "pairs": []})
    assert page.row("novel_stage")


def test_robustness_on_the_page_and_on_the_terminal(runs):
    summary = compare(runs[:1], STUDENTS)
    conditions = ["as recorded", "turned by 30°", "50 % of samples lost"]
    summary["robustness"] = {"a & b": robust(STUDENTS, conditions)}
    page = page_of(summary)
    assert page.row("turned by 30°")[1:] == ["80.0\u00a0±\u00a010.0"] * 3 + ["−20.0", "0.012"] * 2
    assert "what turned by 30° means" in page.text and "the int8 students in TFLM answer" in page.text
    told = comparison.as_text(summary)
    assert re.search(r"50 % of samples lost +80\.0 % +80\.0 % +80\.0 %", told)
    many = [f"with_{i}" for i in range(7)]
    told = comparison.as_text({**summary, "robustness": {"a & b": robust(many, conditions)}})
    assert re.search(r"turned by 30°( +80\.0 %){7}\n", told) and "with_6" in told


def test_the_terminal_shows_the_result_and_what_to_mind(runs):
    told = comparison.as_text(compare(runs, STUDENTS))
    lines = told.splitlines()
    assert re.match(r" +right, % +gain, points +95 % interval +p +corrected$", lines[0])
    assert re.match(r"a & b · Student, distilled +\d+\.\d ± \d+\.\d +\+\d+\.\d +\S+ to \S+ +\S+", lines[2])
    assert "Gain: over the student on labels alone of the same run." in told and "\u00a0" not in told.split("\n\n")[0]
    assert "4 people" not in told and "2 people" in told


def test_moments_are_not_called_recordings_and_few_parts_are_told(runs):
    summary = compare(runs[:1], STUDENTS)
    page = page_of(summary)
    assert "A class has few recordings" in page.text and "Of the recordings that the teacher" in page.text
    assert summary["protocol"]["judged_units"] == summary["protocol"]["judged_recordings"] == 48
    assert "p is never below" not in page.text
    protocol = summary["protocol"] | {"windowing": "continuous: 300 every 30", "judged_units": 4}
    page = page_of(summary | {"protocol": protocol})
    assert "A class has few" not in page.text and "over its windows" not in page.text
    assert "Of the moments that the teacher" in page.text and "units, not parts of the recordings" in page.text
    assert "Only 4 recordings or parts of them are compared: p is never below 0.12." in page.text


def test_macro_f1_is_what_counts_of_continuous_recordings(tmp_path):
    recipe = Recipe(windows=Windowing(kind="continuous", hop=30), data=Data("utd"))
    made = make_run(tmp_path / "shifts", recipe=recipe, cuts=4)
    summary = compare([tmp_path / "shifts"], [*STUDENTS, "control"])
    entries = {name.partition(":")[2]: entry for name, entry in summary["entries"].items()}
    better, found = entries["distilled"], entries["distilled"]["comparison"]
    low, high = found["macro_f1_interval"]
    assert low < found["macro_f1_gain"] < high and found["gain"] != pytest.approx(found["macro_f1_gain"], abs=0.01)
    assert found["macro_f1_holm_p_value"] == pytest.approx(3 * found["macro_f1_p_value"])
    told = comparison.as_text(summary).splitlines()
    assert re.match(r" +macro F1, % +gain, points +95 % interval +p +corrected$", told[0])
    f1 = f"{100 * better['macro_f1']['mean']:.1f} ± {100 * better['macro_f1']['std']:.1f}"
    gain, ends = (f"{100 * found['macro_f1_gain']:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}")
    assert re.match(rf"Student, distilled +{f1} +{re.escape(gain)} +{re.escape(ends)} ", told[2])
    page = page_of(summary)
    best = f"{100 * better['macro_f1']['mean']:.1f} %"
    assert f"Highest macro F1 among students: Student, distilled , {best} ±" in plain(page.text)
    assert f"is better than Student on labels alone: {gain} points of macro F1 (95 %: {ends}" in plain(page.text)
    assert page.row("Compared")[3] == "gain in macro\nF1, points"
    assert page.row("Student, distilled")[-1] == f"{100 * found['gain']:+.1f}", "moments right stand beside"
    assert "Points of macro F1. Bold" in page.text
    run = Reader(written(tmp_path / "shifts", made))
    assert "The int8 student reaches a macro F1 of " in run.text and "over 96 test moments" in run.text
    own = made["comparisons"]["distilled_vs_labels"]
    assert f"on labels alone: {100 * own['macro_f1_gain']:+.1f} points of macro F1 (p" in plain(run.text)
    assert f"seed 0's student, {100 * made['stages']['int8']['macro_f1']['seeds'][0]:.1f} % macro F1" in plain(run.text)
    row = zoo({"shifts": made}).splitlines()[-1]
    assert f"| {f1} | {gain} (p < 0.001) |" in row and "macro F1 over moments" in row


def test_few_things_to_compare_leave_out_what_there_is_nothing_to_say_of(runs):
    page = page_of(compare([f"{runs[0]}:labels"]))
    assert not {"pairs", "curve", "robustness"} & set(page.ids)
    assert "Nothing here has a baseline" in page.text


def test_many_lines_and_long_names_are_drawn(runs):
    from tfkd.report.plots import compared_dots, score_over

    lines = {f"stage {i} with a rather long name": [(0.1, 0.5, 0.1), (0.4, 0.5 + i / 500, 0.0)] for i in range(12)}
    drawn = score_over(lines, "data.label_noise", "right, %", "label")
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>stage', drawn))
    assert len(heights) == 12 and min(b - a for a, b in itertools.pairwise(heights)) > 7, "no name on another"
    assert "stage 1" in compared_dots([("turned", [[0.1], [0.2]])], ["stage 0", "stage 1"], "right, %", "label")
