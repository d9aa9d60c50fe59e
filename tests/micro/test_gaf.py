"""The C Gramian angular field against NumPy: every value within one step, and how many are off by it."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

from tests.micro.core import CONTRACT, Student, build, compare
from tests.micro.signals import bits, clean, commands, faulty
from tfkd.deploy.gaf_int8 import gaf_int8
from tfkd.deploy.streaming import Settings
from tfkd.encodings import Gaf

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")

SHARE_OFF = 0.002  # found: 0.0011 to 0.0015 of the values


def contract_of(encoding, window, size, input_scale=2 / 255, zero_point=-1, **more):
    return dataclasses.replace(
        CONTRACT,
        window=window,
        encoding=encoding,
        input_shape=(1, size, size, 3),
        input_scale=input_scale,
        input_zero_point=zero_point,
        **more,
    )


def images(contract, folder, windows, start=0):
    program = build(contract, folder / "gaf", source="gaf.c", core="tfkd_gaf.c")
    rings = np.roll(windows, start, axis=1).astype("<f4")
    data = b"".join(np.uint32(start).tobytes() + ring.tobytes() for ring in rings)
    done = subprocess.run([program], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, np.int8).reshape(-1, *contract.input_shape[1:])


def assert_same(contract, found, windows):
    """To the bit the twin's, and within one step of the quantised images; returns the differences from these."""
    np.testing.assert_array_equal(found, gaf_int8(contract, windows))
    difference = np.abs(found.astype(int) - expected(contract, windows))
    assert difference.max() <= 1
    return difference


def expected(contract, windows):
    x = Gaf.parse(contract.encoding, contract.input_shape[1])(windows)
    steps = np.rint(x / np.float32(contract.input_scale)) + np.float32(contract.input_zero_point)
    return np.clip(steps, -128, 127).astype(np.int8)


@pytest.mark.parametrize("encoding", ["gasf", "gadf", "gasf -2 2", "gadf -1.5 3", "gadf arcsin"])
@pytest.mark.parametrize(("window", "size"), [(128, 32), (50, 16), (32, 32)])
def test_same_bytes_to_one_step(tmp_path, encoding, window, size):
    contract = contract_of(encoding, window, size)
    generator = np.random.default_rng(0)
    windows = np.stack([clean(window, seed=seed)[1] for seed in range(60)])
    windows[:20] += generator.normal(0, 1, (20, window, 3)).astype(np.float32)
    difference = assert_same(contract, images(contract, tmp_path, windows, start=window // 3), windows)
    print(f"{encoding}, {window} samples to {size}: {100 * difference.mean():.2f} % of the values one step off")
    assert difference.mean() <= SHARE_OFF


@pytest.mark.parametrize("input_scale", [1e-6, 0.001, 0.02, 1.0, 300.0])
def test_any_scale(tmp_path, input_scale):
    contract = contract_of("gasf", 32, 32, input_scale, zero_point=20)
    windows = np.stack([clean(32, seed=seed)[1] for seed in range(10)])
    found = images(contract, tmp_path, windows)
    np.testing.assert_array_equal(found, gaf_int8(contract, windows))
    difference = np.abs(found.astype(int) - expected(contract, windows))
    # Below the resolution of the arithmetic, 2^-15, almost everything is at a clamp.
    assert difference.max() <= 1 or (input_scale < 2**-12 and (difference > 0).mean() < 0.01)


@pytest.mark.parametrize("encoding", ["gasf", "gadf", "gasf -2 2"])
def test_constant_tiny_and_huge_channels(tmp_path, encoding):
    contract = contract_of(encoding, 32, 16)
    wave = clean(32, seed=3)[1]
    scales = [0, 1e-42, 1e-38, 1e-17, 1e-12, 3e8, -3e8]  # below 2e-15 a channel has no range
    windows = np.stack([*(wave * np.float32(scale) for scale in scales), wave * 0 + 7, 7 + wave / 5000])
    windows[0, :, 2] = wave[:, 2]
    assert_same(contract, images(contract, tmp_path, windows), windows)


@pytest.mark.parametrize("encoding", ["gasf", "gadf -2 2"])
def test_in_the_stream(tmp_path, encoding):
    contract = contract_of(encoding, 32, 16)
    program = build(contract, tmp_path / "stream")
    settings = Settings(report_windows=True)
    _, inferences = compare(program, tmp_path, contract, Student(contract), commands(*clean(1500, seed=2)), settings)
    assert inferences == 184
    for played in (faulty(2000, seed=3), bits(3000, seed=4)):
        compare(program, tmp_path, contract, Student(contract), played, settings)
