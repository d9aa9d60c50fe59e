"""What is done to all channels of a sample at once: the same bytes as NumPy's, with the instructions of every core."""

import dataclasses
import subprocess

import numpy as np
import pytest
from boards import MICRO
from count import run

from tests.micro.core import CONTRACT, HERE

ROWS = 100
CORES = {  # QEMU's machine: options, start of RAM
    "mps2-an385": (["-mcpu=cortex-m3"], 0x20000000),
    "mps2-an386": (["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=auto"], 0x20000000),
    "mps3-an547": (["-mcpu=cortex-m55", "-mfloat-abi=hard", "-mfpu=auto"], 0x21000000),
}


def student(channels):
    """A contract of so many channels, with means far away from zero and steps of all sizes."""
    values = np.random.default_rng(channels)
    return dataclasses.replace(
        CONTRACT,
        channels=tuple(map(str, range(channels))),
        units=("g",) * channels,
        mean=tuple(values.normal(0, 3, channels).tolist()),
        scale=tuple(np.exp(values.normal(0, 2, channels)).tolist()),
        input_shape=(1, CONTRACT.window, channels),
    )


def answers(contract):
    """`answers.h`: random samples, some of them huge, and what NumPy makes of them."""
    channels, generator = len(contract.channels), np.random.default_rng(1)
    origin, factor = contract.int8_line()
    samples = generator.normal(0, 60, (ROWS + 1, channels)) / factor + origin
    samples[generator.random(samples.shape) < 0.05] *= 1e36
    samples[::9] = origin + generator.integers(-140, 140, (len(samples[::9]), channels)) / factor
    samples[::18] += 0.5 / factor  # next to ties
    samples = samples.astype(np.float32)
    weights = generator.random(ROWS).astype(np.float32)
    weights[:2] = 0, 1
    judged = samples[:-1].view(np.uint32).copy()
    limits = np.quantile(abs(samples), 0.9, axis=0).astype(np.float32).view(np.uint32)
    edge = generator.random(judged.shape) < 0.3 / channels
    judged[edge] = np.broadcast_to(limits - generator.integers(0, 2, channels).astype(np.uint32), judged.shape)[edge]
    odd = generator.random(judged.shape) < 0.1 / channels
    judged[odd] = generator.choice(np.array([0x7F800000, 0xFF800000, 0x7FC00000, 0xFFFFFFFF], np.uint32), odd.sum())
    below = ((judged & 0x7FFFFFFF) < limits).all(axis=1)
    assert 0.2 < below.mean() < 0.8

    def quantised(x):
        return np.clip(np.rint((x - origin) * factor), -128, 127).astype(np.int8)

    weight = weights[:, None]
    with np.errstate(over="ignore"):
        between = samples[:-1] * (1 - weight) + samples[1:] * weight
        tables = {
            "float samples[][TFKD_CHANNELS]": [[float(x).hex() + "f" for x in row] for row in samples],
            "float weights[]": [float(x).hex() + "f" for x in weights],
            "int8_t alone[][TFKD_CHANNELS]": quantised(samples[:-1]),
            "int8_t between[][TFKD_CHANNELS]": quantised(between),
            "uint32_t judged[][TFKD_CHANNELS]": judged,
            "uint32_t limits[]": limits << 1,
            "bool below[]": below.astype(int),
        }
    lines = [f"static const {name} = {_braces(table)};" for name, table in tables.items()]
    return "\n".join(["#include <stdbool.h>", '#include "tfkd_contract.h"', "#include <stdint.h>",
                      f"#define ROWS {ROWS}", *lines, ""])  # fmt: skip


def _braces(table):
    if isinstance(table, str) or not np.iterable(table):
        return str(table)
    return "{" + ", ".join(map(_braces, table)) + "}"


@pytest.mark.parametrize("optimise", ["-O2", "-Ofast"])
@pytest.mark.parametrize("channels", [3, 5, 6])
@pytest.mark.parametrize("machine", CORES)
def test_every_core_gives_the_bytes_of_numpy(tmp_path, toolchain, machine, channels, optimise):
    contract = student(channels)
    (tmp_path / "tfkd_contract.h").write_text(contract.c_header())
    (tmp_path / "answers.h").write_text(answers(contract))
    options, ram = CORES[machine]
    memory = {"flash": 0, "flash_size": 0x80000, "ram": ram, "ram_size": 0x100000, "stack_size": 0x4000}
    command = ["arm-none-eabi-gcc", "-std=c11", optimise, "-Wall", "-Wextra", "-Werror", "-mthumb", *options]
    command += ["--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted"]
    command += [f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items()]
    command += ["-I", tmp_path, "-I", MICRO / "src", HERE / "sample.c", "-o", tmp_path / "program.elf"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = run(tmp_path / "program.elf", machine)
    assert done.status == 0, f"row {done.status - 1} differs"
