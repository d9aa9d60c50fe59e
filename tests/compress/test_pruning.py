"""Pruning while training: to the target, kept through the step, and leaving an ordinary model."""

import keras
import numpy as np
import pytest

from tests.distillers.conftest import ROWS, compiled, make_student, make_teacher
from tfkd.compress import Pattern, Pruning, polynomial, prunable_layers, sparsity_by_layer, sparsity_of
from tfkd.distillers import Distiller
from tfkd.losses import SoftTargets
from tfkd.networks import imu_student

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    x = {
        "imu": rng.normal(size=(ROWS, 8, 6)).astype("float32"),
        "skeleton": rng.normal(size=(ROWS, 4, 5, 3)).astype("float32"),
    }
    return x, np.eye(3, dtype="float32")[rng.integers(3, size=ROWS)]


@pytest.fixture
def untraced():
    """A graph of the few steps here takes longer to make than they do."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def zeros(kernel):
    return float((np.asarray(kernel) == 0).mean())


@pytest.mark.parametrize("use_ema", [False, True])
def test_prunes_while_distilling_to_the_target_in_each_kernel(batch, use_ema, tmp_path):
    student = make_student(16)
    pruning = Pruning(student, polynomial(0.7, steps=30, frequency=5))
    distiller = compiled(
        Distiller(make_teacher(), student, SoftTargets(2.0)),
        optimizer=keras.optimizers.Adam(0.01, use_ema=use_ema),
    )
    x, y = batch
    distiller.fit(x, y, batch_size=8, epochs=10, verbose=0, callbacks=[pruning])
    pruning.strip()
    for kernel in (student.get_layer(n).kernel for n in ("conv", "embedding", "logits")):
        size = int(np.prod(kernel.shape))
        assert zeros(kernel) == pytest.approx(0.7, abs=1.01 / size)
        assert kernel.constraint is None
    assert sparsity_of(student) == pytest.approx(0.7, abs=0.01)
    student.save(tmp_path / "student.keras")
    again = keras.models.load_model(tmp_path / "student.keras", safe_mode=True)
    assert sparsity_of(again) == sparsity_of(student)


def test_masks_hold_within_the_step_and_grow_by_the_schedule(batch):
    x, y = batch
    student = make_student(16)
    steps = 30
    pruning = Pruning(student, polynomial(0.8, steps, ramp=1.0, frequency=1))
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(zeros(student.get_layer("embedding").kernel))

    student.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    student.fit(x["imu"], y, batch_size=8, epochs=10, verbose=0, callbacks=[pruning, Watch()])
    expected = 0.8 - 0.8 * (1 - np.arange(1, steps + 1) / steps) ** 3
    size = np.prod(student.get_layer("embedding").kernel.shape)
    np.testing.assert_allclose(seen, expected, atol=1.01 / size)


def test_smallest_weights_go_first(batch):
    x, y = batch
    student = make_student(16)
    before = np.array(student.get_layer("embedding").kernel)
    pruning = Pruning(student, polynomial(0.5, 1))
    student.compile(keras.optimizers.SGD(0.0), "mse")
    student.fit(x["imu"], y, batch_size=ROWS, epochs=1, verbose=0, callbacks=[pruning])
    after = np.array(student.get_layer("embedding").kernel)
    assert np.abs(before[after == 0]).max() <= np.abs(before[after != 0]).min()
    np.testing.assert_array_equal(before[after != 0], after[after != 0])


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 19, 100])
def test_every_schedule_reaches_its_target(steps):
    schedule = polynomial(0.6, steps)
    reached = [float(sparsity) for renewed, sparsity in map(schedule, range(1, steps + 1)) if renewed]
    assert reached and reached[-1] == pytest.approx(0.6)


def test_depthwise_kernels_and_biases_stay_dense():
    student = imu_student((16, 6), 3, width=8, depth=1)
    pruned = {kernel.path for kernel in Pruning(student, polynomial(0.5, 10)).kernels}
    assert pruned == {f"{name}/kernel" for name in ("stem_conv", "block1_pointwise", "logits")}


def columns(kernel):
    """The kernel as a dense layer has it: a column for each output channel."""
    return np.asarray(kernel).reshape(-1, kernel.shape[-1])


def test_m_zeros_in_every_n_weights_of_each_output_channel_after_training(batch, untraced):
    m, n = 3, 4
    x, y = batch
    student = imu_student((8, 6), 3, width=7, depth=1, kernel=3, stem_kernel=3)
    pruning = Pruning(student, pattern=Pattern.parse(f"{m}:{n}"))
    student.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    student.fit(x["imu"], y, batch_size=8, epochs=1, verbose=0, callbacks=[pruning])
    for kernel in pruning.kernels:
        weights = columns(kernel)
        whole = weights[: len(weights) // n * n].reshape(-1, n, weights.shape[1])
        assert ((whole == 0).sum(axis=1) == m).all(), kernel.path
        rest = weights[len(whole) * n :]
        assert ((rest != 0).sum(axis=0) <= n - m).all()
    assert [len(columns(kernel)) for kernel in pruning.kernels] == [18, 7, 7]  # none a multiple of 4


def test_blocks_go_as_a_whole_in_kernels_of_any_rank_after_training(batch, untraced):
    x, y = batch
    height, width = block = 2, 3
    student = make_student(16)
    pruning = Pruning(student, polynomial(0.6, 3, ramp=1.0), Pattern(block=block))
    student.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    student.fit(x["imu"], y, batch_size=8, epochs=1, verbose=0, callbacks=[pruning])
    assert [kernel.shape for kernel in pruning.kernels] == [(3, 6, 8), (8, 16), (16, 3)]
    for kernel in pruning.kernels:
        gone = columns(kernel) == 0
        starts = [(i, j) for i in range(0, gone.shape[0], height) for j in range(0, gone.shape[1], width)]
        shares = [gone[i : i + height, j : j + width].mean() for i, j in starts]
        assert set(shares) == {0.0, 1.0}
        assert sum(share == 0 for share in shares) == round(0.4 * len(shares))


@pytest.mark.parametrize("pattern", ["unstructured", "2:4", "4x1"])
def test_what_goes_in_training_is_what_pattern_tells_without(batch, untraced, pattern):
    x, y = batch
    student, pattern = make_student(16), Pattern.parse(pattern)
    pruning = Pruning(student, polynomial(0.6, 1), pattern)
    before = [np.array(kernel) for kernel in pruning.kernels]
    student.compile(keras.optimizers.SGD(0.0), "mse")
    student.fit(x["imu"], y, batch_size=ROWS, epochs=1, verbose=0, callbacks=[pruning])
    for kernel, weights in zip(pruning.kernels, before, strict=True):
        np.testing.assert_array_equal(np.asarray(kernel), pattern.zeroed(weights, 0.6))


def test_layers_follow_their_own_schedules(batch, untraced):
    x, y = batch
    student = make_student(16)
    pruning = Pruning(student, {"conv": polynomial(0.75, 1), "logits": polynomial(0.25, 1)})
    student.compile(keras.optimizers.SGD(0.05), "mse")
    student.fit(x["imu"], y, batch_size=ROWS, epochs=1, verbose=0, callbacks=[pruning])
    assert sparsity_by_layer(student) == {"conv": 0.75, "embedding": 0.0, "logits": 0.25}


def test_clear_errors():
    with pytest.raises(ValueError, match="below 1, got 1.0"):
        polynomial(1.0, 10)
    nothing = keras.Sequential([keras.Input((4,)), keras.layers.ReLU()])
    with pytest.raises(ValueError, match="no convolution or dense kernel"):
        Pruning(nothing, polynomial(0.5, 10))
    with pytest.raises(ValueError, match="needs a schedule"):
        Pruning(make_student())
    with pytest.raises(ValueError, match="has 0 layers of the name 'cone' to prune; its layers are conv, embedding"):
        Pruning(make_student(), {"cone": polynomial(0.5, 10)})


@pytest.mark.usefixtures("untraced")
def test_a_constraint_of_the_kernels_own_holds_while_it_is_pruned_and_after(batch):
    x, y = batch
    own = keras.constraints.MaxNorm(0.1, axis=[0, 1])
    student = keras.Sequential(
        [keras.Input((8, 6)), keras.layers.Conv1D(8, 3, kernel_constraint=own), keras.layers.GlobalMaxPooling1D(),
         keras.layers.Dense(3)]
    )  # fmt: skip
    kernel = student.layers[0].kernel
    Pruning(student, polynomial(0.2, 4))  # replaced by the next one
    pruning = Pruning(student, polynomial(0.5, 4))
    student.compile(keras.optimizers.SGD(0.5), keras.losses.CategoricalCrossentropy(from_logits=True))
    student.fit(x["imu"], y, batch_size=ROWS // 4, epochs=1, verbose=0, callbacks=[pruning])
    assert zeros(kernel) == 0.5 and np.sqrt((np.asarray(kernel) ** 2).sum(axis=(0, 1))).max() < 0.1001
    pruning.strip()
    assert kernel.constraint is own and student.layers[-1].kernel.constraint is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"schedule": 0.5}, "A schedule is what polynomial"),
        ({"schedule": {"embedding": 0.5}}, "A schedule is what polynomial"),
        ({"pattern": "2:4"}, r"as Pattern.parse\('2:4'\) makes one"),
    ],
)
def test_what_is_no_schedule_or_pattern_is_told_before_training(settings, told):
    with pytest.raises(ValueError, match=told):
        Pruning(make_student(16), **settings)


def test_a_model_without_kernels_yet_and_a_ramp_beyond_the_end_are_refused():
    with pytest.raises(ValueError, match="has no kernels yet: build it"):
        Pruning(keras.Sequential([keras.layers.Dense(3)]), polynomial(0.5, 10))
    with pytest.raises(ValueError, match="ramp must be from 0 to 1, got 2"):
        polynomial(0.5, 10, ramp=2)


def test_kernels_that_would_stay_dense_are_named():
    inputs = keras.Input((8, 3))
    x = keras.layers.SeparableConv1D(4, 3, name="separable")(inputs)
    x = keras.layers.TimeDistributed(keras.layers.Dense(4), name="each")(keras.layers.Conv1D(4, 3, name="conv")(x))
    model = keras.Model(inputs, keras.Sequential([keras.Input((4, 4)), keras.layers.LSTM(2, name="memory")])(x))
    named = r"separable \(SeparableConv1D\), each \(TimeDistributed\), memory \(LSTM\)"
    with pytest.raises(ValueError, match=named):
        Pruning(model, polynomial(0.5, 10))
    assert [kernel.path for kernel in Pruning(model, {"conv": polynomial(0.5, 10)}).kernels] == ["conv/kernel"]


def test_a_layer_that_a_nested_model_shares_is_pruned_once():
    dense = keras.layers.Dense(8, name="shared")
    nested = keras.Sequential([keras.Input((8,)), dense])
    inputs = keras.Input((8,))
    assert prunable_layers(keras.Model(inputs, nested(dense(inputs)))) == [dense]
