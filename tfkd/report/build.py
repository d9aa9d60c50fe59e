"""`report.html`: a run's results in one file for a person to read and judge, offline.

What is written are the numbers of `results.json`; only curves and confusion matrices are taken from the
records and predictions in the run folder, and file sizes from the exported files.
"""

import re
import shlex
from pathlib import Path

from tfkd import files
from tfkd.report import details, device, plots
from tfkd.report.page import (
    Html,
    duration,
    facts,
    folded,
    listed,
    p_number,
    page,
    points,
    section,
    spread,
    table,
    tag,
)
from tfkd.report.words import (
    DECISIVE,
    F1_TEST,
    SEQUENCES,
    axis,
    decided,
    final,
    headline,
    score,
    stage_names,
    units,
    verdict,
)
from tfkd.segments import WIDTH

# "/", "~/" or "C:\\" and folder names, which may hold spaces; a relative path is left as it is.
_FOLDERS = re.compile(r"(?<![\w.:/\\!])(?:[A-Za-z]:[\\/]|~?/)(?:[^\\/\n:;()]*[^\\/\s:;()][\\/])*(?=[^\\/\s])")


def write(folder, summary):
    """Writes `report.html` into a run folder, whole or not at all.

    Args:
        folder: the run folder, with the records and predictions of all stages.
        summary: what `tfkd.results.summarize` returned, or the `results.json` it was written to.

    Raises:
        OutputError: the file cannot be written. An earlier report is unchanged.
    """
    folder = Path(folder)
    name = folder.resolve().name
    recipe = summary["recipe"]
    parts = (
        ("stages", "The stages", _stages(summary)),
        ("comparisons", "Comparisons", _comparisons(summary)),
        *([("device", "On the device", device.on_the_device(folder, summary))] if final(summary) == "int8" else []),
        ("people", "People and classes", details.people_and_classes(folder, summary)),
        ("confusion", "What is taken for what", details.confusion(folder, summary)),
        ("training", "Training", details.training(folder, summary)),
        ("left-out", "What was left out", _left_out(summary)),
        ("provenance", "Where this comes from", _provenance(name, summary)),
    )
    links = (tag("a", heading, href=f"#{identity}") for identity, heading, _ in parts)
    text = page(
        f"{name}: tfkd report",
        tag("p", f"tfkd report · {name}", class_="small"),
        tag("h1", recipe["description"] or name),
        *headline(summary),
        tag("nav", Html(" ".join(links))),
        *(section(identity, heading, *content) for identity, heading, content in parts),
    )
    files.write_text(folder / "report.html", text)


def _stages(summary):
    stages, seeds = summary["stages"], summary["seeds"]
    stream = summary["protocol"]["windowing"] == "stream"
    columns = {"accuracy": f"right, % of\n{decided(summary['protocol'])}"}
    columns |= {"window_accuracy": "right, % of\nwindows"} if stream else {}
    columns |= {"macro_f1": "macro F1,\n%"}
    sequences = {
        key: f"{title}, %".replace(", ", ",\n", 1) for key, title in SEQUENCES.items() if key in stages["labels"]
    }
    columns |= sequences
    head = ["Stage", *columns.values(), "parameters", "time\na seed"]
    rows = [
        [
            stage_names(stage)[0],
            *(spread(found[key], seeds) for key in columns),
            f"{found['parameters']:,}" if "parameters" in found else None,
            duration(found["seconds"]["mean"]),
        ]
        for stage, found in stages.items()
    ]
    dots = [(stage_names(stage)[0], found[score(summary["protocol"])]["seeds"]) for stage, found in stages.items()]
    meaning = "± is the standard deviation over seeds. " if seeds > 1 else ""
    explained = (
        "A recording's answer is the class of the highest mean probability over its windows; a window's "
        "is what a watch says of that window alone. "
        if stream
        else ""
    )
    if sequences:
        explained = (
            f"Smoothed: the mean probability of {WIDTH} decisions. Segments' F1 counts the pieces of work that were "
            "found with half of their time at least; the edit score compares their order. "
        )
    return [
        table("Accuracy of each stage", head, rows),
        tag("p", f"{meaning}{explained}Time is of training and judging together.", class_="small"),
        tag("figure", Html(plots.seed_dots(dots, axis(summary["protocol"]), "Each stage and seed")),
            tag("figcaption", "A dot is a seed, the bar their mean."), class_="dots"),
        tag("h3", "The protocol"),
        facts(_protocol(summary)),
    ]  # fmt: skip


