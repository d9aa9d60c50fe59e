"""`comparison.html`: runs side by side on one page, for a person to read and judge, offline.

What is written are the numbers of `comparison.json`, nothing else.
"""

from pathlib import Path

from tfkd import files
from tfkd.paired import of_score
from tfkd.report import comparison_details as details
from tfkd.report import plots
from tfkd.report.page import (
    Html,
    facts,
    listed,
    p_number,
    p_value,
    page,
    percent,
    points,
    section,
    spread,
    table,
    tag,
)
from tfkd.report.words import (
    DECISIVE,
    F1_TEST,
    axis,
    decided,
    few_units,
    how_many,
    score,
    scored,
    shown,
    stage_names,
    units,
)

WITHOUT_SPACES = str.maketrans({"\u00a0": " ", "\u2011": "-"})


def write(folder, summary):
    """Writes `comparison.json` and `comparison.html` into a folder, each whole or not at all.

    Args:
        folder: made if it is not there.
        summary: what `tfkd.comparison.compare` returned, with what `tfkd.robustness.judge` returned as `robustness` if
            that was asked for.

    Raises:
        OutputError: a file cannot be written.
    """
    folder = Path(folder)
    files.write_json(folder / "comparison.json", summary)
    files.write_text(folder / "comparison.html", build(summary))


def build(summary):
    """The page as text."""
    names = full_names(summary)
    parts = [
        ("result", "The result", _result(summary, names)),
        ("curve", "Over the recipe", details.curve(summary)),
        ("pairs", "Each against each", details.pairs(summary, names)),
        ("people", "People", details.people(summary, names)),
        ("classes", "Classes", details.classes(summary, names)),
        ("teacher", "Agreement with the teacher", details.teacher(summary, names)),
        ("calibration", "How sure, and how rightly", details.calibration(summary, names)),
        ("robustness", "Worn otherwise, or badly received", details.robustness(summary)),
        ("origin", "What was compared", _origin(summary)),
    ]
    parts = [part for part in parts if part[2]]
    links = (tag("a", heading, href=f"#{identity}") for identity, heading, _ in parts)
    return page(
        f"{listed(summary['runs'])}: tfkd comparison",
        tag("p", "tfkd comparison", class_="small"),
        tag("h1", listed(summary["runs"])),
        tag("p", _lead(summary, names), class_="lead"),
        tag("ul", *(tag("li", text) for text in _findings(summary, names))),
        *(tag("p", text, class_="note") for text in warnings(summary)),
        tag("nav", Html(" ".join(links))),
        *(section(identity, heading, *content) for identity, heading, content in parts),
    )


def full_names(summary):
    """Entry -> what it is called on the page: the run only where there are several."""
    alone = len(summary["runs"]) == 1
    names = {}
    for name in {*summary["entries"], *(e["baseline"] for e in summary["entries"].values() if e["baseline"])}:
        run, stage = name.rsplit(":", 1)
        named = stage_names(stage)[0]
        names[name] = named if alone else f"{run} · {named}"
    return names


def _lead(summary, names):
    entries, protocol = summary["entries"], summary["protocol"]
    students = {name: e for name, e in entries.items() if not e["stage"].startswith("teacher")} or entries
    by = score(protocol)
    best = max(students, key=lambda name: students[name][by]["mean"])
    said = [
        "Most right among students: " if by == "accuracy" else "Highest macro F1 among students: ",
        tag("strong", names[best]),
        ", ",
        *scored(protocol, students[best], summary["seeds"]),
        f" ({summary['seeds']} seed{'s' if summary['seeds'] > 1 else ''}).",
    ]
    return Html("".join(map(str, said)))


