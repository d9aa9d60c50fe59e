"""The search: Optuna proposes students, what does not fit is not trained, what fits is distilled and judged in int8.

What it knows is a journal in the folder: killed, the same command goes on; run a second time on the same folder, on
this machine or another, it helps.
"""

import dataclasses
import json
import os
import socket
from pathlib import Path

import numpy as np

from tfkd import files
from tfkd.compress import Channels, weight_importance
from tfkd.data import datasets
from tfkd.deploy import convert_int8, load_export
from tfkd.deploy.cost import cost_of
from tfkd.deploy.encoding import split_encoding
from tfkd.experiment import Experiment
from tfkd.prepared import prepare
from tfkd.recipe import RecipeError
from tfkd.search import results
from tfkd.search.budget import BudgetError
from tfkd.search.space import KINDS, Space, name_of, pruned_to, recipe_of
from tfkd.seed_run import SeedRun, stages_of
from tfkd.training import Trainer

REFUSED_IN_A_ROW = 200
"""So many students that do not fit, one after the other, end a search."""


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
        say: function that takes a line of progress.

    Raises:
        RecipeError: the recipe has no validation people, or its student is not for signals; or the folder holds
            another search.
        BudgetError: even the smallest student of the space does not fit.
    """

    def __init__(self, recipe, budget, folder, space=None, data_dir=None, seeds=1, say=print):
        if recipe.student.kind not in KINDS:
            raise RecipeError(f"student.kind is {recipe.student.kind!r}; only {' and '.join(KINDS)} can be searched.")
        if not recipe.data.validation_subjects:
            raise RecipeError("data.validation_subjects is empty: students are chosen on people held out of training.")
        alone = dataclasses.replace(recipe.ablation, terms=(), methods=(), raw_signal=False, control=False)
        whole = dataclasses.replace(recipe.pruning, sparsity=0.0)
        self.recipe = dataclasses.replace(recipe, ablation=alone, pruning=whole)
        self.given, self.budget, self.space, self.folder = recipe, budget, space or Space(), Path(folder)
        self.data_dir, self.seeds, self.say = data_dir, seeds, say
        self._experiments = {}
        self._claim_folder()
        self._refuse_what_nothing_meets()

    def run(self, trials):
        """Goes on until so many students have been judged, by whoever works on the folder.

        Returns:
            The contents of `budget.json`; see `tfkd.search.results`.
        """
        import optuna

        states = optuna.trial.TrialState
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = optuna.storages.journal.JournalFileBackend(str(self.folder / "journal.log"))
        storage = optuna.storages.JournalStorage(journal)
        study = optuna.create_study(storage=storage, study_name="tfkd", direction="maximize", load_if_exists=True)
        # Whoever goes on, or helps, draws other numbers than those before.
        study.sampler = optuna.samplers.TPESampler(seed=len(study.trials), multivariate=True)
        _take_up_what_was_killed(study)
        refused = 0
        while len(study.get_trials(deepcopy=False, states=(states.COMPLETE,))) < trials:
            trial = study.ask()
            accuracy = self._try(trial)
            if accuracy is not None:
                study.tell(trial, accuracy)
                results.write(self, study)
                refused = 0
                continue
            study.tell(trial, state=states.PRUNED)
            refused += 1
            if refused == REFUSED_IN_A_ROW:
                self.say(f"{refused} students in a row did not fit: the search ends here.")
                break
        return results.write(self, study)

    def _try(self, trial):
        """Accuracy of the trial's student, `None` if it does not fit; what it costs goes into the trial."""
        sizes = self.space.suggest(trial)
        name = name_of(sizes)
        trial.set_user_attr("process", f"{socket.gethostname()}:{os.getpid()}")
        trial.set_user_attr("sizes", sizes)
        try:
            recipe, cost = self._planned(sizes)
        except ValueError as error:  # a stride longer than its kernel, too few channels to prune
            trial.set_constraint("network", 1.0)
            self.say(f"{name}: {error}")
            return None
        if not self.budget.fits(cost):
            self._note(trial, cost)
            self.say(f"{name}: does not fit: {self.budget.told(cost)}")
            return None
        self.say(f"{name}: {self.budget.told(cost)}")
        accuracies, exports = self._judge(name, sizes, recipe)
        # Channel pruning decides only now which layers keep how much.
        costs = [cost_of(export.model_bytes, self.budget.engine, self.budget.core) for export in exports]
        cost = max(costs, key=lambda cost: max(self.budget.excess(cost).values()))
        self._note(trial, cost)
        trial.set_user_attr("accuracies", accuracies)
        trial.set_user_attr("model_bytes", max(len(export.model_bytes) for export in exports))
        trial.set_user_attr("weight_kb", list(recipe.channels.weight_kb))
        told = f"{name}: {100 * np.mean(accuracies):.1f} % of the validation people's {results.unit(self.recipe)}"
        self.say(told if self.budget.fits(cost) else f"{told}, but does not fit: {self.budget.told(cost)}")
        return float(np.mean(accuracies))

    def _note(self, trial, cost):
        for limit, excess in self.budget.excess(cost).items():
            trial.set_constraint(limit, excess)
        for name in ("flash_bytes", "ram_bytes", "instructions"):
            trial.set_user_attr(name, round(getattr(cost, name)))

    def _planned(self, sizes):
        """The recipe of a student, and its cost: of channels left out at random, where some are to be pruned."""
        recipe, experiment = recipe_of(sizes, self.recipe), self._experiment(sizes)
        trainer = Trainer(recipe, experiment.prepared, experiment.channels, 0)
        student = trainer.new_student()
        if sizes["kept"] < 1:
            channels = Channels(student)
            recipe = pruned_to(recipe, sizes["kept"], channels.weight_bytes(), self.recipe.channels)
            budget = int(1024 * recipe.channels.weight_kb[0])
            scores = weight_importance(channels)
            student = channels.without(channels.least_important(scores, budget, recipe.channels.multiple))
        student, _ = split_encoding(trainer.on_device(student))
        noise = np.random.default_rng(0).normal(size=(8, *student.input_shape[1:]))
        return recipe, cost_of(convert_int8(student, noise), self.budget.engine, self.budget.core)

    def _judge(self, name, sizes, recipe):
        """Validation accuracy in int8 and export, each by seed."""
        experiment = self._experiment(sizes)
        student = experiment.with_student(recipe, self.folder / "students" / name)
        accuracies, exports = [], []
        for seed in range(self.seeds):
            teachers = SeedRun(experiment, seed)
            teachers.run([stage for stage in stages_of(experiment.recipe) if stage.startswith("teacher")])
            run = SeedRun(student, seed, teachers.folder)
            run.run([stage for stage in stages_of(recipe) if stage != "labels" and not stage.startswith("teacher")])
            record = json.loads((run.folder / "int8.json").read_text())
            accuracies.append(record[results.metric(self.recipe)])
            exports.append(load_export(run.folder / "export"))
        return accuracies, exports

    def _experiment(self, sizes):
        """The experiment with windows of this length; its folder holds the teachers."""
        recipe = recipe_of({**self.space.smallest(), **sizes}, self.recipe)
        length = recipe.windows.length
        if length not in self._experiments:
            recipe = dataclasses.replace(self.recipe, windows=recipe.windows)
            self._experiments[length] = Experiment(
                recipe, self.folder / "teachers" / f"n{length}", self.data_dir, say=self.say, show_epochs=False
            )
        return self._experiments[length]

    def _claim_folder(self):
        kept = self.folder / "search.json"
        wanted = {"recipe": self.recipe.to_toml(), "budget": dataclasses.asdict(self.budget), "seeds": self.seeds}
        wanted["space"] = {name: list(values) for name, values in dataclasses.asdict(self.space).items()}
        if not kept.exists():
            files.write_json(kept, wanted)
        elif (found := json.loads(kept.read_text())) != wanted:
            other = [name for name in wanted if found.get(name) != wanted[name]]
            raise RecipeError(f"{self.folder} holds a search with another {' and '.join(other)}. Choose another --out.")

    def _refuse_what_nothing_meets(self):
        sizes = self.space.smallest()
        try:
            _, cost = self._planned(sizes)
        except ValueError:  # a network that there cannot be, strides longer than its kernels, tells nothing of others
            return
        if not self.budget.fits(cost):
            over = ", ".join(f"{100 * v:.0f} % of {name}" for name, v in self.budget.excess(cost).items() if v > 0)
            raise BudgetError(
                f"Nothing meets this budget: the smallest student of the search, {name_of(sizes)}, takes "
                f"{self.budget.told(cost)}: too much by {over}. Allow more, or search smaller students."
            )


def held_out(recipe, subjects=(), data_dir=None):
    """The recipe with validation people: those named, its own, or else the last quarter of the training people.

    Args:
        recipe: `Recipe`.
        subjects: their numbers.
        data_dir: where the data set is; `None` for `TFKD_DATA`.
    """
    if not subjects and recipe.data.validation_subjects:
        return recipe
    if not subjects:
        read = datasets.read(recipe.data.dataset, data_dir, modalities=recipe.modalities, sensors=recipe.data.sensors)
        people = sorted({int(subject) for subject in prepare(recipe, read).train.subjects})
        if len(people) < 2:
            raise RecipeError(f"Only person {people[0]} trains: nobody can be held out to choose students by.")
        subjects = people[-max(len(people) // 4, 1) :]
    data = dataclasses.replace(recipe.data, validation_subjects=tuple(subjects))
    return dataclasses.replace(recipe, data=data)


def _take_up_what_was_killed(study):
    """Students whose process on this machine is no more are tried once more; their finished stages are kept."""
    import optuna

    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        host, _, process = trial.user_attrs.get("process", ":").rpartition(":")
        if host == socket.gethostname() and not _alive(int(process)):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(trial.params)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
