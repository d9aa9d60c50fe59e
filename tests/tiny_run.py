"""The smallest run: a recipe and an `Experiment` of it."""

from tfkd.experiment import Experiment
from tfkd.recipe import parse_recipe

TINY = {
    "data": {"dataset": "utd"},
    "windows": {"length": 32, "skeleton_length": 16},
    "augmentation": {"rotation_deg": 10, "mixup": 0.2},
    "teacher": {"kind": "skeleton", "width": 8},
    "teacher_training": {"epochs": 2, "batch_size": 8},
    "student": {"width": 8, "depth": 1},
    "student_training": {"epochs": 2, "batch_size": 8},
    "distillation": {"label": 0.2, "distance": 1.0, "semantic": 0.5},
    "pruning": {"epochs": 2, "sparsity": 0.5},
}


def experiment(tree, folder, change=None, **arguments):
    recipe = parse_recipe({**TINY, **(change or {})})
    arguments = {"say": lambda line: None, "show_epochs": False, **arguments}
    return Experiment(recipe, folder, str(tree), **arguments)
