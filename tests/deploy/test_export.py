"""What an export writes: all of it or nothing, and what the tool makes of it."""

import errno
import hashlib
import json
import os

import numpy as np
import pytest

from tests.command_line import run
from tfkd.deploy import Contract, ContractError, TflmModel, c_files, export_student, load_export
from tfkd.deploy.exported import C_FILES
from tfkd.deploy.firmware import write_firmware
from tfkd.deploy.plain_c import plain_c_files
from tfkd.files import OutputError

from .conftest import CHANNELS, WINDOW, contents, make_windows

CALIBRATION = make_windows(48, seed=1)[0]


@pytest.fixture
def converted(model_bytes, monkeypatch):
    """Spares a test that is not about it the conversion, whose result is known."""
    monkeypatch.setattr("tfkd.deploy.export.convert_int8", lambda student, calibration: model_bytes)


def test_folder_holds_everything_and_nothing_else(exported):
    files = {"student.tflite", "student_slim.tflite", "student_tflm.tflite", "variants.json"}
    expected = {*files, "contract.json", "golden.npz", *C_FILES}
    assert set(contents(exported.folder)) == expected
    assert os.listdir(exported.folder.parent) == ["export"]
    for name, text in c_files(exported).items():
        assert (exported.folder / name).read_text() == text


def test_contract_tells_the_truth_about_the_model(exported, model_bytes, tflm):
    contract = Contract.read(exported.folder / "contract.json")
    assert contract == exported.contract
    assert (exported.folder / "student.tflite").read_bytes() == model_bytes
    assert contract.model_sha256 == hashlib.sha256(model_bytes).hexdigest()
    assert contract.input_shape == (1, WINDOW, CHANNELS)
    for name in ("input_scale", "input_zero_point", "output_scale", "output_zero_point"):
        assert getattr(contract, name) == getattr(tflm, name)
    assert contract.arena_bytes == tflm.arena_bytes
    assert contract.operators == (
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "MEAN",
        "RESHAPE",
    )


def test_contract_alone_is_enough_to_use_the_student(exported, golden):
    """Without tfkd: JSON, NumPy and an interpreter."""
    facts = json.loads((exported.folder / "contract.json").read_text())
    x = np.float32(golden["x"])
    steps = np.rint(x / np.float32(facts["input_scale"])) + facts["input_zero_point"]
    inputs = np.clip(steps, -128, 127).astype(np.int8)
    with np.load(exported.folder / "golden.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["inputs"], inputs)
        np.testing.assert_array_equal(archive["x"], x)
        assert archive["ids"].tolist() == golden["ids"]
        assert archive["labels"].tolist() == golden["labels"].tolist()
        model = TflmModel((exported.folder / "student.tflite").read_bytes())
        np.testing.assert_array_equal(archive["outputs"], model.run(inputs))
        assert len(np.unique(archive["outputs"])) > 5


@pytest.mark.usefixtures("converted")
def test_an_earlier_export_is_replaced(student, facts, golden, folder):
    shorter = {key: values[:2] for key, values in golden.items()}
    export_student(student, folder, calibration=CALIBRATION, contract_facts=facts, golden=shorter)
    assert len(load_export(folder).golden["x"]) == 2
    assert os.listdir(folder.parent) == ["export"]


class Killed(BaseException):
    pass


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("converted")
@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("numpy.savez", NO_SPACE),
        ("numpy.savez", Killed()),
        ("pathlib.Path.write_text", NO_SPACE),
        ("pathlib.Path.write_text", Killed()),
        ("os.rename", NO_SPACE),
    ],
)
def test_a_failed_write_keeps_the_earlier_export(student, facts, golden, folder, monkeypatch, at, error):
    before = contents(folder)
    original, calls = os.rename, []

    def fail(*args, **kwargs):
        calls.append(args)
        if at == "os.rename" and len(calls) != 2:  # fails when the new folder should take the place
            return original(*args)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(at, fail)
        with pytest.raises(OutputError if isinstance(error, OSError) else Killed) as caught:
            export_student(student, folder, calibration=CALIBRATION, contract_facts=facts, golden=golden)
    if isinstance(error, OSError):
        assert f"Could not write {folder.resolve()}: No space left" in str(caught.value)
    assert contents(folder) == before
    assert os.listdir(folder.parent) == ["export"]


