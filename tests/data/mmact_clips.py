"""What the tests of the MMAct reader share: a tree, and what should be read of it."""

import numpy as np
import pytest

from tests.formats import mmact

CLIP = (1, 1, 1, "walking")
ID = "subject1_scene1_session1_walking"
DEFAULT = ("acc_watch", "acc_phone", "gyro")


@pytest.fixture
def tree(tmp_path):
    return mmact.build(tmp_path / "mmact")


def expected_imu(clip, sensors=DEFAULT, begin=0.0, end=mmact.SECONDS):
    times = begin + np.arange(round((end - begin) * 50) + 1) / 50
    unit = {"acc_watch": 9.80665, "acc_phone": 9.80665}
    return np.concatenate([mmact.signal(clip, s, times) / unit.get(s, 1) for s in sensors], axis=1)


def one(recordings, name):
    (found,) = [r for r in recordings if r.id == name]
    return found


def same(a, b):
    return [(r.id, r.label, r.conditions) for r in a] == [(r.id, r.label, r.conditions) for r in b] and all(
        set(x.streams) == set(y.streams) and all(np.array_equal(x.streams[m], y.streams[m]) for m in x.streams)
        for x, y in zip(a, b)
    )
