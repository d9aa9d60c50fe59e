"""The parts of a comparison that go down to pairs, people, classes, teachers and confidence."""

from tfkd.paired import of_score
from tfkd.report import plots
from tfkd.report.page import Html, folded, number, p_number, percent, points, spread, table, tag
from tfkd.report.words import DECISIVE, axis, decided, score, stage_names, units

MOST_CLASSES = 3
"""How many of the largest gains, and of the largest losses, are named."""

_NOTHING = 1e-9  # what is left of a difference of equal means in floating point


def short_names(summary):
    """Entry -> its name in a narrow column."""
    alone = len(summary["runs"]) == 1
    return {
        name: stage_names(entry["stage"])[1] if alone
        else f"{entry['run']}\n{stage_names(entry['stage'])[1]}"
        for name, entry in summary["entries"].items()
    }  # fmt: skip


def curve(summary):
    """The score of each stage over a recipe's value."""
    drawn = summary["curve"]
    if not drawn:
        return []
    key = drawn["key"]
    lines = {
        stage_names(stage)[0]: [(p["value"], p["mean"], p["std"]) for p in found]
        for stage, found in drawn["stages"].items()
    }
    best = max(mean for points_ in lines.values() for _, mean, _ in points_)
    # What is far below everywhere, a control usually, would press the others together; the table has it.
    lines = {name: found for name, found in lines.items() if max(mean for _, mean, _ in found) >= best / 2}
    values = sorted(set(drawn["runs"].values()))
    rows = []
    for stage, found in drawn["stages"].items():
        by_value = {p["value"]: spread(p, len(p["seeds"])) for p in found}
        rows.append([stage_names(stage)[0], *(by_value.get(value) for value in values)])
    counted = " (people whose labels are used)" if key == "data.labelled_subjects" else ""
    others = [k for k in summary["differences"] if k != key]
    said = axis(summary["protocol"])
    drawing = plots.score_over(lines, key + counted, said, f"{said} over {key}")
    return [
        tag("figure", Html(drawing), style="max-width: 36rem"),
        table(f"{said} over {key}", [key, *(f"{value:g}" for value in values)], rows),
        tag("p", "Mean and standard deviation over seeds (and over runs of the same value)."
            + (f" The runs differ in {len(others)} other keys too: see below." if others else ""), class_="small"),
    ]  # fmt: skip


def pairs(summary, names):
    """A matrix of gains."""
    if not summary["pairs"]:
        return []
    entries = list(summary["entries"])
    gains = {}
    for pair in summary["pairs"]:
        found = of_score(pair)
        gains[pair["ours"], pair["baseline"]] = found["gain"], found["holm_p_value"]
        gains[pair["baseline"], pair["ours"]] = -found["gain"], found["holm_p_value"]

    def cell(row, column):
        if row == column:
            return ""
        gain, p = gains[row, column]
        return tag("strong", points(gain)) if p < DECISIVE else points(gain)

    rows = [
        [f"{i + 1}  {names[row]}", *(cell(row, column) for column in entries)] for i, row in enumerate(entries)
    ]
    of_what = " of macro F1" if score(summary["protocol"]) == "macro_f1" else ""
    return [
        table("Gains of rows over columns", ["Gain of row over column", *range(1, len(entries) + 1)], rows),
        tag("p", f"Points{of_what}. Bold: p, corrected for the number of pairs (Holm), is below "
            f"{DECISIVE}. Columns carry the numbers of the rows.", class_="small"),
    ]  # fmt: skip


def people(summary, names):
    """Accuracy and gain of each person."""
    entries = summary["entries"]
    numbers = sorted(next(iter(entries.values()))["per_person"], key=int)
    rows = [
        [names[name], *(number(entry["per_person"][person]) for person in numbers)] for name, entry in entries.items()
    ]
    gains = []
    for name, entry in entries.items():
        if entry["comparison"]:
            by_person = entry["comparison"]["per_person"]
            better = sum(by_person[person] > _NOTHING for person in numbers)
            row = [names[name], *(points(by_person[person]) for person in numbers), f"{better} of {len(numbers)}"]
            gains.append([*row, p_number(entry["comparison"]["people_p_value"])])
    head = [f"person {person}" for person in numbers]
    content = [table("Accuracy by person", ["Right, %", *head], rows)]
    if gains:
        content += [
            table("Gain by person", ["Gain over the baseline, points", *head, "gained", "p, people"], gains),
            tag("p", "Means over seeds. A gain that rests on one person is a finding about that person. p, people: the "
                f"paired test with people as its units, not {units(summary['protocol'])}, uncorrected: a fair one for "
                f"new people, but of {len(numbers)} it cannot fall below {2 / 2 ** len(numbers):.2g}, however large "
                "the gain.", class_="small"),
        ]  # fmt: skip
    return content


def classes(summary, names):
    """Largest gains and losses by class, and all of them folded away."""
    shown, compared = short_names(summary), {n: e for n, e in summary["entries"].items() if e["comparison"]}
    rows = []
    for name, entry in compared.items():
        ranked = sorted(entry["comparison"]["per_class"].items(), key=lambda pair: -pair[1])
        gained = [pair for pair in ranked[:MOST_CLASSES] if pair[1] > _NOTHING]
        lost = [pair for pair in reversed(ranked[-MOST_CLASSES:]) if pair[1] < -_NOTHING]
        rows.append([names[name], _named(gained), _named(lost)])
    content = []
    few = " A class has few recordings: one more right is some points."
    if rows:
        content = [
            table("Largest differences", ["Against the baseline", "gained most", "lost most"], rows, text=[1, 2]),
            tag("p", "Points of recall, means over seeds."
                + (few if decided(summary["protocol"]) == "recordings" else ""), class_="small"),
        ]  # fmt: skip
    every = next(iter(summary["entries"].values()))["per_class"]
    by_class = [
        [label, *(number(entry["per_class"][label]) for entry in summary["entries"].values())] for label in every
    ]
    recalls = table("Recall by class", ["Recall, %", *shown.values()], by_class)
    return [*content, folded("Recall of every class", recalls)]


