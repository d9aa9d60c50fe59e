"""The stages of a seed that make the student int8, and its export."""

import dataclasses
import json

import numpy as np

from tfkd import narrowing
from tfkd.compress import layer_errors, quantization_aware, strip
from tfkd.deploy import TflmModel, balanced_calibration, encode_for, export_student, load_export
from tfkd.deploy.cost import cost_of
from tfkd.evaluation import Predictions, score_of
from tfkd.teaching import load

GOLDEN_WINDOWS = 8
MUCH = 0.005
"""So much of the score lost in int8, and the record tells which layers lose most."""
COSTLIEST = 5
"""How many of them."""


def prunes(recipe):
    """Whether weights are set to zero."""
    return bool(recipe.pruning.sparsity and recipe.pruning.epochs)


def stages_of_int8(recipe):
    """The stages, in order: those of the larger sizes, if there are several, before the last."""
    int8 = [*(f"{narrowing.INT8}{size}" for size in narrowing.sizes_of(recipe)[:-1]), "int8"]
    return [*map(_aware, int8), *int8] if recipe.quantization.aware_epochs else int8


def _aware(stage):
    """The stage that trains what a stage of int8 exports."""
    return stage.replace("int8", "aware")


def stage_before_aware(recipe, stage="aware"):
    """The stage that leaves the float student of one that trains as int8 computes; the last float student's."""
    if stage != "aware":
        return stage.replace(narrowing.AWARE, narrowing.NARROWED)
    return "pruned" if prunes(recipe) else narrowing.stage_before(recipe)


def stage_before(recipe, stage="int8"):
    """The stage whose student is quantized in a stage of int8."""
    before = _aware(stage)
    return before if recipe.quantization.aware_epochs else stage_before_aware(recipe, before)


def aware(run, stage):
    """Distils a student on as its int8 model will compute.

    Args:
        run: `SeedRun`.
        stage: `"aware"`, or that of a size.

    Returns:
        The facts of the stage's record.
    """
    settings = run.recipe.quantization
    student = load(run.folder / f"{stage_before_aware(run.recipe, stage)}.keras")
    training = dataclasses.replace(
        run.recipe.student_training, epochs=settings.aware_epochs, learning_rate=settings.aware_learning_rate
    )
    twin = quantization_aware(student, _calibration(run), settings.percentile, weight_bits=settings.weight_bits)
    facts = run.trained(stage, *run.going_on(twin, training), training)
    return run.kept(stage, strip(twin), facts)


def int8(run, stage):
    """Exports a student, and judges the exported bytes.

    Args:
        run: `SeedRun`.
        stage: of `stages_of_int8`.

    Returns:
        The facts of the stage's record.
    """
    folder = run.folder / stage.replace("int8", "export")
    before = stage_before(run.recipe, stage)
    result = export(run, before, folder)
    # What is measured is what was written: the bytes are read back from the folder.
    exported = load_export(folder)
    judged = run.prepared.judged
    parts = run.trainer.inputs_in_parts(judged, [run.trainer.student_input])
    model = TflmModel(exported.model_bytes)
    logits = np.concatenate([model.predict(encode_for(exported.contract, x)) for x in parts])
    predictions = Predictions.of(judged, logits)
    predictions.save(run.folder / f"{stage}.npz")
    facts = {
        "model_bytes": len(result.model_bytes),
        "arena_bytes": result.contract.arena_bytes,
        "operators": list(result.contract.operators),
        "macs": result.macs,
        "variants": {name: variant.facts() for name, variant in result.variants.items()},
        **_as_plain_c(exported.model_bytes),
    }
    score = score_of(run.recipe.windows.kind)
    lost = json.loads((run.folder / f"{before}.json").read_text())[score] - predictions.metrics()[score]
    if lost > MUCH and not before.startswith("aware"):  # whose kernels are rounded already
        facts["layer_errors"] = _costliest(run, before)
    return facts


def _costliest(run, stage):
    calibration = _calibration(run)
    try:
        twin = quantization_aware(load(run.folder / f"{stage}.keras"), calibration)
    except ValueError as error:  # a layer that is rounded otherwise
        run.experiment.say(f"What int8 costs layer by layer is not known: {error}")
        return []
    return [dataclasses.asdict(error) for error in layer_errors(twin, calibration)[:COSTLIEST]]


def _as_plain_c(model_bytes):
    try:
        cost = cost_of(model_bytes, "plain_c", "m4")
    except ValueError:  # not every student that TensorFlow Lite Micro runs has kernels there
        return {}
    return {
        "flash_bytes": cost.flash_bytes,
        "ram_bytes": cost.ram_bytes,
        "instructions": round(cost.instructions),
    }


def export(run, stage, folder):
    """Quantizes the student of a stage with windows of this seed's training data and writes an export folder.

    Args:
        run: `SeedRun`.
        stage: of a student, `"labels"` or `"distilled"` for example, which must be finished.
        folder: as for `export_student`.

    Returns:
        An `ExportResult`.
    """
    windows, calibration = run.prepared.train, _calibration(run)
    chosen = np.linspace(0, len(windows) - 1, GOLDEN_WINDOWS).astype(int)
    golden = run.trainer.inputs_of(windows.take(chosen), [run.trainer.student_input])
    student, settings = load(run.folder / f"{stage}.keras"), run.recipe.quantization
    as_trained = stage.startswith("aware")
    if settings.percentile < 100 and not as_trained:
        student = strip(quantization_aware(student, calibration, settings.percentile))
    return export_student(
        run.trainer.on_device(student),
        folder,
        calibration=calibration,
        contract_facts=contract_facts(run),
        golden={"ids": windows.ids[chosen], "x": golden, "labels": windows.labels[chosen]},
        weight_bits=settings.weight_bits if as_trained else 8,
    )


def _calibration(run):
    """As many training windows of each class, as the student takes them: int8 ranges are taken from these."""
    windows, per_class = run.prepared.train, run.recipe.quantization.calibration_per_class
    picked = balanced_calibration(np.arange(len(windows)), windows.labels, per_class, run.seed)
    return run.trainer.inputs_of(windows.take(picked), [run.trainer.student_input])


def contract_facts(run):
    """What a contract says of a run's data and windows: the part that no model file tells."""
    windows, channels = run.recipe.windows, run.trainer.channels
    stream, normalisation = run.experiment.stream, run.prepared.normalisation
    whole = windows.kind == "whole_trial"
    causal = run.recipe.student.kind == "causal"
    return {
        "dataset": run.experiment.dataset,
        "split": run.prepared.split,
        "windowing": "whole_trial" if whole else "stream",
        "sample_rate_hz": None if whole else stream.rate_hz,
        "window": windows.hop if causal else windows.length,
        "hop": windows.length if whole else windows.hop,
        "channels": [stream.channels[i] for i in channels],
        "units": [stream.units[i] for i in channels],
        "mean": normalisation.mean["imu"][channels].tolist(),
        "scale": normalisation.scale["imu"][channels].tolist(),
        "labels": list(run.prepared.train.classes),
    }
