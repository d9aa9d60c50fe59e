"""The sentences of a report: what a run's numbers allow to be said, and nothing more hopeful."""

from tfkd.evaluation import score_of
from tfkd.paired import of_score
from tfkd.report.page import kilobytes, p_value, percent, points, tag

STAGES = {
    "teacher": ("Teacher", "teacher"),
    "teacher_fused": ("Teacher of skeleton and IMU", "fused teacher"),
    "teacher_skeleton": ("Teacher of the skeleton", "skeleton teacher"),
    "teacher_imu": ("Teacher of the IMU", "IMU teacher"),
    "teacher_graph": ("Teacher of the skeleton's graph", "graph teacher"),
    "teacher_depth": ("Teacher of depth frames", "depth teacher"),
    "teacher_video": ("Teacher of video", "video teacher"),
    "labels": ("Student on labels alone", "labels"),
    "single": ("Soft targets of one teacher", "one teacher"),
    "dask": ("DASK of one teacher", "DASK"),
    "distilled": ("Student, distilled", "distilled"),
    "control": ("Control: shuffled teacher", "control"),
    "with_soft_targets": ("Labels and soft targets", "soft targets"),
    "with_distance": ("Labels and distances", "distance"),
    "with_angle": ("Labels and angles", "angle"),
    "with_semantic": ("Labels and the semantic term", "semantic"),
    "raw_labels": ("Raw signal, on labels alone", "raw, labels"),
    "raw_distilled": ("Raw signal, distilled", "raw, distilled"),
    "pruned": ("Distilled, then pruned", "pruned"),
    "aware": ("Trained as int8 computes", "int8-aware"),
    "int8": ("int8 in TFLM", "int8"),
}
"""Stage -> its name in full and in a narrow column; see `stage_names` for those of sizes."""

SIZES = {
    "narrowed_": ("Fewer channels, {} of weights", "{}"),
    "small_": ("The same network from scratch, {}", "scratch, {}"),
    "aware_": ("Trained as int8 computes, {} of weights", "int8-aware, {}"),
    "int8_": ("int8 in TFLM, {} of weights", "int8, {}"),
}
"""Beginning of a stage that has a size, `narrowed_16k` -> its names."""

COMPARISONS = {
    "distilled_vs_labels": ("the distilled student", "the same student on labels alone"),
    "distilled_vs_control": ("the distilled student", "its control, taught by shuffled teacher outputs"),
    "single_vs_labels": ("the student on soft targets of one teacher", "the student on labels alone"),
    "dask_vs_labels": ("the student on DASK of one teacher", "the student on labels alone"),
    "distilled_vs_single": ("the distilled student", "the one on soft targets of one teacher"),
    "distilled_vs_dask": ("the distilled student", "the one on DASK of one teacher"),
    "pruned_vs_distilled": ("the pruned student", "the distilled one"),
    "aware_vs_distilled": ("the student trained as int8 computes", "the distilled one in float"),
    "aware_vs_pruned": ("the student trained as int8 computes", "the pruned one in float"),
    "int8_vs_aware": ("the int8 student", "the one trained as int8 computes"),
    "int8_vs_pruned": ("the int8 student", "the pruned one in float"),
    "int8_vs_distilled": ("the int8 student", "the distilled one in float"),
    "int8_vs_labels": ("the int8 student", "the student on labels alone in float"),
    "labels_vs_raw_labels": ("the student that sees images", "the one for the raw signal, both on labels alone"),
    "distilled_vs_raw_distilled": ("the student that sees images", "the one for the raw signal, both distilled"),
}
"""Comparison -> the two that are compared, as a sentence names them. The terms of an ablation share one sentence."""

SEQUENCES = {"smoothed_macro_f1": "macro F1, smoothed", "segment_f1": "segments' F1", "edit": "edit score"}
"""What is said besides of continuous recordings; see `tfkd.segments`."""

SCORES = {"accuracy": "right", "macro_f1": "macro F1"}
"""What a student is judged by -> how it is called beside a number."""

DECISIVE = 0.05
"""A p value below this is taken as a difference shown."""

F1_TEST = "For macro F1 the test lets the two change places in whole parts of the recordings at random, in all seeds."
"""How the macro F1 of continuous recordings is compared (`tfkd.paired`)."""


