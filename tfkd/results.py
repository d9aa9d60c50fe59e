"""`results.json`: what a run found, in numbers that can be compared with other runs."""

import dataclasses
import json

from tfkd import provenance, quantizing
from tfkd.evaluation import Predictions, confusion, mean_and_spread
from tfkd.narrowing import NARROWED, SMALL, sizes_of, stage_before
from tfkd.paired import paired_comparison
from tfkd.recipe import RecipeError
from tfkd.recipe_check import METHODS
from tfkd.seed_run import read_record, stages_of

FORMAT = 1


def other_format(summary, path):
    """What to say of a `results.json` that another version of tfkd wrote; empty of one of this."""
    if summary.get("format") == FORMAT:
        return ""
    return (
        f"{path} is of format {summary.get('format')!r}; this tfkd reads {FORMAT}. Read it with the tfkd that wrote "
        "it, or let tools/distill.py write it anew: the same command on the same folder trains nothing again."
    )


def summarize(folder, recipe, prepared, seeds):
    """Gathers the records and predictions of all seeds.

    Args:
        folder: the run folder.
        recipe: `Recipe`.
        prepared: `PreparedData` that the stages were judged on.
        seeds: how many.

    Returns:
        A JSON-able dictionary. Accuracies are shares of 1; `gain`s are differences of them.

    Raises:
        RecipeError: a file of a stage is missing or damaged.
    """
    names = stages_of(recipe)
    records = {stage: _records(folder, stage, seeds) for stage in names}
    predictions = {stage: load_predictions(folder, stage, seeds) for stage in names}
    stages = {}
    for stage in names:
        keys = ["accuracy", "window_accuracy", "macro_f1", "seconds"]
        keys += [key for key in ("smoothed_macro_f1", "segment_f1", "edit") if key in records[stage][0]]
        stages[stage] = {key: mean_and_spread([record[key] for record in records[stage]]) for key in keys}
        for key in ("parameters", "weight_bytes", "channels", "operators", "macs"):
            if key in records[stage][0]:
                stages[stage][key] = records[stage][0][key]
        for key in ("model_bytes", "arena_bytes", "flash_bytes", "ram_bytes", "instructions"):
            if key in records[stage][0]:
                stages[stage][key] = max(record[key] for record in records[stage])
        # Of the first seed that lost much.
        if found := [record["layer_errors"] for record in records[stage] if "layer_errors" in record]:
            stages[stage]["layer_errors"] = found[0]
        if followed := _followed(records[stage]):
            stages[stage]["followed"] = followed
    if "pruned" in names:
        first = records["pruned"][0]
        stages["pruned"] |= {key: first[key] for key in ("sparsity", "sparsity_by_layer") if key in first}
    # Runs of before there were any variants have none.
    if "int8" in names and all("variants" in record for record in records["int8"]):
        stages["int8"]["variants"] = _largest_variants([record["variants"] for record in records["int8"]])
    train, units = prepared.train, prepared.judged.units
    return {
        "format": FORMAT,
        "recipe": dataclasses.asdict(recipe),
        "protocol": {
            "split": prepared.split,
            "judged": prepared.side,
            "train_subjects": sorted({int(s) for s in train.subjects}),
            "labelled_subjects": sorted({int(s) for s in train.subjects[train.labels >= 0]}),
            "judged_subjects": sorted({int(s) for s in prepared.judged.subjects}),
            "windowing": recipe.windows.kind,
            "train_windows": len(train),
            "judged_windows": len(prepared.judged),
            "judged_recordings": len(set(prepared.judged.recordings)),
            "judged_units": len(set(prepared.judged.recordings if units is None else units)),
            "classes": list(train.classes),
        },
        "seeds": seeds,
        "stages": stages,
        "comparisons": {
            f"{ours}_vs_{baseline}": paired_comparison(predictions[ours], predictions[baseline])
            for ours, baseline in _compared(names, recipe)
        },
        "per_person": {stage: _per_person(predictions[stage]) for stage in names},
        "per_class": {stage: _per_class(predictions[stage]) for stage in names},
        "notes": prepared.notes,
        "provenance": {
            "data_sha256": json.loads((folder / "data.json").read_text())["sha256"],
            "git": provenance.git_revision(),
            "versions": provenance.versions(),
            "weights": provenance.hash_of_files(
                path for path in (recipe.student.weights, *(t.weights for t in recipe.teachers.values())) if path
            ),
        },
    }


