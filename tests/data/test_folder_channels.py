"""Channels of one's own IMU: put together and measured by what their names say."""

import numpy as np
import pandas as pd
import pytest

from tests.data.test_folder import read, toml
from tests.formats import own
from tfkd.data.folder_channels import plain, words
from tfkd.data.recordings import DataError


def change_tables(folder, change):
    """Puts `change(table)` in place of each IMU file."""
    for path in sorted((folder / "imu").iterdir()):
        change(pd.read_csv(path)).to_csv(path, index=False)


@pytest.fixture
def folder(tmp_path):
    own.build(tmp_path, skeletons=False, continuous=False)
    toml(tmp_path, "")
    return tmp_path


def test_axes_of_a_sensor_are_put_side_by_side(folder):
    plain = read(folder, ("imu",))[0].streams["imu"]
    mixed = ["baro", "gyro_y", "acc_x", "gyro_x", "acc_z", "acc_y", "gyro_z"]
    change_tables(folder, lambda table: table.assign(baro=range(len(table)))[["time", *mixed]])
    found = read(folder, ("imu",))
    assert found.streams["imu"].channels == ("gyro_x", "gyro_y", "gyro_z", "acc_x", "acc_y", "acc_z", "baro")
    np.testing.assert_array_equal(found[0].streams["imu"][:, [3, 4, 5, 0, 1, 2]], plain)
    told = ["gyro_x, gyro_y, gyro_z, acc_x, acc_y, acc_z, baro"]
    assert found.notes["put in order: channels of a sensor side by side"] == told
    toml(folder, '[imu]\nchannels = ["gyro_z", "acc_x", "acc_y", "baro", "acc_z"]')
    assert read(folder, ("imu",)).streams["imu"].channels == ("acc_x", "acc_y", "acc_z", "gyro_z", "baro")


def test_a_clock_among_the_channels_is_doubted(folder):
    change_tables(folder, lambda table: table.assign(timestamp=20.0 * np.arange(len(table))))
    assert any("timestamp never falls" in told for told in read(folder, ("imu",)).notes["doubtful"])


def test_names_are_read_however_they_are_spelled():
    told = {
        "Acc_X": "Acc_x", "accX": "acc_x", "ACCX": "ACC_x", "gyrz": "gyr_z", "wristAccY": "wrist_Acc_y",
        "left_gyroY": "left_gyro_y", "acc_x": "acc_x", "baro": "baro", "acc_max": "acc_max", "x": "x",
    }  # fmt: skip
    assert {name: plain(name) for name in told} == told
    assert words("leftWrist_Acc_x") == ["left", "wrist", "acc", "x"]


@pytest.mark.parametrize("names", ["Acc_X Acc_Y Acc_Z Gyr_X Gyr_Y Gyr_Z", "accX accY accZ gyrX gyrY gyrZ"])
def test_channels_of_any_spelling_are_converted(folder, names):
    expected = read(folder, ("imu",))
    units = [9.80665] * 3 + [np.pi / 180] * 3
    change_tables(folder, lambda table: pd.concat(
        [table["time"], table[list(own.IMU)].mul(units).set_axis(names.split(), axis=1)], axis=1))  # fmt: skip
    with pytest.raises(DataError, match="a median length of 9.9.* so they are in m/s2"):
        read(folder, ("imu",))
    toml(folder, '[imu]\nunits = {acc = "m/s2", gyro = "rad/s"}')
    found = read(folder, ("imu",))
    assert found.streams["imu"].channels[::3] == (plain(names.split()[0]), plain(names.split()[3]))
    assert found.streams["imu"].units == expected.streams["imu"].units
    np.testing.assert_allclose(found[0].streams["imu"], expected[0].streams["imu"], atol=1e-4)
    toml(folder, f'[imu]\nchannels = ["{names.split()[0]}"]')
    assert read(folder, ("imu",)).streams["imu"].channels == (plain(names.split()[0]),)


def test_a_unit_of_no_channel_is_refused(folder):
    for key in ("barro", "gyr", "wrist_acc"):
        toml(folder, f'[imu]\nunits = {{acc = "g", {key} = "rad/s"}}')
        with pytest.raises(DataError, match=rf"dataset.toml: imu.units.{key} is about no channel .*acc_x, .*gyro_z\."):
            read(folder, ("imu",))
    toml(folder, '[imu]\nunits = {acc = "g"}\nchannels = ["gyro_x"]')
    read(folder, ("imu",))
    change_tables(folder, lambda table: table.assign(accX=1))
    with pytest.raises(DataError, match="acc_x and accX are both the channel acc_x"):
        read(folder, ("imu",))


def test_accelerations_far_from_1_g_are_noted(folder):
    toml(folder, '[imu]\nunits = {acc = "m/s2"}')
    (told,) = read(folder, ("imu",)).notes["doubtful"]
    assert told.startswith("acc_x, acc_y, acc_z have a median length of 0.1 g in a1, and") and "4 of 4" in told
