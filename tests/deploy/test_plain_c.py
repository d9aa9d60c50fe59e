"""Generated plain C gives the same bytes as TensorFlow Lite Micro: operator by operator, and for the zoo's students."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.deploy.model_writer import ModelWriter
from tests.deploy.plain_c_build import inputs, run_student
from tfkd.deploy import TflmModel

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")

MODELS = Path(__file__).resolve().parents[2] / "models"
RELU, RELU_N1_TO_1, RELU6 = 1, 2, 3


def signal(writer, time=40, channels=6, scale=0.05, zero_point=7):
    """An input as tfkd's students have it: `(1, time, channels)`, then one sample wide."""
    source = writer.tensor((1, time, channels), scale, zero_point)
    return source, writer.reshape(source, (1, time, 1, channels))


def flat(writer, x):
    """All values of `x` as the model's output, in the model's order."""
    return writer.reshape(x, (1, int(np.prod(writer.shape(x)))))


def stem_variants(w):
    source, x = signal(w)
    return source, [
        w.convolution(x, 8, (9, 1), (2, 1)),
        w.convolution(x, 5, (5, 1), activation=RELU),
        w.convolution(x, 3, (4, 1), (3, 1), same=False),
        w.convolution(x, 3, (3, 1), dilation=(4, 1)),
        w.convolution(x, 4, (1, 1), bias=False),
        w.convolution(x, 4, (40, 1), same=False),
    ]


def inner_convolutions(w):
    source, x = signal(w, time=23)
    x = w.convolution(x, 10, (3, 1), activation=RELU)
    return source, [
        w.convolution(x, 7, (1, 1)),
        w.convolution(x, 7, (1, 1), (2, 1)),
        w.convolution(x, 6, (5, 1), (2, 1)),
        w.convolution(x, 6, (3, 1), dilation=(2, 1), same=False),
    ]


def depthwise_over_time(w):
    source, x = signal(w, time=33, channels=5)
    x = w.convolution(x, 9, (3, 1))
    return source, [
        w.depthwise(x, (15, 1)),
        w.depthwise(x, (15, 1), stride=(2, 2)),
        w.depthwise(x, (5, 1), stride=(2, 2), activation=RELU),
        w.depthwise(x, (4, 1), same=False),
        w.depthwise(x, (3, 1), stride=(3, 3)),
        w.depthwise(x, (1, 1), bias=False),
        w.depthwise(x, (33, 1), same=False),
        w.depthwise(x, (2, 1), stride=(4, 4)),
        w.depthwise(x, (4, 1), dilation=(3, 1)),
        w.depthwise(x, (2, 1), dilation=(300, 1)),
    ]


def lying_signals(w):
    """One sample high instead of one wide, as Keras writes Conv1D and DepthwiseConv1D."""
    source = w.tensor((1, 29, 5), 0.05, 7)
    x = w.reshape(source, (1, 1, 29, 5))
    y = w.convolution(x, 8, (1, 5), (1, 2))
    return source, [
        y,
        w.convolution(x, 6, (1, 3), dilation=(1, 2), same=False),
        w.depthwise(y, (1, 5), stride=(2, 2)),
        w.depthwise(y, (1, 4), dilation=(1, 2)),
        w.depthwise(w.pad(y, [(0, 0), (0, 0), (3, 0), (0, 0)]), (1, 4), same=False),
        w.convolution(w.pad(x, [(0, 0), (0, 0), (0, 4), (0, 0)]), 4, (1, 6), same=False),
        w.convolution(y, 4, (1, 3)),
    ]


def depthwise_otherwise(w):
    source = w.tensor((1, 9, 7, 4), 0.03, -11)
    x = w.convolution(source, 6, (3, 3))
    return source, [
        w.depthwise(source, (3, 3)),
        w.depthwise(x, (3, 3), stride=(2, 2)),
        w.depthwise(x, (2, 3), multiplier=2),
        w.depthwise(x, (3, 3), dilation=(2, 2)),
        w.depthwise(x, (1, 5), same=False),
    ]


def depthwise_of_images(w):
    """Kernels of 3 x 3 at odd sizes and at sizes below the kernel's, zero points at both ends, 5 and 7 channels."""
    source = w.tensor((1, 9, 11, 5), 0.03, 127)
    x = w.convolution(source, 7, (1, 1), out=(0.2, -128), activation=RELU)
    small = w.convolution(x, 3, (3, 3), (2, 2), out=(0.3, 127))
    dot = w.convolution(small, 6, (5, 6), same=False)
    around = [(0, 0), (1, 2), (3, 0), (0, 0)]
    return source, [
        w.depthwise(source, (3, 3)),
        w.depthwise(source, (3, 3), stride=(2, 2), activation=RELU6),
        w.depthwise(x, (3, 3), same=False, bias=False),
        w.depthwise(w.depthwise(x, (3, 3)), (3, 3), stride=(2, 2)),
        w.depthwise(x, (3, 3), stride=(2, 2), same=False),
        w.depthwise(w.pad(x, around), (3, 3), stride=(2, 2), same=False),
        w.depthwise(w.pad(x, around), (3, 3)),
        w.depthwise(small, (3, 3), scales=[30, 1.0, 1e-9], out=(w.scale(small), 20), bias=False),
        w.depthwise(w.depthwise(dot, (3, 3)), (3, 3), stride=(2, 2)),
    ]


