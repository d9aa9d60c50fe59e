"""The video teacher: relations drawn and fixed, embedding, saving, compilation, mixed precision."""

from itertools import combinations

import keras
import numpy as np
import pytest
from keras import layers, ops

from tfkd.networks import light_frames, trn_teacher
from tfkd.networks.relation import MultiScaleRelation

SHAPE, CLASSES = (4, 16, 16, 3), 3


def clips(rows, shape=SHAPE):
    return np.random.default_rng(0).integers(0, 256, (rows, *shape)).astype("float32")


def tiny(frames):
    """A frame network of two numbers a frame."""
    return layers.Dense(2, name="tiny")(ops.mean(frames, axis=(1, 2)) / 255.0)


def by_hand(layer, x, tuples_of):
    """Logits by the equation, tuple by tuple; `tuples_of(scale)` lists tuples and how often each counts."""
    relu = lambda v: np.maximum(v, 0)  # noqa: E731
    total = 0.0
    for first, second, scale in zip(layer.first, layer.second, range(x.shape[1], 1, -1)):
        (w1, b1), (w2, b2) = ([np.asarray(v) for v in part.variables] for part in (first, second))
        for chosen, times in tuples_of(scale):
            together = np.concatenate([relu(x[:, i]) for i in chosen], axis=1)
            total = total + times * (relu(together @ w1 + b1) @ w2 + b2)
    return total


@pytest.fixture
def relation():
    layer = MultiScaleRelation(CLASSES, hidden=6, relations=3, seed=1)
    layer.build((None, 4, 5))
    rng = np.random.default_rng(3)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


X = np.random.default_rng(2).normal(size=(7, 4, 5)).astype("float32")


def test_evaluation_is_the_expectation_of_training(relation):
    def all_of(scale):
        every = list(combinations(range(4), scale))
        return [(chosen, min(3, len(every)) / len(every)) for chosen in every]

    np.testing.assert_allclose(np.asarray(relation(X)), by_hand(relation, X, all_of), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(relation(X)), np.asarray(relation(X)))


def test_training_draws_tuples_in_order_and_without_repetition(relation):
    # Scales 4, 3 and 2 of four segments have 1, 4 and 6 tuples: 4 x 20 possible draws.
    def draw(three, two):
        return lambda scale: [(c, 1) for c in {4: [(0, 1, 2, 3)], 3: three, 2: two}[scale]]

    possible = [
        by_hand(relation, X, draw(three, two))
        for three in combinations(combinations(range(4), 3), 3)
        for two in combinations(combinations(range(4), 2), 3)
    ]
    seen = set()
    for _ in range(20):
        logits = np.asarray(relation(X, training=True))
        matches = [i for i, p in enumerate(possible) if np.allclose(p, logits, rtol=1e-4, atol=1e-4)]
        assert len(matches) == 1
        seen.update(matches)
    assert len(seen) > 10, "the draws vary"


def test_many_tuples_are_spread_evenly():
    layer = MultiScaleRelation(CLASSES, hidden=2)
    layer.build((None, 12, 2))
    assert len(layer.tuples[6]) == 924
    x = np.random.default_rng(0).normal(size=(2, 12, 2)).astype("float32")

    def spread(scale):
        every = list(combinations(range(12), scale))
        kept = [every[round(i * (len(every) - 1) / 69)] for i in range(70)] if len(every) > 70 else every
        return [(chosen, min(3, len(every)) / len(kept)) for chosen in kept]

    np.testing.assert_allclose(np.asarray(layer(x)), by_hand(layer, x, spread), rtol=1e-3, atol=1e-4)


def test_teacher_of_the_paper_has_the_parameters_of_its_equations():
    model = trn_teacher((8, 32, 32, 3), 27, frame_network=tiny)
    first = sum(scale * 300 * 256 + 256 for scale in range(2, 9))
    assert model.get_layer("logits").count_params() == first + 7 * (256 * 27 + 27)
    assert model.get_layer("frame_features").count_params() == 2 * 300 + 300


def test_embedding_is_the_mean_of_the_frames_features():
    model = trn_teacher(SHAPE, CLASSES, embedding=6)
    x = clips(3)
    reader = keras.Model(model.input, [model.get_layer("embedding").output, model.output])
    embedding, logits = (np.asarray(value) for value in reader(x))
    frames = model.get_layer("light_frames")(x.reshape(-1, *SHAPE[1:]))
    features = np.asarray(model.get_layer("frame_features")(frames)).reshape(3, 4, 6)
    np.testing.assert_allclose(embedding, features.mean(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, np.asarray(model.get_layer("logits")(features)), rtol=1e-4, atol=1e-5)


def test_order_of_time_matters():
    model = trn_teacher(SHAPE, CLASSES, frame_network=tiny)
    x = clips(2)
    assert np.abs(np.asarray(model(x)) - np.asarray(model(x[:, ::-1]))).max() > 1e-4


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_learns_what_only_the_order_of_frames_tells(jit):
    x = clips(8, (3, 4, 4, 3)) * np.linspace(0, 1, 3, dtype="float32")[:, None, None, None]
    x[::2] = x[::2, ::-1]
    model = trn_teacher(x.shape[1:], 2, frame_network=tiny, embedding=8, relations=2, dropout=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=jit)
    history = model.fit(x, np.arange(8) % 2, epochs=10, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_survives_saving(tmp_path):
    model = trn_teacher(SHAPE, CLASSES, embedding=8, input_name="video")
    assert model.inputs[0].name == "video"
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    x = clips(2)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = trn_teacher(SHAPE, CLASSES, embedding=8)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {str(v.dtype) for v in model.trainable_variables} == {"float32"}
    for training in (False, True):
        logits = model(clips(2), training=training)
        assert keras.backend.standardize_dtype(logits.dtype) == "bfloat16"
        assert np.isfinite(np.asarray(ops.cast(logits, "float32"))).all()


def test_light_frames_are_light():
    assert light_frames((56, 56, 3)).count_params() == 191_472


@pytest.mark.parametrize(
    "change, message",
    [
        ({"input_shape": (56, 56, 3)}, r"\(segments, height, width, channels\), got \(56, 56, 3\)"),
        ({"input_shape": (1, 16, 16, 3)}, "2 to 16 segments"),
        ({"frame_network": "resnet"}, r"frame_network must be one of \['bn_inception', 'light'\].*got 'resnet'"),
        ({"frame_network": lambda frames: frames}, r"features \(batch, features\), got the shape \(None, 16, 16, 3\)"),
        ({"relations": 0}, "relations must be a whole number of at least 1, got 0"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        trn_teacher(**{"input_shape": SHAPE, "classes": CLASSES, **change})
