"""The UTD-MHAD reader against format-true trees with the faults of people's copies, and the real data."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from tests.formats import utd
from tfkd.data import DataError
from tfkd.data.utd_mhad import CLASSES, read_utd_mhad


@pytest.fixture
def tree(tmp_path):
    return utd.build(tmp_path / "utd")


def same(a, b):
    return [r.id for r in a] == [r.id for r in b] and all(
        x.label == y.label
        and x.subject == y.subject
        and all(np.array_equal(x.streams[m], y.streams[m]) for m in ("imu", "skeleton"))
        for x, y in zip(a, b)
    )


def test_reads_what_was_written(tree):
    read = read_utd_mhad(tree)
    assert len(read) == 12 and read.classes == CLASSES
    for original in utd.recordings():
        (found,) = [r for r in read if r.id == original.id]
        assert (found.subject, found.label, found.trial) == (original.subject, original.label, original.trial)
        for modality, values in original.streams.items():
            assert found.streams[modality].dtype == "float32"
            np.testing.assert_allclose(found.streams[modality], values, rtol=1e-6, atol=1e-6)
    assert len(read.notes["missing trial"]) == 27 * 8 * 4 - 12 - 3
    assert read.notes["absent in the release"] == ["a8_s1_t4", "a23_s6_t4", "a27_s8_t4"]


@pytest.mark.parametrize(
    "layout",
    [
        utd.layout_nested,
        utd.layout_odd_case,
        utd.layout_zips,
        lambda tree: utd.layout_zips(tree, flat=True),
        utd.layout_stray_files,
        lambda tree: (utd.layout_stray_files(tree), utd.layout_zips(tree)),
    ],
)
def test_other_layouts_read_the_same(tree, layout):
    plain = read_utd_mhad(tree)
    layout(tree)
    assert same(plain, read_utd_mhad(tree.parent))


FAULTS = [
    (utd.fault_truncated, "unreadable as a .mat file"),
    (utd.fault_empty, "unreadable as a .mat file"),
    (utd.fault_web_page, "unreadable as a .mat file"),
    (utd.fault_wrong_key, "holds ['data'] instead of 'd_iner': renamed?"),
    (utd.fault_renamed, "holds ['d_iner'] instead of 'd_skel': renamed?"),
    (utd.fault_nan, "1 values are NaN or infinite"),
    (utd.fault_infinite, "1 values are NaN or infinite"),
    (utd.fault_constant_channel, "channel acc_x never changes"),
    (utd.fault_zero_length, "only 0 samples in time"),
]


@pytest.mark.parametrize("use_cache", [False, True])
@pytest.mark.parametrize("fault, message", FAULTS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_bad_file_is_named_and_skipped_or_fatal(tree, fault, message, use_cache):
    path = fault(tree, "a2_s1_t2")
    with pytest.raises(DataError) as raised:
        read_utd_mhad(tree, use_cache=use_cache)
    assert str(path) in str(raised.value) and message in str(raised.value)
    assert "--skip_bad_files" in str(raised.value), "the way out is named"
    for _ in range(2):  # the second time from the cache, where that is used
        read = read_utd_mhad(tree, on_error="skip", use_cache=use_cache)
        (note,) = read.notes["skipped: bad file"]
        assert path.name in note and str(tree) not in note
        paired = read.paired(["imu", "skeleton"])
        assert len(paired) == 11 and len(read) == 12
        (kind,) = [kind for kind in paired.notes if kind.startswith("left out: no")]
        assert paired.notes[kind] == ["a2_s1_t2"]


def test_missing_trials_and_modalities_are_counted(tree):
    utd.fault_missing(tree, "a1_s1_t1")
    utd.fault_no_imu(tree, "a1_s1_t2")
    read = read_utd_mhad(tree)
    assert "a1_s1_t1" in read.notes["missing trial"]
    assert read.paired(["imu", "skeleton"]).notes["left out: no imu"] == ["a1_s1_t2"]
    assert len(read.paired(["imu", "skeleton"])) == 10


def test_duplicates_and_impossible_actions_are_noted(tree):
    inertial = utd.path_of(tree, "a1_s1_t1")
    (tree / "copy").mkdir()
    (tree / "copy" / inertial.name).write_bytes(b"another file")
    (tree / "Inertial" / "a28_s1_t1_inertial.mat").write_bytes(inertial.read_bytes())
    read = read_utd_mhad(tree)
    assert len(read) == 12
    assert read.notes["ignored: no such action"] == ["Inertial/a28_s1_t1_inertial.mat"]
    (note,) = read.notes["ignored: duplicate"]
    assert note == "copy/a1_s1_t1_inertial.mat (kept Inertial/a1_s1_t1_inertial.mat)"


def test_a_broken_zip_is_named(tree):
    archive = utd.layout_zips(tree)[0]
    archive.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(DataError, match="Inertial.zip is not a readable zip"):
        read_utd_mhad(tree)
    read = read_utd_mhad(tree, on_error="skip")
    assert len(read.notes["skipped: unreadable"]) == 1 and len(read) == 12


def test_nothing_there_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError) as raised:
        read_utd_mhad(tmp_path)
    for part in (str(tmp_path), "UTD-MHAD.html", "Inertial.zip", "TFKD_DATA", "--dataset synthetic"):
        assert part in str(raised.value)


# ---- The cache ----


def cache_file():
    (path,) = Path(os.environ["TFKD_CACHE"]).glob("utd_mhad-*.npz")
    return path


def test_the_cache_is_used_while_nothing_changed(tree, monkeypatch):
    plain = read_utd_mhad(tree)
    monkeypatch.setattr("tfkd.data.utd_mhad.load_mat", None)  # reading again would fail
    assert same(plain, read_utd_mhad(tree))


def test_a_changed_file_is_read_again(tree):
    read_utd_mhad(tree)
    utd.fault_nan(tree, "a1_s1_t1")
    with pytest.raises(DataError, match="NaN"):
        read_utd_mhad(tree)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_cache_is_noticed_and_made_anew(tree, damage):
    plain = read_utd_mhad(tree)
    path = cache_file()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 255
    path.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b""}[damage])
    with pytest.warns(UserWarning, match="is damaged"):
        assert same(plain, read_utd_mhad(tree))
    assert same(plain, read_utd_mhad(tree))


def test_a_cache_that_cannot_be_written_does_not_matter(tree, monkeypatch, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setenv("TFKD_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="not cached"):
        assert len(read_utd_mhad(tree)) == 12


# ---- The real data ----


def test_real_data(utd_dir):
    started = time.perf_counter()
    read = read_utd_mhad(utd_dir)
    first = time.perf_counter() - started
    started = time.perf_counter()
    again = read_utd_mhad(utd_dir)
    print(f"first {first:.2f} s, from the cache {time.perf_counter() - started:.2f} s")
    assert same(read, again)
    assert len(read) == 861 and read.subjects == list(range(1, 9))
    assert read.notes == {"absent in the release": ["a8_s1_t4", "a23_s6_t4", "a27_s8_t4"]}
    imu = np.concatenate([r.streams["imu"] for r in read])
    assert np.median(np.linalg.norm(imu[:, :3], axis=1)) == pytest.approx(1.045, abs=0.001)
    assert imu[:, :3].min() >= -8.01 and imu[:, :3].max() <= 8.01
    lengths = [len(r.streams["imu"]) for r in read]
    assert (min(lengths), max(lengths)) == (107, 326)
    assert all(r.streams["skeleton"].shape[1:] == (20, 3) for r in read)