def _findings(summary, names):
    """What the comparisons with the baselines show, one sentence each, and for how many they show nothing."""
    compared = [(name, entry) for name, entry in summary["entries"].items() if entry["comparison"]]
    silent = []
    for name, entry in compared:
        found = of_score(entry["comparison"])
        low, high = map(points, found["interval"])
        if not _shown(found):
            silent.append(names[name])
            continue
        of_what = "" if found is entry["comparison"] else " of macro F1"
        yield (
            f"{names[name]} is {'better' if found['gain'] > 0 else 'worse'} than {names[entry['baseline']]}: "
            f"{points(found['gain'])}\u00a0points{of_what} (95\u00a0%: {low} to {high}; corrected "
            f"{p_value(found['holm_p_value'])})."
        )
    if silent:
        yield f"No difference from the baseline is shown for {listed(silent)}."


def _shown(found):
    """Whether there is a difference of the score by the corrected p value; `found` as `of_score` gives it."""
    return shown({"gain": found["gain"], "p_value": found["holm_p_value"]})


def warnings(summary):
    """What keeps the numbers from meaning more than they do, one sentence each."""
    protocol, seeds, runs = summary["protocol"], summary["seeds"], summary["runs"]
    people = protocol["judged_subjects"]
    if protocol["judged"] != "test":
        yield (
            f"Judged are the {protocol['judged']} people, not the test people: these numbers serve to choose settings "
            "and are no final result."
        )
    for name, run in runs.items():
        if len(run["folders"]) > 1:
            parts = listed(Path(folder).resolve().name for folder in run["folders"])
            yield f"{name} is {parts} taken together: one recipe, judged on other people in each."
        if longer := [Path(f).resolve().name for f, n in zip(run["folders"], run["part_seeds"]) if n > run["seeds"]]:
            yield f"Of {listed(longer)} not all seeds are taken: {run['seeds']}, as many as {name} has in each part."
    more = [f"{name} has {run['seeds']}" for name, run in runs.items() if run["seeds"] > seeds]
    if more:
        yield f"Compared are the first {seeds} seeds, which all runs have ({'; '.join(more)})."
    if seeds == 1:
        yield "One seed: how much the numbers would change with another is unknown."
    elif seeds < 5:
        yield f"Only {seeds} seeds: the spread (±) is poorly known."
    if told := few_units(protocol):
        yield told
    if len(people) < 20:
        yield (
            f"The recordings are of {len(people)} {'people' if len(people) > 1 else 'person'}. p values and intervals "
            "tell whether a difference is more than luck with these recordings; of other people they know little. See "
            "whether it holds for each person."
        )
    if summary["differences"]:
        keys = list(summary["differences"])
        shown = listed(keys) if len(keys) < 4 else f"{', '.join(keys[:3])} and {len(keys) - 3} more"
        yield f"The runs' recipes differ in {shown}: between runs, a difference may come from any of it."


def _result(summary, names):
    seeds, entries = summary["seeds"], summary["entries"]
    by_f1 = score(summary["protocol"]) == "macro_f1"
    head = ["Compared", f"right, % of\n{decided(summary['protocol'])}", "macro F1,\n%"]
    head += ["gain in macro\nF1, points" if by_f1 else "gain,\npoints", "95 %\ninterval", "p", "p,\ncorrected"]
    head += ["gain in moments\nright, points"] if by_f1 else []
    rows = []
    for name, entry in entries.items():
        row = [names[name], spread(entry["accuracy"], seeds), spread(entry["macro_f1"], seeds)]
        if entry["comparison"]:
            found = of_score(entry["comparison"])
            low, high = found["interval"]
            row += [
                tag("strong", points(found["gain"])) if _shown(found) else points(found["gain"]),
                f"{points(low)} to {points(high)}",
                p_number(found["p_value"]),
                p_number(found["holm_p_value"]),
                *([points(entry["comparison"]["gain"])] if by_f1 else []),
            ]
        rows.append(row + [None] * (len(head) - len(row)))
    scores = {name: entry[score(summary["protocol"])] for name, entry in entries.items()}
    best = max(found["mean"] for found in scores.values())
    far = [name for name, found in scores.items() if found["mean"] < best / 2]  # a control, usually
    dots = [(names[name], found["seeds"]) for name, found in scores.items() if name not in far]
    caption = "A dot is a seed, the bar their mean." if seeds > 1 else "Each bar is the one seed."
    if far:
        each = (f"{names[name]} ({percent(scores[name]['mean'])})" for name in far)
        caption += f" Far below, and not drawn: {listed(each)}."
    return [
        table("Accuracy, and gain over the baseline", head, rows),
        tag(
            "p",
            f"{'± is the standard deviation over seeds. ' if seeds > 1 else ''}{_said_of_baselines(summary, names)} "
            f"The interval is a bootstrap over {units(summary['protocol'])}. p is of a paired test that flips signs at "
            f"random over the same {units(summary['protocol'])}, averaged over the same seeds; corrected, for how many "
            f"comparisons stand in this table (Holm). Bold: the corrected one is below {DECISIVE}."
            + (f" {F1_TEST}" if by_f1 else ""),
            class_="small",
        ),
        tag("figure", Html(plots.seed_dots(dots, axis(summary["protocol"]), "Each entry and seed")),
            tag("figcaption", caption), style="max-width: 42rem"),
    ]  # fmt: skip


