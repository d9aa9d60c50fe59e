"""A student that looks back only, and the same with a memory: chunk by chunk the logits of its windows."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.networks.conftest import assert_learns
from tfkd.networks import causal_student, forget, imu_student, memory_of, streaming

CHANNELS, CLASSES = 3, 4
SHAPES = {
    # window, chunk, settings, samples before the chunk that count
    "strides": (128, 16, {}, 105),
    "single samples": (24, 1, {"stem_stride": 1, "strides": (), "depth": 2, "stem_kernel": 3}, 23),
    "kernel as long as its stride": (48, 8, {"stem_kernel": 2, "strides": (2, 1), "kernel": 4, "depth": 2}, 40),
    "mean over less than a chunk": (64, 32, {"depth": 2, "kernel": 9}, 25),
    "one chunk a window": (64, 64, {"depth": 2}, 1),
}


def in_chunks(device, samples):
    """A function of a signal: what a student with a memory says of each chunk, one after the other. Traced once: many
    chunks take long operation by operation."""
    import tensorflow as tf

    say = tf.function(device, jit_compile=False)
    return lambda x: [np.asarray(say(x[:, i : i + samples])) for i in range(0, x.shape[1], samples)]


def student_of(window, **settings):
    keras.utils.set_random_seed(0)
    student = causal_student((window, CHANNELS), CLASSES, **{"width": 8, **settings})
    rng = np.random.default_rng(0)
    for variable in student.variables:  # as if trained
        if "norm" in variable.path or "_bn" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return student


@pytest.mark.parametrize("window, samples, settings, memory", SHAPES.values(), ids=SHAPES)
def test_chunks_give_the_logits_of_windows(window, samples, settings, memory):
    student = student_of(window, **settings)
    device = streaming(student, samples)
    assert memory_of(device) == memory and memory_of(student) == 0
    x = np.random.default_rng(1).normal(size=(1, 4 * window, CHANNELS)).astype("float32")
    answers = in_chunks(device, samples)
    said = answers(x)
    ends = [end for end in range(samples, x.shape[1] + 1, samples) if end >= window]
    expected = np.asarray(student(np.concatenate([x[:, end - window : end] for end in ends])))
    found = np.concatenate(said[-len(ends) :])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).min() > 1e-3, "all windows alike: nothing was compared"
    forget(device)
    np.testing.assert_array_equal(answers(x[:, :samples]), said[:1])


@pytest.mark.parametrize("window, samples, settings, back", list(SHAPES.values())[:4], ids=list(SHAPES)[:4])
def test_it_looks_as_far_back_as_it_says(window, samples, settings, back):
    device = streaming(student_of(window, **settings), samples)
    length = window + samples
    x = np.random.default_rng(1).normal(size=(1, length, CHANNELS)).astype("float32")
    answers = in_chunks(device, samples)

    def answer(signal):
        forget(device)
        return answers(signal)[-1]

    before, oldest = answer(x), length - samples - back
    for changed, counts in ((oldest, True), (oldest - 1, False)):
        other = x.copy()
        other[:, changed] += 100
        assert (np.abs(answer(other) - before).max() > 0) == counts


def test_the_student_is_an_ordinary_network(tmp_path):
    student = student_of(64, depth=2)
    streaming(student, 8)
    assert student.get_layer("embedding").output.shape == (None, 8)
    x = np.random.default_rng(0).normal(size=(20, 64, CHANNELS)).astype("float32")
    x[np.arange(20) % 2 > 0] += 1
    student.save(tmp_path / "student.keras")
    again = keras.models.load_model(tmp_path / "student.keras", safe_mode=True)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(student(x)))
    assert_learns(student, x, np.arange(20) % 2)


def test_refusals():
    with pytest.raises(ValueError, match="block3: a kernel of 15 with stride 1 on 5 moments.*longer window"):
        causal_student((128, CHANNELS), CLASSES, kernel=15)
    with pytest.raises(ValueError, match="stem: a kernel of 3 with stride 4"):
        causal_student((128, CHANNELS), CLASSES, stem_kernel=3, stem_stride=4)
    for samples in (0, 12, 136):
        with pytest.raises(ValueError, match=f"a multiple of 8, the product.*window of 128; got {samples}"):
            streaming(student_of(128), samples)
    with pytest.raises(ValueError, match="'stem_conv'.*chunk by chunk: a convolution needs padding='valid'"):
        streaming(imu_student((32, CHANNELS), CLASSES), 8)
    inputs = keras.Input((16, CHANNELS))
    recurrent = keras.Model(inputs, layers.Dense(2)(layers.GRU(4)(inputs)))
    with pytest.raises(ValueError, match=r"'gru.*' \(GRU\) cannot be fed chunk by chunk: take a network of Conv2D"):
        streaming(recurrent, 4)