def images(w):
    source = w.tensor((1, 12, 10, 3), 0.02, 3)
    x = w.convolution(source, 8, (3, 3), activation=RELU6)
    y = w.convolution(x, 8, (3, 3), (2, 2), same=False)
    return source, [
        w.convolution(x, 6, (1, 1), (2, 2)),
        w.convolution(x, 6, (3, 3)),
        w.convolution(x, 6, (3, 3), zeros=0.9),
        w.convolution(y, 5, (3, 3)),
        w.convolution(source, 3, (2, 5)),
    ]


def additions(w):
    source, x = signal(w)
    a, b = w.convolution(x, 7, (3, 1)), w.convolution(x, 7, (1, 1), out=(0.21, 90))
    c = w.add(a, b)
    return source, [
        c,
        w.add(c, c, out=(0.3, -128), activation=RELU),
        w.add(a, c, out=(0.0301, -40), activation=RELU6),
        w.add(b, a, out=(0.004, 0)),
        w.add(a, b, out=(0.05, 100), activation=RELU_N1_TO_1),
        w.add(x, x, out=(0.09, 1)),
    ]


def means(w):
    source, x = signal(w, time=37)
    y = w.convolution(x, 8, (3, 1), (2, 1), same=False)
    return source, [
        w.mean(y),
        w.mean(y, out=(0.011, 0), keep=True),
        w.mean(y, axes=(1,), out=(0.9, 4)),
        w.mean(source, axes=(1,), out=(0.007, -9)),
        w.mean(w.reshape(y, (1, 18, 8)), axes=(1,)),
        w.mean(w.depthwise(y, (16, 1), same=False), axes=(2, 1)),
        w.mean(w.convolution(x, 3, (37, 1), same=False)),
    ]


def pools(w):
    source = w.tensor((1, 11, 7, 3), 0.04, 5)
    x = w.convolution(source, 4, (1, 1))
    outputs = []
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        outputs += [
            w.pool(name, x, (2, 2), (2, 2)),
            w.pool(name, x, (3, 3), (2, 1), same=True),
            w.pool(name, x, (4, 1), (4, 1), activation=RELU),
            w.pool(name, source, (11, 7), (1, 1)),
        ]
    return source, outputs


def concatenations(w):
    source = w.tensor((1, 6, 5, 3), 0.04, 5)
    out = (0.2, 5)
    a, b = w.convolution(source, 4, (3, 3), out=out), w.convolution(source, 4, (1, 1), out=out)
    vectors = [w.dense(w.mean(part), 7, out=out) for part in (a, b)]
    return source, [
        w.concatenation([a, b, a], 3),
        w.concatenation([a, b], 1),
        w.concatenation([a, b], 2),
        w.concatenation([a, b], -1),
        w.concatenation(vectors, 1),
    ]


def paddings(w):
    source = w.tensor((1, 6, 5, 3), 0.04, 5)
    x = w.convolution(source, 4, (3, 3))
    around = [(0, 0), (2, 1), (0, 3), (0, 0)]
    return source, [
        w.pad(x, around),
        w.pad(x, [(0, 0), (0, 0), (1, 1), (2, 1)]),
        w.pad(source, around),
        w.convolution(w.pad(x, around), 4, (3, 3), same=False),
        w.depthwise(w.pad(x, around), (3, 2), same=False),
        w.convolution(w.pad(x, around), 4, (3, 3)),
        w.pad(w.reshape(x, (1, 30, 4)), [(0, 0), (3, 2), (0, 0)]),
    ]


def slices(w):
    """Parts of one axis of planes, of the input as it comes, in place and not."""
    source, x = signal(w)
    image = w.convolution(w.reshape(source, (1, 8, 5, 6)), 7, (3, 3))
    y = w.convolution(w.slice(x, 1, 3, 40), 5, (3, 1), same=False)
    newest = w.slice(y, 1, -11, 35)
    flattened = flat(w, x)
    return source, [
        w.slice(image, 1, 2, 7),
        w.slice(image, 2, 0, -2),
        w.slice(image, 3, 1, 6),
        w.slice(image, 3, 0, 7),
        w.depthwise(w.slice(y, 1, 1, 35), (5, 1), same=False),
        w.add(newest, w.depthwise(newest, (3, 1))),
        w.slice(flattened, 1, 17, 200),
    ]


def single_moments(w):
    """The converter adds a moment as a vector without its batch."""
    source = w.tensor((1, 1, 6), 0.05, 7)
    x = w.convolution(w.reshape(source, (1, 1, 1, 6)), 8, (1, 1))
    y = w.convolution(x, 8, (1, 1))
    return source, [w.add(y, w.reshape(x, (8,))), w.add(x, w.reshape(x, (8,)))]


