"""The Gramian angular field as a Keras layer: the twin's values, in float32 under any policy, with finite gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from tfkd.encodings import Gaf, GramianAngularField

GAFS = [
    Gaf("gasf", 16),
    Gaf("gadf", 40),
    Gaf("gasf", 7, -1.5, 2),
    Gaf("gadf", 20, -3, 3, "arcsin"),
    Gaf("gasf", 13, convention="arcsin"),
]


def layer_of(gaf, **more):
    return GramianAngularField(gaf.size, gaf.kind, gaf.low, gaf.high, gaf.convention, **more)


def windows(batch=5, time=40, channels=3, seed=0):
    x = np.random.default_rng(seed).normal(0.5, 1, (batch, time, channels)).astype(np.float32)
    x[0, :, 1] = 3
    return x


@pytest.mark.parametrize("gaf", GAFS, ids=str)
def test_same_as_the_twin(gaf):
    layer, x = layer_of(gaf), windows()
    found = layer(x)
    assert layer.compute_output_shape(x.shape) == found.shape == (5, gaf.size, gaf.size, 3)
    np.testing.assert_allclose(found, gaf(x), atol=1e-6)
    again = GramianAngularField.from_config(layer.get_config())
    assert again.gaf == gaf
    np.testing.assert_array_equal(again(x), found)


@pytest.mark.parametrize("gaf", [Gaf("gasf", 40), Gaf("gadf", 16, -500, 500)], ids=str)
def test_integers_will_do(gaf):
    counts = (400 * windows()).astype("int16")
    np.testing.assert_allclose(layer_of(gaf)(counts), gaf(counts), atol=1e-5)
    inputs = keras.Input((40, 3), dtype="int16")
    assert keras.Model(inputs, layer_of(gaf)(inputs)).predict(counts, verbose=0).dtype == "float32"


@pytest.fixture
def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def test_float32_in_a_model_of_mixed_precision(half_precision, tmp_path):
    inputs = keras.Input((40, 3))
    images = GramianAngularField(16, name="gaf")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(images))
    assert images.dtype == "float32" and model.output.dtype == "float16"
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for rows in (1, 5):  # the batch is free
        found = keras.Model(again.input, again.get_layer("gaf").output)(windows(rows))
        np.testing.assert_allclose(found, Gaf("gasf", 16)(windows(rows)), atol=1e-6)


def gradients(layer, x, weights):
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = ops.sum(layer(x) * weights)
    return tape.gradient(value, x).numpy()


@pytest.mark.parametrize("gaf", [Gaf("gasf", 8), Gaf("gadf", 8, -4, 4, "arcsin")], ids=str)
def test_gradient_is_the_slope(gaf):
    rng = np.random.default_rng(1)
    x = windows(2, 16, 2, seed=1)
    weights = rng.normal(size=(2, 8, 8, 2)).astype(np.float32)
    found = gradients(layer_of(gaf), x, weights)
    for b, t, c in rng.integers(0, [2, 16, 2], (12, 3)):
        step = np.zeros_like(x)
        step[b, t, c] = 3e-3
        slope = ((gaf(x + step) - gaf(x - step)).astype(np.float64) * weights).sum() / 6e-3
        assert found[b, t, c] == pytest.approx(slope, rel=0.02, abs=0.02)


@pytest.mark.parametrize("gaf", GAFS, ids=str)
def test_gradient_at_both_ends_and_of_constant_channels_is_finite(gaf):
    x = np.clip(4 * windows(seed=2), -1.5, 2)  # many samples at the ends
    x[1] = 0
    found = gradients(layer_of(gaf), x, 1.0)
    assert np.isfinite(found).all()
    if gaf.low is None:
        np.testing.assert_array_equal(found[1], 0)
    else:
        assert np.abs(found).max() > 0


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="convention must be one of"):
        GramianAngularField(8, convention="arctan")
    with pytest.raises(ValueError, match="size must be a positive integer, not 2.5"):
        GramianAngularField(2.5)
    with pytest.raises(ValueError, match=r"size must be in \[1, 16\]"):
        GramianAngularField(17)(np.zeros((1, 16, 2), np.float32))
    with pytest.raises(ValueError, match="fixed time and channels"):
        GramianAngularField(8)(keras.Input((None, 2)))
    with pytest.raises(ValueError, match=r"takes signals \(batch, time, channels\)"):
        GramianAngularField(8)(keras.Input((16,)))
