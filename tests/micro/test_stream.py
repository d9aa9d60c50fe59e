"""The C core against its Python twin: the same samples in, the same events out."""

import dataclasses
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.micro.core import CHUNKS, CONTRACT, SOURCES, STRICT, Rememberer, Student, build, compare
from tests.micro.signals import bits, clean, commands, faulty
from tfkd.deploy.decision import probabilities
from tfkd.deploy.streaming import Settings

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")

RATES = {
    "50 Hz": CONTRACT,
    "51.2 Hz, hop as long as the window": dataclasses.replace(CONTRACT, sample_rate_hz=51.2, hop=32),
    "33.333 Hz": dataclasses.replace(CONTRACT, sample_rate_hz=33.333, hop=1),
    "1 mHz over": dataclasses.replace(CONTRACT, sample_rate_hz=49.999, hop=5),
    "a student with a memory": CHUNKS,
}
SETTINGS = {
    "defaults": Settings(),
    "all reported": Settings(range=(8.0, 2.5, 8.0), quiet_samples=0, report_windows=True, enter=9000, leave=8500),
    "unsmoothed": Settings(smoothing=32768, stuck_us=200_000, max_gap_us=60_000, enter=12000, leave=0),
    "patient": Settings(smoothing=3000, stuck_us=0, max_gap_us=60_000_000, quiet_samples=7, enter=9000, leave=9000),
}


def student_of(contract):
    return (Rememberer if contract.memory else Student)(contract)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("core")
    return {name: build(contract, folder / str(i)) for i, (name, contract) in enumerate(RATES.items())}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("rate", RATES)
def test_faults_of_every_kind(programs, tmp_path, rate, settings):
    kinds = Counter()
    for seed in range(2):
        played = faulty(2500, seed=seed)
        events, inferences = compare(
            programs[rate], tmp_path, RATES[rate], student_of(RATES[rate]), played, settings
        )
        assert inferences > 10
        kinds.update(event.kind for event in events)
    if settings is SETTINGS["all reported"]:
        assert kinds.keys() >= {
            "started", "ended", "decision", "bad_sample", "time_still", "time_back", "gap", "stuck", "saturated",
            "overrun", "dead_channel",
        }  # fmt: skip


