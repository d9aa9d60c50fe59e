"""Which stages of which runs are compared, read from run folders, and whether they may stand side by side."""

import dataclasses
import difflib
import json
from pathlib import Path

import numpy as np

from tfkd.evaluation import Predictions
from tfkd.recipe import Recipe, parse_recipe
from tfkd.results import other_format

_NEEDED = {"split": str, "judged": str, "judged_subjects": list, "labelled_subjects": list, "classes": list}
"""What a comparison reads of the protocol in results.json."""


class ComparisonError(ValueError):
    """Runs cannot be compared; the message names the folder or file, and the way out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A finished run folder.

    Attributes:
        name: what it is called in tables: the folder's name, or more of its path where two have the same.
        folder: as it was named.
        path: the same, resolved.
        summary: its `results.json`.
        recipe: `Recipe`.
        loaded: predictions that were read already.
    """

    name: str
    folder: Path
    path: Path
    summary: dict
    recipe: Recipe
    loaded: dict = dataclasses.field(default_factory=dict, repr=False)

    @property
    def folders(self):
        """The folders that it is made of."""
        return [self.folder]

    @property
    def part_seeds(self):
        """How many seeds each of these folders has."""
        return [self.seeds]

    @property
    def stages(self):
        """Names of the stages that it has."""
        return list(self.summary["stages"])

    @property
    def seeds(self):
        """How many it has."""
        return self.summary["seeds"]

    @property
    def revisions(self):
        """Those of tfkd that made it, as far as they are known."""
        return list(filter(None, [(self.summary.get("provenance") or {}).get("git")]))

    def entry(self, stage):
        """One of its stages.

        Raises:
            ComparisonError: there is no such stage.
        """
        if stage not in self.stages:
            raise ComparisonError(f"{self.folder} has no stage {stage!r}; it has {', '.join(self.stages)}.")
        return Entry(self, stage)

    def predictions(self, seed, stage):
        """`Predictions` of one seed, read once.

        Raises:
            ComparisonError: the file is missing, damaged, or of other recordings, labels or classes than the run's
                other files.
        """
        path = self.folder / f"seed{seed}" / f"{stage}.npz"
        if path not in self.loaded:
            found = _load(path)
            classes = len(self.summary["protocol"]["classes"])
            if found.logits.shape[1] != classes or not np.isin(found.labels, range(classes)).all():
                raise ComparisonError(
                    f"{path} is not of the {classes} classes that the results.json of its run names. Run all stages "
                    "anew."
                )
            for other, known in list(self.loaded.items())[:1]:
                if _judged(found) != _judged(known):
                    raise ComparisonError(
                        f"{path} and {other} are of different recordings, people or labels. Run all stages anew."
                    )
            self.loaded[path] = found
        return self.loaded[path]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A stage of a run."""

    run: Run
    stage: str

    @property
    def name(self):
        """`run:stage`."""
        return f"{self.run.name}:{self.stage}"

    def predictions(self, seeds):
        """Those of the first `seeds` seeds, a list of `Predictions`."""
        return [self.run.predictions(seed, self.stage) for seed in range(seeds)]


def _judged(predictions):
    """What is decided -> its label and person."""
    ids, labels, subjects, _ = predictions.decisions()
    return dict(zip(ids.tolist(), zip(labels.tolist(), subjects.tolist())))


def _load(path):
    try:
        found = Predictions.load(path)
    except FileNotFoundError as error:
        raise ComparisonError(
            f"{path} is missing, though the results.json of its run tells of it. The folders of models/ hold no "
            "predictions: name a run folder as tools/distill.py leaves it, or let that command complete this one."
        ) from error
    except (OSError, ValueError) as error:
        raise ComparisonError(f"{path} cannot be read ({error}). Delete it and its .json and run again.") from error
    if not np.isfinite(found.logits).all():
        # Students are compared with every teacher of their run, so that none of these can be left out.
        out = "Run it again." if path.stem.startswith("teacher") else "Leave the stage out with --stages."
        raise ComparisonError(f"{path} holds NaN or infinity: that training failed. {out}")
    return found


def read_run(folder):
    """Reads a run folder's summary and recipe.

    Raises:
        ComparisonError: it is not a run folder, or the run is not finished.
        RecipeError: its recipe cannot be read.
    """
    folder = Path(folder)
    results = folder / "results.json"
    if not folder.is_dir():
        raise ComparisonError(f"There is no folder {folder}. Name run folders as tools/distill.py leaves them.")
    if not results.is_file():
        if (folder / "data.json").exists():
            raise ComparisonError(
                f"The run in {folder} is not finished: it has no results.json. Go on with it: python tools/distill.py "
                f"--recipe {folder / 'recipe.toml'} --out {folder}, with --seeds and --data_dir as before."
            )
        raise ComparisonError(f"{folder} is not a run folder: it has no results.json. tools/distill.py makes them.")
    try:
        summary = json.loads(results.read_text())
        if told := other_format(summary, results):
            raise ComparisonError(told)
        recipe = parse_recipe(summary["recipe"], str(results))
        kinds = [(summary["stages"], dict), (summary["seeds"], int)]
        kinds += [(summary["protocol"][key], kind) for key, kind in _NEEDED.items()]
        if strange := [value for value, kind in kinds if not isinstance(value, kind)]:
            raise TypeError(f"{strange[0]!r} is not what a run leaves there")
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ComparisonError(f"{results} cannot be read ({error!r}). Delete it and run again.") from error
    if summary["seeds"] < 1 or not summary["stages"]:
        raise ComparisonError(f"{results} tells of no seed or no stage. Delete it and run again.")
    return Run(folder.resolve().name, folder, folder.resolve(), summary, recipe)


def shared_protocol(runs, seeds):
    """What all runs have in common: who and what is judged, and how recordings are cut.

    Raises:
        ComparisonError: two differ. Names both and what differs.
    """
    first = runs[0]
    for other in runs[1:]:
        ours, theirs = _protocol(first), _protocol(other)
        differing = [key for key, value in ours.items() if theirs[key] != value]
        if differing:
            told = (f"{key} is {_short(ours[key])} in the first and {_short(theirs[key])} in the second"
                    for key in differing)  # fmt: skip
            raise ComparisonError(
                f"{_folders(first)} and {_folders(other)} are of different protocols: {'; '.join(told)}. Such numbers "
                "never share a column: compare them apart."
            )
    reference, source = None, None
    for run in runs:
        predictions = run.entry(run.stages[0]).predictions(seeds)[0]
        units = predictions.recordings if predictions.units is None else predictions.units
        ids, labels, _, _ = predictions.decisions()
        found = dict(zip(ids.tolist(), labels.tolist()))
        if reference is not None and found != reference:
            raise ComparisonError(_different_recordings(source, run, reference, found))
        reference, source = found, run
    protocol = _protocol(first)
    return {
        "dataset": protocol["data set"],
        "split": protocol["split"],
        "judged": protocol["judged side"],
        "judged_subjects": protocol["judged people"],
        "judged_recordings": len(reference),
        "judged_units": len(np.unique(units)),
        "windowing": protocol["windowing"],
        "classes": protocol["classes"],
    }


def _folders(run):
    """A run's folder, or those that are taken together."""
    return " with ".join(map(str, run.folders))


