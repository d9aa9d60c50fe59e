"""Models and settings that cannot work are refused before anything is trained."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.distillers.conftest import UNTRACED, compiled, make_student, make_teacher, no_dropout
from tfkd.distillers import AdaptiveDistillation, Distiller, FeatureDistillation
from tfkd.losses import AdaptiveConfidence, DistanceWise, SoftTargets


def ending_in(model, *ends):
    """The model with other layers after its embedding."""
    x = model.get_layer("embedding").output
    for layer in ends:
        x = layer(x)
    return keras.Model(model.inputs, x, name="other")


def two_headed():
    student = make_student()
    return keras.Model(student.inputs, [student.output, student.get_layer("embedding").output])


STUDENT, TEACHER = make_student(), make_teacher()


def softmax(model, apart=False):
    return ending_in(model, *((layers.Dense(3), layers.Softmax()) if apart else (layers.Dense(3, "softmax"),)))


@pytest.mark.parametrize(
    "teacher, student, term, message",
    [
        (TEACHER, two_headed(), SoftTargets(), "has 2 outputs. Make a model of its logits"),
        (TEACHER, ending_in(STUDENT, layers.Dense(1)), SoftTargets(), "answers with one logit"),
        (STUDENT, STUDENT, SoftTargets(), "share variables"),
        (ending_in(STUDENT, layers.Dense(3)), STUDENT, SoftTargets(), "The student .* and the teacher share variables"),
        (softmax(TEACHER), STUDENT, SoftTargets(), "teacher 'other' ends in softmax"),
        (TEACHER, softmax(STUDENT, apart=True), SoftTargets(), "student 'other' ends in softmax"),
        ({"a": softmax(TEACHER, apart=True)}, STUDENT, AdaptiveConfidence(), "teacher 'a' 'other' ends in softmax"),
        (softmax(TEACHER), STUDENT, keras.distillation.LogitsDistillation(), "ends in softmax"),
        (
            ending_in(TEACHER, layers.Dense(7)),
            STUDENT,
            SoftTargets(),
            "teacher tells 7 classes .* student 3",
        ),
        (TEACHER, STUDENT, "kl", "distillation_losses must be .* got 'kl'"),
        (TEACHER, STUDENT, None, "distillation_losses must be .* got None"),
        ({"a": TEACHER}, STUDENT, SoftTargets(), r"teacher=None.*LogitsLoss\(loss, teacher='a'\)"),
        (
            {"a": TEACHER},
            STUDENT,
            AdaptiveDistillation(projectors={"b": layers.Dense(6)}),
            r"projectors for \['b'\], but listens to \['a'\]",
        ),
    ],
)
def test_models_that_cannot_teach_or_learn(teacher, student, term, message):
    with pytest.raises(ValueError, match=message):
        Distiller(teacher, student, term)


def test_what_does_not_compare_answers_takes_any_model():
    """Relations between embeddings care neither for classes nor for how a model ends."""
    for teacher in (softmax(make_teacher()), ending_in(make_teacher(), layers.Dense(7))):
        Distiller(teacher, make_student(), FeatureDistillation(DistanceWise()))
    with pytest.raises(ValueError, match="projector must be a Keras layer"):
        FeatureDistillation(DistanceWise(), projector=192)


def test_a_loss_of_probabilities_is_refused():
    distiller = Distiller(make_teacher(), make_student(), SoftTargets())
    for loss, name in (
        ("categorical_crossentropy", "'categorical_crossentropy'"),
        (keras.losses.sparse_categorical_crossentropy, "sparse_categorical_crossentropy"),
        (keras.losses.CategoricalCrossentropy(), "CategoricalCrossentropy"),
    ):
        with pytest.raises(ValueError, match=f"loss={name} expects probabilities, but the student 'student' returns"):
            distiller.compile("adam", loss)
    of_logits = keras.losses.CategoricalCrossentropy(from_logits=True)
    for loss in (of_logits, "mse", lambda y, p: keras.ops.mean(y - p), None):
        distiller.compile("adam", loss)


def test_numbers_of_numpy_are_numbers():
    terms = [SoftTargets(np.int64(2)), SoftTargets(np.float32(3))]
    distiller = Distiller(make_teacher(), make_student(), terms, np.ones(2), np.float32(0.5))
    assert distiller.get_config()["student_loss_weight"] == 0.5
    assert Distiller(make_teacher(), make_student(), SoftTargets(), np.float32(1)).distillation_loss_weights == [1.0]
    for wrong in ("1.0", [None], [float("nan")]):
        with pytest.raises(ValueError, match="distillation_loss_weights must be a number of at least 0"):
            Distiller(make_teacher(), make_student(), SoftTargets(), wrong)


def test_class_weights_leave_what_has_no_label_alone(batch):
    """However little its class counts, an unlabelled window trains through the teacher with its whole weight."""
    x, y = batch
    numbers = y.argmax(axis=1)
    unlabelled = np.arange(len(y)) % 2 == 0
    y = np.where(unlabelled[:, None], 0, y)
    numbers = np.where(unlabelled, -1, numbers)
    weights = {0: 0.01, 2: 3.0}
    logs = []
    for labels, loss, arguments in (
        (y, keras.losses.CategoricalCrossentropy, {"class_weight": weights}),
        (numbers, keras.losses.SparseCategoricalCrossentropy, {"class_weight": weights}),
        (y, keras.losses.CategoricalCrossentropy, {"sample_weight": np.array([0.01, 1, 3, 1])[numbers]}),
    ):
        distiller = Distiller(make_teacher(), no_dropout(make_student()), SoftTargets(2.0))
        distiller.compile(keras.optimizers.SGD(0.0), loss(from_logits=True), **UNTRACED)
        logs.append(distiller.fit(x, labels, batch_size=len(y), verbose=0, **arguments).history)
    assert logs[0] == logs[2] and logs[1]["loss"] == pytest.approx(logs[0]["loss"], rel=1e-5)
    for wrong, message in (({3: 1.0}, r"names \[3\]; the classes are 0 to 2"), ({0: -1}, "class_weight must be")):
        with pytest.raises(ValueError, match=message):
            distiller.fit(x, y, class_weight=wrong)


def test_other_class_weights_in_a_second_fit_count(batch):
    x, y = batch
    distiller = Distiller(make_teacher(), no_dropout(make_student()), SoftTargets())
    compiled(distiller, optimizer=keras.optimizers.SGD(0.0))
    losses = [
        distiller.fit(x, y, batch_size=len(y), verbose=0, class_weight=weights).history["label_loss"][0]
        for weights in ({0: 5.0}, {1: 0.0}, None)
    ]
    assert len(set(losses)) == 3


def test_parts_of_the_loss_add_up_over_batches_of_unequal_size(batch):
    x, y = batch
    distiller = Distiller(make_teacher(), no_dropout(make_student()), SoftTargets(2.0), student_loss_weight=0.5)
    distiller.compile(keras.optimizers.SGD(0.0), keras.losses.CategoricalCrossentropy(from_logits=True), **UNTRACED)
    logs = distiller.fit(x, y, batch_size=len(y) - 1, shuffle=False, verbose=0).history
    assert logs["loss"][0] == pytest.approx(0.5 * logs["label_loss"][0] + logs["soft_targets_loss"][0], rel=1e-5)


def test_without_labels_there_are_no_metrics_of_them(batch):
    distiller = compiled(Distiller(make_teacher(), make_student(), SoftTargets()), weighted_metrics=None, **UNTRACED)
    logs = distiller.fit(batch[0], verbose=0).history
    assert set(logs) == {"loss", "label_loss", "soft_targets_loss"} and logs["loss"][0] > 0
    with pytest.raises(ValueError, match="compile was given metrics of the labels, but the batch has none"):
        compiled(distiller, **UNTRACED).fit(batch[0], verbose=0)


def test_rows_of_minus_one_are_unlabelled(batch):
    x, y = batch
    half = np.arange(len(y))[:, None] % 2 == 0
    losses = []
    for filled in (0.0, -1.0):
        distiller = compiled(Distiller(make_teacher(), no_dropout(make_student()), SoftTargets()), **UNTRACED)
        losses.append(distiller.fit(x, np.where(half, filled, y), batch_size=len(y), verbose=0).history)
    assert losses[0] == losses[1]


def test_a_stored_teacher_says_by_its_name_what_it_saw(batch):
    x, y = batch
    outputs = {"teacher_logits": np.ones_like(y), "has_skeleton": np.zeros(len(y))}
    distiller = compiled(Distiller(None, make_student(), SoftTargets()), **UNTRACED)
    with pytest.raises(ValueError, match=r"holds \['has_skeleton'\], but what a stored teacher saw .* 'has_teacher'"):
        distiller.train_on_batch({**x, **outputs}, y)
    x = {**x, "teacher_logits": np.full_like(y, np.nan), "has_teacher": np.zeros(len(y))}
    assert distiller.train_on_batch(x, y, return_dict=True)["soft_targets_loss"] == 0
