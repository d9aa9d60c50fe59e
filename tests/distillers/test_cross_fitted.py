"""Each person is taught by the model that never saw that person."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.distillers.conftest import CLASSES, ROWS, compiled, make_student, no_dropout, same, weights
from tfkd.distillers import Distiller, FeatureDistillation, LogitsLoss, cross_fitted, fold_of
from tfkd.distillers.routing import Routed
from tfkd.distillers.teacher_cache import hash_of_model
from tfkd.losses import Semantic, SoftTargets

PERSONS = [1, 3, 5]


def make_model(seed, shape=(4, 5, 3), classes=CLASSES, width=10, name="skeleton"):
    keras.utils.set_random_seed(seed)
    skeleton, imu = keras.Input(shape, name=name), keras.Input((8, 6), name="imu")
    x = layers.Concatenate(name="both")([layers.Flatten(name="a")(skeleton), layers.Flatten(name="b")(imu)])
    x = layers.Dropout(0.5, name="dropout")(layers.BatchNormalization(name="bn")(x))
    x = layers.Dense(width, activation="tanh", name="embedding")(x)
    return keras.Model({name: skeleton, "imu": imu}, layers.Dense(classes, name="logits")(x), name="teacher")


@pytest.fixture
def models():
    """One for each person, and the default."""
    return {person: make_model(person) for person in PERSONS}, make_model(0)


@pytest.fixture
def subjects():
    """People 1 to 6; the even ones are in nobody's training."""
    return np.arange(ROWS) % 6 + 1


def said(model, x, layer="logits"):
    return np.asarray(Routed(model, "teacher", ["embedding"])(x, training=False)[layer])


