"""What a search found: `budget.json`, a page to look at, and the recipe of the chosen student."""

import dataclasses
import statistics

from tfkd import files, provenance, report
from tfkd.evaluation import score_of
from tfkd.search.space import name_of, pruned_to, recipe_of

FORMAT = 1
COSTS = ("flash_bytes", "ram_bytes", "instructions")


def metric(recipe):
    """What students are chosen by."""
    return score_of(recipe.windows.kind)


def unit(recipe):
    """What it is a share of."""
    return "moments, by macro F1" if recipe.windows.kind == "continuous" else "recordings"


def write(search, study, finals=None):
    """Writes `budget.json`, `budget.html` and, if a student fits, `recipe.toml` into the search's folder.

    Args:
        search: `Search`.
        study: its Optuna study.
        finals: what was found of the finalists in more trainings, by name.

    Returns:
        The contents of `budget.json`: `budget`, `students` (judged, the most accurate first, each with `name`, `sizes`,
        `accuracy`, costs, `fits` and whether it is on the `front`), `finalists` (names), `chosen` (its name, or
        `None`), `refused` (how many did not fit and were not trained), `validation_subjects`, `metric`, `provenance`.
    """
    from optuna.trial import TrialState

    students, finals = {}, finals or {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        name = name_of(trial.user_attrs["sizes"])
        known = trial.user_attrs | finals.get(name, {})
        students[name] = {  # proposed twice, it is one
            "name": name,
            "sizes": known["sizes"],
            "accuracy": statistics.mean(known["accuracies"]),
            "accuracies": known["accuracies"],
            "model_bytes": known["model_bytes"],
            "weight_kb": known["weight_kb"],
            **{cost: known[cost] for cost in COSTS},
            "fits": known["fits"] if name in finals else max(trial.constraints.values()) <= 0,
        }
    ranked = sorted(students.values(), key=lambda s: (-s["accuracy"], s["instructions"]))
    for student in ranked:
        student["front"] = not any(_dominates(other, student) for other in ranked)
    fitting = [student for student in ranked if student["fits"]]
    # Those that were trained once are no match for the finalists: their luck was not put to the test.
    best = next((student for student in fitting if student["name"] in finals), fitting[0] if fitting else None)
    found = {
        "format": FORMAT,
        "budget": dataclasses.asdict(search.budget),
        "metric": metric(search.recipe),
        "validation_subjects": list(search.recipe.data.validation_subjects),
        "seeds": search.seeds,
        "students": ranked,
        "finalists": [student["name"] for student in ranked if student["name"] in finals],
        "chosen": best["name"] if best else None,
        "refused": len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))),
        "provenance": {"git": provenance.git_revision(), "versions": provenance.versions()},
    }
    if best:
        files.write_text(search.folder / "recipe.toml", _chosen(search, best).to_toml())
    files.write_json(search.folder / "budget.json", found)
    report.write_search(search.folder, found)
    return found


def _dominates(one, other):
    """Whether a student is at least as good in everything, and better in something."""
    gains = [one["accuracy"] - other["accuracy"], *(other[cost] - one[cost] for cost in COSTS)]
    return min(gains) >= 0 < max(gains)


def _chosen(search, student):
    """The recipe to train the chosen student by, on all training people, to be judged by the test people."""
    recipe = recipe_of(student["sizes"], search.given)
    limits = ", ".join(f"{name} {value:g}" for name, value in search.budget.limits().items())
    for weight_kb in student["weight_kb"]:
        recipe = pruned_to(recipe, weight_kb, search.given.channels, search.budget)
    return dataclasses.replace(
        recipe,
        description=f"The most accurate student that was found within {limits}.",
        data=dataclasses.replace(recipe.data, validation_subjects=()),
        pruning=search.recipe.pruning,  # none, as it was judged
    )
