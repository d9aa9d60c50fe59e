"""The stages of a seed in which the distilled student loses channels, one size after the other."""

import bisect
import dataclasses

import keras
import numpy as np

from tfkd.compress import ChannelError, Channels, activation_importance, gradient_importance, weight_importance
from tfkd.deploy.cost import Budget, cost_of, int8_for_cost
from tfkd.recipe import RecipeError
from tfkd.teaching import load

NARROWED, SMALL, AWARE, INT8 = "narrowed_", "small_", "aware_", "int8_"
"""What the stages of a size begin with: the student that lost channels, one that was small from the start, the first
trained as int8 computes, and that one, or the first, in int8."""

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
    sizes = sizes_of(run.recipe)
    weight_bytes = int(1024 * settings.weight_kb[sizes.index(size)])
    scores, budget = _scores(run, channels), budget_of(settings)
    if budget and size == sizes[-1]:
        removed = _within(budget, channels, scores, run.recipe, run.trainer.on_device)
    else:
        removed = channels.least_important(scores, weight_bytes, settings.multiple)
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


def budget_of(settings):
    """The `Budget` of the last size, `None` if nothing limits it.

    Args:
        settings: section `channels` of a recipe.
    """
    limits = {
        "flash_bytes": round(1024 * settings.flash_kb) or None,
        "ram_bytes": round(1024 * settings.ram_kb) or None,
        "instructions": settings.instructions or None,
    }
    return Budget(**limits, engine=settings.engine, core=settings.core) if any(limits.values()) else None


def int8_cost(student, budget, weight_bits=8):
    """The `Cost` of a student, trained or not, in int8 on the budget's engine and core; with weights of 8 or 4 bits."""
    return cost_of(int8_for_cost(student, weight_bits), budget.engine, budget.core)


def check_reachable(recipe, student, on_device):
    """Refuses sizes that the student cannot be brought to, before anything is trained.

    Args:
        recipe: `Recipe`.
        student: untrained.
        on_device: function from a student to the one that the device runs.

    Raises:
        RecipeError: which of its settings cannot be met, and what comes nearest.
    """
    settings = recipe.channels
    if not settings.weight_kb:
        return
    try:
        channels = Channels(student)
        scores = weight_importance(channels)
        channels.least_important(scores, int(1024 * settings.weight_kb[-1]), settings.multiple)
    except ChannelError as error:
        raise RecipeError(f"channels.weight_kb is {settings.weight_kb}: {error}") from error
    if budget := budget_of(settings):
        steps, _ = channels.leaving_order(scores, settings.multiple)
        smallest = on_device(channels.without(steps.ravel()))
        cost = int8_cost(smallest, budget, recipe.quantization.weight_bits)
        if not budget.fits(cost):
            raise RecipeError(
                "[channels] asks for less than can be had: without all channels that can leave, the student takes "
                f"{budget.told(cost)}. Allow more, or begin with a network of fewer or smaller layers."
            )


def _within(budget, channels, scores, recipe, on_device):
    """The units that leave to come to the last size, and those that leave after them until the budget is met."""
    settings, bits = recipe.channels, recipe.quantization.weight_bits
    removed = channels.least_important(scores, int(1024 * settings.weight_kb[-1]), settings.multiple)
    steps, _ = channels.leaving_order(scores, settings.multiple)

    def fits(count):
        return budget.fits(int8_cost(on_device(channels.without(steps[:count].ravel())), budget, bits))

    counts = range(len(removed) // settings.multiple, len(steps))
    return steps[: bisect.bisect_left(counts, True, key=fits) + counts.start].ravel()


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