def stage_names(stage):
    """A stage's name in full and in a narrow column; the stage itself where it is not known."""
    for beginning, names in SIZES.items():
        if stage.startswith(beginning):
            size = f"{stage.removeprefix(beginning).removesuffix('k')}\u00a0KB"
            return tuple(name.format(size) for name in names)
    return STAGES.get(stage, (stage, stage))


def of_int8(comparisons):
    """What int8 alone costs: the comparison of the last student with the same one in float."""
    (name,) = (name for name in comparisons if name.startswith("int8_vs_") and name != "int8_vs_labels")
    return comparisons[name]


def decided(protocol):
    """What is decided one by one: recordings, or moments of continuous ones."""
    return "moments" if protocol["windowing"].startswith("continuous") else "recordings"


def units(protocol):
    """What comparisons count by."""
    return "parts of the recordings" if decided(protocol) == "moments" else "recordings"


def score(protocol):
    """Which of a stage's numbers it is judged by; see `tfkd.evaluation.score_of`."""
    return score_of(protocol["windowing"].partition(":")[0])


def axis(protocol):
    """What the axis of a drawing of it says, or the head of a column."""
    return f"{SCORES[score(protocol)]}, %"


def scored(protocol, found, seeds):
    """A stage's score and of how much it is: `92.3 % ± 0.8 of 430 test recordings`, as HTML elements."""
    key = score(protocol)
    return [
        tag("strong", percent(found[key]["mean"])),
        f"\u00a0±\u00a0{100 * found[key]['std']:.1f}" if seeds > 1 else "",
        f" {'of' if key == 'accuracy' else 'over'} {how_many(protocol)} {protocol['judged']} {decided(protocol)}",
    ]


def how_many(protocol):
    """How many of them were judged."""
    count = protocol["judged_recordings"]
    if decided(protocol) == "moments":
        count = protocol.get("judged_windows", count)
    return f"{count:,}"


def one_run(recipe):
    """What the device computes one inference for."""
    student, windows = recipe.get("student", {}), recipe.get("windows", {})
    if student.get("kind") == "causal":
        return f"each {windows['hop']} new samples; it remembers what it needs of those before"
    return "each window"


def few_units(protocol):
    """What to say where a paired test has too few units to show anything; empty if it has enough."""
    count = protocol.get("judged_units", protocol["judged_recordings"])
    if 2 / 2**count <= DECISIVE:
        return ""
    return f"Only {count} recordings or parts of them are compared: p is never below {2 / 2**count:.2g}."


def headline(summary):
    """First the student that would be flashed, then what to make of it.

    Args:
        summary: what `tfkd.results.summarize` returned.

    Returns:
        A list of HTML elements.
    """
    protocol, seeds, stage = summary["protocol"], summary["seeds"], final(summary)
    found = summary["stages"][stage]
    sizes = [
        ", with a model of ",
        tag("strong", kilobytes(found["model_bytes"])),
        " and an arena of ",
        tag("strong", kilobytes(found["arena_bytes"])),
    ] if stage == "int8" else [", with ", tag("strong", f"{found['parameters']:,}"), " parameters"]  # fmt: skip
    by_f1 = score(protocol) == "macro_f1"
    lead = tag(
        "p",
        f"The {stage} student {'reaches a macro F1 of' if by_f1 else 'gets'} ",
        *scored(protocol, found, seeds),
        f"{'' if by_f1 else ' right'} ({seeds} seed{'s' if seeds > 1 else ''})",
        *sizes,
        ".",
        class_="lead",
    )
    warnings = (tag("p", text, class_="note") for text in _warnings(summary))
    findings = tag("ul", *(tag("li", text) for text in [*_findings(summary), *_extremes(summary)]))
    return [lead, *warnings, findings]


def final(summary):
    """The stage that a run ends with: what is flashed or, of a student too large for that, what was distilled."""
    return "int8" if "int8" in summary["stages"] else "distilled"


def shown(comparison):
    """1 or -1 where a paired comparison shows a difference of the score, 0 where it shows none."""
    found = of_score(comparison)
    if found["p_value"] >= DECISIVE or found["gain"] == 0:
        return 0
    return 1 if found["gain"] > 0 else -1


def verdict(comparison):
    """The same in words."""
    return {1: "better", 0: "no difference shown", -1: "worse"}[shown(comparison)]


