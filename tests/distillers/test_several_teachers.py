"""Several teachers in one Distiller: each with its own inputs, each missing for some samples."""

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
    no_dropout,
    repeated,
    same,
    weights,
)
from tfkd.distillers import AdaptiveDistillation, Distiller, FeatureDistillation, LogitsLoss
from tfkd.distillers.terms import with_partners
from tfkd.losses import AdaptiveConfidence, AngleWise, DistanceWise, Semantic, SoftTargets


def make_teacher(name, shape, width=6, classes=CLASSES):
    keras.utils.set_random_seed(len(name))
    inputs = keras.Input(shape, name=name)
    x = layers.Dense(width, activation="tanh", name="embedding")(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=f"{name}_teacher")


@pytest.fixture
def teachers():
    return {"imu": make_teacher("imu", (8, 6)), "skeleton": make_teacher("skeleton", (4, 5, 3), width=10)}


def adaptive(**settings):
    projectors = {"skeleton": layers.Dense(10, name="projector")} if settings.get("semantic") else None
    return AdaptiveDistillation(AdaptiveConfidence(2.0, **settings), projectors=projectors)


def still(distiller):
    """Compiled for steps that change nothing."""
    return compiled(distiller, optimizer=keras.optimizers.SGD(0.0), **UNTRACED)


def test_each_term_listens_to_its_teacher(batch, teachers):
    x, y = batch
    student = no_dropout(make_student())
    terms = [LogitsLoss(SoftTargets(2.0), teacher=name) for name in teachers]
    logs = still(Distiller(teachers, student, terms)).train_on_batch(x, y, return_dict=True)
    said = student(x["imu"], training=True)
    for name, teacher in teachers.items():
        expected = SoftTargets(2.0)(teacher(x[name]), said)
        assert logs[f"soft_targets_{name}_loss"] == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("semantic", [0.0, 1.0])
@pytest.mark.parametrize("selection", ["hard", "mean", "soft"])
def test_adaptive_term_trains_and_tells_whom_it_followed(batch, teachers, selection, semantic):
    x, y = batch
    distiller = compiled(Distiller(teachers, make_student(), adaptive(selection=selection, semantic=semantic)))
    before = {name: weights(teacher) for name, teacher in teachers.items()}
    settings = {"batch_size": ROWS, "epochs": 3, "shuffle": False, "verbose": 0}
    logs = distiller.fit(repeated(x, 10), repeated(y, 10), **settings).history
    assert logs["adaptive_confidence_loss"][-1] < logs["adaptive_confidence_loss"][0]
    chosen = [logs[f"chosen_{source}"][-1] for source in ("imu", "skeleton", "label")]
    assert sum(chosen) == pytest.approx(1, abs=1e-5)
    if selection == "hard":
        told = {name: np.asarray(ops.softmax(teacher(x[name]))) for name, teacher in teachers.items()}
        right = {name: (p.argmax(1) == y.argmax(1)) * p[np.arange(len(y)), y.argmax(1)] for name, p in told.items()}
        imu = (right["imu"] > 0) & (right["imu"] >= right["skeleton"])
        assert chosen[0] == pytest.approx(imu.mean(), abs=1e-5)
    assert all(same(before[name], weights(teacher)) for name, teacher in teachers.items())
    assert set(distiller.evaluate(x, y, verbose=0, return_dict=True)) == {"loss", "accuracy"}


def test_samples_without_a_modality_learn_from_the_others(batch, teachers):
    x, y = batch
    present = np.arange(len(y)) % 3 > 0
    missing = np.where(present[:, None, None, None], x["skeleton"], np.nan)
    logs = {}
    for name, inputs, kept in (
        ("masked", {**x, "skeleton": missing, "has_skeleton": present.astype("float32")}, slice(None)),
        ("alone", {**x, "has_skeleton": np.zeros(len(y))}, slice(None)),
        ("subset", {k: v[present] for k, v in x.items()}, present),
    ):
        student = no_dropout(make_student())
        student.get_layer("bn").trainable = False  # so that a sample's loss does not depend on its batch
        terms = [LogitsLoss(SoftTargets(2.0), teacher="skeleton"), adaptive()]
        distiller = still(Distiller(teachers, student, terms))
        logs[name] = distiller.train_on_batch(inputs, y[kept], return_dict=True)
        assert all(np.isfinite(value) for value in logs[name].values())
    # Keras divides by all samples, so a third of them weighing nothing scales the mean.
    ratio = logs["masked"]["soft_targets_skeleton_loss"] / logs["subset"]["soft_targets_skeleton_loss"]
    assert ratio == pytest.approx(present.mean(), rel=1e-4)
    assert logs["alone"]["soft_targets_skeleton_loss"] == 0 == logs["alone"]["chosen_skeleton"]
    assert logs["masked"]["chosen_skeleton"] <= present.mean()


def test_absent_samples_are_no_partners():
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(size=(8, 4)).astype("float32"), rng.normal(size=(8, 3)).astype("float32")
    present = np.array([0, 1, 1, 0, 1, 1, 0, 0], "float32")
    told, said = (np.asarray(v) for v in with_partners(ops.convert_to_tensor(present), teacher, student))
    np.testing.assert_array_equal(told, teacher[[1, 1, 2, 2, 4, 5, 4, 5]])
    np.testing.assert_array_equal(said, student[[1, 1, 2, 2, 4, 5, 4, 5]])
    nobody = with_partners(ops.zeros(8), teacher, student)
    assert all(np.isfinite(np.asarray(v)).all() for v in nobody)


