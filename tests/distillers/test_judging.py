"""Teachers are judged before they teach."""

import keras
import numpy as np
import pytest
from keras import layers

from tfkd.distillers import judge_teachers


def fixed(outputs, name):
    """A model that answers sample i of the classes 0..2 with `outputs[i]`."""
    inputs = keras.Input((3,), name="x")
    model = keras.Model(inputs, layers.Dense(3, use_bias=False)(inputs), name=name)
    model.set_weights([5 * np.eye(3)[outputs].astype("float32")])
    return model


LABELS = np.array([0, 1, 2, 0, 1, 2, 0, -1])
X = {"x": np.eye(3, dtype="float32")[LABELS]}


def test_right_answers_are_counted_where_there_is_a_label():
    right = judge_teachers({"good": fixed([0, 1, 2], "a"), "poor": fixed([0, 0, 0], "b")}, (X, LABELS))
    assert right == {"good": 1.0, "poor": pytest.approx(3 / 7)}
    one_hot = np.where(LABELS[:, None] >= 0, np.eye(3)[LABELS], 0)
    halves = [({"x": X["x"][i]}, one_hot[i]) for i in (slice(0, 4), slice(4, None))]
    assert judge_teachers({"good": fixed([0, 1, 2], "a")}, halves) == {"good": 1.0}


def test_a_teacher_of_other_class_order_is_refused():
    with pytest.raises(ValueError, match=r"'moved' is right in 0.0 % .* 100.0 % .* class 0 at 1"):
        judge_teachers({"moved": fixed([1, 2, 0], "a")}, (X, LABELS))


def test_a_teacher_worse_than_the_student_is_named_with_both_figures():
    with pytest.warns(UserWarning, match=r"'poor' is right in 42.9 % .* student in 100.0 %"):
        judge_teachers({"poor": fixed([0, 0, 0], "a")}, (X, LABELS), student=fixed([0, 1, 2], "b"))


def test_a_teacher_is_judged_on_what_it_can_see():
    """Half of the samples were not recorded for it; weights, and how the samples come, make no difference."""
    x = {"x": np.concatenate([X["x"], np.zeros_like(X["x"])]), "has_x": np.repeat([1.0, 0.0], 8)}
    y = np.tile(LABELS, 2)
    teachers = {"good": fixed([0, 1, 2], "a")}
    for batches in ((x, y), [x, y], (x, y, np.ones(16)), [(x, y, np.ones(16))]):
        assert judge_teachers(teachers, batches) == {"good": 1.0}


def test_what_cannot_be_judged():
    broken = fixed([0, 1, 2], "a")
    broken.set_weights([np.full((3, 3), np.nan)])
    for teachers, labels, message in (
        ({}, LABELS, "must be a dictionary of live Keras models"),
        ({"a": None}, LABELS, "must be a dictionary of live Keras models"),
        ({"broken": broken}, LABELS, "'broken' returns NaN"),
        ({"few": fixed([0, 1, 2], "a")}, LABELS + 3, "'few' tells 3 classes apart, but the labels have 6"),
        ({"few": fixed([0, 1, 2], "a")}, np.eye(5)[LABELS], "'few' tells 3 classes apart, but the labels have 5"),
    ):
        with pytest.raises(ValueError, match=message):
            judge_teachers(teachers, (X, labels))


def test_nothing_to_judge_by():
    with pytest.raises(ValueError, match="No sample in batches has a label and what a sees"):
        judge_teachers({"a": fixed([0, 1, 2], "a")}, (X, np.full(8, -1)))