def _named(pairs_):
    return "; ".join(f"{label} {points(gain)}" for label, gain in pairs_)


def teacher(summary, names):
    """Whether students decide as their teachers do."""
    rows = []
    for name, entry in summary["entries"].items():
        for stage, found in entry["agreement"].items():
            rows.append(
                [
                    names[name],
                    stage_names(stage)[0],
                    number(found["same"]),
                    f"{found['teacher_errors']:.1f}",
                    number(found["copied"]),
                    number(found["corrected"]),
                ]
            )
    if not rows:
        return []
    head = ["Student", "Teacher", "same\ndecision, %", "teacher's\nerrors a seed", "copied, %", "right\ninstead, %"]
    return [
        table("Agreement with the teacher", head, rows, text=[1]),
        tag("p", f"Of the {decided(summary['protocol'])} that the teacher gets wrong: to how many the student gives "
            "the same wrong answer, and how many it gets right, over all seeds. The student on labels alone tells how "
            "often two networks err alike without having met.", class_="small"),
    ]  # fmt: skip


def calibration(summary, names):
    """Calibration error and likelihood."""
    rows = [
        [
            names[name],
            spread(entry["calibration_error"], summary["seeds"]),
            points(entry["overconfidence"]["mean"]),
            f"{entry['negative_log_likelihood']['mean']:.3f}"
            + (f"\u00a0±\u00a0{entry['negative_log_likelihood']['std']:.3f}" if summary["seeds"] > 1 else ""),
        ]
        for name, entry in summary["entries"].items()
    ]
    moments = decided(summary["protocol"]) == "moments"
    whose = "each moment's probabilities" if moments else "a recording's mean probabilities over its windows"
    head = ["Compared", "expected calibration\nerror, points", "confidence −\naccuracy, points"]
    head += ["negative log-\nlikelihood, nats"]
    return [
        table("Calibration", head, rows),
        tag("p", "Expected calibration error: mean distance between confidence and accuracy, in 15 bins of equal width "
            f"(Guo et al., 2017). All are of {whose}, as trained: no temperature is fitted, since that would be "
            "fitted on the people who are judged. Smaller is better. Where confidence is below accuracy, answers are "
            "better than they claim.", class_="small"),
    ]  # fmt: skip


def robustness(summary):
    """Accuracy under each perturbation, one part a run."""
    content = []
    for run, found in (summary.get("robustness") or {}).items():
        if len(summary["robustness"]) > 1:
            content.append(tag("h3", run))
        content += _robustness_of(found, summary)
    return content


def _robustness_of(found, summary):
    students, called = list(found["students"]), _called(found)
    seeds = len(next(iter(found["students"][students[0]].values()))["seeds"])
    head = ["Perturbation", *(f"{called[stage]},\n%" for stage in students)]
    for stage in found["comparisons"]:
        head += [f"{called[stage]}\n− {called[found['baseline']]}", "p,\ncorrected"]
    rows, drawn, said = [], [], axis(summary["protocol"])
    for condition in found["students"][students[0]]:
        row = [condition, *(spread(found["students"][stage][condition], seeds) for stage in students)]
        for compared in found["comparisons"].values():
            gain, p = points(compared[condition]["gain"]), compared[condition]["holm_p_value"]
            row += [tag("strong", gain) if p < DECISIVE else gain, p_number(p)]
        rows.append(row)
        drawn.append((condition, [found["students"][stage][condition]["seeds"] for stage in students]))
    return [
        tag("p", f"The judged people's recordings are changed before they are cut into windows, and {found['engine']} "
            "answer. Every student gets the same changed recordings."),
        tag("figure", Html(plots.compared_dots(drawn, [called[s] for s in students], said, "When perturbed")),
            tag("figcaption", "A dot is a seed, the bar their mean."), style="max-width: 42rem"),
        table(f"{said}, when perturbed", head, rows),
        tag("p", f"p: paired test against {called[found['baseline']]} over the same recordings and seeds, corrected "
            f"for the number of perturbations (Holm). Bold: below {DECISIVE}. Which of the sensor's y and z lies "
            "across the arm is not known: the other wrist was tried both ways. A mirrored movement keeps its label, "
            "which is open to doubt where its name tells a direction.", class_="small"),
        folded("What each perturbation does", tag("ul", *(
            tag("li", tag("strong", name), f": {text}") for name, text in found["meanings"].items()))),
    ]  # fmt: skip


def _called(found):
    """Student -> its name in a column. All of them run on one engine, so `int8` is what it was made from."""
    stages = {stage: found["int8_is"] if stage == "int8" else stage for stage in found["students"]}
    return {stage: stage_names(shown)[1] for stage, shown in stages.items()}


def robustness_rows(summary):
    """The same as rows for a terminal."""
    rows = []
    for run, found in summary["robustness"].items():
        students = list(found["students"])
        rows.append([f"{run}, {found['engine']}", *_called(found).values()])
        for condition in found["students"][students[0]]:
            cells = [percent(found["students"][stage][condition]["mean"]).replace("\u00a0", " ") for stage in students]
            rows.append([condition, *cells])
    return rows