def _protocol(run):
    found, windows = run.summary["protocol"], run.recipe.windows
    cut = windows.kind if windows.kind == "whole_trial" else f"{windows.kind}: {windows.length} every {windows.hop}"
    return {
        "data set": run.recipe.data.dataset,
        "split": found["split"],
        "judged side": found["judged"],
        "judged people": found["judged_subjects"],
        "windowing": cut,
        "classes": found["classes"],
    }


def _short(value):
    return repr(value) if not isinstance(value, list) or len(value) < 9 else f"a list of {len(value)}"


def _different_recordings(a, b, ours, theirs):
    said = f"{a.folder} and {b.folder} judged different recordings"
    if only := sorted(set(ours) ^ set(theirs)):
        return f"{said}: {len(only)} are in one alone ({', '.join(only[:3])}, ...). Run both on the same data."
    changed = sorted(i for i in ours if ours[i] != theirs[i])
    return f"{said}: {len(changed)} have different labels ({', '.join(changed[:3])}, ...). Run both on the same data."


def differences(runs):
    """Recipe keys in which runs differ: key -> {run's name: value}. What such runs are compared in is not one thing."""
    flat = {run.name: dict(_flat(dataclasses.asdict(run.recipe))) for run in runs}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    table = {key: {name: values.get(key) for name, values in flat.items()} for key in keys if key != "description"}
    return {key: row for key, row in table.items() if len({repr(value) for value in row.values()}) > 1}


def _flat(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, list(value) if isinstance(value, tuple) else value


def recipe_value(run, key):
    """A number out of a run's recipe; of a list its length. No `data.labelled_subjects` means all who train.

    Raises:
        ComparisonError: there is no such key, or its value is no number.
    """
    values = dict(_flat(dataclasses.asdict(run.recipe)))
    if key not in values:
        close = (difflib.get_close_matches(key, values, 1) or ["data.labelled_subjects"])[0]
        raise ComparisonError(f"A recipe has no key {key!r}; did you mean {close}?")
    value = values[key]
    if key == "data.labelled_subjects":
        return len(run.summary["protocol"]["labelled_subjects"])
    if isinstance(value, list):
        return len(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ComparisonError(f"{key} is {value!r} in {run.folder}; drawn over are numbers and lengths of lists.")
    return value
