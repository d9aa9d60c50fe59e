"""The Distiller does what a Keras user expects of any model, and what Keras' own does not."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.distillers.conftest import (
    CLASSES,
    ROWS,
    UNTRACED,
    compiled,
    make_student,
    make_teacher,
    no_dropout,
    repeated,
    same,
    weights,
)
from tfkd.distillers import Distiller, FeatureDistillation
from tfkd.losses import DASK, DistanceWise, Semantic, SoftTargets

FULL = {
    "distillation_losses": [
        SoftTargets(2.0),
        FeatureDistillation(DistanceWise()),
    ],
    "distillation_loss_weights": [0.5, 2.0],
    "student_loss_weight": 0.3,
}


def with_projector():
    keras.utils.set_random_seed(3)
    return FeatureDistillation(Semantic(), projector=layers.Dense(10, name="projector"))


def manual_loss(distiller, x, y, sample_weight=None):
    """The loss of one step, put together by hand from the two models' outputs in training mode."""
    student, teacher = distiller.student, distiller.teacher
    taps = keras.Model(student.input, [student.output, student.get_layer("embedding").output])
    said, felt = taps(x["imu"], training=True)
    taps = keras.Model(teacher.inputs, [teacher.output, teacher.get_layer("embedding").output])
    told, known = taps([x["imu"], x["skeleton"]], training=False)
    label = keras.losses.CategoricalCrossentropy(from_logits=True)(y, said, sample_weight)
    soft = SoftTargets(2.0)(told, said, sample_weight)
    distance = DistanceWise()(known, felt, sample_weight)
    return 0.3 * label + 0.5 * soft + 2.0 * distance + sum(map(ops.sum, student.losses))


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_is_the_sum_it_says(batch, weighted):
    x, y = batch
    student = no_dropout(make_student(kernel_regularizer="l2"))
    distiller = compiled(Distiller(make_teacher(), student, **FULL), optimizer=keras.optimizers.SGD(0.0))
    sample_weight = np.linspace(0, 2, len(y), dtype="float32") if weighted else None
    expected = float(manual_loss(distiller, x, y, sample_weight))
    logs = distiller.train_on_batch(x, y, sample_weight, return_dict=True)
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert {"label_loss", "soft_targets_loss", "distance_wise_loss", "accuracy"} <= set(logs)


def test_class_weights_reach_every_term(batch):
    x, y = batch
    logs = []
    for arguments in (
        {"class_weight": {0: 0.5, 1: 3.0, 2: 1.0}},
        {"sample_weight": np.array([0.5, 3.0, 1.0], "float32")[y.argmax(1)]},
    ):
        distiller = compiled(Distiller(make_teacher(), no_dropout(make_student()), **FULL), **UNTRACED)
        logs.append(distiller.fit(x, y, batch_size=len(y), verbose=0, **arguments).history)
    assert logs[0] == logs[1]