def conv1d_style(w):
    """Causal Conv1D layers as Keras writes them: padding and a pair of reshapes around each."""
    source = w.tensor((1, 30, 4), 0.05, -2)
    x = w.pad(source, [(0, 0), (4, 0), (0, 0)])
    x = w.reshape(x, (1, 34, 1, 4))
    x = w.reshape(w.convolution(x, 8, (5, 1), same=False, activation=RELU), (1, 30, 8))
    # EXPAND_DIMS and SQUEEZE, where a converter prefers them.
    expanded = w.tensor((1, 30, 1, 8), w.scale(x), w.tensors[x].quantization.zeroPoint[0])
    axis = w.tensor((1,), None, data=np.array([2], np.int32), dtype="INT32")
    w.operator("EXPAND_DIMS", [x, axis], [expanded], "ExpandDimsOptions")
    y = w.depthwise(expanded, (7, 1))
    squeezed = w.tensor((1, 30, 8), w.scale(y), w.tensors[y].quantization.zeroPoint[0])
    w.operator("SQUEEZE", [y], [squeezed], "SqueezeOptions", squeezeDims=[2])
    return source, [squeezed, w.mean(squeezed, axes=(1,)), w.dense(squeezed, 5, out=(3.0, 1))]


def dense_layers(w):
    source, x = signal(w, time=9)
    x = w.convolution(x, 8, (3, 1), same=False)
    flattened = flat(w, x)
    return source, [
        w.dense(source, 4, out=(1.5, 0)),
        w.dense(source, 5, zeros=0.9, out=(0.3, 0)),
        w.dense(flattened, 5, zeros=0.9, out=(0.3, 0)),
        w.dense(flattened, 6, out=(2.0, 3)),
        w.dense(flattened, 6, scales=w.random.uniform(0.001, 0.02, 6), out=(2.0, 3), bias=False),
        w.dense(flattened, 5, out=(0.2, -128), activation=RELU),
        w.dense(flattened, 3, scales=[0.013], out=(0.9, 17), activation=RELU6),
    ]


def odd_scales(w):
    """Factors above 1 (shifts to the left), near a power of two, tiny ones, and ones too small for any output."""
    source, x = signal(w, time=16)
    factors = [30.0, 1.0, 0.9999999, 0.5, 0.25, 0.2499999, 0.1, 1e-3, 1e-9, 1e-12, 0.0]
    scales = np.array(factors) * 0.01 / w.scale(x)
    small = w.random.integers(-2, 3, (len(factors), 3, 1, 6), dtype=np.int8)
    narrow = w.random.integers(-2, 3, (1, 3, 1, 6), dtype=np.int8)
    return source, [
        w.convolution(x, len(factors), (3, 1), scales=scales, weights=small, out=(0.01, 0), bias=False),
        w.convolution(x, 4, (3, 1), scales=[0.01], out=(0.9, -100), activation=RELU),
        w.depthwise(x, (3, 1), scales=scales[:6], weights=narrow, out=(0.01, 20), bias=False),
        w.depthwise(x, (3, 1), scales=[0.03], out=(0.2, 0)),
    ]


GRAPHS = [
    stem_variants,
    inner_convolutions,
    depthwise_over_time,
    lying_signals,
    depthwise_otherwise,
    depthwise_of_images,
    images,
    additions,
    means,
    pools,
    concatenations,
    paddings,
    slices,
    single_moments,
    conv1d_style,
    dense_layers,
    odd_scales,
]


def joined(graph, seed=0, bits=8):
    """A model that gives all outputs of a graph end to end; the weights of its convolutions have `bits` each."""
    w = ModelWriter(seed, bits)
    source, outputs = graph(w)
    parts = []
    for output in outputs:
        # A reshape may change the scale's name, so that the concatenation finds equal ones.
        size = int(np.prod(w.shape(output)))
        parts.append(
            w.operator("RESHAPE", [output], [w.tensor((1, size), 1.0, 0)], "ReshapeOptions", newShape=[1, size])
        )
    return w.model(source, w.concatenation(parts, 1))


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_operators_give_the_bytes_of_tflm(graph, plain_c_kernels, tmp_path):
    model_bytes = joined(graph)
    model = TflmModel(model_bytes)
    x = inputs(model.input_shape[1:], 60)
    expected = model.run(x)
    varied = [len(np.unique(column)) for column in expected.T]
    assert np.mean(np.array(varied) > 3) > 0.5, "a test of constants"
    found = run_student(tmp_path, plain_c_kernels, model_bytes, x, expected.shape[1])
    different = np.flatnonzero((found != expected).any(axis=0))
    assert len(different) == 0, f"outputs {different} differ"


@pytest.mark.parametrize("name", ["utd-imu", "utd-acc", "utd-imu-stream"])
def test_zoo_students_give_the_bytes_of_tflm(name, plain_c_kernels, tmp_path):
    model_bytes = (MODELS / name / "student.tflite").read_bytes()
    model = TflmModel(model_bytes)
    x = inputs(model.input_shape[1:], 60)
    found = run_student(tmp_path, plain_c_kernels, model_bytes, x, model.output_shape[-1])
    assert (found == model.run(x)).all()
