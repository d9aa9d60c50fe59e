"""What a depthwise-separable student of 31 thousand parameters may cost on a Cortex-M4F: exact instructions, bytes."""

from pathlib import Path

import pytest

from tests.deploy import plain_c_build as build
from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_plain_c_arm import pytestmark  # noqa: F401 (skips without the tools)
from tfkd.deploy.plain_c import lower

TOOLS = Path(__file__).resolve().parents[2] / "micro" / "tools"
RELU = 1
ARM = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto", "--specs=picolibc.specs"]
FLAGS = ["-O2", "-ffunction-sections", "-fdata-sections"]
MAIN = r"""
#include "count_markers.h"
#include "student.h"
static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
int main(void) {
  tfkd_student student;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 1;
  tfkd_count_begin();
  if (tfkd_student_run(&student) != TFKD_OK) return 2;
  tfkd_count_end();
  return 0;
}
"""


def student(share):
    """`imu_student((128, 6), 27, depth=5, kernel=9, strides=(2, 2, 1, 1), stem_stride=4)` with random weights.

    Args:
        share: of the weights that are zero, depthwise ones left out.
    """
    w = ModelWriter()
    source = w.tensor((1, 128, 6), 0.05, 4)
    x = w.reshape(source, (1, 128, 1, 6))
    positive = (0.0387, -128)
    x = w.convolution(x, 64, (9, 1), (4, 1), activation=RELU, out=positive, zeros=share)
    for stride in (2, 2, 1, 1, 1):
        y = w.depthwise(x, (9, 1), stride=(stride, stride), out=(0.1, 5))
        if stride == 1:
            y = w.convolution(y, 64, (1, 1), zeros=share, out=(0.0493, -7))
            x = w.add(y, x, out=positive, activation=RELU)
        else:
            x = w.convolution(y, 64, (1, 1), zeros=share, activation=RELU, out=positive)
    return w.model(source, w.dense(w.mean(x), 27, zeros=share))


@pytest.mark.parametrize(
    ("share", "instructions", "flash", "memory"),
    [(0.0, 640_000, 45_000, 5_000), (0.8, 450_000, 30_000, 5_000)],
    ids=["dense", "80 % zeros"],
)
def test_student_keeps_within_its_budget(share, instructions, flash, memory, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import count

    model_bytes = student(share)
    program = lower(model_bytes)
    assert sum(step.macs for step in program.steps) == 336_576
    assert program.memory_bytes <= memory
    kernels = build.compile_kernels(tmp_path / "kernels", ARM, FLAGS)
    build.write_student(tmp_path, model_bytes, 768, 27)
    (tmp_path / "main.c").write_text(MAIN)
    includes = ["-I", tmp_path, "-I", build.SOURCES, "-I", build.SOURCES / "kernels", "-I", TOOLS]
    symbols = {
        "__flash": 0,
        "__flash_size": 0x80000,
        "__ram": 0x20000000,
        "__ram_size": 0x100000,
        "__stack_size": 0x2000,
    }
    definitions = ",".join(f"--defsym={name}={value:#x}" for name, value in symbols.items())
    linking = ["--oslib=semihost", "--crt0=hosted", f"-Wl,--gc-sections,{definitions}"]
    sources = [tmp_path / "main.c", tmp_path / "student_plain.c", TOOLS / "count_markers.c"]
    command = [*ARM, *FLAGS, *build.STRICT, *includes, *sources, *kernels, *linking]
    build.run([*command, "-o", tmp_path / "program.elf"])
    done = count.run(tmp_path / "program.elf", "mps2-an386")
    assert done.status == 0
    assert done.counts["count"].total <= instructions
    listing = build.run(["arm-none-eabi-nm", "-S", tmp_path / "program.elf"]).stdout.decode()
    symbols = [line.split() for line in listing.splitlines() if len(line.split()) == 4]
    # Code and constants of the engine; variables lie in RAM.
    ours = sum(
        int(size, 16) for _, size, kind, name in symbols if kind in "tTrR" and name.startswith(("tfkd_", "step"))
    )
    assert 0.5 * flash < ours <= flash
