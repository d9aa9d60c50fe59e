"""Searches the most accurate student that fits a microcontroller.

    python tools/fit_budget.py --dataset utd --flash 64k --ram 16k --ms 10 --core m4
    python tools/fit_budget.py --recipe models/utd-pskd-imu/recipe.toml --ram 4k --instructions 300k --core m55

Students are distilled by the recipe's teachers and judged in int8 by training people who are held out, the three best
of them in more trainings; the test people are not looked at. Killed at any moment, the same command continues; started
a second time, here or on another machine that sees the folder, it helps. Writes `budget.html`, `budget.json` and the
chosen student's `recipe.toml`.
"""

import dataclasses
import importlib.util
import shlex
import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages
from recipes import DEFAULT_RECIPES, load, name_of, path_of

_FLASH = flags.DEFINE_string("flash", None, "Most flash of engine and student, as 64k.")
_RAM = flags.DEFINE_string("ram", None, "Most memory in which an inference runs, as 16k.")
_MS = flags.DEFINE_float("ms", None, "Most milliseconds an inference, by the higher estimate; core m4 alone.")
_INSTRUCTIONS = flags.DEFINE_string("instructions", None, "Most instructions an inference, as 500k.")
_CORE = flags.DEFINE_enum("core", "m4", ["m4", "m7", "m55"], "Cortex-M core.")
_MHZ = flags.DEFINE_float("mhz", 64.0, "Its clock, for --ms.")
_ENGINE = flags.DEFINE_enum("engine", "plain_c", ["plain_c", "tflm"], "What runs the student.")
_TRIALS = flags.DEFINE_integer("trials", 30, "How many students to train, all runs of this command together.", 1)
_VALIDATION = flags.DEFINE_list("validation_subjects", [], "Training people to judge by. Default: the last quarter.")
_LENGTHS = flags.DEFINE_list("lengths", [], "Lengths of windows to try, in samples. Default: the recipe's.")

flags.DEFINE_enum(
    "dataset", None, [*DEFAULT_RECIPES, "folder"], "Data set; chooses its default recipe.", short_name="d"
)
flags.DEFINE_string("recipe", None, "TOML file with teachers, training and method; its student's sizes are searched.")
flags.DEFINE_multi_string("set", [], "A setting in place of the recipe's, as student_training.epochs=60.")
flags.DEFINE_string("data_dir", None, "Folder that holds the data set, at any depth. Default: TFKD_DATA.")
flags.DEFINE_integer("seeds", 1, "Trainings of each student, whose accuracies are averaged.", lower_bound=1)
flags.DEFINE_integer("final_seeds", 3, "Trainings of each of the three best, before one is chosen.", lower_bound=1)
flags.DEFINE_string("out", None, "Folder of the search. Default: runs/<recipe name>-fit.")

flags.DEFINE_bool("skip_bad_files", False, "Leave unreadable files out and count them.")

FLAGS = flags.FLAGS


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    path = path_of(FLAGS.dataset, FLAGS.recipe)
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data.recordings import DataError
    from tfkd.deploy import TflmError
    from tfkd.deploy.cost import Budget, BudgetError
    from tfkd.deploy.cost.budget import parse_bytes, parse_count
    from tfkd.files import OutputError
    from tfkd.recipe import RecipeError
    from tfkd.search import Search, Space, held_out

    if importlib.util.find_spec("optuna") is None:
        sys.exit('The search needs Optuna: pip install "tfkd[search]"')
    try:
        budget = Budget(
            flash_bytes=_FLASH.value and parse_bytes(_FLASH.value),
            ram_bytes=_RAM.value and parse_bytes(_RAM.value),
            milliseconds=_MS.value,
            instructions=_INSTRUCTIONS.value and parse_count(_INSTRUCTIONS.value),
            engine=_ENGINE.value,
            core=_CORE.value,
            mhz=_MHZ.value,
        )
        recipe = load(path, FLAGS.dataset, FLAGS.set)
        on_error = "skip" if FLAGS.skip_bad_files else "raise"
        recipe = held_out(recipe, _numbers("validation_subjects", _VALIDATION.value), FLAGS.data_dir, on_error)
        space = dataclasses.replace(Space(), lengths=_numbers("lengths", _LENGTHS.value))
        folder = Path(FLAGS.out or Path("runs") / f"{name_of(path)}-fit")
        search = Search(
            recipe, budget, folder, space, FLAGS.data_dir, FLAGS.seeds, FLAGS.final_seeds, on_error=on_error
        )
        found = search.run(_TRIALS.value)
    except (BudgetError, RecipeError, DataError, OutputError, TflmError) as error:
        sys.exit(f"\n{error}")
    _print_table(found)
    print(f"\nPage: {folder / 'budget.html'}")
    if found["chosen"] is None:
        sys.exit("No student that was trained fits: raise --trials, or allow more.")
    print(f"Next: python tools/distill.py --recipe {shlex.quote(str(folder / 'recipe.toml'))} --seeds 5")


def _numbers(flag, values):
    try:
        return tuple(int(value) for value in values)
    except ValueError as error:
        raise app.UsageError(f"--{flag} must be numbers with commas between, not {','.join(values)}.") from error


def _print_table(found):
    print(f"\n{'student':34}  right  trainings   flash     RAM  instructions")
    for student in found["students"]:
        chosen = " <- chosen" if student["name"] == found["chosen"] else ""
        if student["front"] or chosen:
            chosen = chosen if student["fits"] else " (does not fit)"
            print(
                f"{student['name']:34} {100 * student['accuracy']:5.1f} % {len(student['accuracies']):9} "
                f"{student['flash_bytes'] / 1024:5.1f} KB "
                f"{student['ram_bytes'] / 1024:4.1f} KB {student['instructions']:13,}{chosen}"
            )


if __name__ == "__main__":
    app.run(main)
