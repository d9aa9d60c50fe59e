"""A recipe in, a finished run folder out, in stages that can be interrupted.

For each seed: a teacher, the student on labels alone, the distilled student, a control distilled from
shuffled teacher outputs, the distilled student pruned, and that one quantized to int8 and exported. Every
stage writes its model, its predictions and last its record; what has a record is not done again.
"""

import copy
import json
import re
from pathlib import Path

from tfkd import files, narrowing, provenance, quantizing, report, results
from tfkd.data import datasets
from tfkd.deploy import check_exportable
from tfkd.prepared import prepare, student_channels
from tfkd.recipe import RecipeError, load_recipe
from tfkd.seed_run import SeedRun, stages_of
from tfkd.training import Trainer


class Experiment:
    """One recipe on one data set, over several seeds, in one folder.

    Args:
        recipe: `Recipe`.
        folder: the run folder; made if it is not there.
        data_dir: where the data set is; `None` for `TFKD_DATA`.
        on_error: `"raise"` or `"skip"`, for files that cannot be read.
        resume: take up what the folder holds of the same recipe and data. If false, a folder that
            holds a run is refused.
        say: function that takes a line of progress.
        show_epochs: whether to draw a bar over the epochs of each training.

    Raises:
        RecipeError: the folder holds a run of another recipe or other data.
    """

    def __init__(self, recipe, folder, data_dir=None, on_error="raise", resume=True, say=print, show_epochs=True):
        self.recipe, self.folder, self.say = recipe, Path(folder), say
        self.show_epochs = show_epochs
        self._claim_folder(resume)
        say(f"Reading {recipe.data.dataset} ...")
        settings = {"frame_size": recipe.frames.size, "most_frames": recipe.frames.most, "sensors": recipe.data.sensors}
        recordings = datasets.read(recipe.data.dataset, data_dir, on_error, recipe.modalities, **settings)
        # A folder of the user's own has a name of its own.
        self.dataset = recordings.name if recipe.data.dataset == "folder" else recipe.data.dataset
        self.prepared = prepare(recipe, recordings)
        self.stream = recordings.streams["imu"]
        self.channels = student_channels(recipe, self.stream)
        self.data_hash = provenance.hash_of_recordings(recordings)
        self._claim_data(provenance.meaning_of_recordings(recordings))
        train, judged = self.prepared.train, self.prepared.judged
        unlabelled = int((train.labels < 0).sum())
        say(
            f"{len(recordings)} recordings; {len(train)} windows to train on"
            + (f" ({unlabelled} of them unlabelled)" if unlabelled else "")
            + f", {len(judged)} of the {self.prepared.side} people."
        )
        for kind, entries in self.prepared.notes.items():
            say(f"  {kind}: {len(entries)} ({', '.join(map(str, entries[:3]))}{', ...' if len(entries) > 3 else ''})")

    def _claim_folder(self, resume):
        kept = self.folder / "recipe.toml"
        # Without data.json nothing has been done yet: an attempt that found no data, say.
        if (self.folder / "data.json").exists():
            if not resume:
                raise RecipeError(
                    f"{self.folder} already holds a run. Choose another --out, or continue it with --resume."
                )
            if load_recipe(kept) != self.recipe:
                raise RecipeError(
                    f"{self.folder} holds a run of another recipe ({kept}). Choose another --out."
                )
        else:
            # Written first: a folder that cannot be written to is found before hours of training.
            files.write_text(kept, self.recipe.to_toml())

    def _claim_data(self, meaning):
        path = self.folder / "data.json"
        if not path.exists():
            files.write_json(path, {"sha256": self.data_hash, "meaning": meaning, "notes": self.prepared.notes})
            return
        try:
            kept = dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise RecipeError(f"{path} could not be read: {error}. Choose another --out.") from error
        if kept.get("sha256") != self.data_hash:
            raise RecipeError(
                f"{self.folder} holds a run on other data: {path} has another hash than the recordings "
                "read now. Name that data with --data_dir, or choose another --out."
            )
        # Runs of earlier versions do not tell.
        for key, before in kept.get("meaning", meaning).items():
            if meaning.get(key) != before:
                raise RecipeError(
                    f"{self.folder} holds a run on the same numbers with another meaning: by {path}, {key} was "
                    f"{before}, but now it is {meaning.get(key)}. Name it as it was, or choose another --out."
                )

    def with_student(self, recipe, folder):
        """The same with another student: on the data and windows of this one, in a folder of its own."""
        other = copy.copy(self)
        other.recipe, other.folder = recipe, Path(folder)
        return other

    def run(self, seeds):
        """Runs all stages for seeds 0 to `seeds` - 1, then writes `results.json` and `report.html`.

        Of several processes on one folder each takes seeds that no other is at, and at the end waits for the others.

        Returns:
            The contents of `results.json`.
        """
        trainer = Trainer(self.recipe, self.prepared, self.channels, 0)
        if not (self.folder / "seed0").exists():
            narrowing.check_reachable(self.recipe, trainer.new_student(), trainer.on_device)
        if self.recipe.quantization.int8:
            self._refuse_what_cannot_be_exported(trainer)
        others = [seed for seed in range(seeds) if not self._run_alone(seed, wait=False)]
        for seed in others:
            self._run_alone(seed, wait=True)
        summary = results.summarize(self.folder, self.recipe, self.prepared, seeds)
        files.write_json(self.folder / "results.json", summary)
        report.write(self.folder, summary)
        return summary

    def _run_alone(self, seed, wait):
        """Runs the stages of a seed that have no record yet, unless another process is at it and this one is not to
        wait; whether it did."""

        def told():
            self.say(f"[seed {seed}] another process is at it: waiting ...")

        with files.alone(self.folder / f"seed{seed}" / "lock", told if wait else None) as mine:
            if mine:
                SeedRun(self, seed).run()
        return mine

    def _refuse_what_cannot_be_exported(self, trainer):
        checked = self.folder / "exportable.json"
        if not checked.exists():
            self.say("Checking that TensorFlow Lite Micro can run the student ...")
            check_exportable(trainer.on_device(trainer.new_student()))
            files.write_json(checked, {"exportable": True})


