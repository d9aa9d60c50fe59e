"""Packing: a skeleton teacher for an IMU student, with and without an assistant."""

import keras
import numpy as np
import pytest

import tfkd
from tfkd.distillers import Progressive


def network(name, width, inputs):
    x = keras.Input(inputs, name=name)
    hidden = keras.layers.Dense(width, activation="tanh", name="embedding")(keras.layers.Flatten()(x))
    return keras.Model(x, keras.layers.Dense(3, name="logits")(hidden))


@pytest.fixture
def models():
    return network("skeleton", 8, (4, 2, 3)), network("imu", 8, (6, 3)), network("imu", 4, (6, 3))


@pytest.fixture
def windows():
    rng = np.random.default_rng(0)
    labels = keras.utils.to_categorical(rng.integers(0, 3, 12), 3)
    labels[8:] = 0  # nobody said what was done there
    return {"skeleton": rng.normal(size=(12, 4, 2, 3)), "imu": rng.normal(size=(12, 6, 3))}, labels


def compiled(training):
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    training.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    return training


def test_a_student_is_taught_directly(models, windows):
    teacher, _, student = models
    before = student.get_weights()
    training = compiled(tfkd.methods.packing(teacher=teacher, student=student))
    history = training.fit(*windows, epochs=2, verbose=0).history
    assert {"loss", "soft_targets_loss"} <= set(history) and history["loss"][1] < history["loss"][0]
    assert any((a != b).any() for a, b in zip(before, student.get_weights()))


def test_an_assistant_stands_between(models, windows, tmp_path):
    teacher, assistant, student = models
    taught, left = teacher.get_weights(), assistant.get_weights()
    training = tfkd.methods.packing(
        teacher=teacher, student=student, assistant=assistant, epochs=(2, 1), folder=tmp_path
    )
    assert isinstance(training, Progressive) and training.student is student
    history = compiled(training).fit(*windows, verbose=0)
    assert [len(history[stage]["loss"]) for stage in ("assistant", "student")] == [2, 1]
    assert any((a != b).any() for a, b in zip(left, assistant.get_weights()))
    np.testing.assert_equal(teacher.get_weights(), taught)
    assert (tmp_path / "student.keras").exists()


def test_nothing_to_distil_is_refused(models):
    teacher, _, student = models
    teacher, assistant, student = models
    for wrong in (60, (1, 2, 3)):
        with pytest.raises(ValueError, match="epochs must be two numbers"):
            tfkd.methods.packing(teacher=teacher, assistant=assistant, student=student, epochs=wrong)
    with pytest.raises(ValueError, match="soft_targets is 0"):
        tfkd.methods.packing(teacher=teacher, student=student, soft_targets=0)
