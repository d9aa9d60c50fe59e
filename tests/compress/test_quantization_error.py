"""The report names the layer whose rounding costs most."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.backend_values import filled
from tfkd.compress.quantization import quantization_aware, strip
from tfkd.compress.quantization_error import layer_errors, sqnr_db

X = np.random.default_rng(0).normal(size=(80, 8, 3)).astype("float32")


def make(spoiled=1.0):
    inputs = keras.Input((8, 3), name="imu")
    x = layers.ReLU(name="wide")(layers.Dense(6, name="first")(layers.Flatten()(inputs)))
    student = filled(keras.Model(inputs, layers.Dense(3, name="logits")(x), name="student"))
    factor = np.where(np.arange(6) == 2, spoiled, 1.0)
    for layer, scale in (("first", factor), ("logits", 1 / factor[:, None])):
        kernel, bias = student.get_layer(layer).get_weights()
        student.get_layer(layer).set_weights([kernel * scale, bias * scale if layer == "first" else bias])
    return quantization_aware(student, X)


def test_one_record_for_each_kernel_and_tensor_and_the_twin_is_left_as_it_was():
    twin = make()
    before = twin.predict(X, verbose=0)
    errors = layer_errors(twin, X)
    parts = {(error.layer, error.part) for error in errors}
    assert parts == {
        ("first", "weights"), ("logits", "weights"), ("imu", "activations"), ("wide", "activations"),
        ("logits", "activations"),
    }  # fmt: skip
    assert all(30 < error.logits_sqnr_db < 60 and 30 < error.sqnr_db < 60 for error in errors)
    assert [e.logits_sqnr_db for e in errors] == sorted(e.logits_sqnr_db for e in errors)
    kernel = twin.get_layer("first").kernel
    (first,) = [error for error in errors if (error.layer, error.part) == ("first", "weights")]
    rounded = np.array(twin.get_layer("first").quantized(kernel))
    assert first.sqnr_db == pytest.approx(sqnr_db(np.array(kernel), rounded))
    np.testing.assert_array_equal(twin(X), before)
    assert np.abs(before - strip(twin).predict(X, verbose=0)).max() == 0


def test_the_spoiled_tensor_comes_first():
    worst, second, *_ = layer_errors(make(spoiled=500.0), X)
    assert (worst.layer, worst.part) == ("wide", "activations")
    assert worst.changed > 0 and worst.logits_sqnr_db < second.logits_sqnr_db - 10


def test_noise_by_hand_and_clear_errors():
    assert sqnr_db(np.array([10.0, 0.0]), np.array([10.0, 1.0])) == pytest.approx(20.0)
    assert sqnr_db(np.ones(2), np.ones(2)) == np.inf and sqnr_db(np.zeros(2), np.ones(2)) == -np.inf
    twin = make()
    with pytest.raises(ValueError, match="'student' rounds no kernel"):
        layer_errors(strip(twin), X)
    with pytest.raises(ValueError, match="at least one"):
        layer_errors(twin, X[:0])
    with pytest.raises(ValueError, match="1 of 80 windows have NaN"):
        layer_errors(twin, np.where(np.arange(80)[:, None, None] == 3, np.nan, X))
