"""For the commands that train: which recipe is meant."""

from pathlib import Path

from absl import app

MODELS = Path(__file__).resolve().parent.parent / "models"
DEFAULT_RECIPES = {
    "utd": "utd-imu",
    "berkeley": "berkeley-wrist",
    "mmact": "mmact-watch",
    "openpack": "openpack-packing",
    "synthetic": "synthetic-imu",
    "synthetic_packing": "synthetic-packing",
}
"""Data set -> its recipe in the zoo."""


def path_of(dataset, recipe):
    """The recipe's file, of the flags `--dataset` and `--recipe`.

    Raises:
        UsageError: neither is named, or one's own data without a recipe.
    """
    if not (dataset or recipe):
        raise app.UsageError("Name a data set (--dataset synthetic works at once) or a --recipe.")
    if dataset == "folder" and not recipe:
        raise app.UsageError("Your own data needs a --recipe of its own: tfkd/data/README.md has one to copy.")
    return Path(recipe or MODELS / DEFAULT_RECIPES[dataset] / "recipe.toml")


def name_of(path):
    """What a run of it is called."""
    return path.parent.name if path.name == "recipe.toml" else path.stem


def load(path, dataset, changes):
    """The recipe, with the changes of `--set`.

    Raises:
        RecipeError: it cannot be used, or is of another data set.
    """
    from tfkd.recipe import RecipeError, load_recipe

    recipe = load_recipe(path, changes)
    if dataset and recipe.data.dataset != dataset:
        raise RecipeError(f"{path} is for --dataset {recipe.data.dataset}, not {dataset}.")
    return recipe
