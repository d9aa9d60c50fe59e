"""Models that are no students, refused by everything that converts them."""

import pytest

from tfkd.deploy import ExportError, convert_int8, export_student
from tfkd.deploy.cost import int8_for_cost

from .conftest import make_windows


def model(**changed):
    import keras
    from keras import layers

    made = {"shape": (32, 3), "between": layers.Flatten(), "dtype": "float32", "activation": None} | changed
    inputs = keras.Input(made["shape"])
    x = made["between"](layers.Conv1D(4, 3, dtype=made["dtype"])(inputs))
    return keras.Model(inputs, layers.Dense(3, activation=made["activation"], name="last")(x))


def unfit():
    import keras
    from keras import layers

    inputs = keras.Input((32, 3))
    flat = layers.Flatten()(inputs)
    return {
        # Converting it would end the process.
        "recurrent layer": model(between=layers.GRU(4)),
        "computes in float16": model(dtype="mixed_float16"),
        "must be fixed": model(shape=(None, 3), between=layers.GlobalAveragePooling1D()),
        "not a built Functional": keras.Sequential([layers.Flatten(), layers.Dense(3)]),
        "1 inputs and 2 outputs": keras.Model(inputs, [layers.Dense(3)(flat), layers.Dense(2)(flat)]),
    }


def no_logits():
    import keras
    from keras import layers

    nested = model(activation="sigmoid")
    return {
        "ends in softmax; it must": model(activation="softmax"),
        "ends in softmax": keras.Sequential([*model().layers, layers.Softmax()]),
        "ends in sigmoid": keras.Model(inputs := keras.Input((32, 3)), nested(inputs)),
        "gives (None, 30, 3)": model(between=layers.Identity()),
    }


def test_what_no_converter_takes_is_refused_by_all_that_convert(facts, golden, tmp_path):
    x = make_windows(4, seed=1)[0]
    for told, student in unfit().items():
        for convert in (
            lambda student: convert_int8(student, x),
            int8_for_cost,
            lambda student: export_student(
                student, tmp_path / "export", calibration=x, contract_facts=facts, golden=golden
            ),
        ):
            with pytest.raises(ExportError) as caught:
                convert(student)
            assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_gives_no_logits_is_not_exported(facts, golden, tmp_path):
    x = make_windows(4, seed=1)[0]
    for told, student in no_logits().items():
        with pytest.raises(ExportError) as caught:
            export_student(student, tmp_path / "export", calibration=x, contract_facts=facts, golden=golden)
        assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_weights_have_eight_or_four_bits():
    with pytest.raises(ValueError, match="weight_bits must be 8 or 4, not 2"):
        int8_for_cost(model(), 2)