def export_keras(path, folder, data_dir=None):
    """Quantizes a student that a run left as a `.keras` file, with that run's recipe and data.

    Args:
        path: for example `runs/x/seed0/distilled.keras`.
        folder: where to write the export, see `export_student`.
        data_dir: where the run's data set is; `None` for `TFKD_DATA`.

    Returns:
        An `ExportResult`.

    Raises:
        RecipeError: the file is not a run's student, or the data is not that of the run.
        DataError: the data is not there.
        ContractError, TflmError, OutputError: see `export_student`.
    """
    path = Path(path).resolve()
    seed, run = re.fullmatch(r"seed(\d+)", path.parent.name), path.parent.parent
    if not path.is_file():
        raise RecipeError(f"There is no file {path}.")
    if seed is None or not (run / "recipe.toml").is_file() or not (run / "data.json").is_file():
        raise RecipeError(
            f"{path} is not in a run folder (runs/x/seed0/distilled.keras). A .keras file does not tell what firmware "
            "must know: channels, units, scaling, labels; and int8 ranges are calibrated on training windows. Export "
            "it in Python with tfkd.deploy.export_student(), which takes both."
        )
    recipe = load_recipe(run / "recipe.toml")
    students = [stage for stage in stages_of(recipe) if not stage.startswith(("teacher", "int8"))]
    if path.stem not in students:
        raise RecipeError(
            f"{path} is not a student; those of a run are {', '.join(f'{stage}.keras' for stage in students)}."
        )
    experiment = Experiment(recipe, run, data_dir, say=lambda line: None)
    return quantizing.export(SeedRun(experiment, int(seed[1])), path.stem, folder)
