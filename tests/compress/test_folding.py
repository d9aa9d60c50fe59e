"""BatchNormalization in the kernels: the same outputs, fewer layers."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.backend_values import filled
from tfkd.compress.folding import fold
from tfkd.networks import causal_student


def test_folds_into_each_kind_of_layer_and_computes_the_same():
    inputs = keras.Input((12, 3), name="imu")
    x = layers.BatchNormalization(scale=False, name="a_bn")(layers.Conv1D(4, 3, name="a")(inputs))
    x = layers.Reshape((10, 1, 4))(layers.ReLU(name="a_relu")(x))
    x = layers.DepthwiseConv2D((3, 1), depth_multiplier=2, use_bias=False, name="b")(x)
    y = layers.BatchNormalization(center=False, name="b_bn")(x)
    x = layers.BatchNormalization(name="c_bn")(layers.Conv2D(8, 1, name="c")(y))
    x = layers.Flatten()(layers.Add()([x, y]))
    x = layers.BatchNormalization(name="embedding_bn")(layers.Dense(5, name="embedding")(x))
    student = filled(keras.Model(inputs, layers.Dense(2, name="logits")(x), name="student"))
    x = np.random.default_rng(1).normal(size=(4, 12, 3)).astype("float32")
    before = [weight.copy() for weight in student.get_weights()]
    folded = fold(student)
    expected = student.predict(x, verbose=0)
    np.testing.assert_allclose(folded.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    names = [layer.name for layer in folded.layers]
    assert names == [layer.name for layer in student.layers if not isinstance(layer, layers.BatchNormalization)]
    assert (folded.name, folded.inputs[0].name) == ("student", "imu")
    assert all(np.array_equal(a, b) for a, b in zip(before, student.get_weights(), strict=True))


def test_a_causal_student_and_a_sequential_one_fold():
    x = np.random.default_rng(1).normal(size=(2, 32, 3)).astype("float32")
    causal = filled(causal_student((32, 3), 2, width=4, depth=2, kernel=3, strides=(2, 1)))
    plain = keras.Sequential([keras.Input((32, 3)), layers.Conv1D(2, 3), layers.BatchNormalization(), layers.Flatten()])
    for student in (causal, filled(plain)):
        expected = student.predict(x, verbose=0)
        atol = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(fold(student).predict(x, verbose=0), expected, rtol=1e-4, atol=atol)


def with_norm(make):
    inputs = keras.Input((8, 3), name="imu")
    x = make(inputs, layers.BatchNormalization(name="bn"))
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)), name="student")


def test_what_cannot_be_folded_is_named():
    def taken_twice(inputs, norm):
        x = layers.Conv1D(4, 3, name="conv")(inputs)
        return layers.Add()([norm(x), x])

    for make, what in (
        (lambda inputs, norm: norm(layers.ReLU(name="relu")(inputs)), "'bn' cannot be folded into 'relu' .ReLU"),
        (lambda inputs, norm: norm(layers.Conv1D(4, 3, activation="relu", name="conv")(inputs)), "into 'conv'"),
        (taken_twice, "whose output goes nowhere else"),
    ):
        with pytest.raises(ValueError, match=what):
            fold(with_norm(make))
    twice = layers.Conv1D(3, 1, name="same")
    with pytest.raises(ValueError, match="'same' is called twice"):
        fold(with_norm(lambda inputs, norm: norm(layers.Conv1D(3, 1)(twice(twice(inputs))))))
    nested = keras.Sequential([keras.Input((8, 3)), layers.Conv1D(3, 1)], name="block")
    with pytest.raises(ValueError, match="holds the model 'block' as one layer"):
        fold(keras.Sequential([keras.Input((8, 3)), nested, layers.Dense(2)]))
    with pytest.raises(ValueError, match="built Functional or Sequential"):
        fold(keras.Sequential([layers.Dense(2)]))
