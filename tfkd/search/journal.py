"""What a search has tried: an Optuna study in a journal file, which several processes can write to."""

import json
import os
import socket

from tfkd.recipe import RecipeError
from tfkd.search.space import name_of


def process():
    """This process, by a name that tells it from those on other machines."""
    return f"{socket.gethostname()}:{os.getpid()}"


def open_study(folder):
    """The Optuna study in a folder, made if it is not there.

    Students whose process on this machine is no more are put up to be tried once more; their finished stages are kept.

    Raises:
        RecipeError: its journal is damaged.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = folder / "journal.log"
    _check(path)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="tfkd", direction="maximize", load_if_exists=True)
    # Whoever goes on, or helps, draws other numbers than those before.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials), multivariate=True)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        host, _, number = trial.user_attrs.get("process", ":").rpartition(":")
        if host == socket.gethostname() and not _alive(int(number)):
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            study.enqueue_trial(trial.params)
    return study


def judged(study):
    """Names of the students that were judged; one that was proposed twice is one."""
    import optuna

    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return {name_of(trial.user_attrs["sizes"]) for trial in complete}


def _check(path):
    """Refuses a journal with a line that a full disk cut short, say: Optuna fails at it, whatever comes after."""
    for number, line in enumerate(path.read_bytes().splitlines(True) if path.exists() else (), 1):
        try:
            whole = line.endswith(b"\n") and "op_code" in json.loads(line)
        except (ValueError, TypeError):
            whole = False
        if not whole:
            raise RecipeError(
                f"{path}: line {number} is damaged or cut short. Delete that line, or the whole file: students that "
                "were trained are kept beside it, and are not trained again."
            )


def _alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
