"""The parts of a report that go down to people, classes and epochs.

They are drawn from the predictions and records in the run folder, besides the numbers of `results.json`.
"""

from tfkd import results
from tfkd.report import plots
from tfkd.report.page import Html, folded, number, percent, points, table, tag
from tfkd.report.words import decided, final, stage_names


def people_and_classes(folder, summary):
    """Whom and what the stages got right; the hardest class first."""
    last, cases = final(summary), decided(summary["protocol"])
    judged = results.load_predictions(folder, last, summary["seeds"])
    confused = results.summed_confusion(judged)
    _, _, subjects, _ = judged[0].decisions()
    stages = sorted(summary["per_person"], key=lambda stage: stage != last)  # what is flashed comes first
    people = sorted(summary["per_person"][last], key=lambda person: (len(person), person))
    by_person = [
        [f"person {person}"]
        + [number(summary["per_person"][stage].get(person)) for stage in stages]
        + [int((subjects.astype(str) == person).sum())]
        for person in people
    ]
    students = [stage for stage in ("labels", "distilled") if stage != last]
    recalls, classes = summary["per_class"], summary["protocol"]["classes"]
    worst_first = sorted(range(len(classes)), key=lambda i: (recalls[last][i] is None, recalls[last][i] or 0.0, i))
    by_class = [
        [
            classes[i],
            _bar(recalls[last][i]),
            *(number(recalls[stage][i]) for stage in students),
            points(_difference(recalls["distilled"][i], recalls["labels"][i])),
            number(recalls["teacher"][i]),
            int(confused[i].sum()) // summary["seeds"],
            _taken_for(confused[i], i, classes),
        ]
        for i in worst_first
    ]
    shown = [stage_names(stage)[1] for stage in stages]
    head = ["Class", last, *students, "distilled\n− labels", "teacher", cases]
    head += [f"{last} takes it for"]
    return [
        tag("p", f"{cases.capitalize()} right, in %, mean over seeds."),
        table("Accuracy by person", ["Person", *shown, cases], by_person),
        tag("h3", f"Classes, the hardest for {last} first"),
        table("Recall by class", head, by_class, text=[len(head) - 1]),
    ]


def _difference(ours, baseline):
    return None if ours is None or baseline is None else ours - baseline


def _bar(recall):
    if recall is None:
        return None
    return tag("span", number(recall), class_="bar", style=f"--share: {100 * recall:.1f}%")


def _taken_for(row, true, classes):
    """The most frequent wrong answer, with its share of the class."""
    wrong = [0 if i == true else int(count) for i, count in enumerate(row)]
    most = max(range(len(wrong)), key=wrong.__getitem__)
    return f"{classes[most]} ({percent(wrong[most] / row.sum())})" if wrong[most] else ""


def confusion(folder, summary):
    """Confusion matrices of what is flashed and of the student that nobody taught."""
    classes, seeds = summary["protocol"]["classes"], summary["seeds"]
    figures = []
    for stage in (final(summary), "labels"):
        table_ = results.summed_confusion(results.load_predictions(folder, stage, seeds))
        name = stage_names(stage)[0]
        drawing = plots.confusion_matrix(table_, classes, f"Confusion matrix: {name}")
        size = f"--least: {9 + 1.25 * len(classes):.1f}rem; --most: {14 + 1.6 * len(classes):.1f}rem"
        figures.append(
            tag(
                "figure",
                tag("figcaption", tag("strong", name)),
                tag("div", Html(drawing), class_="scroll", tabindex=0, role="region", aria_label=name),
                class_="matrix",
                style=size,
            )
        )
    over = decided(summary["protocol"]) + (f", summed over {seeds} seeds" if seeds > 1 else "")
    text = f"Rows: what was performed. Columns: what was recognised. Cells count {over}; empty ones are zero."
    return [tag("p", text, class_="small"), *figures]


def training(folder, summary):
    """Loss, and training accuracy, over epochs."""
    seeds = summary["seeds"]
    histories = {stage: results.histories(folder, stage, seeds) for stage in summary["stages"]}
    loss = _plots_of(histories, "loss")
    accuracy = _plots_of(histories, "accuracy")
    lines = "Thin lines are seeds, the thick one their mean. " if seeds > 1 else ""
    text = f"{lines}Each stage has a loss of its own kind, so that heights do not compare between plots."
    return [
        tag("p", text if loss else "No stage recorded its loss.", class_="small"),
        tag("div", *loss, class_="plots"),
        folded("Accuracy on (augmented) training batches", tag("div", *accuracy, class_="plots")) if accuracy else "",
    ]


def _plots_of(histories, quantity):
    """One figure for each stage that recorded the quantity."""
    figures = []
    for stage, records in histories.items():
        name = stage_names(stage)[0]
        runs = [record.get(quantity, []) for record in records]
        drawing = plots.curves(runs, f"{name}: {quantity} by epoch")
        if drawing:
            caption = tag("figcaption", tag("strong", name), f" · {quantity}")
            figures.append(tag("figure", caption, Html(drawing)))
    return figures
