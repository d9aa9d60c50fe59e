"""Runs that each judge other people, one left out after another, taken together as one run that judges them all."""

import dataclasses
import os

import numpy as np

from tfkd.comparison.entries import ComparisonError, Run
from tfkd.evaluation import Predictions
from tfkd.recipe import Ablation

BOTH_WAYS = "cross_subject", "cross_subject_reversed"
"""Protocols of which each tests the other's training people."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pool(Run):
    """Runs of one recipe that leave out other people each.

    Attributes:
        parts: the `Run`s.
    """

    parts: tuple[Run, ...] = ()

    @property
    def folders(self):
        """Those of its parts."""
        return [part.folder for part in self.parts]

    @property
    def part_seeds(self):
        """Those of its parts."""
        return [part.seeds for part in self.parts]

    @property
    def revisions(self):
        """Those of its parts, each once."""
        return list(dict.fromkeys(revision for part in self.parts for revision in part.revisions))

    def entry(self, stage):
        """One of the stages that all parts have."""
        for part in self.parts:
            part.entry(stage)
        return super().entry(stage)

    def predictions(self, seed, stage):
        """Those of all parts, one after the other."""
        found = [part.predictions(seed, stage) for part in self.parts]
        names = [field.name for field in dataclasses.fields(Predictions) if getattr(found[0], field.name) is not None]
        return Predictions(**{name: np.concatenate([getattr(p, name) for p in found]) for name in names})


def pooled(runs):
    """Takes runs together that differ in the people left out alone: as test (`data.split = "loso"`, or `cross_subject`
    and its reverse), or for validation.

    Recipes may also differ in which students are trained beside the others, and in whether one becomes int8: stages
    that all runs have are the same ones for that.

    Args:
        runs: dictionary, resolved path -> `Run`.

    Returns:
        The same dictionary with `Pool`s in the place of their parts. Other runs stay.

    Raises:
        ComparisonError: two of them judge the same person, or name other classes.
    """
    groups = {}
    for path, run in runs.items():
        if kind := _kind(run):
            # A recipe holds tuples and numbers only, so that its text tells it apart.
            key = repr(_of_shared_stages(_without_people(run.recipe, kind)))
            groups.setdefault((kind, key), []).append(path)
    found = dict(runs)
    for (kind, _), paths in groups.items():
        parts = [runs[path] for path in paths]
        # Several runs of one side may be compared with each other.
        if len(parts) > 1 and (kind != "both ways" or sorted(map(_split, parts)) == [*BOTH_WAYS]):
            found |= dict.fromkeys(paths, _pool(parts, kind))
    return found


def _split(run):
    return run.summary["protocol"]["split"]


def _kind(run):
    """How it may leave out other people than others do: `"held out in turn"`, `"loso"`, `"both ways"` or `None`."""
    if run.summary["protocol"]["judged"] == "validation":
        return "held out in turn"
    if _split(run).startswith("loso"):
        return "loso"
    return "both ways" if _split(run) in BOTH_WAYS else None


def _without_people(recipe, kind):
    """The recipe without the people who are left out."""
    nobody = {
        "held out in turn": {"validation_subjects": ()},
        "loso": {"test_subject": 0},
        "both ways": {"split": BOTH_WAYS[0]},
    }
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, **nobody[kind]))


def _of_shared_stages(recipe):
    """The recipe without what says which stages there are."""
    quantization = dataclasses.replace(recipe.quantization, int8=True)
    return dataclasses.replace(recipe, description="", ablation=Ablation(), quantization=quantization)


def _pool(parts, kind):
    left_out = {}
    for part in parts:
        for person in part.summary["protocol"]["judged_subjects"]:
            if person in left_out:
                raise ComparisonError(
                    f"{left_out[person]} and {part.folder} have one recipe and both judge person {person}. Runs of "
                    "one recipe that leave out other people each are taken together: name each person's run once."
                )
            left_out[person] = part.folder
    first, seeds = parts[0], min(part.seeds for part in parts)
    for part in parts:
        if part.summary["protocol"]["classes"] != first.summary["protocol"]["classes"]:
            raise ComparisonError(
                f"{first.folder} and {part.folder} have one recipe, but other classes, or another order: run one again."
            )
    protocol = first.summary["protocol"]
    told = {
        "held out in turn": f"{protocol['split']}, held out in turn",
        "loso": "loso",
        "both ways": f"{BOTH_WAYS[0]} both ways",
    }
    stages = [stage for stage in first.stages if all(stage in part.stages for part in parts)]
    summary = {
        **first.summary,
        "stages": {stage: first.summary["stages"][stage] for stage in stages},
        "seeds": seeds,
        "protocol": {
            **protocol,
            "split": f"{told[kind]}, {len(left_out)} people",
            "judged_subjects": sorted(left_out),
        },
    }
    # Of names, not of paths: loso-1 and loso-2 are loso.
    name = " + ".join(part.name for part in parts) if kind == "both ways" else _common_name(parts)
    recipe = _without_people(first.recipe, kind)
    return Pool(name, first.folder, first.path, summary, recipe, parts=tuple(parts))


def _common_name(parts):
    return os.path.commonprefix([part.name for part in parts]).rstrip("-_. ") or "loso"  # noqa: RUF071
