import dataclasses
import json
import math

import numpy as np
import pytest

from tfkd.deploy import Contract, ContractError
from tfkd.files import OutputError

KEYS = [
    "format",
    "dataset",
    "split",
    "windowing",
    "sample_rate_hz",
    "window",
    "hop",
    "channels",
    "units",
    "mean",
    "scale",
    "encoding",
    "input_shape",
    "input_scale",
    "input_zero_point",
    "output_scale",
    "output_zero_point",
    "labels",
    "arena_bytes",
    "operators",
    "model_sha256",
    "memory",
]


@pytest.fixture
def contract(exported):
    return exported.contract


def test_keys_are_the_agreed_ones(contract, tmp_path):
    contract.write(tmp_path / "contract.json")
    assert list(json.loads((tmp_path / "contract.json").read_text())) == KEYS


def test_round_trip_is_exact(contract, tmp_path):
    odd = dataclasses.replace(contract, mean=(1 / 3, np.float32(0.1), -0.0), sample_rate_hz=1e-3)
    odd.write(tmp_path / "contract.json")
    assert Contract.read(tmp_path / "contract.json") == odd
    assert json.loads(odd.to_json()) == odd.to_dict()


def test_numpy_values_become_plain_ones(contract):
    array = dataclasses.replace(
        contract, mean=np.float32([1, 2, 3]), window=np.int64(32), scale=np.float64([1, 2, 3])
    )
    assert array.mean == (1.0, 2.0, 3.0)
    assert type(array.window) is int
    array.to_json()


def test_whole_trial_needs_no_rate(contract, tmp_path):
    whole = dataclasses.replace(contract, windowing="whole_trial", sample_rate_hz=None)
    whole.write(tmp_path / "contract.json")
    assert json.loads((tmp_path / "contract.json").read_text())["sample_rate_hz"] is None
    assert Contract.read(tmp_path / "contract.json") == whole


def edited(contract, tmp_path, **changes):
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(contract.to_dict() | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dataset", ""),
        ("dataset", 7),
        ("split", None),
        ("windowing", "sliding"),
        ("windowing", ["stream"]),
        ("sample_rate_hz", None),
        ("sample_rate_hz", 0),
        ("sample_rate_hz", math.inf),
        ("sample_rate_hz", True),
        ("window", 0),
        ("window", 32.0),
        ("window", True),
        ("window", 10**12),
        ("hop", -1),
        ("channels", []),
        ("channels", "xyz"),
        ("channels", ["acc_x", "acc_x", "acc_z"]),
        ("channels", ["acc_x", "acc\0y", "acc_z"]),
        ("units", ["g", "g"]),
        ("mean", [0.0, 0.0]),
        ("mean", [0.0, 0.0, math.nan]),
        ("mean", [0.0, 0.0, 10**400]),
        ("mean", [0.0, 0.0, "0"]),
        ("mean", 0.0),
        ("scale", [1.0, 1.0, 1.0, 1.0]),
        ("scale", [1.0, 0.0, 1.0]),
        ("scale", [1.0, -1.0, 1.0]),
        ("scale", [1.0, 1e-50, 1.0]),
        ("encoding", []),
        ("encoding", "gasf 3 -3"),
        ("input_shape", [1, 32, 4]),
        ("input_shape", [2, 32, 3]),
        ("input_shape", [1]),
        ("input_scale", 0.0),
        ("input_zero_point", 128),
        ("output_scale", 1e39),
        ("output_zero_point", -129),
        ("output_zero_point", 0.5),
        ("labels", []),
        ("labels", ["a", "b", "a"]),
        ("labels", ["a", "b", "\ud800"]),
        ("labels", {"a": 0}),
        ("arena_bytes", 0),
        ("operators", ["CONV_2D", 3]),
        ("model_sha256", "ab" * 31),
        ("model_sha256", "AB" * 32),
    ],
)
def test_a_wrong_value_is_named(contract, tmp_path, key, value):
    path = edited(contract, tmp_path, **{key: value})
    with pytest.raises(ContractError) as caught:
        Contract.read(path)
    assert str(caught.value).startswith(f"{path}: {key}: ")


