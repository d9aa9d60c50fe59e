"""Leave-one-subject-out: runs that each judge one person, taken together as one run that judges all of them."""

import dataclasses
import os

import numpy as np

from tfkd.comparison.entries import ComparisonError, Run
from tfkd.evaluation import Predictions


@dataclasses.dataclass(frozen=True, eq=False)
class Pool(Run):
    """Runs of one recipe that leave out one person each.

    Attributes:
        parts: the `Run`s.
    """

    parts: tuple[Run, ...] = ()

    @property
    def folders(self):
        """Those of its parts."""
        return [part.folder for part in self.parts]

    def predictions(self, seed, stage):
        """Those of all parts, one after the other."""
        found = [part.predictions(seed, stage) for part in self.parts]
        names = [field.name for field in dataclasses.fields(Predictions)]
        return Predictions(*(np.concatenate([getattr(p, name) for p in found]) for name in names))


def pooled(runs):
    """Takes runs together that differ in the person left out alone.

    Args:
        runs: dictionary, resolved path -> `Run`.

    Returns:
        The same dictionary with `Pool`s in the place of their parts. Other runs stay.

    Raises:
        ComparisonError: two of them leave out the same person.
    """
    groups = {}
    for path, run in runs.items():
        if run.summary["protocol"]["split"].startswith("loso") and run.summary["protocol"]["judged"] == "test":
            data = dataclasses.replace(run.recipe.data, test_subject=0)
            # A recipe holds tuples and numbers only, so that its text tells it apart.
            groups.setdefault(repr(dataclasses.replace(run.recipe, description="", data=data)), []).append(path)
    found = dict(runs)
    for paths in groups.values():
        if len(paths) > 1:
            found |= dict.fromkeys(paths, _pool([runs[path] for path in paths]))
    return found


def _pool(parts):
    left_out = {}
    for part in parts:
        for person in part.summary["protocol"]["judged_subjects"]:
            if person in left_out:
                raise ComparisonError(
                    f"{left_out[person]} and {part.folder} have one recipe and both judge person {person}. Runs of "
                    "one recipe that leave out one person each are taken together: name each person's run once."
                )
            left_out[person] = part.folder
    first, seeds = parts[0], min(part.seeds for part in parts)
    stages = [stage for stage in first.stages if all(stage in part.stages for part in parts)]
    summary = {
        **first.summary,
        "stages": {stage: first.summary["stages"][stage] for stage in stages},
        "seeds": seeds,
        "protocol": {
            **first.summary["protocol"],
            "split": f"loso, {len(left_out)} people",
            "judged_subjects": sorted(left_out),
        },
    }
    # Of names, not of paths: loso-1 and loso-2 are loso.
    name = os.path.commonprefix([part.name for part in parts]).rstrip("-_. ") or "loso"  # noqa: RUF071
    recipe = dataclasses.replace(first.recipe, data=dataclasses.replace(first.recipe.data, test_subject=0))
    return Pool(name, first.folder, first.path, summary, recipe, parts=tuple(parts))
