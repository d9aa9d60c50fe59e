"""Channels that leave a network: the rest computes what it did, and the bytes are those that were asked for."""

import keras
import numpy as np
import pytest
from keras import layers

import tfkd
from tfkd.compress import (
    ChannelError,
    Channels,
    activation_importance,
    gradient_importance,
    weight_importance,
)
from tfkd.deploy.flatbuffer import constant, unpack, weights_and_biases
from tfkd.networks import causal_student, gaf_student, imu_student
from tfkd.recipe import load_recipe

from ..test_zoo import MODELS

KB = 1024


def branches():
    """Convolutions of both kinds, two branches joined, flattened: what people write."""
    inputs = keras.Input((12, 3), name="imu")
    x = layers.Conv1D(8, 3, padding="same", activation="relu", name="first")(inputs)
    a = layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same", name="twice")(x)
    b = layers.BatchNormalization(name="normalised")(layers.Conv1D(10, 1, use_bias=False, name="second")(x))
    x = layers.Concatenate(name="joined")([a, layers.Activation("tanh")(b)])
    x = layers.Flatten(name="flat")(layers.MaxPooling1D(4)(x))
    x = layers.Dense(12, activation="relu", name="hidden")(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="classes")(x), name="branches")


def images():
    encoding = tfkd.encodings.GramianAngularField(8, "gadf", low=-3, high=3)
    return gaf_student((16, 3), 4, encoding, 16)


NETWORKS = {
    "branches": branches,
    "imu": lambda: imu_student((32, 3), 4, width=16, depth=3),
    "causal": lambda: causal_student((40, 3), 4, width=16, depth=3, kernel=3, stem_kernel=5),
    "images": images,
}


