"""What NPZ and Parquet files of one's own may hold, and what is wrong with them told."""

import numpy as np
import pandas as pd
import pytest

from tests.formats import own
from tfkd.data.folder_tables import read_stream
from tfkd.data.recordings import DataError

SECONDS = own.times(4, 50)
GOOD = {"time": SECONDS, "values": own.imu_at(SECONDS), "channels": np.array(own.IMU)}


def read(path):
    return read_stream(path, lambda names: names)


def npz(folder, **arrays):
    path = folder / "a1.npz"
    np.savez(path, **{**GOOD, **arrays})
    return path


def test_names_of_bytes_are_names(tmp_path):
    times, values, channels, repairs = read(npz(tmp_path, channels=np.array(own.IMU, "S")))
    np.testing.assert_allclose(values, own.imu_at(SECONDS), atol=1e-5)
    assert tuple(channels) == own.IMU and not repairs


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"values": np.array(5.0)}, r"a1.npz: time has shape \(201,\), values \(\) and channels \(6,\), but must be"),
        ({"values": GOOD["values"][:, :, None, None]}, r"values \(201, 6, 1, 1\) and channels"),
        ({"time": np.array(5.0)}, r"time has shape \(\), values"),
        ({"channels": np.array("acc_x")}, r"values \(201, 6\) and channels \(\), but"),
        ({"channels": ["acc_x", *own.IMU[:5]]}, "a1.npz: array channels has several columns acc_x"),
        ({"channels": ["time", *own.IMU[:5]]}, "a1.npz: array channels has several columns time"),
        ({"channels": ["time_ms", *own.IMU[:5]]}, "a1.npz has both time and time_ms"),
        ({"values": GOOD["values"] * 1j}, "values has type complex128, but must be real numbers"),
        ({"time": (1000 * SECONDS).astype("datetime64[ms]")}, "time has type datetime64.ms., but must be"),
        ({"values": GOOD["values"].astype(object)}, "cannot be read as NPZ without pickles"),
        ({"values": np.full((201, 6), "x")}, "the columns are not all numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_told(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        read(npz(tmp_path, **arrays))


def test_damaged_files_are_told(tmp_path):
    path = tmp_path / "a1.npz"
    np.savez_compressed(path, **GOOD)
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[200 : len(whole) // 2 : 40] = bytes(255 - byte for byte in broken[200 : len(whole) // 2 : 40])
    encrypted, unknown = bytearray(whole), bytearray(whole)
    for start in (0, whole.rindex(b"PK\x01\x02")):  # in the header of a member, and of the last in the directory
        encrypted[start + (6 if start == 0 else 8)] |= 1
        unknown[start + (8 if start == 0 else 10)] = 97
    np.save(tmp_path / "a1.npy", GOOD["values"])
    for content in (broken, encrypted, unknown, whole[:3000], (tmp_path / "a1.npy").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(DataError, match="a1.npz (cannot be read as NPZ|holds one array)"):
            read(path)


def test_a_parquet_file_whose_times_are_its_index_is_told(tmp_path, monkeypatch):
    table = pd.DataFrame(GOOD["values"], columns=own.IMU, index=pd.Index(SECONDS, name="time"))
    monkeypatch.setattr(pd, "read_parquet", lambda path: table)
    with pytest.raises(DataError, match=r"a1.parquet: time is the index; write it as a column: table.reset_index\(\)"):
        read(tmp_path / "a1.parquet")
    monkeypatch.setattr(pd, "read_parquet", lambda path: table.reset_index().rename(columns={"acc_y": "acc_x"}))
    with pytest.raises(DataError, match="a1.parquet: the table has several columns acc_x"):
        read(tmp_path / "a1.parquet")