def test_c_files_that_were_made_of_an_export_go_with_it(student, facts, golden, folder):
    """`tools/export.py runs/x --out runs/x/seed0/export` adds the plain C engine's; training again replaces all."""
    before = contents(folder)
    write_firmware(load_export(folder), folder)
    assert (folder / "student_plain.c").exists()
    export_student(student, folder, calibration=CALIBRATION, contract_facts=facts, golden=golden)
    assert contents(folder).keys() == before.keys()


def test_a_folder_with_other_files_is_not_replaced(student, facts, golden, folder):
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"'thesis\.tex', which is not part of an export"):
        export_student(student, folder, calibration=CALIBRATION, contract_facts=facts, golden=golden)
    assert (folder / "thesis.tex").read_text() == "years of work"


@pytest.mark.usefixtures("converted")
def test_a_file_in_the_way_is_an_output_error(student, facts, golden, tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "export"):
        with pytest.raises(OutputError, match="file"):
            export_student(student, target, calibration=CALIBRATION, contract_facts=facts, golden=golden)


@pytest.mark.usefixtures("converted")
def test_wrong_facts_and_golden_windows_are_named(student, facts, golden, tmp_path):
    def export(facts=facts, golden=golden):
        export_student(
            student,
            tmp_path / "export",
            calibration=CALIBRATION,
            contract_facts=facts,
            golden=golden,
        )

    with pytest.raises(ContractError, match=r"missing .* 'hop'"):
        export(facts={key: value for key, value in facts.items() if key != "hop"})
    with pytest.raises(ContractError, match="arena_bytes"):
        export(facts=facts | {"arena_bytes": 1})
    with pytest.raises(ContractError, match="labels: 2 names, but the student has 3 outputs"):
        export(facts=facts | {"labels": ["a", "b"]})
    with pytest.raises(ValueError, match="5 ids, 6 windows and 6 labels"):
        export(golden=golden | {"ids": golden["ids"][:5]})
    with pytest.raises(ValueError, match=r"golden labels must be in \[-1, 2\]"):
        export(golden=golden | {"labels": [0, 1, 2, 3, 0, 1]})
    assert not (tmp_path / "export").exists()


def test_tool_writes_the_c_files(exported, tmp_path):
    done = run("export.py", f"--export_dir={exported.folder}", f"--out={tmp_path / 'generated'}")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 identical" in done.stdout
    texts = c_files(exported) | plain_c_files(exported.model_bytes) | {"contract.json": exported.contract.to_json()}
    assert contents(tmp_path / "generated") == {name: text.encode() for name, text in texts.items()}


def test_tool_refuses_golden_windows_that_differ(exported, folder, tmp_path):
    outputs = exported.golden["outputs"].copy()
    outputs[0, 0] ^= 1
    np.savez(folder / "golden.npz", **exported.golden | {"outputs": outputs})
    done = run("export.py", "--export_dir", folder, "--out", tmp_path / "generated")
    assert done.returncode != 0
    assert "5 of 6 identical" in done.stdout
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"labels": {"walk", "run", "sit"}}, "labels: must be a list"),
        ({"memory": 3}, "memory: 3, but the student keeps 0 samples"),
    ],
)
@pytest.mark.usefixtures("converted")
def test_facts_that_mean_something_else_than_the_student_are_refused(student, facts, golden, tmp_path, changed, told):
    with pytest.raises(ContractError, match=told):
        export_student(
            student, tmp_path / "export", calibration=CALIBRATION, contract_facts=facts | changed, golden=golden
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("labels", [[0.5] * 6, np.eye(6, 3, dtype=int), ["sit"] * 6])
def test_golden_labels_are_class_indices(student, facts, golden, tmp_path, labels):
    with pytest.raises(ValueError, match="golden labels must be class indices"):
        export_student(
            student,
            tmp_path / "export",
            calibration=CALIBRATION,
            contract_facts=facts,
            golden=golden | {"labels": labels},
        )


def test_a_contract_that_grants_a_memory_to_a_model_without_is_refused(folder):
    contract = json.loads((folder / "contract.json").read_text())
    (folder / "contract.json").write_text(json.dumps(contract | {"memory": 8, "hop": contract["window"]}))
    with pytest.raises(ContractError, match=r"contract\.json: memory: 8, but student\.tflite keeps no variables"):
        load_export(folder)
