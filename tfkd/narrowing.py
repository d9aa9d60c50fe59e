"""The stages of a seed in which the distilled student loses channels, one size after the other."""

import dataclasses

import keras
import numpy as np

from tfkd.compress import Channels, activation_importance, gradient_importance, weight_importance
from tfkd.teaching import load

NARROWED, SMALL, INT8 = "narrowed_", "small_", "int8_"
"""What the stages of a size begin with: the student that lost channels, one that was small from the start, and the
first in int8."""

WINDOWS = 2048
"""How many windows tell the importance of channels by activations, at most."""


def sizes_of(recipe):
    """Names of the sizes, the largest first: `"16k"` for 16 KiB of weights."""
    return [f"{size:g}k" for size in recipe.channels.weight_kb]


def stages_of_sizes(recipe):
    """The stages that train, in order."""
    sizes = sizes_of(recipe)
    small = [SMALL + size for size in sizes] if recipe.channels.from_scratch else []
    return [*(NARROWED + size for size in sizes), *small]


def stage_before(recipe, size=None):
    """The stage whose student loses channels to get to `size`; without one, the stage after all of them."""
    stages = ["distilled", *(NARROWED + size for size in sizes_of(recipe))]
    return stages[-1] if size is None else stages[stages.index(NARROWED + size) - 1]


def narrow(run, size):
    """Leaves channels out of the student before, and trains what is left as it was distilled.

    Args:
        run: `SeedRun`.
        size: one of `sizes_of`.

    Returns:
        The facts of the stage's record.
    """
    settings, training = run.recipe.channels, _training(run.recipe)
    student = load(run.folder / f"{stage_before(run.recipe, size)}.keras")
    channels = Channels(student)
    budget = int(1024 * settings.weight_kb[sizes_of(run.recipe).index(size)])
    removed = channels.least_important(_scores(run, channels), budget, settings.multiple)
    smaller = channels.without(removed)
    facts = run.train(NARROWED + size, *run.going_on(smaller, training), smaller, training)
    widths = {name: int((~np.isin(units, removed)).sum()) for name, units in channels.groups.items()}
    return {**facts, "channels": widths, "weight_bytes": channels.weight_bytes(removed)}


def from_scratch(run, size):
    """The network that `narrow` came to, with new weights: distilled as the large one was, then trained on as often.

    Args:
        run: `SeedRun`.
        size: one of `sizes_of`.

    Returns:
        The facts of the stage's record.
    """
    stage, training = SMALL + size, _training(run.recipe)
    student = keras.models.clone_model(load(run.folder / f"{NARROWED}{size}.keras"))
    run.fit(stage, *run.distilling(student, run.recipe.student_training), run.recipe.student_training)
    for _ in range(sizes_of(run.recipe).index(size)):
        run.fit(stage, *run.going_on(student, training), training)
    facts = run.train(stage, *run.going_on(student, training), student, training)
    return {**facts, "weight_bytes": Channels(student).weight_bytes()}


def _training(recipe):
    settings = recipe.channels
    return dataclasses.replace(recipe.student_training, epochs=settings.epochs, learning_rate=settings.learning_rate)


def _scores(run, channels):
    importance = run.recipe.channels.importance
    if importance == "weights":
        return weight_importance(channels)
    if importance == "activations":
        windows = run.prepared.train
        some = np.unique(np.linspace(0, len(windows) - 1, WINDOWS).astype(int))
        return activation_importance(channels, run.trainer.inputs_of(windows.take(some), [run.trainer.student_input]))
    model, batches = run.going_on(channels.model, run.recipe.student_training)
    run.trainer.compile(model, run.recipe.student_training, batches)
    return gradient_importance(channels, model, batches)
