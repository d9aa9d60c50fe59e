"""From what was named on the command line to the entries of a comparison."""

import dataclasses
import os
from collections import Counter
from pathlib import Path

from tfkd.comparison.entries import ComparisonError, read_run
from tfkd.comparison.pools import pooled


def choose(named, stages):
    """The entries that were asked for, in that order, with runs of one recipe that leave out one person each as one.

    Args:
        named: folders, or `folder:stage`.
        stages: for folders without one; if empty, all that they have, of those taken together all that each has.

    Raises:
        ComparisonError: as for `read_run`, or a stage is missing.
    """
    if isinstance(stages, str):
        raise ComparisonError(f"stages must be a list of stages, got {stages!r}.")
    if not named:
        raise ComparisonError("No run is named: there is nothing to compare.")
    runs, wanted = {}, []
    for text in named:
        folder, stage = _parted(text)
        path = Path(folder).resolve()
        if path not in runs:
            runs[path] = read_run(folder)
        wanted.append((path, [stage] if stage else stages))
    runs = _named_apart(pooled(runs))
    return [runs[path].entry(stage) for path, chosen in wanted for stage in chosen or runs[path].stages]


def _parted(text):
    """`"runs/a:labels"` -> folder and stage; a folder may itself have a colon in its name."""
    folder, colon, stage = str(text).rpartition(":")
    if not colon or Path(text).is_dir() or "/" in stage or "\\" in stage:
        return str(text), None
    if not stage:
        raise ComparisonError(f"{text} names no stage after the colon. Say one, as in {folder}:distilled.")
    return folder, stage


def _named_apart(runs):
    """Runs whose folders have the same name are called by their paths."""
    distinct = list(dict.fromkeys(runs.values()))
    count = Counter(run.name for run in distinct)
    shared = [run for run in distinct if count[run.name] > 1]
    if not shared:
        return runs
    common = os.path.commonpath([run.path.parent for run in shared])
    renamed = {run: dataclasses.replace(run, name=os.path.relpath(run.path, common)) for run in shared}
    return {path: renamed.get(run, run) for path, run in runs.items()}
