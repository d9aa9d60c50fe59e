"""Small teachers, students and batches."""

import keras
import numpy as np
import pytest
from keras import layers

CLASSES, ROWS = 3, 24
# For single steps: tracing takes longer than they do. JAX without compilation compiles operation by operation.
UNTRACED = {"run_eagerly": keras.backend.backend() != "jax"}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def make_batch(rng):
    """`(inputs, one_hot)`: paired skeleton and IMU windows."""
    x = {
        "imu": rng.normal(size=(ROWS, 8, 6)).astype("float32"),
        "skeleton": rng.normal(size=(ROWS, 4, 5, 3)).astype("float32"),
    }
    return x, np.eye(CLASSES, dtype="float32")[rng.integers(CLASSES, size=ROWS)]


@pytest.fixture
def batch(rng):
    return make_batch(rng)


def repeated(arrays, times):
    """A batch many times over, for an epoch of many steps: an epoch of its own for each takes ten times as long."""
    return keras.tree.map_structure(lambda v: np.tile(v, (times, *[1] * (v.ndim - 1))), arrays)


def make_student(width=6, name="student", **dense):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 6), name="imu")
    x = layers.Conv1D(8, 3, use_bias=False, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(width, activation="relu", name="embedding", **dense)(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Dense(CLASSES, name="logits")(x), name=name)


def make_teacher(width=10):
    keras.utils.set_random_seed(2)
    skeleton = keras.Input((4, 5, 3), name="skeleton")
    imu = keras.Input((8, 6), name="imu")
    x = layers.Concatenate()([layers.Flatten()(skeleton), layers.Flatten()(imu)])
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Dense(width, activation="tanh", name="embedding", kernel_regularizer="l2")(x)
    return keras.Model({"skeleton": skeleton, "imu": imu}, layers.Dense(CLASSES, name="logits")(x))


def no_dropout(student):
    for layer in student.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
    return student


def compiled(distiller, **settings):
    # TensorFlow traces a step twice if the first creates variables: the optimizer's and the metric's exist before.
    settings.setdefault("weighted_metrics", [keras.metrics.CategoricalAccuracy(name="accuracy")])
    distiller.compile(
        settings.pop("optimizer", None) or keras.optimizers.Adam(0.01),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        # JAX without compilation runs operation by operation.
        jit_compile=keras.backend.backend() == "jax",
        **settings,
    )
    distiller.optimizer.build(distiller.trainable_variables)
    return distiller


def weights(model):
    return [np.array(v) for v in model.variables]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))
