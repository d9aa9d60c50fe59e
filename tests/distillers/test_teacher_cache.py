"""Stored teacher outputs are matched by id and refused where they do not belong."""

import keras
import numpy as np
import pytest

from tests.distillers.conftest import make_teacher
from tfkd.data import Normalisation, Windows
from tfkd.distillers import TeacherCache, TeacherCacheError
from tfkd.distillers.teacher_cache import hash_of_model


@pytest.fixture
def windows(batch):
    x, y = batch
    n = len(y)
    names = np.array([f"a{i}_s1_t1" for i in range(n)])
    return Windows(x, y.argmax(1), np.ones(n, int), names, np.zeros(n, int), ("a", "b", "c"))


def test_outputs_are_the_teachers_whatever_the_order(windows, tmp_path):
    teacher, normalisation = make_teacher(), Normalisation.fit(windows)
    path = tmp_path / "teacher.npz"
    TeacherCache.compute(teacher, windows, normalisation=normalisation, batch_size=7).save(path)
    order = np.random.default_rng(1).permutation(len(windows))[:10]
    part = windows.take(order)
    outputs = TeacherCache.load(path).outputs(teacher, part, normalisation)
    x = {m: normalisation(m, v) for m, v in part.arrays.items()}
    np.testing.assert_allclose(outputs["logits"], teacher(x), rtol=1e-4, atol=1e-5)
    assert outputs["embedding"].shape == (10, 10)


def test_other_weights_are_refused(windows):
    cache = TeacherCache.compute(make_teacher(), windows)
    other = make_teacher()
    other.get_layer("logits").bias.assign([0.0, 0.0, 1e-6])
    with pytest.raises(TeacherCacheError, match="other weights"):
        cache.outputs(other, windows)


def test_a_teacher_loaded_again_is_the_same_teacher(tmp_path):
    """Loading draws new seeds for Dropout, which has no part in what a teacher says."""
    keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]).save(tmp_path / "t.keras")
    hashes = set()
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        hashes.add(hash_of_model(keras.models.load_model(tmp_path / "t.keras")))
    assert len(hashes) == 1


def test_other_data_and_unknown_windows_are_refused(windows):
    teacher = make_teacher()
    cache = TeacherCache.compute(teacher, windows.take(np.arange(5)))
    with pytest.raises(TeacherCacheError, match="Window a5_s1_t1@0 is not stored"):
        cache.outputs(teacher, windows)
    changed = windows.take(np.arange(5))
    changed.arrays["imu"][3, 0, 0] += 1
    with pytest.raises(TeacherCacheError, match="a3_s1_t1@0 has other data"):
        cache.outputs(teacher, changed)
    with pytest.raises(TeacherCacheError, match="has other data"):
        cache.outputs(teacher, windows.take(np.arange(5)), Normalisation.fit(windows))


def test_windows_that_cannot_be_stored_are_refused(windows):
    few = windows.take(np.arange(4))
    with pytest.raises(ValueError, match="Two windows have the id a0_s1_t1@0"):
        TeacherCache.compute(make_teacher(), windows.take(np.array([0, 1, 0])))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        TeacherCache.compute(make_teacher(), few, batch_size=0)
    del few.arrays["skeleton"]
    with pytest.raises(ValueError, match=r"the windows hold \['imu'\]: \['skeleton'\] missing"):
        TeacherCache.compute(make_teacher(), few)


def test_damaged_file_is_named(windows, tmp_path):
    path = tmp_path / "teacher.npz"
    TeacherCache.compute(make_teacher(), windows).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TeacherCacheError, match="teacher.npz is not a readable teacher cache"):
        TeacherCache.load(path)
    np.savez(path, teacher_hash=np.array([object()], dtype=object), ids=[], data_hashes=[])
    with pytest.raises(TeacherCacheError, match="not a readable"):
        TeacherCache.load(path)