def test_fold_of():
    fold = fold_of([3, 7, 1, 3], [1, 3])
    assert fold.dtype == "float32"
    np.testing.assert_array_equal(fold, [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(fold_of(np.array([7, 1]), {1: "a", 3: "b"}), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("layer", ["logits", "embedding"])
def test_each_sample_asks_the_model_that_never_saw_its_person(batch, models, subjects, layer):
    x, _ = batch
    by_person, default = models
    teacher = cross_fitted(by_person, default)
    found = said(teacher, {**x, "fold": fold_of(subjects, by_person)}, layer)
    for person in range(1, 7):
        mine = subjects == person
        np.testing.assert_allclose(found[mine], said(by_person.get(person, default), x, layer)[mine], rtol=1e-5)
    assert teacher.output_names == ["logits", "embedding"]


def test_mixed_samples_ask_both_by_their_shares(batch, models):
    x, _ = batch
    by_person, default = models
    fold = np.tile(np.float32([0.7, 0, 0, 0.3]), (ROWS, 1))
    found = said(cross_fitted(by_person, default), {**x, "fold": fold})
    np.testing.assert_allclose(found, 0.7 * said(by_person[1], x) + 0.3 * said(default, x), rtol=1e-4, atol=1e-6)


def test_what_models_say_that_are_not_asked_does_not_matter(batch, models, subjects):
    x, _ = batch
    by_person, default = models
    by_person[3].get_layer("logits").set_weights([np.full((10, CLASSES), np.nan), np.zeros(CLASSES)])
    found = said(cross_fitted(by_person, default), {**x, "fold": fold_of(subjects, PERSONS)})
    np.testing.assert_array_equal(np.isnan(found).any(axis=1), subjects == 3)


def test_a_model_may_stand_for_several_people(batch, models, subjects):
    x, _ = batch
    by_person, default = models
    teacher = cross_fitted({**by_person, 3: by_person[1]}, default)
    assert len(teacher.layers) == len(cross_fitted(*models).layers) - 1, "it is asked once"
    found = said(teacher, {**x, "fold": fold_of(subjects, PERSONS)})
    mine = np.isin(subjects, (1, 3))
    np.testing.assert_allclose(found[mine], said(by_person[1], x)[mine], rtol=1e-5)


def test_save_and_load_keep_what_it_says_and_its_hash(batch, models, subjects, tmp_path):
    x = {**batch[0], "fold": fold_of(subjects, PERSONS)}
    teacher = cross_fitted(*models)
    assert hash_of_model(teacher) == hash_of_model(cross_fitted(*models))
    teacher.save(tmp_path / "t.keras")
    again = keras.models.load_model(tmp_path / "t.keras")
    np.testing.assert_array_equal(said(again, x), said(teacher, x))


def test_models_of_one_input(batch, subjects):
    x, _ = batch
    by_person = {1: make_student(), 3: make_student()}
    by_person[3].get_layer("logits").bias.assign([3, 2, 1])
    found = said(cross_fitted(by_person, by_person[1]), {"imu": x["imu"], "fold": fold_of(subjects, by_person)})
    expected = np.asarray(by_person[1](x["imu"])) + (subjects == 3)[:, None] * [3, 2, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sequential_models_will_do(batch, subjects):
    x, _ = batch
    models = {}
    for person in (1, 3, 0):
        stack = [layers.Flatten(), layers.Dense(4, name="embedding"), layers.Dense(CLASSES, name="logits")]
        models[person] = keras.Sequential([keras.Input((8, 6), name="imu"), *stack])
    default = models.pop(0)
    found = said(cross_fitted(models, default), {"imu": x["imu"], "fold": fold_of(subjects, models)})
    mine = subjects == 3
    np.testing.assert_allclose(found[mine], np.asarray(models[3](x["imu"]))[mine], rtol=1e-5)


def test_a_distiller_trains_with_it(batch, models, subjects, tmp_path):
    x, y = batch
    by_person, default = models
    present = (np.arange(ROWS) % 4 > 0).astype("float32")
    x = {**x, "fold": fold_of(subjects, by_person), "has_skeleton": present}
    before = [weights(model) for model in (*by_person.values(), default)]
    soft, teacher = SoftTargets(2.0), cross_fitted(by_person, default)
    terms = [
        LogitsLoss(soft, teacher="fused"),
        FeatureDistillation(Semantic(), projector=layers.Dense(10), teacher="fused"),
    ]
    student = no_dropout(make_student())
    distiller = compiled(Distiller({"fused": teacher}, student, terms, student_loss_weight=0.0))
    told = np.where(present[:, None], said(teacher, x), 0)
    expected = soft(told, student(x["imu"], training=True), present)
    logs = [distiller.train_on_batch(x, y, return_dict=True) for _ in range(20)]
    assert logs[0]["soft_targets_fused_loss"] == pytest.approx(float(expected), rel=1e-4)
    for name in ("soft_targets_fused_loss", "semantic_fused_loss"):
        assert logs[-1][name] < logs[0][name]
    assert all(same(a, weights(model)) for a, model in zip(before, (*by_person.values(), default)))
    distiller.save(tmp_path / "d.keras")
    again = keras.models.load_model(tmp_path / "d.keras")
    np.testing.assert_array_equal(said(again.teacher["fused"], x), said(teacher, x))


def test_refusals(models):
    by_person, default = models
    with pytest.raises(ValueError, match=r"at least two models, got one for each of \[1\]"):
        cross_fitted({1: by_person[1]}, default)
    with pytest.raises(ValueError, match=r"people \[3, 1\] must be ascending"):
        cross_fitted({3: by_person[3], 1: by_person[1]}, default)
    for persons in ([3, 1], [1, 1, 3]):
        with pytest.raises(ValueError, match="must be ascending, each once.*by their places"):
            fold_of([1, 3], persons)
    for subjects, persons in ((np.array(["1", "3"]), [1, 3]), ([1, 3], ["1", "3"])):
        with pytest.raises(ValueError, match="numbers are no texts"):
            fold_of(subjects, persons)
    with pytest.raises(ValueError, match="models must be a dictionary"):
        cross_fitted(list(by_person.values()), default)
    for settings, message in (
        ({"classes": 4}, r"model of 1 has logits of shape \(3,\), but the model of 5 has \(4,\)"),
        ({"width": 9}, r"model of 1 has an embedding of shape \(10,\), but the model of 5 has \(9,\)"),
        ({"shape": (4, 6, 3)}, r"model of 1 has inputs .*\(4, 5, 3\).*, but the model of 5 has .*\(4, 6, 3\)"),
        ({"name": "depth"}, "the model of 5 has .*depth"),
        ({"name": "fold"}, "model of 5 'teacher' must be .* without input 'fold'"),
    ):
        with pytest.raises(ValueError, match=message):
            cross_fitted({**by_person, 5: make_model(5, **settings)}, default)
    headless = keras.Model(default.input, layers.Dense(CLASSES)(default.get_layer("both").output))
    with pytest.raises(ValueError, match="default model .* has no layer 'embedding'"):
        cross_fitted(by_person, headless)
