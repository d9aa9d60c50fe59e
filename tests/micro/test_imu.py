"""From a board's IMU to the contract: units, order of the channels, axes."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests.micro.boards_stand_in import STRICT, STUBS, call
from tfkd.deploy import Contract

ROOT = STUBS.parents[2]

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.fixture
def contract():
    return Contract.read(ROOT / "models" / "utd-imu-stream" / "contract.json")


IMU_PROGRAM = r"""
#include <stdio.h>
#include "tfkd_imu.h"
int main(void) {
  const float acceleration[3] = {1.0f, 2.0f, 3.0f}, rotation[3] = {4.0f, 5.0f, 6.0f};
  const int8_t axes[3] = AXES;
  float sample[TFKD_CHANNELS], range[TFKD_CHANNELS];
  tfkd_imu imu;
  const char *wrong = tfkd_imu_init(&imu, ACCELERATION, ROTATION, axes);
  if (wrong) return puts(wrong) < 0;
  tfkd_imu_convert(&imu, acceleration, rotation, sample);
  tfkd_imu_range(&imu, 4.0f, 2000.0f, range);
  for (int i = 0; i < TFKD_CHANNELS; ++i) printf("%.6g %.6g\n", sample[i], range[i]);
  return 0;
}
"""


def converted(contract, folder, axes="{1, 2, 3}", acceleration="TFKD_G", rotation="TFKD_DEGREES_PER_SECOND"):
    folder.mkdir()
    (folder / "tfkd_contract.h").write_text(contract.c_header())
    (folder / "main.c").write_text(IMU_PROGRAM)
    board = ROOT / "micro" / "ports" / "board"
    defines = [f"-DAXES={axes}", f"-DACCELERATION={acceleration}", f"-DROTATION={rotation}"]
    paths = [f"-I{path}" for path in (folder, board, ROOT / "micro" / "src")]
    sources = [folder / "main.c", board / "tfkd_imu.c"]
    call(["gcc", "-std=c11", *STRICT, *defines, *paths, *sources, "-o", folder / "program"])
    return call([folder / "program"])


def numbers(text):
    return np.array([[float(word) for word in line.split()] for line in text.splitlines()])


def test_units_order_and_axes(contract, tmp_path):
    same = numbers(converted(contract, tmp_path / "same"))
    np.testing.assert_array_equal(same, [[1, 4], [2, 4], [3, 4], [4, 2000], [5, 2000], [6, 2000]])
    # The training sensor's x along the board's -y, its y along the board's x.
    turned = numbers(converted(contract, tmp_path / "turned", axes="{-2, 1, 3}"))
    np.testing.assert_array_equal(turned[:, 0], [-2, 1, 3, -5, 4, 6])
    np.testing.assert_array_equal(turned[:, 1], same[:, 1])
    si = {"acceleration": "TFKD_METRES_PER_SECOND2", "rotation": "TFKD_RADIANS_PER_SECOND"}
    metric = numbers(converted(contract, tmp_path / "metric", **si))
    scale = np.repeat([1 / 9.80665, 180 / np.pi], 3)
    np.testing.assert_allclose(metric[:, 0], [1, 2, 3, 4, 5, 6] * scale, rtol=1e-5)
    other = dataclasses.replace(
        contract,
        channels=("gyro_z", "acc_y", "acc_x", "gyro_x", "acc_z", "gyro_y"),
        units=("rad/s", "m/s^2", "m/s^2", "rad/s", "m/s^2", "rad/s"),
    )
    swapped = numbers(converted(other, tmp_path / "other"))
    expected = [6 * np.pi / 180, 2 * 9.80665, 9.80665, 4 * np.pi / 180, 3 * 9.80665, 5 * np.pi / 180]
    np.testing.assert_allclose(swapped[:, 0], expected, rtol=1e-5)
    unchanged = numbers(converted(other, tmp_path / "unchanged", **si))
    np.testing.assert_array_equal(unchanged[:, 0], [6, 2, 1, 4, 3, 5])


def test_channels_may_name_the_place_that_all_of_them_share(contract, tmp_path):
    placed = dataclasses.replace(contract, channels=tuple(f"right_wrist_{name}" for name in contract.channels))
    np.testing.assert_array_equal(numbers(converted(placed, tmp_path / "placed"))[:, 0], [1, 2, 3, 4, 5, 6])
    for other in ("left_wrist_acc_x", "acc_x", "right_waist_acc_x"):
        several = dataclasses.replace(placed, channels=(*placed.channels[:3], other, *placed.channels[4:]))
        several = dataclasses.replace(several, units=("g",) * 4 + contract.units[4:])
        assert "several places" in converted(several, tmp_path / other)


@pytest.mark.parametrize("axes", ["{1, 2, 2}", "{2, 1, 3}", "{-1, 2, 3}", "{0, 1, 2}", "{1, 2, 4}"])
def test_axes_that_no_board_can_be_turned_to_are_refused(contract, axes, tmp_path):
    assert "axes must be" in converted(contract, tmp_path / "imu", axes=axes)


@pytest.mark.parametrize("axes", ["{3, 1, 2}", "{2, 3, 1}", "{-1, -2, 3}", "{-1, 3, 2}", "{-3, -2, -1}"])
def test_every_rotation_is_allowed(contract, axes, tmp_path):
    assert len(numbers(converted(contract, tmp_path / "imu", axes=axes))) == 6


def test_a_contract_of_something_else_is_refused_by_the_board_too(contract, tmp_path):
    pressure = dataclasses.replace(
        contract, channels=("pressure", *contract.channels[1:]), units=("hPa", *contract.units[1:])
    )
    assert "none of acc_x" in converted(pressure, tmp_path / "channel")
    short = dataclasses.replace(contract, channels=("x", *contract.channels[1:]))
    assert "none of acc_x" in converted(short, tmp_path / "short")
    knots = dataclasses.replace(contract, units=("knots", *contract.units[1:]))
    assert "a unit that is none of" in converted(knots, tmp_path / "unit")