def _baselines(summary):
    return {entry["baseline"] for entry in summary["entries"].values() if entry["baseline"]}


def _said_of_baselines(summary, names):
    found = _baselines(summary)
    if not found:
        return "Nothing here has a baseline to be compared with."
    if len(found) == 1:
        return f"Gain: over {names[found.pop()]}."
    return "Gain: over the student on labels alone of the same run." if all(
        name.endswith(":labels") for name in found
    ) else f"Gain: over {next(iter(found)).rsplit(':', 1)[1]} of the same run."  # fmt: skip


def _origin(summary):
    protocol = summary["protocol"]
    runs = [
        [
            name,
            run["seeds"],
            listed(e["stage"] for e in summary["entries"].values() if e["run"] == name) or None,
            listed(run["revisions"]) or None,
        ]
        for name, run in summary["runs"].items()
    ]
    content = [
        facts(
            [
                ("Data", protocol["dataset"]),
                ("Split", protocol["split"]),
                (
                    "Judged",
                    f"{protocol['judged']} people {listed(protocol['judged_subjects'])}, "
                    f"{how_many(protocol)} {decided(protocol)}",
                ),
                ("Windows", protocol["windowing"]),
                ("Classes", len(protocol["classes"])),
                ("Numbers", tag("a", "comparison.json", href="./comparison.json")),
            ]
        ),
        table("Runs", ["Run", "seeds", "stages compared", "tfkd revision"], runs, text=[2]),
    ]
    if summary["differences"]:
        rows = [
            [key, *(_written(by_run[name]) for name in summary["runs"])]
            for key, by_run in summary["differences"].items()
        ]
        content += [tag("h3", "Where the recipes differ"), table("Recipes", ["Key", *summary["runs"]], rows)]
    return content


def _written(value):
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else value


def as_text(summary):
    """The result as a table for a terminal, and the warnings."""
    names, by = full_names(summary), score(summary["protocol"])
    rows = [["", axis(summary["protocol"]), "gain, points", "95 % interval", "p", "corrected"]]
    for name, entry in summary["entries"].items():
        row = [names[name], spread(entry[by], summary["seeds"])]
        if entry["comparison"]:
            found = of_score(entry["comparison"])
            low, high = map(points, found["interval"])
            row += [points(found["gain"]), f"{low} to {high}"]
            row += [p_number(found["p_value"]), p_number(found["holm_p_value"])]
        rows.append(row)
    if summary.get("robustness"):
        rows += [[], *details.robustness_rows(summary)]
    columns = max(map(len, rows))
    rows = [[cell.translate(WITHOUT_SPACES) for cell in row] + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(columns)]
    lines = ["  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]) for row in rows]
    said = [_said_of_baselines(summary, names), *warnings(summary)]
    return "\n".join(line.rstrip() for line in lines) + "\n\n" + "\n".join(said)
