import errno

import numpy as np
import pytest

import tfkd.deploy.check
from tfkd.deploy import ExportError, check_exportable
from tfkd.deploy.operators import BUILTIN_METHODS, CUSTOM_METHODS, unsupported


def student_with(*between):
    import keras
    from keras import layers

    inputs = keras.Input((16, 4), name="imu")
    x = layers.Conv1D(4, 3, padding="same", name="stem")(inputs)
    for layer in between:
        x = layer(x)
    return keras.Model(inputs, layers.Dense(3, name="logits")(layers.Flatten()(x)))


def refusal(student):
    with pytest.raises(ExportError) as caught:
        check_exportable(student)
    return str(caught.value)


def test_a_good_student_passes_and_is_left_alone(student):
    before = [w.copy() for w in student.get_weights()]
    expected = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "RESHAPE"]
    assert check_exportable(student) == expected
    assert all(np.array_equal(a, b) for a, b in zip(before, student.get_weights(), strict=True))


def test_gelu_is_refused_by_name():
    from keras import layers

    message = refusal(student_with(layers.Conv1D(4, 3, activation="gelu", name="block_conv")))
    assert "no operator GELU (Keras layer 'block_conv')" in message
    assert "hard_swish" in message


def test_gelu_in_a_nested_model_is_refused_by_name():
    import keras
    from keras import layers

    nested = keras.Sequential(
        [keras.Input((16, 4)), layers.Conv1D(4, 3), layers.Activation("gelu", name="inner_act")]
    )
    assert "GELU (Keras layer 'inner_act')" in refusal(student_with(nested))


def test_gelu_at_the_output_is_refused_by_name():
    import keras
    from keras import layers

    inputs = keras.Input((16, 4))
    outputs = layers.Activation("gelu", name="last")(layers.Dense(3)(layers.Flatten()(inputs)))
    assert "GELU (Keras layer 'last')" in refusal(keras.Model(inputs, outputs))


def test_names_with_numbers_are_told_apart():
    from keras import layers

    message = refusal(student_with(layers.ReLU(name="act"), layers.Activation("gelu", name="act_1")))
    assert "GELU (Keras layer 'act_1')" in message


def test_an_operator_without_int8_kernel_is_refused_by_name():
    from keras import layers

    message = refusal(student_with(layers.Activation("softplus", name="soft")))
    assert "cannot run the operator EXP (Keras layer 'soft')" in message


def test_what_the_converter_refuses_is_named():
    import keras
    from keras import layers

    message = refusal(student_with(layers.Lambda(lambda x: keras.ops.arcsin(x), name="inverse")))
    assert "no int8 operator for TensorFlow's Asin (Keras layer 'inverse')" in message


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_rolled_recurrence_is_refused_by_name(kind):
    import keras

    layer = getattr(keras.layers, kind)(4, name="memory")
    assert f"recurrent layer 'memory' ({kind})" in refusal(student_with(layer))


def test_rolled_recurrence_deep_inside_is_refused_by_name():
    import keras
    from keras import layers

    nested = keras.Sequential([keras.Input((16, 4)), layers.Bidirectional(layers.LSTM(4, name="memory"))])
    assert "memory' (LSTM)" in refusal(student_with(nested))


def test_other_precisions_are_refused_by_layer():
    from keras import layers

    student = student_with(layers.ReLU(name="half", dtype="mixed_float16"))
    assert "layer 'half' computes in float16" in refusal(student)


def test_interfaces_that_firmware_cannot_serve_are_refused():
    import keras
    from keras import layers

    inputs = keras.Input((16, 4))
    flat = layers.Flatten()(inputs)
    two = keras.Model(inputs, [layers.Dense(2)(flat), layers.Dense(2)(flat)])
    assert "1 inputs and 2 outputs" in refusal(two)
    any_length = keras.Input((None, 4))
    pooled = layers.GlobalAveragePooling1D()(any_length)
    assert "(None, None, 4)" in refusal(keras.Model(any_length, layers.Dense(2)(pooled)))
    assert "(None, 16, 2)" in refusal(keras.Model(inputs, layers.Dense(2)(inputs)))

    class Subclass(keras.Model):
        pass

    assert "not a built Functional" in refusal(Subclass())


def test_a_full_disk_is_not_blamed_on_the_student(student, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tfkd.deploy.check, "convert_int8", no_space)
    with pytest.raises(OSError, match="No space left"):
        check_exportable(student)


def test_the_operator_table_is_the_interpreters():
    """Each kernel's registration is a symbol of the wheel's library."""
    import re
    from pathlib import Path

    from tflite_micro.python.tflite_micro import _runtime
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    symbols = re.findall(rb"Register_([A-Z0-9_]+)Ev", Path(_runtime.__file__).read_bytes())
    known = {name for name in vars(schema.BuiltinOperator) if name.isupper()}
    assert {symbol.decode() for symbol in symbols} & known == set(BUILTIN_METHODS)
    assert not set(CUSTOM_METHODS) & set(BUILTIN_METHODS)


def test_unsupported():
    assert unsupported(["GELU", "CONV_2D", "TILE", "GELU", "TFLM_DECODE"]) == ["GELU", "TILE"]
