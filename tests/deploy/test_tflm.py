import functools
import subprocess
import sys

import numpy as np
import pytest

from tfkd.deploy import TflmError, TflmModel, convert_int8
from tfkd.deploy.arena import ALIGNMENT, measure_arena
from tfkd.deploy.cost import cost_of

from .conftest import CHANNELS, CLASSES, WINDOW, make_windows

RUN = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=int(sys.argv[1])).invoke()
"""


def runs_in(model_bytes, arena_bytes):
    """Whether a bare interpreter, in a process of its own, runs with this arena."""
    command = [sys.executable, "-c", RUN, str(arena_bytes)]
    return subprocess.run(command, input=model_bytes, capture_output=True).returncode == 0


def test_facts_of_the_model(tflm):
    assert tflm.input_shape == (1, WINDOW, CHANNELS)
    assert tflm.output_shape == (1, CLASSES)
    # The training data spans a little more than [-1, 1].
    assert 2 / 255 < tflm.input_scale < 4 / 255
    assert -128 <= tflm.input_zero_point <= 127


def test_quantize_rounds_ties_to_even_and_saturates(tflm):
    scale, zero = np.float32(tflm.input_scale), tflm.input_zero_point
    steps = np.array([0, 1, -1, 0.5, 1.5, 2.5, -0.5, -1.5, 1000, -1000], np.float32)
    rounded = np.array([0, 1, -1, 0, 2, 2, 0, -2, 1000, -1000])
    expected = np.clip(rounded + zero, -128, 127)
    # Halving and doubling a float32 is exact, so these divide back to exact ties.
    np.testing.assert_array_equal(tflm.quantize(steps * scale), expected)
    extremes = tflm.quantize([np.inf, -np.inf, 3e38, -3e38])
    assert extremes.tolist() == [127, -128, 127, -128]
    assert extremes.dtype == np.int8


def test_quantize_refuses_nan(tflm):
    with pytest.raises(ValueError, match="2 NaN"):
        tflm.quantize([0.0, np.nan, np.nan])


def test_run_agrees_with_tensorflows_reference_kernels(model_bytes, tflm):
    """An independent implementation: the two may differ by one step in rare values."""
    import tensorflow as tf

    reference = tf.lite.Interpreter(
        model_content=model_bytes,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    reference.allocate_tensors()
    windows = np.random.default_rng(0).integers(-128, 128, (20, WINDOW, CHANNELS), dtype=np.int8)
    outputs = tflm.run(windows)
    assert len(np.unique(outputs)) > 20
    for window, output in zip(windows, outputs, strict=True):
        reference.set_tensor(reference.get_input_details()[0]["index"], window[None])
        reference.invoke()
        expected = reference.get_tensor(reference.get_output_details()[0]["index"])[0]
        assert np.abs(expected.astype(int) - output).max() <= 1


def test_a_window_gives_the_same_output_whatever_came_before(tflm):
    windows = np.random.default_rng(1).integers(-128, 128, (5, WINDOW, CHANNELS), dtype=np.int8)
    np.testing.assert_array_equal(tflm.run(windows)[::-1], tflm.run(windows[::-1]))


def test_predict_dequantises(tflm):
    x, _ = make_windows(4, seed=3)
    steps = tflm.run(tflm.quantize(x)).astype(np.float64)
    expected = (steps - tflm.output_zero_point) * tflm.output_scale
    np.testing.assert_allclose(tflm.predict(x), expected, rtol=1e-6)
    assert tflm.predict(x).dtype == np.float32


def test_int8_accuracy_is_the_float_students(student, tflm):
    x, labels = make_windows(90, seed=5)
    logits = np.asarray(student(x))
    assert (logits.argmax(axis=1) == labels).mean() > 0.95  # or the test below would say little
    assert (tflm.predict(x).argmax(axis=1) == logits.argmax(axis=1)).mean() > 0.95
    assert np.abs(tflm.predict(x) - logits).max() < 0.1 * np.ptp(logits)


@pytest.mark.parametrize("windows", [np.zeros((2, 32, 3)), np.zeros((2, 3, 32), np.int8)])
def test_run_refuses_other_types_and_shapes(tflm, windows):
    with pytest.raises(ValueError, match=r"windows must be int8 of shape \(n, 32, 3\)"):
        tflm.run(windows)


def test_no_windows_give_no_outputs(tflm):
    assert tflm.run(np.zeros((0, WINDOW, CHANNELS), np.int8)).shape == (0, CLASSES)


def test_arena_is_enough_and_not_a_step_more(model_bytes, tflm):
    assert tflm.arena_bytes % ALIGNMENT == 0
    assert runs_in(model_bytes, tflm.arena_bytes)
    assert not runs_in(model_bytes, tflm.arena_bytes - ALIGNMENT)


def test_arena_where_tflms_own_figure_is_too_small():
    """Many tiny layers: planning the memory takes more of it than running the model."""
    import keras
    from keras import layers

    inputs = keras.Input((8, 2))
    x = layers.Flatten()(inputs)
    for _ in range(12):
        x = layers.Dense(2, activation="sigmoid")(x)
    calibration = np.random.default_rng(0).normal(size=(4, 8, 2))
    model_bytes = convert_int8(keras.Model(inputs, x), calibration)
    command = RUN.replace(").invoke()", ").print_allocations()")
    said = subprocess.run(
        [sys.executable, "-c", command, "1000000"], input=model_bytes, capture_output=True
    ).stderr.decode()
    reported = int(said.split("Arena allocation total ")[1].split()[0])
    arena_bytes = TflmModel(model_bytes).arena_bytes
    assert not runs_in(model_bytes, reported)
    assert reported < arena_bytes
    assert runs_in(model_bytes, arena_bytes)
    assert not runs_in(model_bytes, arena_bytes - ALIGNMENT)


def test_what_the_interpreter_says_is_in_the_error():
    import keras
    from keras import layers

    inputs = keras.Input((8, 2))
    outputs = layers.Dense(2, activation="gelu")(layers.Flatten()(inputs))
    model_bytes = convert_int8(keras.Model(inputs, outputs), np.eye(8, 2)[None])
    with pytest.raises(TflmError, match="Didn't find op for builtin opcode 'GELU'"):
        TflmModel(model_bytes)


def test_a_crash_of_the_interpreter_is_an_error(model_bytes, tmp_path, monkeypatch):
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    measure_arena.cache_clear()  # another test may have measured this model already
    with pytest.raises(TflmError, match="cannot run this model: it crashed with signal 11"):
        TflmModel(model_bytes)


def test_a_float_model_is_refused(student):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(student)
    model_bytes = converter.convert()
    for use in (TflmModel, functools.partial(cost_of, engine="tflm")):
        with pytest.raises(TflmError, match="input is float32, not quantised int8"):
            use(model_bytes)
