"""Every network: shapes, named inputs and embedding, logits, saving, and learning."""

import keras
import numpy as np
import pytest

from tests.networks.conftest import assert_learns
from tfkd.data.utd_mhad import BONES
from tfkd.networks import fused_teacher, graph_teacher, imu_student, imu_teacher, skeleton_teacher

IMU, SKELETON, CLASSES = (32, 6), (16, 20, 3), 5
NETWORKS = {
    "imu_student": (lambda: imu_student(IMU, CLASSES, width=16), 16),
    "imu_student without blocks": (lambda: imu_student(IMU, CLASSES, width=16, depth=0, dropout=0.0), 16),
    "imu_teacher": (lambda: imu_teacher(IMU, CLASSES, width=8), 16),
    "skeleton_teacher": (lambda: skeleton_teacher(SKELETON, CLASSES, width=8), 16),
    "graph_teacher": (lambda: graph_teacher(SKELETON, BONES, CLASSES, width=8), 16),
    "fused_teacher": (lambda: fused_teacher(SKELETON, IMU, CLASSES, width=8), 32),
}


def inputs_for(model, rows):
    rng = np.random.default_rng(0)
    shapes = {"imu": IMU, "skeleton": SKELETON}
    x = {t.name: rng.normal(size=(rows, *shapes[t.name])).astype("float32") for t in model.inputs}
    return next(iter(x.values())) if len(x) == 1 else x


@pytest.mark.parametrize("make, width", NETWORKS.values(), ids=NETWORKS)
def test_network(make, width, tmp_path):
    model = make()
    x = inputs_for(model, 10)
    y = np.arange(10) % CLASSES
    assert model.output_shape == (None, CLASSES)
    assert model.get_layer("embedding").output.shape == (None, width)
    logits = np.asarray(model(x))
    assert logits.dtype == "float32" and (logits < 0).any(), "logits, not probabilities"
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(np.asarray(again(x)), logits)
    assert_learns(model, x, y)


def test_motion_is_the_difference_of_frames():
    from tfkd.networks.skeleton import Motion

    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    out = np.asarray(Motion(gain=2.0)(x))
    flat = x.reshape(2, 5, 12)
    np.testing.assert_array_equal(out[:, :, :12], flat)
    np.testing.assert_array_equal(out[:, 0, 12:], 0)
    np.testing.assert_allclose(out[:, 1:, 12:], 2 * np.diff(flat, axis=1), rtol=1e-5)


def test_student_stays_small():
    assert imu_student((128, 6), 27).count_params() < 40_000