def shaken(model, seed=0):
    """The model with random weights everywhere, normalisation included."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.1, 1.0, w.shape) * generator.choice([-1, 1], w.shape) ** (w.ndim > 1)
                       for w in model.get_weights()])  # fmt: skip
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_left_computes_what_it_did_without_reading_those_channels(name):
    model = shaken(NETWORKS[name]())
    channels = Channels(model)
    removed = np.concatenate([units[1::3] for units in channels.groups.values()])
    deaf = shaken(NETWORKS[name]())
    for layer in channels.units.read_by:
        kernel = np.array(deaf.get_layer(layer).kernel)
        kernel[..., np.isin(channels.units.reads[layer], removed), :] = 0
        deaf.get_layer(layer).kernel.assign(kernel)
    smaller = channels.without(removed)
    x = np.random.default_rng(1).normal(size=(5, *model.input_shape[1:])).astype("float32")
    expected = deaf(x).numpy()
    assert smaller.count_params() < 0.7 * model.count_params() and np.ptp(expected) > 1e-3
    np.testing.assert_allclose(smaller(x).numpy(), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    # The channels that are left are as many as were not removed, and the old network is as it was.
    left = sum(map(len, Channels(smaller).groups.values()))
    assert left == sum(map(len, channels.groups.values())) - len(removed)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), shaken(NETWORKS[name]()).get_weights()))


def test_channels_that_are_added_leave_together():
    channels = Channels(imu_student((32, 3), 4, width=16, depth=4, strides=(2, 1, 2)))
    assert {name: len(units) for name, units in channels.groups.items()} == {
        "stem_conv": 16,
        "block1_pointwise + block2_pointwise": 16,
        "block3_pointwise + block4_pointwise": 16,
    }


def test_bytes_are_those_of_the_converted_student():
    recipe = load_recipe(MODELS / "utd-pskd-imu" / "recipe.toml").student
    names = ("width", "depth", "kernel", "stem_kernel", "stem_stride", "strides")
    student = imu_student((128, 6), 27, **{name: getattr(recipe, name) for name in names})
    model = unpack((MODELS / "utd-pskd-imu" / "student.tflite").read_bytes())
    parts = [part for _, _, *both in weights_and_biases(model) for part in both]
    assert Channels(student).weight_bytes() == sum(constant(model, part).nbytes for part in parts)


def test_least_important_channels_leave_until_the_bytes_fit():
    channels = Channels(shaken(imu_student((32, 3), 4, width=32, depth=2)))
    scores = np.random.default_rng(0).uniform(size=channels.units.count)
    removed = channels.least_important(scores, 2 * KB, multiple=4, least=8)
    smaller = Channels(channels.without(removed))
    assert 1.5 * KB < smaller.weight_bytes() == channels.weight_bytes(removed) <= 2 * KB
    for units in channels.groups.values():
        gone = np.isin(units, removed)
        assert gone.sum() % 4 == 0 and (~gone).sum() >= 8
        assert not gone.any() or scores[units[gone]].max() < scores[units[~gone]].min()
    assert len(channels.least_important(scores, 100 * KB)) == 0


def test_a_budget_that_nothing_meets_says_how_small_it_gets():
    channels = Channels(imu_student((32, 3), 4, width=32, depth=2))
    with pytest.raises(ChannelError, match=r"cannot be pruned to 100 bytes of weights: .* least 8 .* \d{3} are left"):
        channels.least_important(np.ones(channels.units.count), 100)


def test_layers_that_are_not_understood_keep_their_channels_and_are_named():
    inputs = keras.Input((12, 3))
    x = layers.Conv1D(16, 3, name="free")(inputs)
    x = layers.Conv1D(8, 3, name="seen")(x)
    x = layers.LayerNormalization(name="across")(x)
    outputs = layers.Dense(4)(layers.GlobalAveragePooling1D()(x))
    channels = Channels(keras.Model(inputs, outputs))
    assert list(channels.groups) == ["free"] and channels.kept == ["across"]
    with pytest.raises(ChannelError, match="across cannot be pruned, nor what they see"):
        channels.least_important(np.ones(channels.units.count), 10)
    with pytest.raises(ChannelError, match=r"No channel of 'alone' can be pruned; across cannot be pruned"):
        x = layers.LayerNormalization(name="across")(layers.Conv1D(8, 3)(inputs))
        Channels(keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)), name="alone"))


def test_a_network_that_is_not_functional_is_refused():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ChannelError, match="must be a Functional or a built Sequential model"):
        Channels(Own())
    with pytest.raises(ChannelError, match="a Sequential that begins with keras.Input"):
        Channels(keras.Sequential([layers.Dense(16), layers.Dense(2)]))
    sequential = keras.Sequential([keras.Input((8,)), layers.Dense(16, name="wide"), layers.Dense(2)])
    assert list(Channels(sequential).groups) == ["wide"]


def test_weight_importance_is_the_norm_of_the_folded_filters():
    inputs = keras.Input((4, 1))
    x = layers.Conv1D(3, 1, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(epsilon=0.0, name="bn")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    model.get_layer("conv").kernel.assign(np.array([[[3.0, -4.0, 1.0]]]))
    model.get_layer("bn").set_weights(list(np.array([[2, 1, -1], [0, 0, 0], [0, 0, 0], [4, 1, 0.25]])))
    channels = Channels(model)
    # 3 * 2 / 2, 4 * 1 / 1, 1 * 1 / 0.5, relative to their mean, 3.
    np.testing.assert_allclose(weight_importance(channels)[channels.groups["conv"]], np.array([3, 4, 2]) / 3)


def test_activation_importance_is_the_mean_size_where_a_channel_is_read():
    inputs = keras.Input((2, 1))
    x = layers.Conv1D(2, 1, use_bias=False, activation="relu", name="conv")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    model.get_layer("conv").kernel.assign(np.array([[[1.0, -1.0]]]))
    channels = Channels(model)
    # Means over time: (3 + 0) / 2 and (0 + 1) / 2 in the first window, 5 and 0 in the second.
    scores = activation_importance(channels, np.array([[[3.0], [-1.0]], [[5.0], [5.0]]], "float32"))
    np.testing.assert_allclose(scores[channels.groups["conv"]], np.array([3.25, 0.25]) / 1.75)


def distilling(student):
    teacher = imu_student((32, 3), 4, width=8, depth=1, input_name="imu")
    losses = [tfkd.losses.SoftTargets(2.0)]
    distiller = tfkd.Distiller(teacher, student, losses, student_loss_weight=0.5)
    distiller.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    return distiller


def test_gradient_importance_is_the_squared_slope_of_the_distillation_loss():
    keras.utils.set_random_seed(0)
    student = imu_student((32, 3), 4, width=8, depth=2, dropout=0.0)
    channels, distiller = Channels(student), distilling(student)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 16, 32, 3)).astype("float32")
    y = np.eye(4, dtype="float32")[generator.integers(0, 4, (2, 16))]
    before = [np.array(w) for w in student.weights]
    scores = gradient_importance(channels, distiller, zip(x, y))
    assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(before, student.weights))
    unit = channels.groups["block1_pointwise"][3]

    def loss(factor, batch):
        for weight, value in zip(student.weights, before):
            weight.assign(value)
        for name in channels.units.read_by:
            kernel = np.array(student.get_layer(name).kernel)
            kernel[..., channels.units.reads[name] == unit, :] *= factor
            student.get_layer(name).kernel.assign(kernel)
        return float(distiller.compute_loss(x[batch], y[batch], distiller(x[batch], training=True)))

    slopes = [(loss(1.002, batch) - loss(0.998, batch)) / 0.004 for batch in (0, 1)]
    assert scores[unit] == pytest.approx(np.mean(np.square(slopes)), rel=0.02)


def test_gradient_importance_refuses_what_it_cannot_use(monkeypatch):
    student = imu_student((32, 3), 4, width=8, depth=1)
    channels = Channels(student)
    with pytest.raises(ValueError, match="does not train the network"):
        gradient_importance(channels, distilling(imu_student((32, 3), 4, width=8, depth=1)), [])
    with pytest.raises(ValueError, match="holds no batch"):
        gradient_importance(channels, distilling(student), [])
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match=r"not on jax. Use weight_importance"):
        gradient_importance(channels, student, [])


def test_layers_of_channels_first_keep_their_channels():
    inputs = keras.Input((16, 32))
    x = layers.Conv1D(16, 3, padding="same", data_format="channels_first", name="first")(inputs)
    x = layers.Flatten(name="flat")(x)
    outputs = layers.Dense(4)(layers.Dense(16, name="free")(x))
    assert list(Channels(keras.Model(inputs, outputs)).groups) == ["free"]
    with pytest.raises(ChannelError, match="No channel of 'all' can be pruned; first cannot be pruned"):
        Channels(keras.Model(inputs, layers.Dense(4)(x), name="all"))


def test_what_cannot_leave_is_told():
    channels = Channels(imu_student((32, 3), 4, width=16, depth=1))
    for removed in ([0], [-1], [10**6], np.zeros(channels.units.count, bool)):
        with pytest.raises(ValueError, match="removed must be units of groups"):
            channels.without(removed)
    units = next(iter(channels.groups.values()))
    with pytest.raises(ValueError, match="removed holds all 16 channels"):
        channels.without(units)
    scores = np.ones(channels.units.count)
    scores[3] = np.nan
    with pytest.raises(ValueError, match="scores must be finite, but 1 of"):
        channels.least_important(scores, 10)
