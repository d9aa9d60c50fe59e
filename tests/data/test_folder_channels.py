"""Channels of one's own IMU: put together and measured by what their names say."""

import numpy as np
import pandas as pd
import pytest

from tests.data.test_folder import read, toml
from tests.formats import own


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