class Counting(layers.Layer):
    """Counts forward passes as they happen."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, dtype="int32")

    def call(self, inputs):
        self.count.assign_add(1)
        return inputs + 0.0


def counted(model):
    inputs = {t.name: keras.Input(t.shape[1:], name=t.name) for t in model.inputs}
    counter = Counting()
    reader = keras.Model(model.inputs, [model.output, model.get_layer("embedding").output])
    logits, embedding = reader(list(inputs.values()))
    embedding = layers.Identity(name="embedding")(embedding)
    return keras.Model(inputs, counter(logits) + 0 * ops.mean(embedding)), counter


def test_one_forward_pass_a_step(batch):
    x, y = batch
    student, student_counter = counted(make_student())
    teacher, teacher_counter = counted(make_teacher())
    distiller = compiled(Distiller(teacher, student, **FULL))
    distiller.fit(x, y, batch_size=8, epochs=2, verbose=0)
    steps = 2 * (len(y) // 8)
    assert int(student_counter.count) == steps
    assert int(teacher_counter.count) == steps
    distiller.evaluate(x, y, batch_size=8, verbose=0)
    assert int(teacher_counter.count) == steps, "evaluate asks the student alone"


def test_teacher_is_as_it_was(batch):
    x, y = batch
    teacher = make_teacher()
    before, flags = weights(teacher), [layer.trainable for layer in teacher.layers]
    distiller = compiled(Distiller(teacher, make_student(), **FULL), **UNTRACED)
    assert not {id(v) for v in teacher.variables} & {id(v) for v in distiller.trainable_variables}
    distiller.fit(x, y, verbose=0)
    assert same(before, weights(teacher)) and flags == [layer.trainable for layer in teacher.layers]
    assert len(teacher.trainable_variables) > 0
    assert distiller.losses == [], "the teacher's regularisers are not the student's"


def test_evaluate_changes_no_state_and_reports_the_student(batch):
    x, y = batch
    distiller = compiled(Distiller(make_teacher(), make_student(), **FULL), **UNTRACED)
    distiller.fit(x, y, verbose=0)
    before = weights(distiller.student), weights(distiller.teacher), weights(distiller.optimizer)
    ours = distiller.evaluate(x, y, verbose=0, return_dict=True)
    assert same(before[0], weights(distiller.student)) and same(before[1], weights(distiller.teacher))
    assert same(before[2], weights(distiller.optimizer))
    alone = compiled(distiller.student, **UNTRACED).evaluate(x["imu"], y, verbose=0, return_dict=True)
    assert ours == pytest.approx(alone)
    np.testing.assert_array_equal(distiller.predict(x, verbose=0), distiller.student.predict(x["imu"], verbose=0))


def test_save_load_and_continue_equals_uninterrupted(batch, tmp_path):
    x, y = batch

    def fresh():
        terms = [SoftTargets(2.0), with_projector()]
        return compiled(Distiller(make_teacher(), make_student(), terms))

    whole = fresh()
    whole.fit(x, y, epochs=4, batch_size=8, shuffle=False, verbose=0)
    parts = fresh()
    parts.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
    parts.save(tmp_path / "distiller.keras")
    again = keras.models.load_model(tmp_path / "distiller.keras", safe_mode=True)
    assert same(weights(again.optimizer), weights(parts.optimizer))
    assert same(weights(again.teacher), weights(parts.teacher))
    again.fit(x, y, epochs=4, initial_epoch=2, batch_size=8, shuffle=False, verbose=0)
    assert same(weights(whole.student), weights(again.student))
    assert same(weights(whole.projectors[0]), weights(again.projectors[0]))
    assert not same(weights(whole.student), weights(parts.student)), "continuing did change something"


def test_projector_is_trained_and_left_behind(batch):
    x, y = batch
    term = with_projector()
    distiller = compiled(Distiller(make_teacher(), make_student(), term, student_loss_weight=0.0), **UNTRACED)
    before = weights(term.projector)
    names = [v.path for v in make_student().weights]
    distiller.fit(x, y, verbose=0)
    assert not same(before, weights(term.projector))
    assert [v.path for v in distiller.student.weights] == names


def test_different_widths_without_projector_are_refused(batch):
    distiller = compiled(Distiller(make_teacher(10), make_student(6), FeatureDistillation(DASK())))
    with pytest.raises(ValueError, match=r"projector=keras.layers.Dense\(10\)"):
        distiller.fit(*batch, verbose=0)


@pytest.mark.parametrize("sparse", [False, True])
def test_unlabelled_windows_train_through_the_teacher_alone(batch, sparse):
    x, y = batch
    hidden = np.arange(len(y)) % 3 == 0

    def trained(labels, sample_weight=None, **weight):
        student = no_dropout(make_student())
        distiller = Distiller(make_teacher(), student, SoftTargets(2.0), **weight)
        loss = keras.losses.SparseCategoricalCrossentropy if sparse else keras.losses.CategoricalCrossentropy
        distiller.compile(keras.optimizers.SGD(0.1), loss(from_logits=True), **UNTRACED)
        distiller.fit(x, labels, batch_size=len(y), sample_weight=sample_weight, epochs=2, verbose=0)
        return weights(student)

    labels = y.argmax(1) if sparse else y
    unlabelled = np.where(hidden, -1, labels) if sparse else np.where(hidden[:, None], 0, labels)
    wrong = (labels + 1) % CLASSES if sparse else labels[:, [1, 2, 0]]
    nothing = np.full_like(labels, -1) if sparse else np.zeros_like(labels)
    assert same(trained(nothing), trained(wrong, student_loss_weight=0.0))
    assert not same(trained(nothing), trained(labels))
    # The hidden third adds nothing to the label loss: whatever stands there, weighted by zero, is equal.
    soft_only = np.where(hidden[:, None] if not sparse else hidden, wrong, labels)
    logs = []
    for given, weight in ((unlabelled, None), (soft_only, (~hidden).astype("float32"))):
        student = no_dropout(make_student())
        distiller = Distiller(make_teacher(), student, SoftTargets(2.0), 0.0)
        loss = keras.losses.SparseCategoricalCrossentropy if sparse else keras.losses.CategoricalCrossentropy
        distiller.compile(keras.optimizers.SGD(0.1), loss(from_logits=True), **UNTRACED)
        logs.append(distiller.train_on_batch(x, given, weight, return_dict=True)["label_loss"])
        last = weights(student)
        logs.append([float(np.abs(v).sum()) for v in last])
    assert logs[0] == pytest.approx(logs[2], rel=1e-6) and logs[1] == pytest.approx(logs[3], rel=1e-6)


def test_stored_outputs_equal_a_live_teacher(batch):
    x, y = batch
    teacher = make_teacher()
    taps = keras.Model(teacher.inputs, {"logits": teacher.output, "e": teacher.get_layer("embedding").output})
    told = taps([x["imu"], x["skeleton"]], training=False)
    stored = {
        "imu": x["imu"],
        "teacher_logits": np.asarray(told["logits"]),
        "teacher_embedding": np.asarray(told["e"]),
    }
    results = []
    for given, who in ((x, teacher), (stored, None)):
        student = make_student()
        compiled(Distiller(who, student, **FULL), **UNTRACED).fit(given, y, batch_size=8, shuffle=False, verbose=0)
        results.append(weights(student))
    for live, cached in zip(*results):
        np.testing.assert_allclose(live, cached, atol=1e-5)


def test_mixed_precision(batch):
    x, y = batch
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        student = make_student()
        distiller = compiled(Distiller(make_teacher(), student, [SoftTargets(2.0), with_projector()]))
        settings = {"batch_size": ROWS, "epochs": 3, "shuffle": False, "verbose": 0}
        history = distiller.fit(repeated(x, 10), repeated(y, 10), **settings).history
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert student.get_layer("conv").compute_dtype == "float16"
    assert isinstance(distiller.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(history["loss"]).all() and history["loss"][-1] < history["loss"][0]


def test_under_a_distribution_strategy(batch):
    import tensorflow as tf

    x, y = batch
    results = []
    for strategy in (None, tf.distribute.MirroredStrategy(["CPU:0"])):
        if strategy is None:
            distiller = compiled(Distiller(make_teacher(), no_dropout(make_student()), **FULL), **UNTRACED)
        else:
            with strategy.scope():
                distiller = compiled(Distiller(make_teacher(), no_dropout(make_student()), **FULL))
        results.append(distiller.fit(x, y, batch_size=8, shuffle=False, epochs=2, verbose=0).history["loss"])
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_distillation_teaches(batch):
    """Without any label, the student comes to agree with the teacher."""
    x, _ = batch
    teacher, student = make_teacher(), no_dropout(make_student(16))
    distiller = Distiller(teacher, student, SoftTargets(1.0), student_loss_weight=0.0)
    distiller.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    distiller.fit(repeated(x, 200), batch_size=ROWS, shuffle=False, verbose=0)
    agreed = np.asarray(student(x["imu"])).argmax(1) == np.asarray(teacher(x)).argmax(1)
    assert agreed.mean() > 0.9


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Distiller(make_teacher(), "student", SoftTargets()), "student must be a keras.Model"),
        (lambda: Distiller("teacher", make_student(), SoftTargets()), "teacher must be a keras.Model"),
        (
            lambda: Distiller(make_teacher(), make_student(), [SoftTargets()], [1, 2]),
            "2 entries for 1 losses",
        ),
        (lambda: Distiller(make_teacher(), make_student(), SoftTargets(), -1.0), "at least 0, got -1.0"),
        (
            lambda: Distiller(make_teacher(), make_student(), FeatureDistillation(Semantic(), "embeding")),
            "has no layer 'embeding'; its layers are",
        ),
    ],
)
def test_clear_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_missing_input_is_named(batch):
    x, y = batch
    distiller = compiled(Distiller(make_teacher(), make_student(), SoftTargets()))
    with pytest.raises(ValueError, match=r"the batch holds \['imu'\]: \['skeleton'\] missing"):
        distiller.train_on_batch({"imu": x["imu"]}, y)
    distiller = compiled(Distiller(None, make_student(), SoftTargets()))
    with pytest.raises(ValueError, match=r"does not bring \['teacher_logits'\]"):
        distiller.train_on_batch({"imu": x["imu"]}, y)
