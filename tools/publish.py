"""Puts a finished run into the zoo: int8 student, contract, results, the card's and the README's tables.

    python tools/publish.py --run runs/utd-imu --model models/utd-imu

The student is that of seed 0, fixed beforehand; one too large for a microcontroller stays behind. So do golden
windows and firmware files: they hold windows of the data set.
"""

import json
import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

MODELS = Path(__file__).resolve().parent.parent / "models"
README = MODELS.parent / "README.md"

FLAGS = flags.FLAGS
flags.DEFINE_string("run", None, "Finished run folder.", required=True)
flags.DEFINE_string("model", None, "Folder in the zoo, with recipe.toml and README.md.", required=True)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.deploy import ContractError, load_export
    from tfkd.files import OutputError, write_bytes, write_text
    from tfkd.recipe import RecipeError, load_recipe
    from tfkd.report import card

    run, model = Path(FLAGS.run), Path(FLAGS.model)
    if model.resolve().parent != MODELS:
        raise app.UsageError(f"--model must be a folder of {MODELS}, whose table README.md has; got {model}.")
    try:
        if load_recipe(run / "recipe.toml") != load_recipe(model / "recipe.toml"):
            raise RecipeError(f"{run} was made with another recipe than {model / 'recipe.toml'}.")
        results = _results(run)
        if "control" not in results["stages"]:
            raise RecipeError(f"{run} has no control (ablation.control is false), so it is no result to publish.")
        export = load_export(run / "seed0" / "export") if "int8" in results["stages"] else None
        recipe = f"models/{model.resolve().name}/recipe.toml"
        command = f"python tools/distill.py --recipe {recipe} --seeds {results['seeds']}"
        page = model / "README.md"
        text = card.replaced(page.read_text(), card.MEASURED, card.measured(results, command))
        zoo = {path.parent.name: _results(path.parent) for path in MODELS.glob("*/results.json")}
        zoo[model.resolve().name] = results
        readme = card.replaced(README.read_text(), card.ZOO, card.zoo(dict(sorted(zoo.items()))))
        # Nothing is written before all of it can be.
        if export:
            write_bytes(model / "student.tflite", export.model_bytes)
            export.contract.write(model / "contract.json")
        write_bytes(model / "results.json", (run / "results.json").read_bytes())
        write_text(page, text)
        write_text(README, readme)
    except (RecipeError, ContractError, OutputError, ValueError, FileNotFoundError) as error:
        sys.exit(f"\n{error}")
    exported = "student.tflite, contract.json, " if export else ""
    print(f"{model}: {exported}results.json and README.md are those of {run}")


def _results(folder):
    """Contents of its results.json."""
    from tfkd.results import other_format

    path = folder / "results.json"
    try:
        found = dict(json.loads(path.read_text()))
        if lacking := {"stages", "seeds", "protocol", "comparisons"} - found.keys():
            raise ValueError(f"it lacks {', '.join(sorted(lacking))}")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    if told := other_format(found, path):
        raise ValueError(told)
    return found


if __name__ == "__main__":
    app.run(main)
