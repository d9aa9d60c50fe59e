"""Zeros in an int8 student: which kernels they are in, and what they cost on an engine."""

import keras
import numpy as np
import pytest

from tests.deploy.model_writer import ModelWriter
from tfkd.compress import Pattern, prunable_layers, sparsity_per_layer
from tfkd.deploy.cost import cost_of, int8_for_cost, zeros
from tfkd.networks import imu_student


@pytest.fixture(scope="module")
def student():
    keras.utils.set_random_seed(0)
    return imu_student((16, 6), 4, width=24, depth=2, kernel=3, stem_kernel=5)


@pytest.fixture(scope="module")
def model_bytes(student):
    return int8_for_cost(student)


def kernels_of_layers(student):
    return {layer.name: np.asarray(layer.kernel) for layer in prunable_layers(student)}


def written():
    """Bytes of a student of two convolutions, a depthwise one and a dense layer."""
    w = ModelWriter()
    source = w.tensor((1, 32, 1, 6), 0.05, 3)
    x = w.depthwise(w.convolution(source, 40, (5, 1)), (3, 1), out=(0.05, -128))
    return w.model(source, w.dense(w.mean(w.convolution(x, 40, (1, 1)), out=(0.05, 0)), 5))


def test_kernels_of_a_file_can_be_replaced():
    before = written()
    kernels = zeros.kernels_of(before)
    assert {name: kernel.shape for name, kernel in kernels.items()} == {
        "CONV_2D 0": (30, 40), "CONV_2D 2": (40, 40), "FULLY_CONNECTED 3": (40, 5),
    }  # fmt: skip
    assert zeros.kernels_of(zeros.replaced(before, kernels)).keys() == kernels.keys()
    half = {"CONV_2D 2": Pattern().zeroed(kernels["CONV_2D 2"], 0.5)}
    after = zeros.kernels_of(zeros.replaced(before, half))
    np.testing.assert_array_equal(after["CONV_2D 2"], half["CONV_2D 2"])
    np.testing.assert_array_equal(after["CONV_2D 0"], kernels["CONV_2D 0"])


@pytest.mark.parametrize("engine, kind", [("plain_c", "flash"), ("plain_c", "instructions"), ("tflm", "flash")])
def test_the_more_zeros_the_less_a_student_costs(engine, kind):
    kernels = zeros.kernels_of(written())
    cost = zeros.CostOfZeros(written(), kernels, engine, "m4", kind)
    found = [cost({n: Pattern().zeroed(k, share) for n, k in kernels.items()}) for share in (0, 0.7, 0.8, 0.9)]
    assert found == sorted(found, reverse=True) and found[-1] < found[0]


def test_prices_are_those_of_the_cost_model():
    dense = written()
    assert zeros.price(dense, "plain_c", "m4", "flash") == cost_of(dense, "plain_c", "m4").flash_bytes
    kernels = {name: Pattern().zeroed(kernel, 0.8) for name, kernel in zeros.kernels_of(dense).items()}
    pruned = zeros.replaced(dense, kernels)
    small = cost_of(zeros.smallest(pruned), "tflm", "m4")
    assert "TFLM_DECODE" in small.by_operator
    assert zeros.price(pruned, "tflm", "m4", "flash") == small.flash_bytes
    with pytest.raises(ValueError, match="core must be one of m4, m55"):
        zeros.CostOfZeros(dense, kernels, "tflm", "m7")


def test_kernels_of_keras_are_found_in_the_file(student, model_bytes):
    kernels = kernels_of_layers(student)
    cost = zeros.CostOfZeros(model_bytes, kernels, "plain_c", "m4", "instructions")
    assert cost.names == {
        "stem_conv": "CONV_2D 0", "block1_pointwise": "CONV_2D 2", "block2_pointwise": "CONV_2D 4",
        "logits": "FULLY_CONNECTED 5",
    }  # fmt: skip
    assert cost(kernels) == zeros.price(model_bytes, "plain_c", "m4", "instructions")
    kernels = {**kernels, "block1_pointwise": kernels["block2_pointwise"], "block2_pointwise": kernels["stem_conv"]}
    with pytest.raises(ValueError, match=r"kernel of 'block2_pointwise', 30x24 weights, is not in the \.tflite"):
        zeros.CostOfZeros(model_bytes, kernels)


def test_layers_get_the_share_that_pays(student, model_bytes):
    """The stem's weights are used at eight positions, the pointwise ones at four and two, the dense ones once."""
    kernels = kernels_of_layers(student)
    cost = zeros.CostOfZeros(model_bytes, kernels, "plain_c", "m4", "instructions")
    found = sparsity_per_layer(kernels, cost, 0.8, shares=(0.0, 0.7, 0.9))
    assert found["logits"] == 0 and found["stem_conv"] >= 0.8
    chosen = {name: Pattern().zeroed(kernel, found[name]) for name, kernel in kernels.items()}
    assert cost(chosen) <= cost({name: Pattern().zeroed(kernel, 0.8) for name, kernel in kernels.items()})