@pytest.mark.parametrize("loss", [DistanceWise(), AngleWise(), Semantic()])
def test_what_stands_in_for_absent_features_does_not_matter(batch, teachers, loss):
    x, y = batch
    present = (np.arange(len(y)) % 3 > 0).astype("float32")
    values = []
    for filler in (0.0, 7.0, np.nan):
        skeleton = np.where(present[:, None, None, None] > 0, x["skeleton"], filler).astype("float32")
        student = no_dropout(make_student(width=10))
        term = FeatureDistillation(loss, teacher="skeleton")
        distiller = still(Distiller(teachers, student, term))
        logs = distiller.train_on_batch({**x, "skeleton": skeleton, "has_skeleton": present}, y, return_dict=True)
        values.append(logs[f"{loss.name}_skeleton_loss"])
    assert np.isfinite(values).all() and values[0] > 0 and len(set(values)) == 1


def test_without_labels_the_surest_teacher_is_followed(batch, teachers):
    x, y = batch
    distiller = still(Distiller(teachers, make_student(), adaptive()))
    logs = distiller.train_on_batch(x, np.zeros_like(y), return_dict=True)
    sure = {n: np.asarray(ops.max(ops.softmax(t(x[n])), axis=-1)) for n, t in teachers.items()}
    assert logs["chosen_label"] == 0
    assert logs["chosen_imu"] == pytest.approx((sure["imu"] > sure["skeleton"]).mean(), abs=1e-6)


def test_stored_outputs_of_several(batch, teachers):
    x, y = batch
    stored = {f"teacher_{name}_logits": np.asarray(teacher(x[name])) for name, teacher in teachers.items()}
    losses = []
    for given, inputs in ((teachers, x), (dict.fromkeys(teachers), {"imu": x["imu"], **stored})):
        distiller = still(Distiller(given, no_dropout(make_student()), adaptive()))
        losses.append(distiller.train_on_batch(inputs, y))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    with pytest.raises(ValueError, match="no live teacher 'skeleton'.*teacher_skeleton_logits"):
        distiller.train_on_batch({"imu": x["imu"], "teacher_imu_logits": stored["teacher_imu_logits"]}, y)


def test_save_load_and_go_on(batch, teachers, tmp_path):
    x, y = batch
    distiller = compiled(Distiller(teachers, make_student(), adaptive(semantic=1.0)), **UNTRACED)
    distiller.fit(x, y, verbose=0)
    distiller.save(tmp_path / "d.keras")
    again = keras.models.load_model(tmp_path / "d.keras")
    assert list(again.teacher) == list(teachers)
    assert all(same(weights(again.teacher[n]), weights(teachers[n])) for n in teachers)
    assert distiller.train_on_batch(x, y) == pytest.approx(again.train_on_batch(x, y), rel=1e-6)


def test_mixed_precision(batch, teachers):
    x, y = batch
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        student = make_student(width=10)
        given = {"imu": make_teacher("imu", (8, 6), width=10), "skeleton": teachers["skeleton"]}  # float16, float32
        distiller = compiled(Distiller(given, student, adaptive(selection="soft", semantic=1.0)))
        x = {**x, "has_skeleton": (np.arange(len(y)) % 2).astype("float32")}
        settings = {"batch_size": ROWS, "epochs": 2, "shuffle": False, "verbose": 0}
        history = distiller.fit(repeated(x, 10), repeated(y, 10), **settings).history
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(history["loss"]).all() and history["loss"][-1] < history["loss"][0]


def test_refusals(batch, teachers):
    x, y = batch
    student = make_student()
    with pytest.raises(ValueError, match="teacher='fused'.*imu, skeleton"):
        Distiller(teachers, student, LogitsLoss(SoftTargets(), teacher="fused"))
    with pytest.raises(ValueError, match="teacher=None.*imu, skeleton"):
        Distiller(teachers, student, SoftTargets())
    with pytest.raises(ValueError, match="empty dictionary"):
        Distiller({}, student, SoftTargets())
    with pytest.raises(ValueError, match="teacher 'imu' must be a keras.Model"):
        Distiller({"imu": 3}, student, LogitsLoss(SoftTargets(), teacher="imu"))
    with pytest.raises(ValueError, match="one AdaptiveDistillation"):
        Distiller(teachers, student, [adaptive(), adaptive()])
    other = {**teachers, "skeleton": make_teacher("skeleton", (4, 5, 3), classes=4)}
    with pytest.raises(ValueError, match="'skeleton' tells 4 classes apart and the student 3"):
        Distiller(other, student, adaptive())
    with pytest.raises(ValueError, match="teacher 'skeleton_teacher' has inputs.*missing"):
        compiled(Distiller(teachers, student, adaptive())).train_on_batch({"imu": x["imu"]}, y)
    stock = keras.distillation.LogitsDistillation()
    with pytest.raises(ValueError, match="cannot leave out samples"):
        one = compiled(Distiller(teachers["skeleton"], student, stock))
        one.train_on_batch({**x, "has_skeleton": np.ones(len(y))}, y)