@pytest.mark.parametrize("shape", [(1, 32, 3), (1, 16, 8, 3), (1, 16, 16, 2), (1, 33, 33, 3)])
def test_an_image_is_square_and_no_larger_than_the_window(contract, shape):
    assert dataclasses.replace(contract, encoding="gadf -3 3", input_shape=(1, 32, 32, 3)).encoding == "gadf -3 3"
    with pytest.raises(ContractError, match=r"input_shape: .* 'gadf -3 3' makes square images of at most 32 points"):
        dataclasses.replace(contract, encoding="gadf -3 3", input_shape=shape)


def test_the_message_shows_the_value_and_what_it_should_be(contract):
    with pytest.raises(ContractError, match=r"scale: must be above zero in float32, not 0\.0"):
        dataclasses.replace(contract, scale=[1.0, 0.0, 1.0])
    with pytest.raises(ContractError, match=r"mean: 2 values for 3 channels .*\[0\.5, 7\.0\]"):
        dataclasses.replace(contract, mean=[0.5, 7.0])
    with pytest.raises(ContractError, match=r"windowing: must be one of .*not 'sliding'"):
        dataclasses.replace(contract, windowing="sliding")


def test_missing_and_unknown_keys_are_named(contract, tmp_path):
    values = contract.to_dict() | {"colour": "red"}
    del values["hop"]
    (tmp_path / "contract.json").write_text(json.dumps(values))
    with pytest.raises(ContractError, match=r"missing keys \['hop'\], unknown keys \['colour'\]"):
        Contract.read(tmp_path / "contract.json")


def test_another_format_is_refused(contract, tmp_path):
    with pytest.raises(ContractError, match="format: 3; this tfkd reads formats 1 and 2"):
        Contract.read(edited(contract, tmp_path, format=3))


def test_the_format_before_memory_is_read(contract, tmp_path):
    values = contract.to_dict() | {"format": 1}
    del values["memory"]
    (tmp_path / "contract.json").write_text(json.dumps(values))
    assert Contract.read(tmp_path / "contract.json") == contract


def test_memory_takes_chunks_of_a_stream(contract):
    rate, whole = {"sample_rate_hz": 50.0, "windowing": "stream"}, contract.window
    chunks = dataclasses.replace(contract, memory=40, hop=whole, **rate)
    assert "#define TFKD_MEMORY 40" in chunks.c_header()
    with pytest.raises(ContractError, match=f"memory: 40, but windowing is 'stream' with window {whole} and hop 8"):
        dataclasses.replace(contract, memory=40, hop=8, **rate)


def test_a_stream_leaves_no_sample_out(contract):
    stream = {"sample_rate_hz": 50.0, "windowing": "stream", "hop": contract.window + 1}
    with pytest.raises(ContractError, match=f"hop: {contract.window + 1}, but a window is {contract.window} samples"):
        dataclasses.replace(contract, **stream)
    assert dataclasses.replace(contract, **stream | {"windowing": "whole_trial"}).hop == contract.window + 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"window": 1, "window": 2}'])
def test_what_is_not_a_contract_is_refused(tmp_path, text):
    (tmp_path / "contract.json").write_text(text)
    with pytest.raises(ContractError, match=r"contract\.json"):
        Contract.read(tmp_path / "contract.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"contract\.json could not be read"):
        Contract.read(tmp_path / "contract.json")


def test_writing_into_a_file_is_an_output_error(contract, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"contract\.json"):
        contract.write(tmp_path / "file" / "contract.json")


def test_the_line_to_int8_is_the_division(contract):
    """At most a step apart, and that rarely: the last digit of float32 decides next to a tie."""
    origin, factor = contract.int8_line()
    mean, scale = np.float32(contract.mean), np.float32(contract.scale)
    x = (np.random.default_rng(0).normal(size=(200_000, len(mean))) * scale + mean).astype(np.float32)
    line = np.rint((x - origin) * factor)
    divided = np.rint((x - mean) / scale / np.float32(contract.input_scale)) + contract.input_zero_point
    assert np.abs(line - divided).max() <= 1
    assert (line != divided).mean() < 2e-5


@pytest.mark.parametrize("scale", [1e-38, 3e38])
def test_a_line_to_int8_beyond_float32(contract, scale):
    far = dataclasses.replace(contract, scale=(1.0, scale, 1.0), input_scale=0.001 if scale < 1 else 1000.0)
    with pytest.raises(ContractError, match="scale: that of .* beyond float32"):
        far.int8_line()
