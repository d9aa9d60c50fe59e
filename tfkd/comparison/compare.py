"""Runs side by side: numbers that tell which student is better, by how much, how surely, and for whom.

What is compared are *entries*: a stage of a run, written `runs/a:distilled`. All of them must come from one protocol.
Every number is over the same recordings and the same seeds.
"""

import itertools
import os

import numpy as np

from tfkd.comparison.choose import choose
from tfkd.comparison.entries import ComparisonError, Entry, differences, recipe_value, shared_protocol
from tfkd.evaluation import calibration_error, mean_and_spread, negative_log_likelihood, overconfidence, score_of
from tfkd.paired import (
    agreement,
    bootstrap_interval,
    holm,
    macro_f1_interval,
    paired_comparison,
    paired_correctness,
    sign_flip_p_value,
)

FORMAT = 1
MOST_IN_PAIRS = 8
"""Up to so many entries, each is compared with each other one."""


def compare(named, stages=(), baseline=None, against=None):
    """Compares stages of runs.

    Runs of one recipe that leave out other people each, as test (`data.split = "loso"`, or `cross_subject` and its
    reverse) or for validation (`data.validation_subjects`), are taken together as one.

    Args:
        named: run folders, or stages of them as `folder:stage`.
        stages: stages to take of each folder that is named without one; all that it has if empty.
        baseline: what every entry is compared with: `"folder:stage"`, or a stage alone, which is then taken from
            each entry's own run. `None`: the student on labels alone of the own run.
        against: a recipe key, such as `"data.label_noise"`, to see the score of each stage over.

    Returns:
        A JSON-able dictionary. Accuracies, gains and calibration errors are shares of 1, `negative_log_likelihood` is
        in nats. `entries` holds the numbers of each, `pairs` each against each other, `curve` those over `against`.

    Raises:
        ComparisonError: a folder is not a finished run, a stage or file is missing or damaged, or protocols differ.
        RecipeError: a run's recipe cannot be read.
    """
    if isinstance(named, (str, os.PathLike)):
        raise ComparisonError(f"named must be a list of run folders, got {str(named)!r}.")
    fixed = bool(baseline and ":" in baseline)
    chosen = choose([*named, baseline] if fixed else named, stages)
    entries = list(dict.fromkeys(chosen))
    runs = list(dict.fromkeys(entry.run for entry in entries))
    references = _baselines(entries, runs, chosen[-1] if fixed else baseline)
    seeds = min(run.seeds for run in runs)
    protocol = shared_protocol(runs, seeds)
    summary = {
        "format": FORMAT,
        "protocol": protocol,
        "seeds": seeds,
        "runs": {
            run.name: {
                "folders": list(map(str, run.folders)),
                "seeds": run.seeds,
                "part_seeds": run.part_seeds,
                "revisions": run.revisions,
            }
            for run in runs
        },
        "differences": differences(runs),
        "entries": {},
        "pairs": _pairs(entries, references, seeds),
        "curve": None,
    }
    for entry, reference in zip(entries, references):
        summary["entries"][entry.name] = _numbers(entry, reference, protocol, seeds)
    _correct([found["comparison"] for found in summary["entries"].values() if found["comparison"]])
    if against:
        summary["curve"] = _curve(entries, against, summary)
    return summary


def _baselines(entries, runs, baseline):
    """For each entry the one to compare it with; `None` for the baseline itself, or where there is none."""
    if isinstance(baseline, Entry):
        return [None if entry == baseline else baseline for entry in entries]
    stage = baseline or "labels"
    if baseline:
        lacking = [run for run in runs if stage not in run.stages]
        if lacking:
            raise ComparisonError(
                f"{lacking[0].folder} has no stage {stage!r} to be the baseline; it has {', '.join(lacking[0].stages)}."
            )
    return [
        None if entry.stage == stage or stage not in entry.run.stages else entry.run.entry(stage)
        for entry in entries
    ]


