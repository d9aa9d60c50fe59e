"""Weights of four bits in plain C: the same bytes as TensorFlow Lite Micro, on half the flash for weights."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests.deploy import plain_c_build as build
from tests.deploy import test_plain_c as graphs
from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_plain_c_parts import pruned_student
from tfkd.deploy import PlainCError, TflmModel, plain_c_files
from tfkd.deploy.packages import package_files
from tfkd.deploy.plain_c import lower, weights

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")

# Odd and even counts, strides, dilations, padding, shifts to the left; depthwise layers that stay at eight bits.
GRAPHS = [graphs.stem_variants, graphs.inner_convolutions, graphs.depthwise_over_time, graphs.odd_scales]


def kernels(program, operator=""):
    return [step.kernel for step in program.steps if step.operator.startswith(operator) and step.structs]


def limits(excess):
    """Channels whose sums go exactly as far as the kernel for four bits can count, either way, and `excess` further."""
    w = ModelWriter(bits=4)
    source = w.tensor((1, 9, 1, 5), 0.05, 0)
    values = np.array([7, -8, 3])[:, None, None, None] * np.ones((3, 3, 1, 5), int)
    up, down = np.maximum(127 * values, -128 * values), np.minimum(127 * values, -128 * values)
    bias = [2**19 - 1 - int(up[0].sum()) + excess, -(2**19) - int(down[1].sum()) - excess, 5]
    scales = [0.9, 0.9, 50.0]
    y = w.convolution(source, 3, (3, 1), (2, 1), weights=values, scales=scales, out=(0.9 * 0.05 * 2**11, 0))
    w.buffers[w.tensors[w.operators[-1].inputs[2]].buffer].data = np.array(bias, np.int32).view(np.uint8)
    return w.model(source, graphs.flat(w, y))


def at_the_ends():
    return np.stack([np.full((9, 1, 5), end, np.int8) for end in (127, -128, 0, 1)])


@needs_gcc
@pytest.mark.parametrize("graph", [*GRAPHS, graphs.depthwise_of_images], ids=lambda graph: graph.__name__)
def test_operators_give_the_bytes_of_tflm(graph, plain_c_kernels, tmp_path):
    model_bytes = graphs.joined(graph, bits=4)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], 30)
    expected = model.run(x)
    assert (build.run_student(tmp_path, plain_c_kernels, model_bytes, x, expected.shape[1]) == expected).all()


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_weights_take_half_the_flash(graph):
    four, eight = (lower(graphs.joined(graph, bits=bits)) for bits in (4, 8))
    assert four.memory_bytes == eight.memory_bytes
    for a, b in zip(four.steps, eight.steps, strict=True):
        if a.kernel.endswith("_int4"):
            assert b.kernel == a.kernel.removesuffix("_int4")
            fields = [next(f for _, f in step.structs.values() if "scaling" in f) for step in (a, b)]
            assert 2 * fields[0]["weights"].bytes == fields[1]["weights"].bytes
        else:
            assert (a.kernel, a.constant_bytes) == (b.kernel, b.constant_bytes)
    assert any(kernel.endswith("_int4") for kernel in kernels(four))


def test_packed_weights_unpack():
    random = np.random.default_rng(0)
    matrix = random.integers(-8, 8, (5, 21)).astype(np.int8)
    halves = weights.in_eights_int4(matrix, 24).view(np.uint8).reshape(5, 3, 4)
    values = np.stack([halves & 15, halves >> 4], axis=2).astype(np.int8)
    values = np.where(values > 7, values - 16, values).reshape(5, 6, 4)[:, :, [0, 2, 1, 3]].reshape(5, 24)
    assert (values[:, :21] == matrix).all() and not values[:, 21:].any()
    assert (weights.in_order_int4(np.array([[1, -1, 7]]), 4).view(np.uint8) == [0xF1, 0x07]).all()


def test_sums_that_do_not_fit_keep_eight_bits():
    assert kernels(lower(limits(0)), "CONV") == ["tfkd_multiply_dense_int4"]
    assert kernels(lower(limits(1)), "CONV") == ["tfkd_multiply_dense"]


@needs_gcc
def test_eight_bits_hold_what_does_not_fit(plain_c_kernels, tmp_path):
    model_bytes = limits(1)
    expected = TflmModel(model_bytes).run(at_the_ends())
    found = build.run_student(tmp_path, plain_c_kernels, model_bytes, at_the_ends(), expected.shape[1])
    assert (found == expected).all()


def test_zeros_must_save_more_where_dense_weights_are_half_as_large():
    found = {
        (share, bits): kernels(lower(pruned_student(share, bits=bits)), "CONV")
        for share in (0.6, 0.85)
        for bits in (4, 8)
    }
    assert found[0.6, 8] == found[0.85, 8] == found[0.85, 4] == ["tfkd_multiply_sparse"] * 3
    assert found[0.6, 4] == ["tfkd_multiply_dense_int4"] * 3


@needs_gcc
def test_sparse_kernels_take_weights_of_four_bits(plain_c_kernels, tmp_path):
    model_bytes = pruned_student(0.7, bits=4)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], 20)
    assert (build.run_student(tmp_path, plain_c_kernels, model_bytes, x, 9, sparse=True) == model.run(x)).all()


def test_dense_layers_have_eight_bits():
    w = ModelWriter()
    source = w.tensor((1, 8), 0.05, 7)
    data = w.tensor((3, 8), 0.1, 0, np.ones((3, 8), np.int8), "INT4")
    y = w.operator("FULLY_CONNECTED", [source, data], [w.tensor((1, 3), 0.4, 5)], "FullyConnectedOptions")
    with pytest.raises(PlainCError, match="FULLY_CONNECTED: .* is int4; plain C needs an int8 constant"):
        plain_c_files(w.model(source, y))


def test_a_cut_tensor_is_refused():
    w = ModelWriter(bits=4)
    source = w.tensor((1, 8, 1, 5), 0.05, 7)
    y = w.convolution(source, 3, (3, 1))
    buffer = w.buffers[w.tensors[w.operators[-1].inputs[1]].buffer]
    buffer.data = buffer.data[:-1]
    with pytest.raises(PlainCError, match="damaged or cut short .* take 23 bytes, not 22"):
        plain_c_files(w.model(source, y))


def test_a_package_has_these_kernels_alone(exported):
    """What both kinds of weights share comes with them; kernels that the student does not call stay out."""
    student = dataclasses.replace(exported, model_bytes=graphs.joined(graphs.depthwise_over_time, bits=4))
    files = {path.removeprefix("src/") for path in package_files(student, "plain_c")}
    assert {"tfkd_multiply_dense_int4.c", "tfkd_depthwise_time_int4.c", "tfkd_int4.h", "tfkd_over_time.h"} <= files
    assert not {"tfkd_multiply_dense.c", "tfkd_depthwise_time.c"} & files
