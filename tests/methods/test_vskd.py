"""VSKD's distiller: the loss it says, with each term, target and weight that it offers."""

import keras
import numpy as np
import pytest

from tests.distillers.conftest import CLASSES, batch, compiled, make_student, make_teacher, no_dropout, rng
from tfkd.losses import angle_wise, distance_wise, semantic, soft_targets
from tfkd.methods import vskd

__all__ = ["batch", "rng"]  # fixtures
WIDTH = 6
VECTORS = np.random.default_rng(7).normal(size=(CLASSES, WIDTH)).astype("float32")
ALONE = {"soft_targets": 0.0, "distance": 0.0, "angle": 0.0, "semantic": 0.0}


def outputs(model, x, training):
    """Logits and embedding of a model."""
    names = [tensor.name for tensor in model.inputs]
    reader = keras.Model(model.inputs, [model.output, model.get_layer("embedding").output])
    return [np.array(value) for value in reader([x[name] for name in names], training=training)]


def eager(distiller, **settings):
    """Compiled without being traced, which for a step or two takes longer than the steps."""
    compiled(distiller, **settings).run_eagerly = True
    return distiller


def first_loss(distiller, x, y):
    """What a training step reports, before any weight has changed."""
    eager(distiller, optimizer=keras.optimizers.SGD(0.0))
    return distiller.train_on_batch(x, y, return_dict=True)


def test_the_loss_is_that_of_the_equations(batch):
    x, y = batch
    teacher, student = make_teacher(WIDTH), no_dropout(make_student(WIDTH))
    told, known = outputs(teacher, x, False)
    said, felt = outputs(student, x, True)
    mean = lambda rows: float(np.mean(rows))  # noqa: E731
    expected = {
        "label_loss": float(keras.losses.CategoricalCrossentropy(from_logits=True)(y, said)),
        "soft_targets_loss": mean(soft_targets(told, said, 4.0)),
        "distance_wise_loss": mean(distance_wise(known, felt)),
        "angle_wise_loss": mean(angle_wise(known, felt)),
        "semantic_loss": mean(semantic(known, felt)),
    }
    logs = first_loss(vskd(teacher=teacher, student=student), x, y)
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=1e-4), name
    weights = (1, 0.01, 1, 1, 1)  # those of the released code
    assert logs["loss"] == pytest.approx(sum(w * v for w, v in zip(weights, expected.values())), rel=1e-4)


@pytest.mark.parametrize("term", list(ALONE))
def test_a_term_of_weight_zero_is_not_there(batch, term):
    x, y = batch
    distiller = vskd(teacher=make_teacher(), student=make_student(), **{**ALONE, term: 0.5})
    assert len(distiller.distillation_losses) == 1
    assert distiller.distillation_loss_weights == [0.5]
    assert len(distiller.projectors) == (term == "semantic")
    assert np.isfinite(first_loss(distiller, x, y)["loss"])


def test_the_projector_is_made_where_it_is_needed_and_left_behind(batch):
    assert vskd(teacher=make_teacher(WIDTH), student=make_student(WIDTH)).projectors == []
    distiller = vskd(teacher=make_teacher(10), student=make_student(WIDTH))
    assert distiller.projectors[0].units == 10
    before = np.array(distiller.projectors[0].kernel)
    x, y = batch
    eager(distiller).fit(x, y, verbose=0)
    assert not np.array_equal(before, distiller.projectors[0].kernel)
    assert "projector" not in distiller.student.to_json()


