"""Anything at all into the sample path, under sanitizers. For longer, build the same and give it more seconds."""

import dataclasses
import shutil
import subprocess

import pytest

from tests.micro.core import CHUNKS, CONTRACT, GASF, TRIAL, build

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
SECONDS = 3
FAULTS = {"bad_sample", "time_still", "time_back", "gap", "stuck", "saturated", "engine", "dead_channel"}
CONTRACTS = {
    "stream": CONTRACT,
    "memory": CHUNKS,
    "images": dataclasses.replace(GASF, sample_rate_hz=47.123),
    "trial": TRIAL,
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_anything_at_all(tmp_path, name):
    program = build(CONTRACTS[name], tmp_path / "fuzz", source="fuzz.c")
    done = subprocess.run([program, "1", str(SECONDS)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    seen = dict(line.split() for line in done.stdout.splitlines())
    ends = {"trial_too_long", "trial_too_short"} if name == "trial" else {"started", "ended", "overrun"}
    assert seen.keys() >= FAULTS | ends | {"decision"}
    assert int(seen["inferences"]) > 1000
