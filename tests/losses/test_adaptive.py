"""Adaptive confidence: who is followed, and what that costs, by hand."""

import keras
import numpy as np
import pytest

from tests.losses.test_losses import gradient
from tfkd.losses import AdaptiveConfidence, adaptive_shares, soft_targets
from tfkd.losses.adaptive import SELECTIONS

# Probabilities of two teachers for five samples with the true class 0, 0, 0, 1, and none.
P = np.array(
    [
        [[0.6, 0.3, 0.1], [0.8, 0.1, 0.1]],  # both right, the second surer
        [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1]],  # the first is right
        [[0.3, 0.6, 0.1], [0.1, 0.8, 0.1]],  # both wrong
        [[0.2, 0.5, 0.3], [0.3, 0.4, 0.3]],
        [[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]],
    ],
    "float32",
)
LOGITS = np.log(P)
LABELS = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], "float32")
STUDENT = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 1, 0], [0, 1, 2]], "float32")


def shares(**settings):
    return np.asarray(adaptive_shares(LOGITS, LABELS, **settings))


def test_hard_choice():
    expected = [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_array_equal(shares(), expected)
    # Nobody is sure enough of samples 1 and 3; of the unlabelled one the second is.
    expected = [[0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_array_equal(shares(threshold=0.65), expected)


def test_mean_choice():
    expected = [[0.5, 0.5, 0], [1, 0, 0], [0, 0, 1], [0.5, 0.5, 0], [0.5, 0.5, 0]]
    np.testing.assert_array_equal(shares(selection="mean"), expected)
    available = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [0, 0]], "float32")
    expected = [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]]
    np.testing.assert_array_equal(shares(selection="mean", available=available), expected)


def test_vote():
    """What teachers say together counts, whatever the label says."""
    # By the products of their probabilities: 0, then 1 (.3 * .8 against .6 * .1), 1, 1, and 2 (.3 * .7, .5 * .1).
    expected = [[0.5, 0.5, 0], [0, 1, 0], [0.5, 0.5, 0], [0.5, 0.5, 0], [0, 1, 0]]
    np.testing.assert_array_equal(shares(selection="vote"), expected)
    # Of the surer than 0.65 alone; without one the label, if there is any.
    expected = [[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_array_equal(shares(selection="vote", threshold=0.65), expected)
    available = np.array([[1, 0], [1, 0], [0, 0], [1, 1], [0, 0]], "float32")
    expected = [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0, 0]]
    np.testing.assert_array_equal(shares(selection="vote", available=available), expected)
    # Neither names what both think likely: nobody is followed but the label.
    torn = np.log([[[0.5, 0.05, 0.45], [0.05, 0.5, 0.45]]]).astype("float32")
    np.testing.assert_array_equal(adaptive_shares(torn, LABELS[:1], selection="vote"), [[0, 0, 1]])


def test_absent_teachers_are_not_followed():
    available = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [0, 0]], "float32")
    expected = [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]]
    np.testing.assert_array_equal(shares(available=available), expected)
    soft = shares(available=available, selection="soft")
    np.testing.assert_allclose(soft[0], [0.6, 0, 0.4], atol=1e-6)
    np.testing.assert_allclose(soft[[3, 4]], [[0, 0, 1], [0, 0, 0]], atol=1e-6)


