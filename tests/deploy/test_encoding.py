"""A student with a Gramian angular field goes out without it, and everything about the export knows."""

import keras
import numpy as np
import pytest

from tfkd.deploy import ContractError, ExportError, TflmModel, check_exportable, encode_for, export_student, load_export
from tfkd.deploy.encoding import split_encoding
from tfkd.deploy.exported import replay
from tfkd.deploy.firmware import invented_golden
from tfkd.encodings import Gaf, GramianAngularField
from tfkd.networks import gaf_student

from .conftest import CHANNELS, CLASSES, WINDOW, make_windows

GAF = Gaf("gadf", 12, -2.0, 2.0)
CALIBRATION = make_windows(24, seed=1)[0]


def network(encoding=None, shape=(WINDOW, CHANNELS), **more):
    return gaf_student(shape, CLASSES, encoding, embedding=8, stem=8, blocks=((8, 1), (12, 2)), **more)


@pytest.fixture(scope="module")
def student():
    keras.utils.set_random_seed(0)
    return network(GramianAngularField(12, "gadf", -2, 2), name="waves")


@pytest.fixture(scope="module")
def exported(student, facts, golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gaf") / "export"
    return export_student(student, folder, calibration=CALIBRATION, contract_facts=facts, golden=golden)


def test_the_model_begins_behind_the_field(student, exported, golden):
    assert exported.contract.encoding == "gadf -2.0 2.0"
    assert exported.contract.input_shape == (1, 12, 12, CHANNELS)
    assert exported.contract.operators == ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN")
    assert "#define TFKD_GAF_SIZE 12" in (exported.folder / "tfkd_contract.h").read_text()
    x = np.float32(golden["x"])
    model = TflmModel(exported.model_bytes)
    np.testing.assert_array_equal(exported.golden["x"], x)
    np.testing.assert_array_equal(exported.golden["inputs"], model.quantize(GAF(x)))
    np.testing.assert_array_equal(exported.golden["outputs"], model.run(model.quantize(GAF(x))))
    logits = np.asarray(student(x))
    assert np.abs(model.predict(encode_for(exported.contract, x)) - logits).max() < 0.1 * np.ptp(logits)


def test_an_export_is_read_back_and_replayed(exported):
    again = load_export(exported.folder)
    assert again.contract == exported.contract
    assert replay(again) == len(exported.golden["x"])


def test_the_student_stays_as_it_was(student):
    nodes = {layer.name: len(layer._inbound_nodes) for layer in student.layers}
    apart, encoding = split_encoding(student)
    assert encoding == str(GAF) and apart.name == "waves" and apart.input_shape == (None, 12, 12, CHANNELS)
    assert nodes == {layer.name: len(layer._inbound_nodes) for layer in student.layers}
    x = make_windows(4, seed=5)[0]
    np.testing.assert_array_equal(apart(GAF(x)), student(x))
    plain = network(shape=(12, 12, CHANNELS))
    assert split_encoding(plain) == (plain, "none")


def test_a_student_of_images_is_given_signals_too(student, exported, facts, golden, tmp_path):
    plain, encoding = split_encoding(student)
    facts = facts | {"encoding": encoding}
    again = export_student(plain, tmp_path / "e", calibration=CALIBRATION, contract_facts=facts, golden=golden)
    assert again.contract == exported.contract


def test_it_can_be_asked_before_training(student):
    assert check_exportable(student) == ["ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN"]


def misplaced():
    late = keras.Sequential([keras.Input((WINDOW, CHANNELS)), keras.layers.ReLU(), GramianAngularField(8)])
    inputs = keras.Input((WINDOW, CHANNELS))
    images, signal = (keras.layers.Flatten()(x) for x in (GramianAngularField(8)(inputs), inputs))
    both = keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Concatenate()([images, signal])))
    inside = keras.Sequential([keras.Input((WINDOW, CHANNELS)), GramianAngularField(8)])
    nested = keras.Sequential([keras.Input((WINDOW, CHANNELS)), inside])
    for model in (late, nested):
        model.add(keras.layers.Flatten())
        model.add(keras.layers.Dense(CLASSES))
    return [late, both, nested]


def test_a_field_elsewhere_is_refused():
    for model in misplaced():
        with pytest.raises(ExportError, match=r"has the layer 'gramian.*' .* elsewhere than right behind"):
            check_exportable(model)


def test_what_does_not_fit_is_named(student, exported, facts, golden, tmp_path, monkeypatch):
    monkeypatch.setattr("tfkd.deploy.export.convert_int8", lambda *_: exported.model_bytes)

    def export(calibration=CALIBRATION, facts=facts, golden=golden):
        export_student(student, tmp_path / "e", calibration=calibration, contract_facts=facts, golden=golden)

    with pytest.raises(ContractError, match=r"encoding: 'gasf', but the student 'waves' holds 'gadf -2.0 2.0' itself"):
        export(facts=facts | {"encoding": "gasf"})
    longer = np.repeat(CALIBRATION, 2, axis=1)
    with pytest.raises(ValueError, match=r"calibration must be windows of shape \(32, 3\), not \(64, 3\)"):
        export(calibration=longer)
    with pytest.raises(ValueError, match=r"golden x must be windows of shape \(32, 3\), not \(12, 12, 3\)"):
        export(golden=golden | {"x": GAF(golden["x"])})
    with pytest.raises(ValueError, match="x must be finite"):
        export(calibration=CALIBRATION * np.nan)
    assert not (tmp_path / "e").exists()


def test_invented_windows_are_signals(exported):
    model = TflmModel(exported.model_bytes)
    golden = invented_golden(model, exported.contract)
    assert golden["x"].shape[1:] == (WINDOW, CHANNELS) and golden["inputs"].shape[1:] == (12, 12, CHANNELS)
    np.testing.assert_array_equal(model.quantize(GAF(golden["x"])), golden["inputs"])
    assert len(np.unique(golden["outputs"], axis=0)) > 6
