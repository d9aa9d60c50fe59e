"""Under `tf.distribute`, with two replicas: relational terms compare within a replica, as the docstring says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_two_logical_devices():
    command = [sys.executable, "-m", "tests.methods.two_replicas"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == 2
    assert found["mirrored"] == pytest.approx(found["halves"], rel=1e-4)
    assert found["mirrored"] != pytest.approx(found["whole"], rel=1e-3)
    assert found["second_step"] < found["mirrored"]