def test_soft_choice():
    soft = shares(selection="soft")
    # Weights in proportion to the confidences 0.6 and 0.8, each times its confidence.
    np.testing.assert_allclose(soft[0], [0.36 / 1.4, 0.64 / 1.4, 0.4 / 1.4], atol=1e-6)
    np.testing.assert_allclose(soft[4], [0.25 / 1.2, 0.49 / 1.2, 0], atol=1e-6)
    np.testing.assert_allclose(soft[:4].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(shares(selection="soft", softness=0.01)[0], [0, 0.8, 0.2], atol=1e-5)


def test_mixed_labels():
    # A teacher that gives exactly the mixture is perfectly confident in it.
    mixed = np.array([[0.7, 0.3, 0.0]], "float32")
    teacher = np.log(np.array([[[0.7, 0.3, 1e-9]]], "float32"))
    soft = np.asarray(adaptive_shares(teacher, mixed, selection="soft"))
    np.testing.assert_allclose(soft, [[1, 0]], atol=1e-4)
    # Half labelled: the label gets at most its half.
    np.testing.assert_allclose(np.asarray(adaptive_shares(-teacher, mixed / 2))[0, 1], 0.5, atol=1e-6)


def test_value():
    loss = AdaptiveConfidence(temperature=2.0)
    value = loss({"labels": LABELS, "logits": LOGITS, "embeddings": []}, {"logits": STUDENT, "embeddings": []})
    followed = np.array([LOGITS[0, 1], LOGITS[1, 0], LOGITS[2, 0], LOGITS[3, 0], LOGITS[4, 1]])
    each = np.array(soft_targets(followed, STUDENT, 2.0))
    each[2] = -np.log(np.exp(STUDENT[2, 0]) / np.exp(STUDENT[2]).sum())
    assert float(value) == pytest.approx(each.mean(), rel=1e-5)


def test_semantic_term_goes_to_the_chosen_teacher():
    known = [np.ones((5, 4), "float32"), np.full((5, 2), 3.0, "float32")]
    felt = [np.zeros((5, 4), "float32"), np.zeros((5, 2), "float32")]
    values = [
        float(
            AdaptiveConfidence(semantic=weight)(
                {"labels": LABELS, "logits": LOGITS, "embeddings": known}, {"logits": STUDENT, "embeddings": felt}
            )
        )
        for weight in (0.0, 0.5)
    ]
    # Samples 0 and 4 follow the second (distance 9), 1 and 3 the first (distance 1), 2 its label.
    assert values[1] - values[0] == pytest.approx(0.5 * (9 + 1 + 0 + 1 + 9) / 5, rel=1e-5)


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_gradient_is_finite(selection, size):
    loss = AdaptiveConfidence(selection=selection)

    def wrapped(teacher, student):
        return loss(
            {"labels": LABELS, "logits": teacher, "embeddings": []}, {"logits": student, "embeddings": []}
        )

    value, slope = gradient(wrapped, size * LOGITS, -size * STUDENT)
    assert np.isfinite(value) and np.isfinite(slope).all() and np.abs(slope).max() > 0


def test_who_is_not_heard_does_not_weigh():
    """An absent teacher, however sure, leaves the others their shares; what it says, NaN even, reaches nobody."""
    teacher = np.log([[[0.999, 0.001], [0.3, 0.7]]]).astype("float32")
    label, there = np.eye(2, dtype="float32")[:1], np.array([[0.0, 1.0]])
    soft = adaptive_shares(teacher, label, there, selection="soft", softness=0.005)
    np.testing.assert_allclose(soft, [[0, 0.3, 0.7]], atol=1e-6)
    teacher[0, 0] = np.nan
    loss = AdaptiveConfidence(selection="soft", semantic=1.0)
    said = {"labels": label, "available": there, "embeddings": [np.full((1, 2), np.nan, "float32"), label]}

    def wrapped(teacher, student):
        return loss({**said, "logits": teacher}, {"logits": student, "embeddings": [student, student]})

    value, slope = gradient(wrapped, teacher, np.zeros((1, 2), "float32"))
    assert np.isfinite(value) and np.isfinite(slope).all() and np.abs(slope).max() > 0


def test_what_is_given_is_checked():
    teachers, labels, student = np.zeros((4, 2, 3), "float32"), np.eye(3)[[0, 1, 2, 0]], np.zeros((4, 3), "float32")
    with pytest.raises(ValueError, match=r"selection must be one of \('hard', .*got 'best'"):
        adaptive_shares(teachers, labels, selection="best")
    for wrong in (np.arange(4) % 3, np.eye(4)):
        with pytest.raises(ValueError, match=r"one-hot labels \(batch, classes\), got the shapes \(4, 2, 3\) and \(4"):
            adaptive_shares(teachers, wrong)
    with pytest.raises(ValueError, match="give it to a tfkd.Distiller"):
        AdaptiveConfidence()(labels, student)
    told = {"logits": teachers, "labels": labels, "embeddings": [student]}
    for embeddings in ({}, {"embeddings": [student, student]}):
        with pytest.raises(ValueError, match='"embeddings" of each of the 2 teachers.*got [01] pairs'):
            AdaptiveConfidence(semantic=1.0)(told, {"logits": student, **embeddings})


def test_round_trip_and_refusals():
    loss = AdaptiveConfidence(3.0, "soft", 0.2, 0.5, 0.1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    for wrong in (
        {"temperature": 0}, {"selection": "best"}, {"threshold": 1.5}, {"softness": 0}, {"semantic": -1},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(wrong))):
            AdaptiveConfidence(**wrong)
