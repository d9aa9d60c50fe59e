"""The losses against hand-computed vectors, slow reference forms, and the edges of their domain."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.reference import losses as reference
from tfkd import losses

ALL = [
    losses.SoftTargets(3.0),
    losses.DistanceWise(),
    losses.AngleWise(),
    losses.Semantic(),
    losses.DASK(1.0, 2.0, 0.5),
]
RELATIONAL = [losses.DistanceWise(), losses.AngleWise(), losses.DASK()]


def gradient(loss, teacher, student):
    """Value and gradient with respect to the student, on the TensorFlow backend."""
    import tensorflow as tf

    student = tf.convert_to_tensor(student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = loss(teacher, student)
    return float(value), tape.gradient(value, student).numpy()


def embeddings(seed, rows, width):
    return np.random.default_rng(seed).normal(size=(rows, width)).astype("float32")


def test_reference_vectors():
    assert float(losses.DistanceWise()(reference.TEACHER, reference.STUDENT)) == pytest.approx(
        reference.DISTANCE, rel=1e-6
    )
    assert float(losses.AngleWise()(reference.TEACHER, reference.STUDENT)) == pytest.approx(
        reference.ANGLE, rel=1e-5
    )
    value = losses.SoftTargets(4.0)(reference.TEACHER_LOGITS, reference.STUDENT_LOGITS)
    assert float(value) == pytest.approx(reference.SOFT_TARGETS_T4, rel=1e-6)


@pytest.mark.parametrize("rows", [2, 7, 40])
def test_relational_losses_equal_their_definitions(rows):
    teacher, student = embeddings(1, rows, 12), embeddings(2, rows, 5)
    for loss, exact in (
        (losses.distance_wise, reference.distance_wise),
        (losses.angle_wise, reference.angle_wise),
    ):
        mean = float(ops.mean(loss(teacher, student)))
        assert mean == pytest.approx(exact(teacher.astype("float64"), student.astype("float64")), rel=1e-4)


def test_angle_blocks_change_nothing():
    teacher, student = embeddings(1, 23, 8), embeddings(2, 23, 4)
    whole = losses.angle_wise(teacher, student)
    for block in (1, 5, 22, 23, 24):
        np.testing.assert_allclose(losses.angle_wise(teacher, student, block), whole, rtol=1e-5)


def test_angle_with_unknown_batch_size():
    import tensorflow as tf

    teacher, student = embeddings(1, 23, 8), embeddings(2, 23, 4)

    @tf.function(input_signature=[tf.TensorSpec((None, 8)), tf.TensorSpec((None, 4))])
    def dynamic(teacher, student):
        with tf.GradientTape() as tape:
            tape.watch(student)
            rows = losses.angle_wise(teacher, student, 10)
            value = tf.reduce_mean(rows)
        return rows, tape.gradient(value, student)

    rows, slope = dynamic(teacher, student)
    np.testing.assert_allclose(rows, losses.angle_wise(teacher, student), rtol=1e-5)
    np.testing.assert_allclose(slope, gradient(losses.AngleWise(), teacher, student)[1], atol=1e-8)


def test_gradients_equal_finite_differences():
    teacher, student = embeddings(3, 6, 4), embeddings(4, 6, 4)
    for loss, exact in (
        (losses.DistanceWise(), reference.distance_wise),
        (losses.AngleWise(), reference.angle_wise),
    ):
        _, slope = gradient(loss, teacher, student)
        step = 1e-6
        for at in ((0, 0), (3, 2), (5, 3)):
            up, down = student.astype("float64"), student.astype("float64")
            up[at] += step
            down[at] -= step
            numeric = (exact(teacher.astype("float64"), up) - exact(teacher.astype("float64"), down)) / (
                2 * step
            )
            assert slope[at] == pytest.approx(numeric, rel=1e-3, abs=1e-7)


def test_equal_sides_give_zero():
    for loss in ALL:
        value, slope = gradient(loss, embeddings(1, 9, 6), embeddings(1, 9, 6))
        assert value == pytest.approx(0, abs=1e-6)
        np.testing.assert_allclose(slope, 0, atol=1e-5)


def test_relations_ignore_scale_shift_and_turn():
    teacher, student = embeddings(1, 9, 6), embeddings(2, 9, 4)
    turn, _ = np.linalg.qr(embeddings(5, 4, 4))
    moved = (3.0 * student @ turn + 0.5).astype("float32")
    for loss in (losses.DistanceWise(), losses.AngleWise()):
        assert float(loss(teacher, moved)) == pytest.approx(float(loss(teacher, student)), rel=1e-4)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
@pytest.mark.parametrize("case", ["duplicates", "all_equal", "one", "huge", "tiny", "logits_100", "float16"])
def test_finite_values_and_gradients(loss, case):
    teacher, student = embeddings(1, 8, 6), embeddings(2, 8, 6)
    if case == "duplicates":
        student[3] = student[1]
        teacher[5] = teacher[6]
    elif case == "all_equal":
        student[:] = student[0]
    elif case == "one":
        teacher, student = teacher[:1], student[:1]
    elif case == "huge":
        student *= 1e4
    elif case == "tiny":
        student *= 1e-12
    elif case == "logits_100":
        teacher, student = 100 * np.sign(teacher), -100 * np.sign(teacher)
    elif case == "float16":
        teacher, student = teacher.astype("float16"), student.astype("float16")
    value, slope = gradient(loss, teacher, student)
    assert np.isfinite(value) and np.isfinite(slope.astype("float64")).all()
    if case == "one" and loss.name in ("distance_wise", "angle_wise"):
        assert value == 0 and not slope.any()
    if case == "logits_100" and loss.name == "soft_targets":
        assert np.abs(slope).max() > 1e-3, "opposed logits must still have a gradient"


def test_duplicates_far_from_the_origin_are_still_equal():
    # The Gram form subtracts large numbers here; what is left of equal rows must count as zero.
    student = embeddings(2, 8, 6) + 1000
    student[3] = student[1]
    exact = reference.distance_wise(embeddings(1, 8, 6).astype("float64"), student.astype("float64"))
    assert float(losses.DistanceWise()(embeddings(1, 8, 6), student)) == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
@pytest.mark.parametrize("shapes", [((1, 5), (8, 5)), ((8, 5), (1, 5)), ((5,), (5, 5)), ((3, 5), (3, 3, 5))], ids=str)
def test_other_samples_are_not_stretched_to_fit(loss, shapes):
    with pytest.raises(ValueError, match="compare"):
        loss(*(np.ones(shape, "float32") for shape in shapes))


def test_soft_targets_need_the_same_classes():
    """One column, of a stored output say, would be stretched to all classes."""
    with pytest.raises(ValueError, match=r"the same samples and classes, got teacher \(8, 1\) and student \(8, 5\)"):
        losses.SoftTargets()(np.ones((8, 1)), np.ones((8, 5)))
    rows = losses.soft_targets(np.ones((2, 7, 3)), np.zeros((2, 7, 3)))
    assert rows.shape == (2, 7), "an answer for each moment will do as well"


def test_lists_will_do():
    for loss in (losses.soft_targets, losses.distance_wise, losses.angle_wise, losses.semantic, losses.dask):
        np.testing.assert_allclose(loss([[1.0, 2.0]], [[1.0, 2.0]]), 0, atol=1e-6)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_config_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    teacher, student = embeddings(1, 5, 4), embeddings(2, 5, 4)
    assert float(again(teacher, student)) == float(loss(teacher, student))


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_sample_weight_weighs_samples(loss):
    teacher, student = embeddings(1, 6, 4), embeddings(2, 6, 4)
    rows = np.asarray(loss.call(ops.convert_to_tensor(teacher), ops.convert_to_tensor(student)))
    assert rows.shape == (6,) and rows.dtype == "float32"
    weight = np.array([0, 1, 2, 0, 0.5, 1], "float32")
    assert float(loss(teacher, student, weight)) == pytest.approx((rows * weight).mean(), rel=1e-5)


def test_dask_is_the_weighted_sum_of_its_terms():
    teacher, student = embeddings(1, 6, 4), embeddings(2, 6, 4)
    parts = [f(teacher, student) for f in (losses.distance_wise, losses.angle_wise, losses.semantic)]
    np.testing.assert_allclose(
        losses.dask(teacher, student, 1.0, 2.0, 0.5), parts[0] + 2 * parts[1] + 0.5 * parts[2], rtol=1e-5
    )
    narrow = embeddings(3, 6, 3)
    assert np.isfinite(float(losses.DASK(semantic_weight=0.0)(teacher, narrow)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: losses.SoftTargets(0), "temperature must be a number above 0, got 0"),
        (lambda: losses.soft_targets(np.zeros((2, 3)), np.zeros((2, 3)), 0), "temperature must be .* above 0, got 0"),
        (lambda: losses.DASK(distance_weight=-1), "distance_weight must be"),
        (lambda: losses.SoftTargets(float("inf")), "temperature must be a number above 0, got inf"),
        (lambda: losses.DistanceWise()(np.zeros((2, 3, 4)), np.zeros((2, 3))), r"\(batch, width\), got .*\(2, 3, 4\)"),
        (lambda: losses.AngleWise()(np.zeros((2, 3)), np.zeros((2, 3, 4))), r"\(batch, width\), got .*\(2, 3, 4\)"),
        (lambda: losses.DASK(0, 0, 0), "All weights"),
        (lambda: losses.Semantic()(np.zeros((2, 3)), np.zeros((2, 4))), r"projector=keras.layers.Dense\(3\)"),
    ],
)
def test_clear_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
