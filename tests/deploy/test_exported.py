"""Export folders read back: what does not belong together is refused by name."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from tfkd.deploy import ContractError, TflmModel, load_export, replay


def test_load_export_reads_back_what_was_written(exported):
    loaded = load_export(exported.folder)
    assert loaded.contract == exported.contract
    assert loaded.model_bytes == exported.model_bytes
    assert loaded.macs == exported.macs > 0
    assert loaded.golden.keys() == exported.golden.keys()
    for name, array in exported.golden.items():
        np.testing.assert_array_equal(loaded.golden[name], array)
        assert loaded.golden[name].dtype == array.dtype
    assert replay(loaded) == 6


def test_a_tampered_model_is_refused(folder):
    data = bytearray((folder / "student.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "student.tflite").write_bytes(data)
    with pytest.raises(ContractError, match=r"student\.tflite has SHA-256"):
        load_export(folder)


def test_a_tampered_contract_is_refused(folder):
    path = folder / "contract.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"input_zero_point": 100}))
    with pytest.raises(ContractError, match=r"contract\.json: input_zero_point: 100, but student"):
        load_export(folder)


def test_variants_are_read_back_and_give_the_golden_outputs(exported):
    loaded = load_export(exported.folder)
    assert loaded.variants == exported.variants
    assert list(loaded.variants) == ["plain", "slim", "tflm"]
    for variant in loaded.variants.values():
        outputs = TflmModel(variant.model_bytes).run(exported.golden["inputs"])
        np.testing.assert_array_equal(outputs, exported.golden["outputs"])
    facts = json.loads((exported.folder / "variants.json").read_text())
    assert facts["tflm"]["bytes"] == (exported.folder / "student_tflm.tflite").stat().st_size
    assert facts["plain"]["sha256"] == exported.contract.model_sha256


def test_an_export_without_variants_is_read(folder):
    for path in [*folder.glob("student_*.tflite"), folder / "variants.json"]:
        path.unlink()
    assert load_export(folder).variants == {}


def test_tampered_variants_are_refused(folder):
    path = folder / "variants.json"
    facts = json.loads(path.read_text())
    for spoilt in ({}, [], {**facts, "other": facts["slim"]}, {**facts, "slim": {**facts["slim"], "bytes": 1}}):
        path.write_text(json.dumps(spoilt))
        with pytest.raises(ContractError, match=r"variants\.json"):
            load_export(folder)
    path.write_text(json.dumps(facts))
    data = bytearray((folder / "student_slim.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "student_slim.tflite").write_bytes(data)
    with pytest.raises(ContractError, match=r"variants\.json does not describe the files"):
        load_export(folder)


def test_too_small_an_arena_is_refused(folder, exported):
    path = folder / "contract.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arena_bytes": 1024}))
    with pytest.raises(ContractError, match=r"arena_bytes: 1024, but the model needs"):
        replay(load_export(folder))


@pytest.mark.parametrize("name", ["student.tflite", "contract.json", "golden.npz"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ContractError, match=name):
        load_export(folder)


def test_spoilt_golden_windows_are_named(folder, exported):
    path = folder / "golden.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ContractError, match=r"golden\.npz could not be read"):
        load_export(folder)
    np.savez(path, **exported.golden | {"outputs": exported.golden["outputs"][:, :2]})
    with pytest.raises(ContractError, match=r"golden\.npz: outputs is int8 of shape \(6, 2\)"):
        load_export(folder)
    np.savez(path, **exported.golden | {"inputs": exported.golden["x"]})
    with pytest.raises(ContractError, match=r"golden\.npz: inputs is float32"):
        load_export(folder)


def test_replay_counts_what_differs(exported):
    outputs = exported.golden["outputs"].copy()
    outputs[2, 0] ^= 1
    inputs = exported.golden["inputs"].copy()
    inputs[4, 0, 0] ^= 1
    spoilt = exported.golden | {"outputs": outputs, "inputs": inputs}
    assert replay(dataclasses.replace(exported, golden=spoilt)) == 4


@pytest.mark.parametrize("damage", [lambda data: data[:1000], lambda data: data[:8] + bytes(60)])
def test_a_damaged_model_is_named_whatever_its_contract_says(folder, damage):
    model_bytes = damage((folder / "student.tflite").read_bytes())
    (folder / "student.tflite").write_bytes(model_bytes)
    contract = json.loads((folder / "contract.json").read_text())
    contract["model_sha256"] = hashlib.sha256(model_bytes).hexdigest()
    (folder / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(ContractError, match=r"student\.tflite: This \.tflite file is damaged or cut short"):
        load_export(folder)