def numbers(comparison):
    """`+1.2 points (p = 0.030)`, of macro F1 where that is the score."""
    found = of_score(comparison)
    of_what = "" if found is comparison else " of macro F1"
    return f"{points(found['gain'])}\u00a0points{of_what} ({p_value(found['p_value'])})"


def sources(followed):
    """`the imu teacher for 12.0 % of the samples, ..., the label for 5.0 %`, most followed first."""
    ranked = sorted(followed.items(), key=lambda pair: -pair[1])
    named = ["the label" if name == "label" else f"the {name} teacher" for name, _ in ranked]
    shares = [f"{who} for {percent(share)}" for who, (_, share) in zip(named, ranked)]
    return ", ".join([f"{shares[0]} of the samples", *shares[1:]])


def _sentence(key, comparison):
    ours, baseline = COMPARISONS[key]
    if not shown(comparison):
        return f"No difference shown between {ours} and {baseline}: {numbers(comparison)}."
    said = f"{ours} is {verdict(comparison)} than {baseline}: {numbers(comparison)}."
    return said[0].upper() + said[1:]


def _findings(summary):
    compared = summary["comparisons"]
    for key in (key for key in COMPARISONS if key in compared):
        said = _sentence(key, compared[key])
        if key == "distilled_vs_control" and shown(compared["distilled_vs_labels"]) > 0 >= shown(compared[key]):
            said += " So it is not shown that the gain comes from what the teacher knows."
        yield said
    if followed := summary["stages"]["distilled"].get("followed"):
        yield f"In the last epoch of its training the distilled student followed {sources(followed)}."
    for stage in (stage for stage in summary["stages"] if stage.startswith("narrowed_")):
        size = stage_names(stage)[1]
        yield f"With {size} of weights instead of all channels: {numbers(compared[f'{stage}_vs_distilled'])}" + (
            f"; against the same network trained from scratch: {numbers(compared[against])}."
            if (against := f"{stage}_vs_{stage.replace('narrowed', 'small')}") in compared
            else "."
        )
    terms = [(key.removesuffix("_vs_labels"), found) for key, found in compared.items() if key.startswith("with_")]
    if terms:
        each = "; ".join(f"{stage_names(stage)[1]} {numbers(found)}" for stage, found in terms)
        yield f"Each term alone beside the labels, against labels alone: {each}."


def _extremes(summary):
    """Whom and what the final student serves worst."""
    stage = final(summary)
    people = summary["per_person"][stage]
    if len(people) > 1:
        low, high = min(people, key=people.get), max(people, key=people.get)
        yield (
            f"From person to person, the {stage} student ranges from {percent(people[low])} (person {low}) "
            f"to {percent(people[high])} (person {high})."
        )
    recalls = zip(summary["per_class"][stage], summary["protocol"]["classes"])
    known = sorted(pair for pair in recalls if pair[0] is not None)
    if len(known) > 1:
        worst = ", ".join(f"{name} ({percent(recall)})" for recall, name in known[: min(3, len(known) - 1)])
        yield f"Its hardest classes: {worst}."


def _warnings(summary):
    """What keeps the headline from meaning more than it does."""
    protocol, seeds, stages = summary["protocol"], summary["seeds"], summary["stages"]
    labels = stages["labels"][score(protocol)]["mean"]
    for stage in (stage for stage in stages if stage.startswith("teacher")):
        if (knows := stages[stage][score(protocol)]["mean"]) < labels:
            yield (
                f"{stage_names(stage)[0]}: with {percent(knows)} it knows less than the student on labels alone, "
                f"{percent(labels)}."
            )
    if "control" not in stages:
        yield "There is no control, taught by shuffled outputs: a gain need not come from what the teacher knows."
    if noise := summary["recipe"]["data"].get("label_noise"):
        yield f"{percent(noise)} of the training labels were replaced by wrong ones, to see what comes of it."
    if protocol["judged"] != "test":
        yield (
            f"Judged are the {protocol['judged']} people, not the test people: these numbers serve to "
            "choose settings and are no final result."
        )
    if told := few_units(protocol):
        yield told
    if seeds == 1:
        yield "One seed: how much the numbers would change with another is unknown."
    elif seeds < 5:
        yield f"Only {seeds} seeds: the spread (±) is poorly known."
    if set(protocol["judged_subjects"]) & set(protocol["train_subjects"]):
        yield "People who were judged also trained: nothing is said here of new people."
