"""Rounding layers: TensorFlow's numbers, their gradients, and layers that can be saved."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.backend_values import filled
from tfkd.networks.quantized import (
    QUANTIZED,
    FakeQuantize,
    QuantizedDepthwiseConv2D,
    fake_quantize,
    fake_quantize_kernel,
)


@pytest.mark.parametrize("low, high", [(-1.0, 2.0), (0.0, 6.0), (-0.3, 0.0), (-4.01, 3.17)])
def test_rounds_as_tensorflow_does(low, high):
    import tensorflow as tf

    # No value near the middle of two steps, where float arithmetic decides.
    step = (high - low) / 255
    x = step * (np.arange(-300, 300) + np.random.default_rng(0).uniform(-0.4, 0.4, 600)).astype("float32")
    expected = tf.quantization.fake_quant_with_min_max_vars(x, low, high)
    np.testing.assert_allclose(fake_quantize(x, low, high), expected, atol=1e-6)
    layer = FakeQuantize(low, high)
    np.testing.assert_array_equal(layer(x), fake_quantize(x, low, high))
    assert [float(ops.min(layer(x))), float(ops.max(layer(x)))] == pytest.approx(layer.range, abs=1e-6)
    layer.quantizing = False
    np.testing.assert_array_equal(layer(x), x)


def test_kernels_round_by_channel_by_hand():
    kernel = np.array([[1.27, 0.0, -2.0], [-0.014, 0.0, 1.0]], "float32")
    expected = [[1.27, 0.0, -2.0], [-0.01, 0.0, 64 * 2 / 127]]  # 1.0 is 63.5 steps of 2 / 127: to even
    np.testing.assert_allclose(fake_quantize_kernel(kernel, (0,)), expected, atol=1e-6)
    # Four bits: -7 ... 7.
    np.testing.assert_allclose(fake_quantize_kernel(np.array([[0.7], [0.26]], "f"), (0,), 4), [[0.7], [0.3]], atol=1e-6)
    depthwise = QuantizedDepthwiseConv2D((2, 1), depth_multiplier=2)
    depthwise.build((None, 4, 1, 3))
    channels = np.random.default_rng(0).normal(size=(2, 1, 3, 2)).astype("f") * [[1, 10], [100, 1], [1, 1000]]
    error = np.abs(depthwise.quantized(channels) - channels)
    assert (error <= np.abs(channels).max(axis=(0, 1)) / 254 * 1.001).all() and error.max() > 0


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("size", [0.0, 1e-6, 1.0])
def test_kernels_round_in_any_precision(policy, size):
    """A channel that was pruned to zeros among them."""
    layer = QUANTIZED[layers.Conv2D](2, 1, dtype=policy)
    layer.build((None, 1, 1, 2))
    kernel = size * np.array([[[[1.0, 0.5], [-0.25, 1.0]]]], "float32")
    layer.kernel.assign(kernel)
    x = np.array([[[[1.0, 3.0]]]], "float32")
    expected = x[0, 0] @ fake_quantize_kernel(kernel, (0, 1, 2)).numpy()[0, 0]
    np.testing.assert_allclose(np.asarray(ops.cast(layer(x), "float32"))[0, 0], expected, rtol=2e-2, atol=1e-6)


def test_gradients_pass_through_rounding_and_reach_the_ends():
    import tensorflow as tf

    x, low, high = tf.Variable([-3.0, 0.1, 0.52, 9.0]), tf.Variable(-1.0), tf.Variable(1.0)
    with tf.GradientTape(persistent=True) as tape:
        rounded = fake_quantize(x, low, high)
        kernel = fake_quantize_kernel(x, (0,))
        clipped_high, clipped_low = rounded[3], rounded[0]
    assert tape.gradient(rounded, x).numpy().tolist() == [0, 1, 1, 0]
    assert tape.gradient(kernel, x).numpy().tolist() == [1, 1, 1, 1]
    assert [float(tape.gradient(clipped_high, end) or 0) for end in (low, high)] == pytest.approx([0, 1], abs=0.01)
    assert [float(tape.gradient(clipped_low, end) or 0) for end in (low, high)] == pytest.approx([1, 0], abs=0.01)


def convolutions(kinds):
    inputs = keras.Input((8, 1, 3), name="imu")
    x = kinds[layers.Conv2D](4, (3, 1), strides=(2, 1), padding="same", activation="relu")(inputs)
    x = kinds[layers.DepthwiseConv2D]((3, 1), padding="same", activation="relu")(x)
    x = kinds[layers.Conv1D](4, 3)(layers.Reshape((4, 4))(x))
    x = FakeQuantize(-5, 5, trained=kinds is QUANTIZED)(x)
    return filled(keras.Model(inputs, kinds[layers.Dense](2)(layers.Flatten()(x))))


def test_layers_are_their_plain_kinds_but_for_rounding_and_can_be_saved(tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 8, 1, 3)).astype("float32")
    model, plain = convolutions(QUANTIZED), convolutions({kind: kind for kind in QUANTIZED})
    ends = model.layers[-3].ends
    ends.assign([-5.0, 5.0])
    plain.set_weights([w.numpy() for w in model.weights if w is not ends])
    expected = plain.predict(x, verbose=0)
    error = np.abs(model.predict(x, verbose=0) - expected).max()
    assert 0 < error < 0.02 * np.abs(expected).max()
    ends.assign([-3.0, 0.5])
    assert model.layers[-3].range == pytest.approx((-3.0, 0.5), abs=3.5 / 255)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_ranges_without_zero_or_end_are_refused():
    for low, high in ((1, 2), (-2, -1), (0, 0), (-1, float("inf")), (float("nan"), 1)):
        with pytest.raises(ValueError, match="a finite range around 0"):
            FakeQuantize(low, high)
