"""What plain C refuses: students it cannot run exactly, each named, and files that are damaged."""

import numpy as np
import pytest

from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_plain_c import signal
from tests.deploy.test_plain_c_memory import remembering
from tests.deploy.test_plain_c_parts import pruned_student
from tfkd.deploy import PlainCError, plain_c_files


def float_input(w):
    source = w.tensor((1, 8), None, dtype="FLOAT32")
    target = w.tensor((1, 8), 0.1, 0)
    return source, w.operator("QUANTIZE", [source], [target], "QuantizeOptions")


def unknown_operator(w):
    source, x = signal(w)
    target = w.tensor(w.shape(x), 1 / 256, -128)
    return source, w.operator("LOGISTIC", [x], [target])


def two_axes_of_scales(w):
    source, x = signal(w)
    y = w.convolution(x, 6, (1, 1))
    w.tensors[w.operators[-1].inputs[1]].quantization.quantizedDimension = 3
    return source, y


def grouped(w):
    source, x = signal(w, channels=6)
    y = w.convolution(x, 4, (3, 1))
    weights = w.tensors[w.operators[-1].inputs[1]]
    weights.shape = [4, 3, 2, 3]
    return source, y


def asymmetric(w):
    source, x = signal(w)
    y = w.convolution(x, 4, (3, 1), scales=[0.01])
    w.tensors[w.operators[-1].inputs[1]].quantization.zeroPoint = [3]
    return source, y


def overflowing(w):
    source, x = signal(w)
    y = w.convolution(x, 4, (3, 1))
    bias = w.tensors[w.operators[-1].inputs[2]].buffer
    w.buffers[bias].data = np.frombuffer(np.full(4, 2**30, np.int32).tobytes(), np.uint8)
    return source, y


def broadcasting(w):
    source, x = signal(w)
    return source, w.add(x, w.mean(w.convolution(x, 6, (3, 1)), keep=True))


def mean_over_channels(w):
    source, x = signal(w)
    return source, w.mean(x, axes=(3,))


def scaled_concatenation(w):
    source, x = signal(w)
    parts = [w.convolution(x, 4, (1, 1), out=(0.1, 0)), w.convolution(x, 4, (1, 1), out=(0.2, 0))]
    return source, w.concatenation(parts, 3)


def dense_by_rows(w):
    source, x = signal(w)
    weights = w.tensor((4, 6), 0.01, 0, np.ones((4, 6), np.int8))
    return source, w.operator("FULLY_CONNECTED", [x, weights], [w.tensor((40, 4), 0.1, 0)], "FullyConnectedOptions")


def batch_of_two(w):
    source = w.tensor((2, 8, 1, 3), 0.1, 0)
    return source, w.mean(source)


def tanh(w):
    source, x = signal(w)
    return source, w.convolution(x, 3, (3, 1), activation=4)


def computed_bounds(w):
    source, x = signal(w)
    y = w.slice(x, 1, 2, 30)
    w.tensors[w.operators[-1].inputs[2]].buffer = 0
    return source, y


def every_other(w):
    source, x = signal(w)
    y = w.slice(x, 1, 0, 20)
    strides = w.tensors[w.operators[-1].inputs[3]].buffer
    w.buffers[strides].data = np.frombuffer(np.array([1, 2, 1, 1], np.int32).tobytes(), np.uint8)
    return source, y


def corner(w):
    source, x = signal(w)
    y = w.slice(x, 1, 0, 20)
    w.tensors[y].shape[3] = 4
    bounds = w.tensors[w.operators[-1].inputs[2]].buffer
    w.buffers[bounds].data = np.frombuffer(np.array([0, 20, 0, 4], np.int32).tobytes(), np.uint8)
    w.operators[-1].builtinOptions.endMask = 5
    return source, y


REFUSED = [
    (float_input, "float32; plain C runs int8 students"),
    (unknown_operator, "LOGISTIC: plain C has no kernel .* run it in TensorFlow Lite Micro"),
    (two_axes_of_scales, "CONV_2D: 6 scales along axis 3"),
    (grouped, "CONV_2D: .*grouped convolution"),
    (asymmetric, "CONV_2D: its weights are not symmetric"),
    (overflowing, "CONV_2D: the sums of channel . can reach .*overflow"),
    (broadcasting, "ADD: shapes .* of one shape"),
    (mean_over_channels, r"MEAN over axes \[3\]"),
    (scaled_concatenation, "CONCATENATION: .*different scales"),
    (dense_by_rows, r"FULLY_CONNECTED: weights \(4, 6\)"),
    (batch_of_two, "batch of 1"),
    (computed_bounds, "STRIDED_SLICE: its bounds are computed"),
    (every_other, r"STRIDED_SLICE: strides \[1, 2, 1, 1\]"),
    (corner, "STRIDED_SLICE: cuts .* along one axis"),
    (tanh, "CONV_2D: the fused activation TANH"),
]


@pytest.mark.parametrize(("graph", "message"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_does_not_fit_is_refused_by_name(graph, message):
    w = ModelWriter()
    with pytest.raises(PlainCError, match=message):
        plain_c_files(w.model(*graph(w)))


def test_refuses_what_is_no_model():
    with pytest.raises(PlainCError, match="'TFL3' is missing"):
        plain_c_files(b"no model at all")


@pytest.mark.parametrize("make", [lambda: pruned_student(0.5), remembering], ids=["pruned", "remembering"])
def test_damaged_files_raise_nothing_but_their_own_error(make):
    """Cut short, and with bits flipped: refused, or still a model that can be written out."""
    model_bytes = make()
    random = np.random.default_rng(0)
    refused = 0
    for i in range(150):
        damaged = bytearray(model_bytes)
        if i % 3 == 0:
            damaged = damaged[: random.integers(8, len(damaged))]
        else:
            for place in random.integers(8, len(damaged), random.integers(1, 8)):
                damaged[place] ^= 1 << random.integers(8)
        try:
            plain_c_files(bytes(damaged))
        except PlainCError:
            refused += 1
    assert refused > 50