def _protocol(summary):
    protocol, windows = summary["protocol"], summary["recipe"]["windows"]
    train, labelled = protocol["train_subjects"], protocol["labelled_subjects"]
    people = f"people {listed(train)}, {protocol['train_windows']:,} windows"
    if labelled != train:
        people += (
            f"; labels of {listed(labelled)} only: the others' recordings reach the distilled student and "
            "the control through the teacher, and the student on labels not at all"
        )
    if protocol["windowing"] == "stream":
        cut = (
            f"stream: {windows['length']} samples every {windows['hop']}, at the sensor's own rate, as a "
            "watch sees them"
        )
    else:
        cut = (
            f"{protocol['windowing']}: each recording is resampled to {windows['length']} samples. Its "
            "start and end are taken as known, which on a running watch they are not"
        )
    if protocol["windowing"] == "continuous":
        cut = (
            f"continuous: a decision every {windows['hop']} samples from the {windows['length']} around it, about the "
            f"moment at {windows['decide_at']:g} of them"
        )
    return [
        ("Data", summary["recipe"]["data"]["dataset"]),
        ("Split", protocol["split"]),
        ("Trained", people),
        (
            "Judged",
            f"{protocol['judged']} people {listed(protocol['judged_subjects'])}, "
            f"{protocol['judged_recordings']:,} recordings, {protocol['judged_windows']:,} windows",
        ),
        ("Windows", cut),
        ("Classes", len(protocol["classes"])),
    ]


def _comparisons(summary):
    rows, with_f1 = [], any("macro_f1_gain" in found for found in summary["comparisons"].values())
    for key, found in summary["comparisons"].items():
        ours, baseline = (stage_names(stage)[1] for stage in key.split("_vs_"))
        rows.append(
            [
                f"{ours} against {baseline}",
                points(found["gain"]),
                p_number(found["p_value"]),
                *([points(found["macro_f1_gain"]), p_number(found["macro_f1_p_value"])] if with_f1 else []),
                found["only_ours"],
                found["only_baseline"],
                verdict(found),
            ]
        )
    head = ["Compared", "gain,\npoints", "p", *(["gain in macro\nF1, points", "p"] if with_f1 else [])]
    head += ["right only\nwith the first", "right only\nwith the second", "verdict"]
    return [
        table("Paired comparisons", head, rows, text=[len(head) - 1]),
        tag(
            "p",
            f"The test flips signs at random over the {units(summary['protocol'])}, which are its units, after "
            "averaging over seeds: it tells whether the difference is more than luck with these recordings, but it "
            f"takes recordings of one person as independent and knows only {len(summary['per_person']['labels'])} "
            "people, so it says little of others. Of twenty comparisons where there is nothing to find, "
            f"about one has p below {DECISIVE}. Right only with one of the two: pairs of a "
            f"{decided(summary['protocol'])[:-1]} and a seed." + (f" {F1_TEST}" if with_f1 else ""),
            class_="small",
        ),
    ]


def _left_out(summary):
    notes = {kind: [_without_folders(str(e)) for e in entries] for kind, entries in summary["notes"].items()}
    notes = {kind: entries for kind, entries in notes.items() if entries}
    if not notes:
        return [tag("p", "Nothing: every recording that was read was used as it was.")]
    rows = [
        [kind, len(entries), "; ".join(entries[:3]) + ("; …" if len(entries) > 3 else "")]
        for kind, entries in notes.items()
    ]
    everything = (tag("h3", kind) + tag("p", "; ".join(entries)) for kind, entries in notes.items())
    longer = any(len(entries) > 3 for entries in notes.values())
    return [
        table("What was left out or repaired while reading", ["What", "how many", "which"], rows, text=[2]),
        folded("The full list", *map(Html, everything)) if longer else "",
    ]


def _without_folders(text):
    """A note without the folders of absolute paths: they are the reader's machine's business."""
    return _FOLDERS.sub("", text)


def _provenance(name, summary):
    import tomli_w

    origin, dataset = summary["provenance"], summary["recipe"]["data"]["dataset"]
    run = shlex.quote(name)
    command = f"python tools/distill.py --recipe {run}/recipe.toml --seeds {summary['seeds']} --out {run}"
    if dataset != "synthetic":
        command += " --data_dir DATA"
    versions = ", ".join(f"{package} {version}" for package, version in origin["versions"].items())
    told = f"This writes the report anew from what the folder holds ({run} stands for the folder's path"
    told += "" if dataset == "synthetic" else ", DATA for that of the data set"
    return [
        tag("p", f"{told}); with another --out it runs everything again:"),
        tag("pre", command),
        facts(
            [
                ("Data, SHA-256", tag("code", origin["data_sha256"])),
                ("tfkd revision", tag("code", origin["git"] or "unknown: not a git checkout")),
                ("Versions", versions),
                ("Numbers", tag("a", "results.json", href="./results.json")),
            ]
        ),
        folded("The recipe as used", tag("pre", tomli_w.dumps(summary["recipe"]))),
    ]  # fmt: skip
