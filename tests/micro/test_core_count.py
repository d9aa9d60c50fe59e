"""Instructions of the core without the inference: exact, so that the limits can be close."""

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
M4F, M55 = ("cortex-m4", "mps2-an386", 0x20000000), ("cortex-m55", "mps3-an547", 0x21000000)
PICOLIBC = ["--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted"]
MEMORY = {"flash": 0, "flash_size": 0x80000, "ram_size": 0x100000, "stack_size": 0x4000}
WRIST = Contract.read(MICRO.parent / "models/utd-imu-stream/contract.json")


def intervals(contract, folder, plugin, *options, core=M4F):
    cpu, machine, ram = core
    (folder / "tfkd_contract.h").write_text(contract.c_header())
    (folder / "student_plain.h").write_text("#define TFKD_STUDENT_MEMORY_BYTES 16\n")
    program = folder / "program.elf"
    command = ["arm-none-eabi-gcc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", *PICOLIBC, *options]
    command += [f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto"]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    command += [f"-Wl,--defsym=__{name}={value:#x}" for name, value in (MEMORY | {"ram": ram}).items()]
    command += ["-I", folder, "-I", MICRO / "src", "-I", MICRO / "tools", HERE / "counted_core.c"]
    command += [MICRO / "tools/count_markers.c", *sorted((MICRO / "src").glob("tfkd_*.c")), "-o", program, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = run(program, machine, plugin=plugin)
    assert done.status == 0, done.output
    return done.counts["count"].intervals


@pytest.mark.parametrize(
    ("core", "jitter_us", "limit"),
    [(M4F, 0, 8_300), (M4F, 3000, 8_800), (M55, 0, 7_800)],
    ids=["M4F in step", "M4F jittering", "M55 in step"],
)
def test_from_sample_to_event(tmp_path, plugin, core, jitter_us, limit):
    """A hop of 32 samples of 6 channels, one window copied and decided, 27 classes: on M4F 1 % of the inference of
    models/utd-imu-stream and little more with a clock that has to be resampled, on M55 2 %."""
    found = intervals(WRIST, tmp_path, plugin, f"-DJITTER_US={jitter_us}", core=core)
    hop = sum(found[-HOPS * WRIST.hop :]) / HOPS
    print(f"{hop:.0f} instructions a hop with a jitter of {jitter_us} us")
    assert hop <= limit


@pytest.mark.parametrize(
    ("core", "name", "limit"),
    [(M4F, "utd-imu", 17_500), (M4F, "utd-acc", 13_500), (M55, "utd-imu", 15_000)],
    ids=["M4F", "M4F acceleration", "M55"],
)
def test_a_whole_trial(tmp_path, plugin, core, name, limit):
    """192 samples of 6 or 3 channels collected, resampled to 128 points and decided: on M4F at most 2 % of the
    inference; on M55, where that takes 398,000, 4 %, as pushing 192 samples one by one takes half of it."""
    contract = Contract.read(MICRO.parent / "models" / name / "contract.json")
    found = sum(intervals(contract, tmp_path, plugin, core=core))
    print(f"{found} instructions a trial of 192 samples")
    assert found <= limit


@pytest.mark.parametrize("kind", ["gasf", "gadf"])
def test_an_image(tmp_path, plugin, kind):
    contract = dataclasses.replace(
        CONTRACT, window=128, encoding=kind, input_shape=(1, 32, 32, 3), input_scale=2 / 255, input_zero_point=-1
    )
    found = max(intervals(contract, tmp_path, plugin, "-DIMAGES"))
    print(f"{found} instructions for {kind}, 128 samples to 32 x 32 x 3")
    assert found <= 60_000
