"""A student with a memory as int8: what it answers chunk by chunk, and what is written of it."""

import keras
import numpy as np
import pytest

from tests.deploy.conftest import CHANNELS, CLASSES, make_windows, trained
from tfkd.deploy import ExportError, TflmModel, check_exportable, convert_int8, export_student, load_export
from tfkd.networks import causal_student, memory_of, streaming

WINDOW, CHUNK = 32, 4


@pytest.fixture(scope="module")
def student():
    keras.utils.set_random_seed(0)
    settings = {"width": 8, "depth": 2, "kernel": 3, "stem_kernel": 5, "stem_stride": 1, "strides": (2,)}
    model = causal_student((WINDOW, CHANNELS), CLASSES, **settings)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.8  # a short training
    return trained(model)


@pytest.fixture(scope="module")
def export(student, facts, tmp_path_factory):
    x, labels = make_windows(48, seed=1)
    return export_student(
        streaming(student, CHUNK),
        tmp_path_factory.mktemp("causal") / "export",
        calibration=x,
        contract_facts=facts | {"window": CHUNK, "hop": CHUNK},
        golden={"ids": ["a", "b", "c"], "x": x[:3], "labels": labels[:3]},
    )


def test_int8_answers_as_the_window_network(student, export):
    x, labels = make_windows(60, seed=2)
    logits = np.asarray(student(x))
    int8 = TflmModel(export.model_bytes).predict(x)
    assert np.abs(int8 - logits).max() < 0.1 * np.ptp(logits)
    assert (int8.argmax(1) == labels).mean() > 0.9
    # Each window begins with a cleared memory: the order does not matter.
    np.testing.assert_array_equal(TflmModel(export.model_bytes).predict(x[::-1]), int8[::-1])


def test_it_remembers_until_it_is_reset(export):
    model = TflmModel(export.model_bytes)
    assert model.remembers and model.input_shape == (1, CHUNK, CHANNELS)
    chunks = np.random.default_rng(0).integers(-128, 128, (12, CHUNK, CHANNELS), np.int8)
    first = model.run(chunks)
    assert (model.run(chunks)[0] != first[0]).any(), "nothing was remembered"
    model.reset()
    np.testing.assert_array_equal(model.run(chunks), first)


def test_variables_are_int8(export):
    wrong = {"QUANTIZE", "DEQUANTIZE"} & set(export.contract.operators)
    assert not wrong and {"VAR_HANDLE", "ASSIGN_VARIABLE", "CALL_ONCE"} <= set(export.contract.operators)


def test_contract_and_golden_chunks(student, export):
    contract = load_export(export.folder).contract
    assert contract.memory == memory_of(streaming(student, CHUNK)) == 27
    assert (contract.window, contract.hop, contract.input_shape) == (CHUNK, CHUNK, (1, CHUNK, CHANNELS))
    golden = export.golden
    assert golden["inputs"].shape == (3 * WINDOW // CHUNK, CHUNK, CHANNELS)
    assert golden["ids"].tolist() == ["a"] * 8 + ["b"] * 8 + ["c"] * 8
    np.testing.assert_array_equal(golden["outputs"], TflmModel(export.model_bytes).run(golden["inputs"]))


def test_it_is_known_to_be_exportable(student):
    assert "VAR_HANDLE" in check_exportable(streaming(student, CHUNK))


def test_windows_that_are_no_chunks_are_refused(student, export):
    with pytest.raises(ValueError, match=r"\(5, 30, 3\) cannot be fed to a student that takes chunks of 4 samples"):
        convert_int8(streaming(student, CHUNK), np.zeros((5, 30, CHANNELS)))
    with pytest.raises(ValueError, match=r"chunks of 4 samples"):
        TflmModel(export.model_bytes).predict(np.zeros((1, 30, CHANNELS)))
    with pytest.raises(ExportError):
        check_exportable(keras.Sequential([keras.Input((8, 3))]))
