"""Patterns of zeros without training, and a share for each layer by cost."""

import itertools

import numpy as np
import pytest

from tfkd.compress import Pattern, sparsity_per_layer
from tfkd.compress.sparsity import choose, lost


@pytest.mark.parametrize("text, m_by_n, block, share", [
    ("unstructured", None, (1, 1), None), ("2:4", (2, 4), (1, 1), 0.5), ("4x1", None, (4, 1), None),
])  # fmt: skip
def test_patterns_from_words(text, m_by_n, block, share):
    pattern = Pattern.parse(text)
    assert (pattern.m_by_n, pattern.block, pattern.share) == (m_by_n, block, share)


@pytest.mark.parametrize("text", ["4:4", "4:2", "0:4", "1x1", "0x4", "x4", "2:", "", "2:4 ", "dense", "99999x1"])
def test_words_that_are_no_pattern(text):
    with pytest.raises(ValueError, match="A pattern is 'unstructured'"):
        Pattern.parse(text)


def test_zeros_lie_along_the_values_of_one_output_channel():
    kernel = np.array([[1, 8], [-5, 7], [2, -6], [3, 5], [9, 1]])  # 5 values, 2 output channels
    assert Pattern.parse("2:4").zeroed(kernel).tolist() == [[0, 8], [-5, 7], [0, 0], [3, 0], [9, 1]]
    # Sums of the blocks: 6 and 15, 5 and 11, 9 and 1.
    assert Pattern.parse("2x1").zeroed(kernel, 0.5).tolist() == [[0, 8], [0, 7], [0, -6], [0, 5], [9, 0]]
    assert Pattern.parse("unstructured").zeroed(kernel, 0.7).tolist() == [[0, 8], [0, 7], [0, 0], [0, 0], [9, 0]]
    convolution = kernel.reshape(5, 1, 1, 2)
    assert (Pattern.parse("2:4").zeroed(convolution).reshape(5, 2) == Pattern.parse("2:4").zeroed(kernel)).all()


def test_smallest_int8_is_the_largest_magnitude_and_equal_ones_go_by_their_number():
    kernel = np.array([[-128], [127], [1], [1], [1], [1]], np.int8)
    zeroed = Pattern().zeroed(kernel, 0.5)
    assert zeroed.dtype == np.int8 and zeroed.ravel().tolist() == [-128, 127, 1, 0, 0, 0]


def test_what_is_lost():
    kernel = np.array([[3.0, 4.0]])
    assert lost(kernel, kernel) == 0
    assert lost(kernel, [[0.0, 4.0]]) == pytest.approx(np.log(25 / 16))
    assert lost(kernel, [[0.0, 0.0]]) > 20
    assert lost(np.zeros(3), np.zeros(3)) == 0


def test_the_choice_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(5):
        losses, costs = rng.uniform(size=(4, 5)), rng.integers(0, 1000, (4, 5))
        budget = rng.uniform(1200, 2400)
        every = [
            (sum(losses[i, c] for i, c in enumerate(choice)), list(choice))
            for choice in itertools.product(range(5), repeat=4)
            if sum(costs[i, c] for i, c in enumerate(choice)) <= budget
        ]
        assert choose(losses, costs, budget) == min(every)[1]
    with pytest.raises(ValueError, match="The cheapest choices cost 2, more than the 1"):
        choose([[1, 2], [1, 2]], [[1, 3], [1, 3]], 1)


def make_kernels():
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=(20, 5)) for name in ("often", "once", "useless")}


def cost(kernels):
    """A sparse kernel that pays from 60 % on, used 10 times and once, and 100 more for its code; a layer without."""
    total = 0
    for name, times in (("often", 10), ("once", 1)):
        share = (kernels[name] == 0).mean()
        total += times * (min(1.0, 2.5 * (1 - share)) * 1000)
    return total + 100 * any((kernel == 0).mean() > 0.6 for kernel in kernels.values()) + 5000


def test_the_same_cost_is_spent_where_it_hurts_least():
    kernels = make_kernels()
    found = sparsity_per_layer(kernels, cost, 0.8)
    pattern = Pattern()
    uniform = {name: pattern.zeroed(kernel, 0.8) for name, kernel in kernels.items()}
    chosen = {name: pattern.zeroed(kernel, found[name]) for name, kernel in kernels.items()}
    assert cost(chosen) <= cost(uniform) < cost(kernels)
    assert found["useless"] == 0 and found["often"] > found["once"]
    assert sum(lost(kernels[n], chosen[n]) for n in kernels) < sum(lost(kernels[n], uniform[n]) for n in kernels) / 1.5


def test_costs_that_do_not_add_up_are_checked_in_the_end():
    kernels = make_kernels()
    calls = []

    def together(kernels):
        """Zeros of the one are worth less beside those of the other."""
        shares = [float((kernels[name] == 0).mean()) for name in ("often", "once")]
        calls.append(shares)
        return 1000 - 400 * max(shares) - 100 * min(shares)

    found = sparsity_per_layer(kernels, together, 0.5)
    chosen = {name: Pattern().zeroed(kernel, found[name]) for name, kernel in kernels.items()}
    assert together(chosen) <= 1000 - 500 * 0.5
    assert len(calls) < 3 * 15 + 30


def test_zeros_that_save_nothing_are_not_set():
    assert set(sparsity_per_layer(make_kernels(), cost, 0.5).values()) == {0.0}


def test_shares_of_m_by_n_and_impossible_ones():
    with pytest.raises(ValueError, match=r"one sparsity in every kernel, 0\.5"):
        sparsity_per_layer(make_kernels(), cost, 0.5, Pattern.parse("2:4"))
    with pytest.raises(ValueError, match=r"below 1, got 1\.0"):
        sparsity_per_layer(make_kernels(), cost, 1.0)