def test_word_vectors_are_what_the_embedding_follows(batch):
    """Labels mixed, sparse, missing: each has its own vector, the mixture, or no say."""
    x, y = batch
    student = no_dropout(make_student(WIDTH))
    make = lambda: vskd(  # noqa: E731
        teacher=None, student=student, label=0.0, label_vectors=VECTORS, **{**ALONE, "semantic": 1.0}
    )
    felt = outputs(student, x, True)[1]
    mixed = (0.3 * y + 0.7 * y[::-1]).astype("float32")
    expected = np.mean((mixed @ VECTORS - felt) ** 2)
    assert first_loss(make(), x, mixed)["semantic_loss"] == pytest.approx(expected, rel=1e-5)
    unlabelled = y.copy()
    unlabelled[::2] = 0
    expected = np.mean((y @ VECTORS - felt)[1::2] ** 2) / 2  # a mean over all, as of every sample weight
    assert first_loss(make(), x, unlabelled)["semantic_loss"] == pytest.approx(expected, rel=1e-5)
    sparse = np.where(unlabelled.any(axis=1), unlabelled.argmax(axis=1), -1)
    distiller = make()
    distiller.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    found = distiller.train_on_batch(x, sparse, return_dict=True)["semantic_loss"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_word_vectors_of_another_width_have_a_projector():
    wide = np.ones((CLASSES, 11), "float32")
    assert vskd(teacher=make_teacher(), student=make_student(), label_vectors=wide).projectors[0].units == 11


def test_stored_outputs_take_the_teachers_place(batch):
    x, y = batch
    teacher = make_teacher(WIDTH)
    told, known = outputs(teacher, x, False)
    live = first_loss(vskd(teacher=teacher, student=no_dropout(make_student(WIDTH))), x, y)
    stored = {"imu": x["imu"], "teacher_logits": told, "teacher_embedding": known}
    kept = first_loss(vskd(teacher=None, student=no_dropout(make_student(WIDTH))), stored, y)
    assert kept["loss"] == pytest.approx(live["loss"], rel=1e-5)


@pytest.mark.parametrize("vectors", [None, VECTORS])
def test_saved_and_loaded_it_goes_on(batch, tmp_path, vectors):
    x, y = batch
    distiller = eager(vskd(teacher=make_teacher(), student=make_student(), label_vectors=vectors))
    distiller.fit(x, y, verbose=0)
    distiller.save(tmp_path / "vskd.keras")
    loaded = keras.models.load_model(tmp_path / "vskd.keras")
    loaded.run_eagerly = True
    again = [model.train_on_batch(x, y, return_dict=True) for model in (distiller, loaded)]
    assert again[0] == pytest.approx(again[1], rel=1e-5)


def test_in_mixed_precision_the_losses_stay_float32(batch):
    x, y = batch
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        distiller = vskd(teacher=make_teacher(), student=make_student(), label_vectors=VECTORS)
        logs = eager(distiller).fit(x, y, epochs=2, verbose=0).history
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(logs["loss"]).all()
    assert distiller.student.get_layer("embedding").compute_dtype == "float16"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (ALONE, "nothing to distil"),
        ({"angle": -1.0}, "angle must be a number of at least 0, got -1.0"),
        ({"distance": "1"}, "distance must be a number of at least 0, got '1'"),
        ({"projector": "Dense"}, "projector must be a Keras layer"),
        ({"temperature": 0.0}, "temperature"),
        ({"label_vectors": VECTORS, "semantic": 0}, "label_vectors are given, but"),
        ({"label_vectors": VECTORS * np.nan}, "NaN"),
        ({"teacher_layer": "fc0"}, "The teacher .* has no layer 'fc0'; its layers are"),
        ({"student_layer": "fc0"}, "The student .* has no layer 'fc0'; its layers are"),
        ({"student": "student.keras"}, "student must be a keras.Model"),
    ],
)
def test_arguments_that_make_no_sense(arguments, said):
    with pytest.raises(ValueError, match=said):
        vskd(**{"teacher": make_teacher(), "student": make_student(), **arguments})


def test_vectors_for_other_classes(batch):
    x, y = batch
    distiller = eager(vskd(teacher=make_teacher(), student=make_student(), label_vectors=VECTORS[:2]))
    with pytest.raises(ValueError, match="2 label vectors for 3 classes"):
        distiller.fit(x, y, verbose=0)


def test_unequal_widths_without_a_projector_are_explained(batch):
    x, y = batch
    distiller = eager(vskd(teacher=make_teacher(10), student=make_student(WIDTH), projector=None))
    with pytest.raises(ValueError, match="projector=keras.layers.Dense"):
        distiller.fit(x, y, verbose=0)


def test_layers_that_are_not_called_embedding(batch):
    x, y = batch
    layer = {"teacher_layer": "logits", "student_layer": "logits"}
    distiller = vskd(teacher=make_teacher(), student=make_student(), **layer)
    assert distiller.projectors == []
    assert np.isfinite(first_loss(distiller, x, y)["loss"])
