"""How sparse each layer should be: the same cost, spent where the zeros hurt least.

Zeros do not save the same everywhere: in a sparse kernel, a layer pays only from some share on, and a weight that is
used at many positions saves more time than one that is used once. Nor do they hurt the same. Here the cost of each
layer at each share is asked of whoever knows the engine, what it loses is told by magnitudes, and the best choice is
found exactly.
"""

import numpy as np

from tfkd.compress.sparsity_pattern import Pattern

SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Shares of zeros that a kernel can get."""


def sparsity_per_layer(kernels, cost, sparsity, pattern=None, shares=SHARES):
    """A share of zeros for each kernel: at most the cost of `sparsity` in all of them, and the least lost.

    What a kernel loses is told by the energy (sum of squares) that is left in it, see `lost`. Losses of all kernels
    are added, and so are costs: each kernel's is taken where all others are as sparse as they can get, so that what
    comes with the first sparse layer, such as the code of a kernel, counts for none of them. The sum is then checked
    against the true cost. Where zeros save nothing, a kernel stays dense.

    Args:
        kernels: dict of layer name -> array `(..., output channels)`.
        cost: function of such a dict of kernels with zeros -> what the student costs with them: bytes or
            instructions, on the engine it is for. Called some `len(kernels) * len(shares)` times.
        sparsity: share of zeros in every kernel whose cost is the target; from 0 up to but not 1.
        pattern: a `Pattern` of blocks; else zeros lie anywhere.
        shares: what to choose from, rising from 0; `sparsity` is added.

    Returns:
        Dict of layer name -> share of zeros. All 0 if `sparsity` in every kernel saves nothing.

    Raises:
        ValueError: the pattern is m:n, the same in every kernel; or `sparsity` is not in its range.

    Example:

    ```python
    kernels = {layer.name: np.asarray(layer.kernel) for layer in prunable_layers(student)}
    cost = CostOfZeros(int8_for_cost(student), kernels, "plain_c", "m4", "flash")   # of tfkd.deploy.cost
    found = sparsity_per_layer(kernels, cost, 0.75)
    pruning = Pruning(student, {name: polynomial(share, steps) for name, share in found.items() if share})
    ```
    """
    pattern = pattern or Pattern()
    if pattern.m_by_n:
        raise ValueError(f"An m:n pattern has one sparsity in every kernel, {pattern.share:g}; it leaves no choice.")
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}.")
    shares = sorted({0.0, *shares, sparsity})
    zeroed = {name: [pattern.zeroed(kernel, share) for share in shares] for name, kernel in kernels.items()}
    target = cost({name: choices[shares.index(sparsity)] for name, choices in zeroed.items()})
    nothing = dict.fromkeys(kernels, 0.0)
    if target >= cost(kernels):
        return nothing
    losses = [[lost(kernels[name], choice) for choice in choices] for name, choices in zeroed.items()]
    sparsest = {name: choices[-1] for name, choices in zeroed.items()}
    least = cost(sparsest)
    costs = [[cost(sparsest | {name: choice}) - least for choice in choices] for name, choices in zeroed.items()]
    # What is asked for holds in any case: the same share everywhere.
    best, budget = [shares.index(sparsity)] * len(kernels), target - least
    while np.min(costs, axis=1).sum() <= budget:
        chosen = choose(losses, costs, budget)
        true = cost({name: choices[i] for (name, choices), i in zip(zeroed.items(), chosen)})
        if true <= target:
            best = chosen
            break
        budget -= true - target
    return {name: shares[i] for name, i in zip(kernels, best)}


def lost(kernel, zeroed):
    """How much a kernel loses by its zeros: minus the logarithm of the share of its energy that is left.

    The first weights to go cost little, the last ones without end. (After Lee et al., "Layer-adaptive sparsity for the
    magnitude-based pruning", 2021: their score of a weight is the share of the energy left in its layer that goes with
    it, the smallest weights going first. What all of them leave is the product of one minus each score. Its
    logarithm, to be added over layers and held against costs, was chosen here.)
    """
    before, after = (np.sum(np.asarray(k, np.float64) ** 2) for k in (kernel, zeroed))
    return float(np.log(before / max(after, 1e-12 * before))) if before else 0.0


def choose(losses, costs, budget):
    """One choice in each row, so that the losses' sum is least and the costs' sum within the budget: exactly.

    The knapsack problem with several choices, solved as an integer programme by SciPy's HiGHS.

    Args:
        losses: array `(rows, choices)`, not negative.
        costs: array likewise.
        budget: most that the chosen costs may come to.

    Returns:
        List of the choices' indices, one a row.

    Raises:
        ValueError: even the cheapest choices cost more.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    losses, costs = np.asarray(losses, np.float64), np.asarray(costs, np.float64)
    least = costs.min(axis=1).sum()
    if least > budget:
        raise ValueError(f"The cheapest choices cost {least:g}, more than the {budget:g} that they may.")
    rows, choices = losses.shape
    one_a_row = LinearConstraint(np.kron(np.eye(rows), np.ones(choices)), 1, 1)
    scale = np.abs(costs).max() or 1  # the solver takes 1e-6 for nothing
    affordable = LinearConstraint(costs.ravel() / scale, -np.inf, budget / scale)
    found = milp(
        losses.ravel() / (losses.max() or 1),
        constraints=[one_a_row, affordable],
        integrality=np.ones(losses.size),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    if found.x is None:
        raise RuntimeError(f"SciPy's solver found nothing where there is something: {found.message}")
    return found.x.reshape(rows, choices).argmax(axis=1).tolist()