def _followed(records):
    """Source -> share of training samples that followed it in the last epoch, mean over seeds; empty without choice."""
    names = [name for name in records[0].get("history", {}) if name.startswith("chosen_")]
    return {
        name.removeprefix("chosen_"): sum(r["history"][name][-1] for r in records) / len(records) for name in names
    }


def _compared(names, recipe):
    """Pairs of stages to compare: each student with the one that differs from it in one thing."""
    pairs = [("distilled", "labels"), ("distilled", "control")]
    pairs += [(name, "labels") for name in names if name in METHODS or name.startswith("with_")]
    pairs += [("distilled", name) for name in METHODS]
    for size in sizes_of(recipe):
        pairs += [(NARROWED + size, "distilled"), (NARROWED + size, SMALL + size)]
    pairs += [("pruned", stage_before(recipe))]
    pairs += [(name, quantizing.stage_before_aware(recipe, name)) for name in names if name.startswith("aware")]
    pairs += [(name, quantizing.stage_before(recipe, name)) for name in names if name.startswith("int8")]
    pairs += [("int8", "labels"), ("labels", "raw_labels"), ("distilled", "raw_distilled")]
    return [pair for pair in pairs if set(pair) <= set(names)]


def _largest_variants(seeds):
    """For each file that the student of every seed comes in, the largest of the seeds."""
    names = [name for name in seeds[0] if all(name in variants for variants in seeds)]
    keys = ("bytes", "arena_bytes")
    return {name: {key: max(variants[name][key] for variants in seeds) for key in keys} for name in names}


def load_predictions(folder, stage, seeds):
    """The stage's predictions, one `Predictions` a seed.

    Raises:
        RecipeError: a file is missing or damaged; the message names it.
    """
    return [_predictions(folder / f"seed{seed}" / f"{stage}.npz") for seed in range(seeds)]


def _predictions(path):
    try:
        return Predictions.load(path)
    except (OSError, ValueError) as error:
        record = path.with_suffix(".json")
        raise RecipeError(f"{path} could not be read: {error}. Delete {record} to have it made anew.") from error


def summed_confusion(predictions):
    """`(classes, classes)` counts over recordings and seeds."""
    classes = predictions[0].logits.shape[1]
    return sum(confusion(p.decisions()[1], p.decisions()[3], classes) for p in predictions)


def histories(folder, stage, seeds):
    """Training curves of a stage: a list of dictionaries, name -> value by epoch."""
    return [record.get("history", {}) for record in _records(folder, stage, seeds)]


def _records(folder, stage, seeds):
    return [read_record(folder / f"seed{seed}" / f"{stage}.json") for seed in range(seeds)]


def _per_person(predictions):
    """Person -> mean accuracy over seeds."""
    rows = {}
    for p in predictions:
        _, labels, subjects, decided = p.decisions()
        for subject in sorted(set(subjects)):
            mine = subjects == subject
            right = float((decided[mine] == labels[mine]).mean())
            rows.setdefault(str(subject), []).append(right)
    return {subject: sum(values) / len(values) for subject, values in rows.items()}


def _per_class(predictions):
    """Recall of each class over seeds; `None` for a class that nobody performed."""
    table = summed_confusion(predictions)
    totals = table.sum(axis=1)
    return [float(table[i, i] / n) if n else None for i, n in enumerate(totals)]
