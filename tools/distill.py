"""Distils a student, prunes and quantizes it, and writes a report and the files that firmware includes.

    python tools/distill.py --dataset synthetic
    python tools/distill.py --dataset utd --data_dir ~/data/UTD-MHAD --seeds 5
    python tools/distill.py --recipe models/utd-acc/recipe.toml --out runs/mine
    python tools/distill.py --dataset utd --set data.split=cross_subject_reversed --out runs/reversed

Killed at any moment, the same command continues where it was. Started a second time meanwhile, it takes seeds that the
first is not at.
"""

import sys
import time
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages
from recipes import DEFAULT_RECIPES, load, name_of, path_of

FLAGS = flags.FLAGS
flags.DEFINE_enum(
    "dataset", None, [*DEFAULT_RECIPES, "folder"], "Data set; chooses its default recipe.", short_name="d"
)
flags.DEFINE_string("recipe", None, "TOML file with the settings; overrides the default recipe.")
flags.DEFINE_multi_string(
    "set", [], "A setting in place of the recipe's, as data.labelled_subjects=[1,3]. Can be given several times."
)
flags.DEFINE_string("data_dir", None, "Folder that holds the data set, at any depth. Default: TFKD_DATA.")
flags.DEFINE_integer("seeds", 1, "How many seeds to run, from 0 on.", lower_bound=1)
flags.DEFINE_string("out", None, "Run folder. Default: runs/<recipe name>.")
flags.DEFINE_bool(
    "resume", True, "Continue the run in the folder. --noresume refuses a folder that holds one."
)
flags.DEFINE_bool("skip_bad_files", False, "Leave unreadable files out and count them in the report.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    path = path_of(FLAGS.dataset, FLAGS.recipe)
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data.recordings import DataError
    from tfkd.deploy import ContractError, ExportError, TflmError
    from tfkd.files import OutputError
    from tfkd.networks.weights import WeightsError
    from tfkd.recipe import RecipeError

    started = time.time()
    try:
        recipe = load(path, FLAGS.dataset, FLAGS.set)
        folder = Path(FLAGS.out or Path("runs") / name_of(path))
        from tfkd.experiment import Experiment
        from tfkd.report.words import decided, final, score

        experiment = Experiment(
            recipe,
            folder,
            FLAGS.data_dir,
            on_error="skip" if FLAGS.skip_bad_files else "raise",
            resume=FLAGS.resume,
        )
        summary = experiment.run(FLAGS.seeds)
    except (RecipeError, DataError, OutputError, WeightsError, ExportError, ContractError, TflmError) as error:
        sys.exit(f"\n{error}")
    stage = final(summary)
    found = summary["stages"][stage]
    protocol = summary["protocol"]
    share, judged = f"{100 * found[score(protocol)]['mean']:.1f} %", f"{protocol['judged']} {decided(protocol)}"
    by_f1 = score(protocol) == "macro_f1"
    said = f"\n{stage} student: " + (f"macro F1 {share} over {judged}" if by_f1 else f"{share} of {judged}")
    if stage == "int8":
        said += f", {found['model_bytes'] / 1024:.1f} KB model, {found['arena_bytes'] / 1024:.1f} KB arena"
    print(f"{said} ({time.time() - started:.0f} s).\nReport: {folder / 'report.html'}")
    if stage == "int8":
        print(f"Firmware files: {folder / 'seed0' / 'export'}")


if __name__ == "__main__":
    app.run(main)
