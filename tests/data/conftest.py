"""Small recordings whose samples tell where they come from."""

import numpy as np
import pytest

from tfkd.data import Recording, Recordings, Stream

STREAMS = {
    "imu": Stream(
        ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"), ("g",) * 3 + ("deg/s",) * 3, 50.0
    ),
    "skeleton": Stream(("hip_center", "shoulder_center", "right_wrist"), ("m",) * 3, None, ((0, 1), (1, 2))),
}


def recording(subject, label, trial, imu=200, skeleton=70, seed=0):
    """Both streams rise from 0 to 1 over the trial in their first channel, so that time can be read off."""
    rng = np.random.default_rng([seed, subject, label, trial])
    signals = rng.normal(size=(imu, 6)).astype("float32")
    signals[:, 0] = np.linspace(0, 1, imu)
    joints = rng.normal(size=(skeleton, 3, 3)).astype("float32")
    joints[:, 0, 0] = np.linspace(0, 1, skeleton)
    return Recording(
        f"a{label + 1}_s{subject}_t{trial}", subject, label, trial, {"imu": signals, "skeleton": joints}
    )


def recordings(subjects=4, labels=3, trials=2, **lengths):
    items = [
        recording(s, c, t, **lengths)
        for s in range(1, subjects + 1)
        for c in range(labels)
        for t in range(1, trials + 1)
    ]
    return Recordings(items, [f"class{c}" for c in range(labels)], STREAMS, "tiny")


@pytest.fixture
def tiny():
    return recordings()
