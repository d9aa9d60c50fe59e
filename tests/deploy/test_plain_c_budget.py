"""What a depthwise-separable student of 31 thousand parameters may cost on a Cortex-M4F: exact instructions, bytes."""

import functools
from pathlib import Path

import pytest

from tests.deploy import plain_c_build as build
from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_plain_c_arm import pytestmark  # noqa: F401 (skips without the tools)
from tfkd.deploy.plain_c import lower

TOOLS = Path(__file__).resolve().parents[2] / "micro" / "tools"
RELU = 1
ARM = ["arm-none-eabi-gcc", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto", "--specs=picolibc.specs"]
M4F, M55 = ("cortex-m4", "mps2-an386", 0x20000000), ("cortex-m55", "mps3-an547", 0x21000000)
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


def student(share, bits=8):
    """`imu_student((128, 6), 27, depth=5, kernel=9, strides=(2, 2, 1, 1), stem_stride=4)` with random weights.

    Args:
        share: of the weights that are zero, depthwise ones left out.
        bits: of each weight of its convolutions.
    """
    w = ModelWriter(bits=bits)
    source = w.tensor((1, 128, 6), 0.05, 4)
    x = w.reshape(source, (1, 128, 1, 6))
    positive = (0.0387, -128)
    # With these, shifts are those of trained students.
    scales = {} if bits == 8 else {"scales": [0.06]}
    x = w.convolution(x, 64, (9, 1), (4, 1), activation=RELU, out=positive, zeros=share, **scales)
    for stride in (2, 2, 1, 1, 1):
        y = w.depthwise(x, (9, 1), stride=(stride, stride), out=(0.1, 5), **scales)
        if stride == 1:
            y = w.convolution(y, 64, (1, 1), zeros=share, out=(0.0493, -7), **scales)
            x = w.add(y, x, out=positive, activation=RELU)
        else:
            x = w.convolution(y, 64, (1, 1), zeros=share, activation=RELU, out=positive, **scales)
    return w.model(source, w.dense(w.mean(x), 27, zeros=share))


def compiler(core):
    return [*ARM, f"-mcpu={core[0]}"]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """A function of a core: its object files of the kernels, compiled once."""
    compile_kernels = build.compile_kernels
    return functools.cache(lambda core: compile_kernels(tmp_path_factory.mktemp(core[0]), compiler(core), FLAGS))


def program(folder, kernels, model_bytes, core=M4F):
    """The student with its kernels for a core; and the `Counts` of the instructions that an inference takes."""
    import count

    _, machine, ram = core
    build.write_student(folder, model_bytes, 768, 27)
    (folder / "main.c").write_text(MAIN)
    includes = ["-I", folder, "-I", build.SOURCES, "-I", build.SOURCES / "kernels", "-I", TOOLS]
    symbols = {"__flash": 0, "__flash_size": 0x80000, "__ram": ram, "__ram_size": 0x100000, "__stack_size": 0x2000}
    definitions = ",".join(f"--defsym={name}={value:#x}" for name, value in symbols.items())
    linking = ["--oslib=semihost", "--crt0=hosted", f"-Wl,--gc-sections,{definitions}"]
    sources = [folder / "main.c", folder / "student_plain.c", TOOLS / "count_markers.c"]
    path = folder / "program.elf"
    build.run([*compiler(core), *FLAGS, *build.STRICT, *includes, *sources, *kernels(core), *linking, "-o", path])
    done = count.run(path, machine)
    assert done.status == 0
    return path, done.counts["count"]


@pytest.mark.parametrize(
    ("share", "instructions", "flash", "memory"),
    [(0.0, 640_000, 45_000, 5_000), (0.8, 450_000, 30_000, 5_000)],
    ids=["dense", "80 % zeros"],
)
def test_student_keeps_within_its_budget(share, instructions, flash, memory, kernels, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    model_bytes = student(share)
    lowered = lower(model_bytes)
    assert sum(step.macs for step in lowered.steps) == 336_576
    assert lowered.memory_bytes <= memory
    path, found = program(tmp_path, kernels, model_bytes)
    assert found.total <= instructions
    listing = build.run(["arm-none-eabi-nm", "-S", path]).stdout.decode()
    symbols = [line.split() for line in listing.splitlines() if len(line.split()) == 4]
    # Code and constants of the engine; variables lie in RAM.
    ours = sum(
        int(size, 16) for _, size, kind, name in symbols if kind in "tTrR" and name.startswith(("tfkd_", "step"))
    )
    assert 0.5 * flash < ours <= flash


def test_weights_of_four_bits_cost_no_speed(kernels, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    eight, four = (program(tmp_path / str(bits), kernels, student(0.0, bits))[1].total for bits in (8, 4))
    print(f"{four} instructions with four bits, {eight} with eight")
    assert four < 1.01 * eight
    assert lower(student(0.0, 4)).constant_bytes < 0.62 * lower(student(0.0)).constant_bytes


def test_pruning_costs_no_speed_on_m55(kernels, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    dense = program(tmp_path / "0", kernels, student(0.0), M55)[1].total
    for share in (0.8, 0.97):
        pruned = program(tmp_path / str(share), kernels, student(share), M55)[1].total
        print(f"{pruned} instructions with {share:.0%} zeros, {dense} without")
        assert pruned <= dense


@pytest.mark.parametrize(("core", "limit"), [(M4F, 30), (M55, 24)], ids=["M4F", "M55"])
def test_depthwise_layers_of_images_keep_within_their_budget(core, limit, kernels, tmp_path, monkeypatch):
    """Instructions an output value of the kernel for 3 x 3; the general one takes 180."""
    monkeypatch.syspath_prepend(str(TOOLS))
    w = ModelWriter()
    source = w.tensor((1, 16, 16, 3), 0.05, 4)
    x = w.convolution(source, 24, (3, 3), activation=RELU, out=(0.04, -128))
    for stride in (1, 2, 1):
        x = w.depthwise(x, (3, 3), stride=(stride, stride), out=(0.1, 5))
    outputs = 24 * (16 * 16 + 8 * 8 + 8 * 8)
    _, found = program(tmp_path, kernels, w.model(source, w.dense(w.mean(x), 27)), core)
    each = sum(found.functions.get(name, 0) for name in ("tfkd_depthwise_3x3", "outputs", "widen")) / outputs
    print(f"{each:.1f} instructions an output")
    assert 0 < each <= limit
