"""One small trained student, converted and exported once for all tests of this folder."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest

WINDOW, CHANNELS, CLASSES = 32, 3, 3


def make_windows(count, seed):
    """Sine waves in noise whose frequency is the class: easy, but not trivial to quantise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    time = np.arange(WINDOW)[None, :, None]
    phase = generator.uniform(0, 2 * np.pi, (count, 1, CHANNELS))
    waves = np.sin(2 * np.pi * time * (2 + 4 * labels[:, None, None]) / WINDOW + phase)
    return (waves + generator.normal(0, 0.1, waves.shape)).astype(np.float32), labels


def make_student():
    """A depthwise-separable network written in 2-D layers, as tfkd's students are."""
    import keras
    from keras import layers

    inputs = keras.Input((WINDOW, CHANNELS), name="imu")
    x = layers.Reshape((WINDOW, 1, CHANNELS))(inputs)
    x = layers.Conv2D(8, (5, 1), padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D((3, 1), strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(12, 1)(x)
    x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, name="logits")(x), name="student")


def trained(model):
    """The model, trained on the waves."""
    import keras

    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)  # TensorFlow traces a step twice if the first creates variables
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.fit(*make_windows(192, seed=1), epochs=20, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="session")
def student():
    import keras

    keras.utils.set_random_seed(0)
    return trained(make_student())


@pytest.fixture(scope="session")
def model_bytes(student):
    from tfkd.deploy import convert_int8

    return convert_int8(student, make_windows(48, seed=1)[0])


@pytest.fixture(scope="session")
def tflm(model_bytes):
    from tfkd.deploy import TflmModel

    return TflmModel(model_bytes)


@pytest.fixture(scope="session")
def facts():
    return {
        "dataset": "waves",
        "split": "odd people train, even people test",
        "windowing": "stream",
        "sample_rate_hz": 50.0,
        "window": WINDOW,
        "hop": 16,
        "channels": ["acc_x", "acc_y", "acc_z"],
        "units": ["g", "g", "g"],
        "mean": [0.1, -0.2, 1.0],
        "scale": [0.5, 0.25, 2.0],
        "encoding": "none",
        "labels": ['say "hi"', "back\\slash ??/ 100%", "Größe 手"],
    }


@pytest.fixture(scope="session")
def golden():
    x, labels = make_windows(6, seed=2)
    labels = labels.copy()
    labels[-1] = -1
    return {"ids": [f"a{i}_s1_t1" for i in range(6)], "x": x, "labels": labels}


@pytest.fixture(scope="session")
def exported(student, facts, golden, tmp_path_factory):
    from tfkd.deploy import export_student

    return export_student(
        student,
        tmp_path_factory.mktemp("run") / "export",
        calibration=make_windows(48, seed=1)[0],
        contract_facts=facts,
        golden=golden,
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture
def folder(exported, tmp_path):
    """A copy of the export that a test may spoil."""
    copy = tmp_path / "run" / "export"
    copy.mkdir(parents=True)
    for name, data in contents(exported.folder).items():
        (copy / name).write_bytes(data)
    return copy