def _numbers(entry, reference, protocol, seeds):
    predictions = entry.predictions(seeds)
    probabilities = [p.probabilities() for p in predictions]
    metrics = [p.metrics() for p in predictions]
    numbers = {
        "run": entry.run.name,
        "stage": entry.stage,
        "accuracy": mean_and_spread([m["accuracy"] for m in metrics]),
        "macro_f1": mean_and_spread([m["macro_f1"] for m in metrics]),
        "calibration_error": mean_and_spread([calibration_error(y, p) for _, y, _, p in probabilities]),
        "overconfidence": mean_and_spread([overconfidence(y, p) for _, y, _, p in probabilities]),
        "negative_log_likelihood": mean_and_spread([negative_log_likelihood(y, p) for _, y, _, p in probabilities]),
        "agreement": _agreements(entry, predictions, seeds),
        "baseline": reference.name if reference else None,
        "comparison": None,
        **_shares(predictions, protocol),
    }
    if reference:
        theirs = reference.predictions(seeds)
        intervals = {"interval": list(bootstrap_interval(predictions, theirs))}
        if predictions[0].units is not None:
            intervals["macro_f1_interval"] = list(macro_f1_interval(predictions, theirs))
        shares = _shares(theirs, protocol)
        by_person = _subtracted(numbers["per_person"], shares["per_person"])
        numbers["comparison"] = {
            **paired_comparison(predictions, theirs),
            **intervals,
            "per_person": by_person,
            "people_p_value": sign_flip_p_value(list(by_person.values())),
            "per_class": _subtracted(numbers["per_class"], shares["per_class"]),
        }
    return numbers


def _shares(predictions, protocol):
    """Share of recordings right by person and by class, over seeds."""
    _, labels, subjects, _ = predictions[0].decisions()
    order = np.argsort(predictions[0].decisions()[0])
    right = paired_correctness(predictions, predictions)[0].mean(axis=0)
    labels, subjects = labels[order], subjects[order]
    return {
        "per_person": {str(s): float(right[subjects == s].mean()) for s in sorted(set(subjects.tolist()))},
        "per_class": {
            name: float(right[labels == i].mean())
            for i, name in enumerate(protocol["classes"])
            if (labels == i).any()
        },
    }


def _subtracted(ours, theirs):
    return {key: value - theirs[key] for key, value in ours.items()}


def _agreements(entry, predictions, seeds):
    """How much a student decides as each teacher of its run does."""
    if entry.stage.startswith("teacher"):
        return {}
    teachers = [stage for stage in entry.run.stages if stage.startswith("teacher")]
    return {stage: agreement(predictions, entry.run.entry(stage).predictions(seeds)) for stage in teachers}


def _pairs(entries, references, seeds):
    """Each entry against each later one; nothing where there are too many to read, or the baselines say it all."""
    said = len(entries) == 2 and (references[0] == entries[1] or references[1] == entries[0])
    if said or not 1 < len(entries) <= MOST_IN_PAIRS:
        return []
    pairs = [
        {"ours": a.name, "baseline": b.name, **paired_comparison(a.predictions(seeds), b.predictions(seeds))}
        for a, b in itertools.combinations(entries, 2)
    ]
    _correct(pairs)
    return pairs


def _correct(comparisons):
    """Adds p values corrected for the number of comparisons."""
    for of in ("", "macro_f1_"):
        compared = [found for found in comparisons if f"{of}p_value" in found]
        for found, corrected in zip(compared, holm([found[f"{of}p_value"] for found in compared])):
            found[f"{of}holm_p_value"] = corrected


def _curve(entries, key, summary):
    """Score of each stage over a recipe's value; runs of the same value count as further seeds."""
    values = {entry.run.name: recipe_value(entry.run, key) for entry in entries}
    if len(set(values.values())) < 2:
        raise ComparisonError(
            f"{key} is {next(iter(values.values())):g} in every run that is compared: there is nothing to draw over. "
            "Name runs whose recipes differ in it."
        )
    points = {}
    for entry in entries:
        scores = summary["entries"][entry.name][score_of(entry.run.recipe.windows.kind)]["seeds"]
        points.setdefault(entry.stage, {}).setdefault(values[entry.run.name], []).extend(scores)
    stages = {
        stage: [{"value": value, **mean_and_spread(by_value[value])} for value in sorted(by_value)]
        for stage, by_value in points.items()
    }
    return {"key": key, "runs": values, "stages": stages}
