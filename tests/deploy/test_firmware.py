"""From a folder with a student to the files that the firmware is built from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tfkd.deploy import ContractError, TflmModel, c_files
from tfkd.deploy.firmware import find_student, invented_golden, with_four_bits, with_zeros, write_firmware
from tfkd.deploy.flatbuffer import constant, operator_name, unpack, weights_and_biases
from tfkd.deploy.plain_c import lower
from tfkd.deploy.variants import VariantError

MODELS = Path(__file__).resolve().parents[2] / "models"


def test_an_export_is_taken_as_it_is(exported):
    found = find_student(exported.folder)
    assert found.contract == exported.contract and found.model_bytes == exported.model_bytes
    assert (found.golden["inputs"] == exported.golden["inputs"]).all()


def test_of_a_run_the_first_seeds_student_is_taken(exported, tmp_path):
    for seed in (2, 10):
        shutil.copytree(exported.folder, tmp_path / f"seed{seed}" / "export")
    assert find_student(tmp_path).folder == tmp_path / "seed2" / "export"


def test_a_folder_without_a_student_says_what_was_looked_for(tmp_path):
    with pytest.raises(ContractError, match=r"holds no student.*contract\.json.*seed0/export/contract\.json"):
        find_student(tmp_path)


def test_a_student_of_the_zoo_gets_invented_golden_windows():
    student = find_student(MODELS / "utd-imu-stream")
    golden = student.golden
    assert set(golden) == {"ids", "x", "inputs", "outputs", "labels"}
    assert golden["inputs"].shape[1:] == student.contract.input_shape[1:] and (golden["labels"] == -1).all()
    assert golden["inputs"].min() == -128 and golden["inputs"].max() == 127
    assert len(np.unique(golden["outputs"], axis=0)) > 10, "windows that tell engines apart"
    model = TflmModel(student.model_bytes)
    assert (model.quantize(golden["x"]) == golden["inputs"]).all()
    assert (model.run(golden["inputs"]) == golden["outputs"]).all()
    again, other = (invented_golden(model, student.contract, seed) for seed in (0, 1))
    assert all((again[name] == golden[name]).all() for name in golden)
    assert (other["inputs"] != golden["inputs"]).any()


def test_a_zoo_model_that_is_not_the_contracts_is_refused(tmp_path):
    for name in ("contract.json", "student.tflite"):
        shutil.copy(MODELS / "utd-acc" / name, tmp_path)
    with open(tmp_path / "student.tflite", "ab") as file:
        file.write(b"\0")
    with pytest.raises(ContractError, match="SHA-256"):
        find_student(tmp_path)


def test_with_zeros_the_smallest_weights_go():
    student = find_student(MODELS / "utd-acc")
    pruned = with_zeros(student, 0.8)
    assert pruned.contract.model_sha256 != student.contract.model_sha256
    shares = {"DEPTHWISE_CONV_2D": [], "CONV_2D": [], "FULLY_CONNECTED": []}
    before, after = unpack(student.model_bytes), unpack(pruned.model_bytes)
    for (_, _, old, _), (_, operator, new, _) in zip(weights_and_biases(before), weights_and_biases(after)):
        old, new = (constant(m, t).view(np.int8).astype(int) for m, t in ((before, old), (after, new)))
        kept = new != 0
        assert (new[kept] == old[kept]).all()
        if (~kept).any() and operator_name(after, operator) != "DEPTHWISE_CONV_2D":
            assert abs(old[~kept]).max() <= abs(old[kept]).min()
        shares[operator_name(after, operator)].append(1 - kept.mean())
    assert all(abs(share - 0.8) < 0.01 for share in shares["CONV_2D"] + shares["FULLY_CONNECTED"])
    assert max(shares["DEPTHWISE_CONV_2D"]) < 0.1
    model = TflmModel(pruned.model_bytes)
    assert (model.run(pruned.golden["inputs"]) == pruned.golden["outputs"]).all()


def test_with_four_bits_kernels_are_rounded(tmp_path):
    student = find_student(MODELS / "utd-acc")
    smaller = with_four_bits(student)
    assert lower(smaller.model_bytes).constant_bytes < 0.7 * lower(student.model_bytes).constant_bytes
    assert (TflmModel(smaller.model_bytes).run(smaller.golden["inputs"]) == smaller.golden["outputs"]).all()
    write_firmware(smaller, tmp_path)
    assert "tfkd_multiply_dense_int4" in (tmp_path / "student_plain.c").read_text()


def test_everything_the_firmware_reads_is_written(exported, tmp_path):
    names = write_firmware(exported, tmp_path / "generated")
    written = {path.name: path.read_text() for path in (tmp_path / "generated").iterdir()}
    assert sorted(written) == names
    assert {"student_plain.c", "student_plain.h", "tfkd_contract.h", "golden_windows.c"} <= set(names)
    assert json.loads(written["contract.json"]) == exported.contract.to_dict()
    assert all(written[name] == text for name, text in c_files(exported).items())


def test_tensorflow_lite_micro_can_get_a_smaller_variant(exported, tmp_path):
    write_firmware(exported, tmp_path / "plain")
    write_firmware(exported, tmp_path / "slim", "slim")
    changed = {
        path.name
        for path in (tmp_path / "plain").iterdir()
        if path.read_text() != (tmp_path / "slim" / path.name).read_text()
    }
    assert changed == {"student_model.c", "student_model.h"}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_zeros_are_a_share_of_the_weights(exported, share):
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\], not"):
        with_zeros(exported, share)


def test_a_variant_that_the_student_does_not_have_is_told(exported, tmp_path):
    with pytest.raises(VariantError, match="no variant huffman; it has plain"):
        write_firmware(exported, tmp_path / "generated", "huffman")
    assert not (tmp_path / "generated").exists()
