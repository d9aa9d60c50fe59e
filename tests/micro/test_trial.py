"""Whole trials: the C core against its Python twin, and the twin against the windows that students learn from."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest

from tests.micro.core import COMMANDS, GASF, TRIAL, Student, build, compare
from tests.micro.signals import clean, faulty
from tfkd.deploy.streaming import Settings

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(TRIAL, tmp_path_factory.mktemp("trial"), options=["-DTFKD_TRIAL_CAPACITY=100"])


def trial(times, values):
    return [("begin", 0, None), *(("push", t, x) for t, x in zip(times, values)), ("finish", 0, None)]


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 31, 32, 33, 63, 99, 100, 101, 150])
def test_trials_of_every_length(program, tmp_path, samples):
    played = trial(*clean(samples, seed=samples)) + trial(*clean(40, seed=1))
    events, _ = compare(program, tmp_path, TRIAL, Student(TRIAL), played, capacity=100)
    first = events[0]
    if samples < 2:
        assert (first.kind, first.value) == ("trial_too_short", samples)
    elif samples > 100:
        assert (first.kind, first.value) == ("trial_too_long", 100)
    else:
        assert (first.kind, first.time_us) == ("decision", 20_000 * (samples - 1))
    assert [event.kind for event in events[1:]] == ["decision"]


def test_faults_in_trials(program, tmp_path):
    settings = Settings(range=(8.0, 8.0, 8.0), quiet_samples=0, stuck_us=300_000)
    seen = set()
    for seed in range(5):
        pushes = [command for command in faulty(2000, seed=seed) if command[0] == "push"]
        played = []
        for start in range(0, 2000, 80):
            played += [("begin", 0, None), *pushes[start : start + 70], ("finish", 0, None)]
        events, _ = compare(program, tmp_path, TRIAL, Student(TRIAL), played, settings, capacity=100)
        seen |= {event.kind for event in events}
    assert seen >= {"decision", "bad_sample", "time_still", "time_back", "gap", "stuck", "saturated", "dead_channel"}


@pytest.mark.parametrize("samples", [49, 50, 51])
def test_a_dead_channel_of_a_trial(program, tmp_path, samples):
    """The same throughout a trial of a second or more, while the others move."""
    times, values = clean(samples, seed=7)
    values[:, 1] = 0.5
    events, _ = compare(program, tmp_path, TRIAL, Student(TRIAL), trial(times, values), capacity=100)
    dead = [("dead_channel", 1)] if samples == 51 else []
    assert [(event.kind, event.value) for event in events] == [*dead, ("decision", 0)]


def test_images_of_trials(tmp_path):
    contract = dataclasses.replace(GASF, windowing="whole_trial", sample_rate_hz=None)
    program = build(contract, tmp_path / "gasf")
    played = [command for seed in range(20) for command in trial(*clean(30 + 4 * seed, seed=seed))]
    _, inferences = compare(program, tmp_path, contract, Student(contract), played)
    assert inferences == 20


@pytest.mark.parametrize("what", ["push", "finish"])
def test_a_trial_must_have_begun(program, tmp_path, what):
    played = np.zeros(1, [("what", "<u4"), ("time", "<u4"), ("sample", "<f4", (3,))])
    played["what"] = COMMANDS.index(what)
    (tmp_path / "commands").write_bytes(played.tobytes())
    (tmp_path / "answers").touch()
    numbers = map(str, [500_000, 1_000_000, 32, 16384, 19661, 13107, 0, 0, 0, 0])
    done = subprocess.run([program, tmp_path / "commands", tmp_path / "answers", *numbers])
    assert done.returncode == 4  # TFKD_BAD_ARGUMENT
