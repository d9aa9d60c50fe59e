"""The stage of a seed in which weights become zero."""

import dataclasses

import numpy as np

from tfkd import narrowing
from tfkd.compress import (
    Pattern,
    Pruning,
    polynomial,
    prunable_layers,
    sparsity_by_layer,
    sparsity_of,
    sparsity_per_layer,
)
from tfkd.deploy.cost import CostOfZeros, int8_for_cost
from tfkd.teaching import load


def prune(run):
    """Sets weights of the student before to zero while it goes on being distilled.

    Args:
        run: `SeedRun`.

    Returns:
        The facts of the stage's record.
    """
    settings = run.recipe.pruning
    student = load(run.folder / f"{narrowing.stage_before(run.recipe)}.keras")
    training = dataclasses.replace(
        run.recipe.student_training, epochs=settings.epochs, learning_rate=settings.learning_rate
    )
    distiller, batches = run.going_on(student, training)
    pattern, steps = Pattern.parse(settings.pattern), training.epochs * batches.num_batches
    schedule = polynomial(settings.sparsity, steps)
    if settings.per_layer != "equal":
        shares = _shares_by_cost(run, student, pattern)
        schedule = {name: polynomial(share, steps) for name, share in shares.items() if share}
    masks = Pruning(student, schedule, pattern)
    facts = run.trained("pruned", distiller, batches, training, [masks])
    masks.strip()
    facts = run.kept("pruned", student, facts)
    return {**facts, "sparsity": sparsity_of(student), "sparsity_by_layer": sparsity_by_layer(student)}


def _shares_by_cost(run, student, pattern):
    settings = run.recipe.pruning
    kernels = {layer.name: np.asarray(layer.kernel) for layer in prunable_layers(student)}
    model_bytes = int8_for_cost(run.trainer.on_device(student))
    cost = CostOfZeros(model_bytes, kernels, settings.engine, settings.core, settings.per_layer)
    shares = sparsity_per_layer(kernels, cost, settings.sparsity, pattern)
    if not any(shares.values()):
        run.experiment.say(
            f"pruning.sparsity {settings.sparsity:g} in every kernel saves no {settings.per_layer} with "
            f"{settings.engine} on {settings.core}: the student stays dense. From some 60 % on, zeros pay there."
        )
    return shares
