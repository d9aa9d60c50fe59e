"""Files that cannot be read, and folders that cannot be looked into, in every reader: told, or left out and noted."""

import os

import pytest

from tests.formats import berkeley, mmact, openpack, own, utd
from tfkd.data import datasets, utd_frames
from tfkd.data.recordings import DataError
from tfkd.data.sources import Source, notes_within, stamp_of

CLIPS = [(1, 1, 1, "walking"), (17, 1, 1, "walking")]
TREES = {
    "utd": (lambda d: utd.build(d, (1,), 2, 1), lambda d: utd.path_of(d, "a1_s1_t1"), ("imu",)),
    "berkeley": (
        lambda d: berkeley.build(d, ["s01_a01_r01", "s02_a01_r01"]),
        lambda d: berkeley.path_of(d, "s01_a01_r01", 1),
        ("imu",),
    ),
    "mmact": (
        lambda d: mmact.build(d, CLIPS, (1,)),
        lambda d: mmact.path_of(d, CLIPS[0], "acc_watch"),
        ("imu",),
    ),
    "openpack": (
        lambda d: openpack.build(d, {"U0102": ["S0100", "S0200"]}, 12),
        lambda d: openpack.label_path(d, "U0102", "S0100"),
        ("imu",),
    ),
    "folder": (own.build, lambda d: d / "imu" / "a1.csv", ("imu", "skeleton")),
}


@pytest.fixture(params=TREES)
def dataset(request):
    return request.param


def read(dataset, tree, on_error):
    return datasets.read(dataset, str(tree), on_error, TREES[dataset][2])


def test_a_link_to_nowhere_is_told_or_skipped(dataset, tmp_path):
    build, victim, _ = TREES[dataset]
    path = victim(tree := build(tmp_path / "data"))
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=rf"{path.name}.*No such file"):
        read(dataset, tree, "raise")
    found = read(dataset, tree, "skip")
    assert len(found) and path.name in str(found.notes["skipped: bad file"])


def test_a_video_that_is_gone_is_told(tmp_path):
    with pytest.raises(DataError, match=r"a1_s1_t1_color.avi cannot be read: .*No such file.*skip such files"):
        utd_frames.read_avi(Source(tmp_path / "a1_s1_t1_color.avi"), 64, 32)


def test_a_list_of_invalid_files_that_is_gone_is_told_or_skipped(tmp_path):
    tree = TREES["mmact"][0](tmp_path / "data")
    (tree / "invalid_files.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=r"invalid_files.txt cannot be read: .*No such file"):
        read("mmact", tree, "raise")
    assert "invalid_files.txt" in str(read("mmact", tree, "skip").notes["skipped: bad file"])


def test_a_folder_that_may_not_be_looked_into_is_told_or_skipped(dataset, tmp_path, monkeypatch):
    build, victim, _ = TREES[dataset]
    closed = victim(tree := build(tmp_path / "data")).parent
    looked_into, permitted = os.scandir, os.access

    def scandir(path):
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return looked_into(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(closed) and permitted(path, mode))
    with pytest.raises(DataError, match=f"{closed} may not be looked into by this user"):
        read(dataset, tree, "raise")
    if dataset in ("utd", "folder"):  # nothing is left
        with pytest.raises(DataError, match="No imu file of UTD-MHAD|may not be looked into"):
            read(dataset, tree, "skip")
    else:
        assert closed.name in str(read(dataset, tree, "skip").notes["skipped: unreadable"])


def test_a_file_that_may_not_be_read_is_another_one(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("x")
    before = stamp_of(path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert stamp_of(path) != before and stamp_of(tmp_path / "b.csv")[1] == "No such file or directory"


def test_names_that_are_no_utf_8_are_written_out(tmp_path):
    line = os.fsdecode(os.fsencode(tmp_path) + b"/imu/gr\xfc\xdf.csv")
    assert notes_within({"ignored": [line], "none": []}, tmp_path) == {"ignored": ["imu/gr\\udcfc\\udcdf.csv"]}
