"""Stages in a row: warm-started, resumable to the bit, refused early when they cannot run."""

import shutil

import keras
import numpy as np
import pytest

from tests.distillers.conftest import make_batch, make_student, make_teacher, same, weights
from tfkd.distillers import Distiller, Progressive, Stage
from tfkd.losses import SoftTargets

LOSS = keras.losses.CategoricalCrossentropy(from_logits=True)


def chain(folder=None, epochs=(2, 2)):
    """A teacher teaches an assistant, and that one a student; then the student goes on with the teacher."""
    teacher, assistant, student = make_teacher(), make_student(8, "assistant"), make_student(4)
    stages = [
        Stage("assistant", Distiller(teacher, assistant, SoftTargets(2.0)), epochs[0]),
        Stage("student", Distiller(assistant, student, SoftTargets(2.0)), epochs[1], learning_rate=0.02),
        Stage("finish", Distiller(teacher, student, SoftTargets(2.0)), 2, learning_rate=0.001),
    ]
    training = Progressive(stages, folder)
    training.compile(keras.optimizers.Adam(0.01), LOSS, weighted_metrics=["accuracy"], run_eagerly=True)
    return training


def fitted(training, batch, **settings):
    return training.fit(*batch, batch_size=12, shuffle=False, verbose=0, **settings)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training without a break, its history and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    training = chain(folder)
    return training, fitted(training, make_batch(np.random.default_rng(0))), folder


def test_stages_start_from_each_other(whole):
    training, history, _ = whole
    assert {name: len(h["loss"]) for name, h in history.items()} == {"assistant": 2, "student": 2, "finish": 2}
    assert history["student"]["loss"][-1] < history["student"]["loss"][0]
    # Warm: the last stage goes on below where the student began.
    assert history["finish"]["label_loss"][0] < history["student"]["label_loss"][0]
    assert training.student is training.stages[1].distiller.student
    assert float(training.stages[1].distiller.optimizer.learning_rate) == pytest.approx(0.02)
    assert float(training.stages[0].distiller.optimizer.learning_rate) == pytest.approx(0.01)


class Killed(keras.callbacks.Callback):
    """Stops the process, as it were, after some epochs."""

    def __init__(self, epochs):
        super().__init__()
        self.left = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


@pytest.mark.parametrize("epochs", [3, 4])  # within a stage, and between two
def test_an_interrupted_training_goes_on_to_the_same_bits(batch, whole, tmp_path, epochs):
    uninterrupted, expected, _ = whole
    folder = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        fitted(chain(folder), batch, callbacks=[Killed(epochs)])
    again = chain(folder)
    history = fitted(again, batch)
    assert same(weights(again.student), weights(uninterrupted.student))
    assert history["finish"]["loss"][-1] == expected["finish"]["loss"][-1]
    # Finished: nothing is trained a second time, not by so much as an epoch.
    third = chain(folder)
    assert fitted(third, batch, callbacks=[Killed(0)]) == {**history}
    assert same(weights(third.student), weights(uninterrupted.student))


def test_a_folder_of_other_stages_is_refused(batch, whole, tmp_path):
    shutil.copytree(whole[-1], tmp_path, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"assistant.json was left by another stage 'assistant': its epochs differ"):
        fitted(chain(tmp_path, epochs=(5, 4)), batch)


def test_refusals(batch):
    teacher, student = make_teacher(), make_student()
    distiller = Distiller(teacher, student, SoftTargets())
    chained = Distiller(student, make_student(4), SoftTargets())
    for stages, message in (
        ([], "empty"),
        ([Stage("a", distiller, 0)], "'a': epochs must be .* got 0"),
        ([Stage("a", distiller, 1), Stage("a", distiller, 1)], "Two stages are called 'a'"),
        ([Stage("a/b", distiller, 1)], "letters, digits"),
        ([Stage("a", chained, 1), Stage("b", distiller, 1)], "'a' has a teacher that is not trained before stage 'b'"),
    ):
        with pytest.raises(ValueError, match=message):
            Progressive(stages)
    training = Progressive([Stage("a", distiller, 1)])
    with pytest.raises(ValueError, match="compile"):
        training.fit(*batch)
    training.compile("adam", LOSS)
    with pytest.raises(ValueError, match="epochs=3 is each stage's own"):
        training.fit(*batch, epochs=3)
