import numpy as np
import pytest

from tfkd.deploy import balanced_calibration, convert_int8
from tfkd.deploy.graph import read_graph
from tfkd.deploy.tflite import macs, operators

from .conftest import CHANNELS, CLASSES, WINDOW, make_windows


def test_model_is_int8_throughout_with_a_batch_of_one(model_bytes):
    graph = read_graph(model_bytes)
    assert [(t.dtype, t.shape) for t in graph.inputs] == [("int8", (1, WINDOW, CHANNELS))]
    assert [(t.dtype, t.shape) for t in graph.outputs] == [("int8", (1, CLASSES))]
    assert {t.dtype for o in graph.operators for t in o.outputs} == {"int8"}
    # BatchNormalization and ReLU have gone into the convolutions.
    assert [o.name for o in graph.operators] == [
        "RESHAPE",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "CONV_2D",
        "MEAN",
        "FULLY_CONNECTED",
    ]


def test_operators_are_unique_and_sorted(model_bytes):
    expected = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "RESHAPE"]
    assert operators(model_bytes) == expected


def test_macs_by_hand(model_bytes):
    conv = WINDOW * 8 * 5 * CHANNELS
    depthwise = (WINDOW // 2) * 8 * 3
    pointwise = (WINDOW // 2) * 12 * 8
    assert macs(model_bytes) == conv + depthwise + pointwise + 12 * CLASSES


def test_macs_of_transposed_convolution_and_matrix_product():
    import keras
    from keras import layers

    inputs = keras.Input((8, 1, 2))
    x = layers.Conv2DTranspose(3, (4, 1), strides=(2, 1), padding="same", use_bias=False)(inputs)
    x = layers.Reshape((16, 3))(x)
    x = layers.Dot((1, 1))([x, x])  # (3, 16) times (16, 3)
    student = keras.Model(inputs, layers.Flatten()(x))
    calibration = np.random.default_rng(0).normal(size=(4, 8, 1, 2))
    model = convert_int8(student, calibration)
    assert {"TRANSPOSE_CONV", "BATCH_MATMUL"} <= set(operators(model))
    assert macs(model) == 8 * 2 * 4 * 3 + 3 * 16 * 3


def test_conversion_is_repeatable_and_leaves_the_student_alone(student, model_bytes):
    x, _ = make_windows(48, seed=1)
    weights = [w.copy() for w in student.get_weights()]
    logits = student.predict(x, verbose=0)
    assert convert_int8(student, x) == model_bytes
    assert all(np.array_equal(a, b) for a, b in zip(weights, student.get_weights(), strict=True))
    np.testing.assert_array_equal(student.predict(x, verbose=0), logits)


def test_work_dir_is_left_empty(student, tmp_path):
    convert_int8(student, make_windows(3, seed=1)[0], work_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(0, WINDOW, CHANNELS), (4, CHANNELS, WINDOW), (WINDOW, CHANNELS)])
def test_calibration_of_wrong_shape_is_refused(student, shape):
    with pytest.raises(ValueError, match=r"calibration must have shape \(n, 32, 3\)"):
        convert_int8(student, np.zeros(shape))


def test_calibration_that_is_not_finite_is_refused(student):
    x, _ = make_windows(3, seed=1)
    x[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="calibration has 1 values that are not finite"):
        convert_int8(student, x)


def test_what_is_not_a_tflite_file_is_refused():
    with pytest.raises(ValueError, match=r"not a \.tflite model"):
        read_graph(b"PK\3\4" * 10)


def test_balanced_calibration_takes_as_many_of_each_class():
    labels = np.array([0] * 50 + [1] * 5 + [2] * 20 + [-1] * 30)
    x = np.arange(len(labels))
    picked = balanced_calibration(x, labels, per_class=4, seed=3)
    assert np.bincount(labels[picked]).tolist() == [4, 4, 4]
    assert len(set(picked)) == 12
    np.testing.assert_array_equal(picked, balanced_calibration(x, labels, per_class=4, seed=3))
    assert picked.tolist() != balanced_calibration(x, labels, per_class=4, seed=4).tolist()
    # The rarest class sets the number.
    assert np.bincount(labels[balanced_calibration(x, labels, 100, 0)]).tolist() == [5, 5, 5]


def test_balanced_calibration_says_what_is_wrong():
    with pytest.raises(ValueError, match="None of the 3 windows has a label"):
        balanced_calibration(np.zeros((3, 2)), [-1, -1, -1], 1, 0)
    with pytest.raises(ValueError, match=r"shape \(3,\) like x, not \(2,\)"):
        balanced_calibration(np.zeros((3, 2)), [0, 1], 1, 0)
    with pytest.raises(ValueError, match="per_class must be at least 1, not 0"):
        balanced_calibration(np.zeros((3, 2)), [0, 1, 1], 0, 0)
