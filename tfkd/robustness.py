"""What a run's students still recognise when the sensor is worn or received otherwise than in training."""

import json
from pathlib import Path

import numpy as np

from tfkd import quantizing
from tfkd.comparison import ComparisonError
from tfkd.data import datasets
from tfkd.data.perturbations import STANDARD
from tfkd.deploy import TflmModel, encode_for, load_export
from tfkd.evaluation import Predictions, mean_and_spread, score_of
from tfkd.experiment import Experiment
from tfkd.paired import holm, of_score, paired_comparison
from tfkd.prepared import cut
from tfkd.recipe import load_recipe
from tfkd.seed_run import SeedRun

AS_RECORDED = "as recorded"
USUAL = ("labels", "distilled", "int8")


def students_of(summary, run, chosen):
    """The students of a run among what was compared.

    Args:
        summary: what `tfkd.comparison.compare` returned.
        run: name of the run.
        chosen: whether its stages were named one by one; else only those of `USUAL` are taken.
    """
    stages = [entry["stage"] for entry in summary["entries"].values() if entry["run"] == run]
    return [stage for stage in stages if not stage.startswith("teacher") and (chosen or stage in USUAL)]


def judge(run, stages, seeds, exports, data_dir=None, float_students=False, perturbations=STANDARD, say=print):
    """Accuracy of a run's students on perturbed recordings of the judged people.

    The recordings are perturbed before they are cut, so that whole trials and streams go the way of the firmware. int8
    students are the very bytes of an export, run in TFLM: the run's own for `int8`; those of other stages are quantized
    for the purpose, with the run's training windows.

    Args:
        run: folder of a finished run. Nothing in it is changed.
        stages: students, such as `labels`, `distilled`, `int8`. The first is what the others are compared with.
        seeds: how many, from 0 on.
        exports: folder for exports that the run does not have: `seedN/<stage>`, replaced if they are there.
        data_dir: where the run's data set is; `None` for `TFKD_DATA`.
        float_students: run the Keras models instead; `int8` is then the one that was quantized.
        perturbations: see `tfkd.data.perturbations`.
        say: function that takes a line of progress.

    Returns:
        A JSON-able dictionary: `students`, score (`tfkd.evaluation.score_of`) by stage and perturbation;
        `comparisons`, paired, of each later stage with the first, with p values corrected for the number of
        perturbations; `meanings` in words.

    Raises:
        ComparisonError: a stage is missing or no student.
        RecipeError, DataError: the data is not that of the run, or not there.
        ContractError, ExportError, TflmError, OutputError: see `tfkd.deploy.export_student`.
    """
    run = Path(run)
    recipe = load_recipe(run / "recipe.toml")
    before = quantizing.stage_before(recipe)
    if {before, "int8"} <= set(stages):
        # Quantized or not, all students run on one engine here: it would be the same one twice.
        stages = [stage for stage in stages if stage != "int8"]
    _check(run, stages, seeds, float_students, before)
    experiment = Experiment(recipe, run, data_dir, on_error="skip", say=lambda line: None)
    judged = _judged_recordings(experiment, data_dir)
    conditions = {AS_RECORDED: judged}
    conditions |= {str(perturbation): perturbation(judged) for perturbation in perturbations}
    windows = {name: cut(recipe, recordings, ("imu",), judged=True) for name, recordings in conditions.items()}
    found = {stage: {name: [] for name in conditions} for stage in stages}
    for seed in range(seeds):
        seed_run = SeedRun(experiment, seed)
        for stage in stages:
            say(f"[seed {seed}] {stage} on {len(conditions)} kinds of recordings")
            kept = before if stage == "int8" else stage
            student = _float(seed_run, kept) if float_students else _int8(seed_run, kept, kept == before, Path(exports))
            for name, seen in windows.items():
                parts = seed_run.trainer.inputs_in_parts(seen, [seed_run.trainer.student_input])
                found[stage][name].append(Predictions.of(seen, np.concatenate([student(x) for x in parts])))
    score = score_of(recipe.windows.kind)
    return {**_summary(found, perturbations, float_students, score), "int8_is": before}


def _check(run, stages, seeds, float_students, before):
    known = json.loads((run / "results.json").read_text())["stages"]
    students = [stage for stage in known if not stage.startswith("teacher")]
    for stage in stages:
        if stage not in students:
            raise ComparisonError(f"{run} has no student {stage!r} to run; it has {', '.join(students)}.")
    for seed in range(seeds):
        for stage in stages:
            needed = run / f"seed{seed}" / f"{before if stage == 'int8' else stage}.keras"
            if stage in ("int8", before) and not float_students:
                needed = run / f"seed{seed}" / "export" / "contract.json"
            if not needed.exists():
                raise ComparisonError(f"{needed} is missing: without it the student {stage!r} cannot be run.")
    if not (run / "data.json").exists():
        raise ComparisonError(f"{run / 'data.json'} is missing: which data the run is of is not known.")


def _judged_recordings(experiment, data_dir):
    """The judged recordings with their IMU stream alone."""
    data = experiment.recipe.data
    recordings = datasets.read(data.dataset, data_dir, "skip", ("imu",), sensors=data.sensors)
    wanted = set(experiment.prepared.judged.recordings.tolist())
    judged = recordings.where(lambda recording: recording.id in wanted)
    if not len(judged):
        raise ComparisonError(
            f"The recordings that {experiment.prepared.split} judges are not those in the files but made of them, so "
            "they cannot be perturbed as a whole. Robustness is there for protocols that judge whole recordings."
        )
    return judged


def _float(seed_run, stage):
    """A function from standardised windows to logits."""
    import keras

    model = keras.models.load_model(seed_run.folder / f"{stage}.keras", compile=False, safe_mode=True)
    return lambda x: model.predict(x, batch_size=256, verbose=0)


def _int8(seed_run, stage, exported_by_run, exports):
    """The same, of the exported bytes in TFLM."""
    folder = seed_run.folder / "export"
    if not exported_by_run:
        folder = exports / f"seed{seed_run.seed}" / stage
        quantizing.export(seed_run, stage, folder)
    exported = load_export(folder)
    model = TflmModel(exported.model_bytes)
    return lambda x: model.predict(encode_for(exported.contract, x))


def _summary(found, perturbations, float_students, score):
    first, *others = found
    comparisons = {
        stage: {name: of_score(paired_comparison(found[stage][name], found[first][name])) for name in found[stage]}
        for stage in others
    }
    for by_condition in comparisons.values():
        corrected = holm([compared["p_value"] for compared in by_condition.values()])
        for compared, p in zip(by_condition.values(), corrected):
            compared["holm_p_value"] = p
    return {
        "engine": "the float students in Keras" if float_students else "the int8 students in TFLM",
        "baseline": first,
        "students": {
            stage: {
                name: mean_and_spread([p.metrics()[score] for p in predictions])
                for name, predictions in by_condition.items()
            }
            for stage, by_condition in found.items()
        },
        "comparisons": comparisons,
        "meanings": {str(perturbation): perturbation.meaning for perturbation in perturbations},
    }
