"""The search: Optuna proposes students, what does not fit is not trained, what fits is distilled and judged in int8.

What it knows is a journal in the folder: killed, the same command goes on; run a second time on the same folder, on
this machine or another, it helps.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from tfkd import files
from tfkd.compress import Channels, weight_importance
from tfkd.data import datasets
from tfkd.deploy import load_export
from tfkd.deploy.cost import BudgetError, cost_of
from tfkd.experiment import Experiment
from tfkd.narrowing import int8_cost
from tfkd.prepared import prepare
from tfkd.recipe import RecipeError
from tfkd.recipe_check import check
from tfkd.search import journal, results
from tfkd.search.space import KINDS, Space, name_of, pruned_to, recipe_of
from tfkd.seed_run import SeedRun, stages_of
from tfkd.training import Trainer

FINALISTS = 3
"""So many of the most accurate students that fit are trained more often before one of them is chosen: the best of many
trainings owes some of it to luck."""

IN_VAIN = 200
"""So many students that do not fit or are known, one after the other, end a search."""


class Search:
    """Searches the most accurate student that fits a budget.

    Students are judged by the validation people, in int8, by the bytes that would be flashed. The test people are not
    looked at.

    Args:
        recipe: `Recipe` whose teachers, training and method every student has, with `data.validation_subjects`.
        budget: `Budget`.
        folder: where all of it is kept.
        space: `Space`.
        data_dir: where the data set is; `None` for `TFKD_DATA`.
        seeds: trainings of each student, whose accuracies are averaged.
        final_seeds: trainings of the `FINALISTS`, of whom one is chosen; no more than `seeds` leaves that out.
        on_error: `"raise"` or `"skip"`, for files that cannot be read.
        say: function that takes a line of progress.

    Raises:
        RecipeError: the recipe has no validation people, or its student is not for signals; or the folder holds
            another search.
        BudgetError: even the smallest student of the space does not fit.
    """

    def __init__(
        self, recipe, budget, folder, space=None, data_dir=None, seeds=1, final_seeds=1, on_error="raise", say=print
    ):
        if recipe.student.kind not in KINDS:
            raise RecipeError(f"student.kind is {recipe.student.kind!r}; only {' and '.join(KINDS)} can be searched.")
        if not recipe.data.validation_subjects:
            raise RecipeError("data.validation_subjects is empty: students are chosen on people held out of training.")
        for length in space.lengths if space else ():
            windows = dataclasses.replace(recipe.windows, length=length)
            check(dataclasses.replace(recipe, windows=windows), f"--lengths {length}")
        alone = dataclasses.replace(recipe.ablation, terms=(), methods=(), raw_signal=False, control=False)
        whole = dataclasses.replace(recipe.pruning, sparsity=0.0)
        self.recipe = dataclasses.replace(recipe, ablation=alone, pruning=whole)
        self.given, self.budget, self.space, self.folder = recipe, budget, space or Space(), Path(folder)
        self.seeds, self.final_seeds = seeds, final_seeds
        self.data_dir, self.on_error, self.say = data_dir, on_error, say
        self._experiments, self._costs = {}, {}
        self._check_folder()
        self._refuse_what_nothing_meets()
        files.write_json(self.folder / "search.json", self._identity())

    def run(self, trials):
        """Goes on until so many students have been judged, by whoever works on the folder.

        Returns:
            The contents of `budget.json`; see `tfkd.search.results`.
        """
        import optuna

        states = optuna.trial.TrialState
        study = journal.open_study(self.folder)
        nothing_new, known = 0, journal.judged(study)
        while len(known) < trials:
            trial = study.ask()
            accuracy = self._try(trial)
            if accuracy is None:
                study.tell(trial, state=states.PRUNED)
            else:
                study.tell(trial, accuracy)
                results.write(self, study)
            before, known = known, journal.judged(study)
            nothing_new = 0 if len(known) > len(before) else nothing_new + 1
            if nothing_new == IN_VAIN:
                self.say(f"{nothing_new} in a row did not fit, or had been tried before: the search ends here.")
                break
        return results.write(self, study, self._finals(study))

    def _finals(self, study):
        """What is found of the finalists in more trainings, by name: as `_judge` gives it."""
        judged, finalists = {}, []
        while self.final_seeds > self.seeds:
            # Asked anew each time: other processes may still be judging students.
            fitting = [student for student in results.write(self, study)["students"] if student["fits"]]
            finalists, following = [], None
            for student in fitting:
                if sum(judged[name]["fits"] for name in finalists) == FINALISTS:
                    break
                if student["name"] not in judged:
                    following = student
                    break
                finalists.append(student["name"])
            if following is None:
                break
            name, sizes = following["name"], following["sizes"]
            judged[name] = self._judge(name, sizes, self._planned(sizes)[0], self.final_seeds)
        return {name: judged[name] for name in finalists}

    def _try(self, trial):
        """Accuracy of the trial's student, `None` if it does not fit; what it costs goes into the trial."""
        sizes = self.space.suggest(trial)
        name = name_of(sizes)
        trial.set_user_attr("process", journal.process())
        trial.set_user_attr("sizes", sizes)
        self._experiment(sizes)  # what is wrong with recipe or data ends the search, and not this student alone
        try:
            recipe, student = self._planned(sizes)
        except ValueError as error:  # a stride longer than its kernel, too few channels to prune
            trial.set_constraint("network", 1.0)
            self.say(f"{name}: {error}")
            return None
        cost = self._planned_cost(name, student)
        if not self.budget.fits(cost):
            for limit, excess in self.budget.excess(cost).items():
                trial.set_constraint(limit, excess)
            self.say(f"{name}: does not fit: {self.budget.told(cost)}")
            return None
        self.say(f"{name}: {self.budget.told(cost)}")
        found = self._judge(name, sizes, recipe, self.seeds)
        for limit, excess in found["excess"].items():
            trial.set_constraint(limit, excess)
        for key in ("accuracies", *results.COSTS, "model_bytes", "weight_kb"):
            trial.set_user_attr(key, found[key])
        return float(np.mean(found["accuracies"]))

    def _planned(self, sizes):
        """The recipe of a student, and the student, untrained: without some channels, where some are to be pruned.

        Raises:
            ValueError: there can be no such network.
        """
        recipe, experiment = recipe_of(sizes, self.recipe), self._experiment(sizes)
        trainer = Trainer(recipe, experiment.prepared, experiment.channels, 0)
        student = trainer.new_student()
        if sizes["kept"] < 1:
            channels = Channels(student)
            weight_kb = round(sizes["kept"] * channels.weight_bytes() / 1024, 2)
            recipe = pruned_to(recipe, weight_kb, self.recipe.channels, self.budget)
            scores, multiple = weight_importance(channels), recipe.channels.multiple
            student = channels.without(channels.least_important(scores, int(1024 * weight_kb), multiple))
        return recipe, trainer.on_device(student)

    def _planned_cost(self, name, student):
        if name not in self._costs:  # proposed again, it costs the same
            self._costs[name] = int8_cost(student, self.budget, self.recipe.quantization.weight_bits)
        return self._costs[name]

    def _judge(self, name, sizes, recipe, seeds):
        """What is known of a student that was trained so often.

        Returns:
            Dictionary: `accuracies` of the validation people in int8, by seed; costs and `model_bytes` of the seed
            whose student takes most; `fits`, `excess` of the budget's limits, and `weight_kb` of channel pruning.
        """
        student = self._experiment(sizes).with_student(recipe, self.folder / "students" / name)
        # Of several processes each takes what no other is at, and then waits for the others.
        others = [seed for seed in range(seeds) if not self._train(student, seed, wait=False)]
        for seed in others:
            self._train(student, seed, wait=True)
        folders = [SeedRun(student, seed).folder for seed in range(seeds)]
        records = [json.loads((folder / "int8.json").read_text()) for folder in folders]
        accuracies = [record[results.metric(self.recipe)] for record in records]
        exports = [load_export(folder / "export") for folder in folders]
        # By the trained weights channel pruning leaves other layers their channels than it was planned.
        costs = [cost_of(export.model_bytes, self.budget.engine, self.budget.core) for export in exports]
        cost = max(costs, key=lambda cost: max(self.budget.excess(cost).values()))
        told = f"{name}: {100 * np.mean(accuracies):.1f} % of the validation people's {results.unit(self.recipe)}"
        told += f", mean of {seeds} trainings" if seeds > 1 else ""
        self.say(told if self.budget.fits(cost) else f"{told}, but does not fit: {self.budget.told(cost)}")
        return {
            "accuracies": accuracies,
            **{key: round(getattr(cost, key)) for key in results.COSTS},
            "model_bytes": max(len(export.model_bytes) for export in exports),
            "weight_kb": list(recipe.channels.weight_kb),
            "fits": self.budget.fits(cost),
            "excess": self.budget.excess(cost),
        }

    def _train(self, student, seed, wait):
        """Trains teachers and student of a seed, as far as they are not there, unless another process is at it and this
        one is not to wait; whether it did."""
        teachers = SeedRun(self._experiments[student.recipe.windows.length], seed)
        run = SeedRun(student, seed, teachers.folder)
        with files.alone(run.folder / "lock", self._waiting if wait else None) as mine:
            if mine:
                with files.alone(teachers.folder / "lock", self._waiting):
                    teachers.run([stage for stage in stages_of(self.recipe) if stage.startswith("teacher")])
                stages = stages_of(student.recipe)
                run.run([stage for stage in stages if stage != "labels" and not stage.startswith("teacher")])
        return mine

    def _waiting(self):
        self.say("Another process is at it: waiting ...")

    def _experiment(self, sizes):
        """The experiment with windows of this length; its folder holds the teachers."""
        recipe = recipe_of({**self.space.smallest(), **sizes}, self.recipe)
        length = recipe.windows.length
        if length not in self._experiments:
            recipe = dataclasses.replace(self.recipe, windows=recipe.windows)
            teachers = self.folder / "teachers" / f"n{length}"
            self._experiments[length] = Experiment(recipe, teachers, self.data_dir, self.on_error, say=self.say)
        return self._experiments[length]

    def _identity(self):
        space = {name: list(values) for name, values in dataclasses.asdict(self.space).items()}
        budget = dataclasses.asdict(self.budget)
        return {"recipe": self.recipe.to_toml(), "budget": budget, "seeds": self.seeds, "space": space}

    def _check_folder(self):
        kept, wanted = self.folder / "search.json", self._identity()
        if not kept.exists():
            if (self.folder / "recipe.toml").exists():
                raise RecipeError(
                    f"{self.folder} holds a recipe.toml of no search; it would be written over. Choose another --out."
                )
            return
        try:
            found = dict(json.loads(kept.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise RecipeError(
                f"{kept} could not be read: {error}. Delete it if the search is the one that you name now, which then "
                "goes on; else choose another --out."
            ) from error
        if found != wanted:
            other = [name for name in wanted if found.get(name) != wanted[name]]
            raise RecipeError(f"{self.folder} holds a search with another {' and '.join(other)}. Choose another --out.")

    def _refuse_what_nothing_meets(self):
        sizes = self.space.smallest()
        self._experiment(sizes)
        try:
            _, student = self._planned(sizes)
        except ValueError:  # a network that there cannot be, strides longer than its kernels, tells nothing of others
            return
        cost = self._planned_cost(name_of(sizes), student)
        if not self.budget.fits(cost):
            over = ", ".join(f"{100 * v:.0f} % of {name}" for name, v in self.budget.excess(cost).items() if v > 0)
            raise BudgetError(
                f"Nothing meets this budget: the smallest student of the search, {name_of(sizes)}, takes "
                f"{self.budget.told(cost)}: too much by {over}. Allow more, or search smaller students."
            )


def held_out(recipe, subjects=(), data_dir=None, on_error="raise"):
    """The recipe with validation people: those named, its own, or else the last quarter of the training people.

    Args:
        recipe: `Recipe`.
        subjects: their numbers.
        data_dir: where the data set is; `None` for `TFKD_DATA`.
        on_error: `"raise"` or `"skip"`, for files that cannot be read.
    """
    if not subjects and recipe.data.validation_subjects:
        return recipe
    if not subjects:
        data = recipe.data
        read = datasets.read(data.dataset, data_dir, on_error, recipe.modalities, sensors=data.sensors)
        people = sorted({int(subject) for subject in prepare(recipe, read).train.subjects})
        if len(people) < 2:
            raise RecipeError(f"Only person {people[0]} trains: nobody can be held out to choose students by.")
        subjects = people[-max(len(people) // 4, 1) :]
    data = dataclasses.replace(recipe.data, validation_subjects=tuple(subjects))
    return dataclasses.replace(recipe, data=data)
