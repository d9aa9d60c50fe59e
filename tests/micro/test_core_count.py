"""Instructions of the core on a Cortex-M4F, without the inference: exact, so that the limits can be close."""

import dataclasses
import subprocess
from pathlib import Path

import pytest
from boards import MICRO
from count import run

from tests.micro.core import CONTRACT
from tfkd.deploy.contract import Contract

HERE = Path(__file__).resolve().parent
HOPS = 8
M4F = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto"]
PICOLIBC = ["--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted"]
MEMORY = {"flash": 0, "flash_size": 0x80000, "ram": 0x20000000, "ram_size": 0x100000, "stack_size": 0x4000}
WRIST = Contract.read(MICRO.parent / "models/utd-imu-stream/contract.json")


def intervals(contract, folder, plugin, *options):
    (folder / "tfkd_contract.h").write_text(contract.c_header())
    (folder / "student_plain.h").write_text("#define TFKD_STUDENT_MEMORY_BYTES 16\n")
    program = folder / "program.elf"
    command = ["arm-none-eabi-gcc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", *M4F, *PICOLIBC, *options]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    command += [f"-Wl,--defsym=__{name}={value:#x}" for name, value in MEMORY.items()]
    command += ["-I", folder, "-I", MICRO / "src", "-I", MICRO / "tools", HERE / "counted_core.c"]
    command += [MICRO / "tools/count_markers.c", *sorted((MICRO / "src").glob("tfkd_*.c")), "-o", program, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = run(program, "mps2-an386", plugin=plugin)
    assert done.status == 0, done.output
    return done.counts["count"].intervals


@pytest.mark.parametrize(("jitter_us", "limit"), [(0, 11_700), (3000, 14_700)], ids=["in step", "jittering"])
def test_from_sample_to_event(tmp_path, plugin, jitter_us, limit):
    """A hop of 32 samples of 6 channels, one window copied and decided, 27 classes: 0.9 % of an inference of 1.28
    million instructions, and little more with a clock that has to be resampled."""
    found = intervals(WRIST, tmp_path, plugin, f"-DJITTER_US={jitter_us}")
    hop = sum(found[-HOPS * WRIST.hop :]) / HOPS
    print(f"{hop:.0f} instructions a hop with a jitter of {jitter_us} us")
    assert hop <= limit


def test_a_whole_trial(tmp_path, plugin):
    """192 samples of 6 channels collected, resampled to 128 points and decided."""
    contract = Contract.read(MICRO.parent / "models/utd-imu/contract.json")
    found = sum(intervals(contract, tmp_path, plugin))
    print(f"{found} instructions a trial of 192 samples")
    assert found <= 48_000


@pytest.mark.parametrize("kind", ["gasf", "gadf"])
def test_an_image(tmp_path, plugin, kind):
    contract = dataclasses.replace(
        CONTRACT, window=128, encoding=kind, input_shape=(1, 32, 32, 3), input_scale=2 / 255, input_zero_point=-1
    )
    found = max(intervals(contract, tmp_path, plugin, "-DIMAGES"))
    print(f"{found} instructions for {kind}, 128 samples to 32 x 32 x 3")
    assert found <= 60_000