@pytest.mark.parametrize("period_us", [20_000, 19_990, 5_000, 71_000, 1_000])
@pytest.mark.parametrize("rate", RATES)
def test_sensors_of_other_rates(programs, tmp_path, rate, period_us):
    times, values = clean(2500, seed=period_us, period_us=period_us, jitter_us=period_us // 3)
    settings = Settings(report_windows=True, enter=9000, leave=8000)
    events, inferences = compare(
        programs[rate], tmp_path, RATES[rate], student_of(RATES[rate]), commands(times, values), settings
    )
    contract = RATES[rate]
    points = (times[-1] - times[0]) * contract.sample_rate_hz / 1e6
    # Where the sensor is slower than the hop, a push completes several windows and all but one are lost.
    windows = min((points - contract.window) // contract.hop + 1, len(times))
    assert inferences == pytest.approx(windows, rel=0.01, abs=3)
    assert {event.kind for event in events} <= {"decision", "started", "ended", "overrun"}


@pytest.mark.parametrize(("seed", "rate"), [*((seed, "50 Hz") for seed in range(4)), (4, "a student with a memory")])
def test_random_bits(programs, tmp_path, seed, rate):
    events, inferences = compare(
        programs[rate], tmp_path, RATES[rate], student_of(RATES[rate]), bits(6000, seed=seed),
        Settings(range=(8.0, 0.0, 1e30), report_windows=True),
    )  # fmt: skip
    assert inferences > 10
    assert len(events) > 100


def test_contraction_of_floats_changes_nothing(tmp_path):
    """Compilers join products and sums into one rounding where the processor can: not here. One step of this student's
    input is less than the last digit of the samples."""
    if " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no fused multiply-add")
    contract = dataclasses.replace(CONTRACT, mean=(1.0,) * 3, scale=(1e-6,) * 3, input_scale=0.05)
    program = build(contract, tmp_path / "fma", options=["-std=gnu11", "-mfma", "-ffp-contract=fast"], sanitize=False)
    times, values = clean(3000, seed=5, jitter_us=9000)
    values = 1 + values * np.float32(1e-6)
    compare(program, tmp_path, contract, Student(contract), commands(times, values), Settings(report_windows=True))


@pytest.mark.parametrize("beyond", [0, 1])
def test_limits_to_the_last_unit(programs, tmp_path, beyond):
    def student(windows):
        return np.array([[-128, 20, 0, -128 if windows.sum() % 2 else 10]], np.int8)

    times, values = clean(400, seed=6)
    times, values = np.array(times), values / 8
    times[80:] += 480_000 + beyond  # a pause of half a second
    times[150:] -= 520_000 + beyond  # back by as much
    times[200:] += 2**31 - 20_001 + beyond  # the longest step forward, or the longest back
    values[260 : 311 - beyond] = values[260]  # the same for a second, or nearly
    values[350:355, 1] = np.nextafter(np.float32(2.5), np.float32(0)) if beyond else 2.5
    sure = int(probabilities(student(np.ones(1))[0], CONTRACT.output_scale)[1])
    settings = Settings(range=(8.0, 2.5, 8.0), smoothing=32768, enter=sure + beyond, leave=sure + beyond)
    played = commands([int(time) for time in times], values)
    events, _ = compare(programs["50 Hz"], tmp_path, CONTRACT, student, played, settings)
    kinds = Counter(event.kind for event in events)
    assert kinds["gap"] == 1  # the pause, or the longest step forward
    assert kinds["time_back"] == 1 + beyond
    assert kinds["stuck"] == kinds["saturated"] == 1 - beyond
    assert (kinds["started"] > 2) == (not beyond)


@pytest.mark.parametrize("moves_at", [100, 149, 150, 1000])
def test_a_dead_channel(programs, tmp_path, moves_at):
    """Looked for in stretches of a second, the first from sample 0 to 50, and reported at its end."""
    times, values = clean(400, seed=9)
    values[101:, 2] = 0.5
    values[moves_at : moves_at + 1, 2] += 0.25
    settings = Settings(quiet_samples=0)
    played = commands(times, values)
    events, _ = compare(programs["50 Hz"], tmp_path, CONTRACT, Student(CONTRACT), played, settings)
    dead = [event.time_us // 20_000 for event in events if event.kind == "dead_channel"]
    assert {event.value for event in events if event.kind == "dead_channel"} == {2}
    # Alive in the stretch from 100 to 150, whose first sample is another, and in the one that the move is in.
    assert dead == [sample for sample in (200, 250, 300, 350) if sample != moves_at + 50]


def test_the_clock_wraps_unnoticed(programs, tmp_path):
    times, values = clean(600, seed=8)
    results = []
    for start in (0, 2**32 - 3_000_000):
        shifted = [(time + start) % 2**32 for time in times]
        events, _ = compare(
            programs["50 Hz"], tmp_path, CONTRACT, Student(CONTRACT), commands(shifted, values),
            Settings(report_windows=True),
        )  # fmt: skip
        results.append([event._replace(time_us=(event.time_us - start) % 2**32) for event in events])
    assert results[0] == results[1]
    assert len(results[0]) == (600 - 32) // 8 + 1 + sum(event.kind != "decision" for event in results[0])


def test_overflow_between_samples_saturates(programs, tmp_path):
    largest = np.finfo(np.float32).max
    values = np.resize(np.array([[largest], [-largest], [0]], np.float32), (200, 3))
    times = [17_001 * i for i in range(200)]
    settings = Settings(report_windows=True)
    compare(programs["50 Hz"], tmp_path, CONTRACT, Student(CONTRACT), commands(times, values), settings)


def test_the_firmware_at_the_top_of_the_header_compiles_as_it_stands(tmp_path):
    """With what the port brings: a sensor, a console and a clock."""
    top = (SOURCES / "tfkd_stream.h").read_text().split("What the port must deliver")[0]
    example = "\n".join(re.findall(r"^ \*   (.*)", top, re.MULTILINE))
    assert "int main(void)" in example
    port = "bool next_sample(uint32_t *time_us, float *sample);\nvoid print(const char *text);\nvoid fail(void);\n"
    port += "extern uint32_t now_us;\nextern bool silence;\n"
    (tmp_path / "main.c").write_text(f'#include "tfkd_stream.h"\n{port}{example}\n')
    (tmp_path / "tfkd_contract.h").write_text(CONTRACT.c_header())
    (tmp_path / "student_plain.h").write_text("#define TFKD_STUDENT_MEMORY_BYTES 16\n")
    command = ["gcc", *STRICT, "-fsyntax-only", "-I", tmp_path, "-I", SOURCES, tmp_path / "main.c"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
