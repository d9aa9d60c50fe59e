"""Generated plain C on emulated Cortex-M cores, operator by operator: SIMD, vectors and neither give TFLM's bytes."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.deploy import plain_c_build as build
from tests.deploy import test_plain_c_int4 as int4
from tests.deploy.test_plain_c import GRAPHS, joined
from tests.deploy.test_plain_c_memory import remembering
from tests.deploy.test_plain_c_parts import pruned_student
from tfkd.deploy import TflmModel
from tfkd.deploy.firmware import find_student
from tfkd.deploy.package_output import write_folder
from tfkd.deploy.packages import package_files

# QEMU's machine -> core, memory map and compiler options.
MACHINES = {
    "mps2-an385": ("cortex-m3", 0x20000000, []),
    "mps2-an386": ("cortex-m4", 0x20000000, ["-mfloat-abi=hard", "-mfpu=auto"]),
    "mps3-an547": ("cortex-m55", 0x21000000, ["-mfloat-abi=hard", "-mfpu=auto"]),
}
WINDOWS = 4
MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "student.h"
#include "windows.h"
static _Alignas(TFKD_STUDENT_ALIGNMENT) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
int main(void) {
  tfkd_student student;
  memset(memory, 0xA5, sizeof memory);
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 2;
  for (int i = 0; i < WINDOWS; ++i) {
    memcpy(student.input, windows[i], TFKD_INPUT_SIZE);
    if (tfkd_student_run(&student) != TFKD_OK) return 3;
    for (int j = 0; j < TFKD_CLASSES; ++j) printf("%d ", student.output[j]);
  }
  return 0;
}
"""


def has_picolibc():
    asked = ["arm-none-eabi-gcc", "-print-file-name=picolibc.specs"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()).is_file()


pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm") and has_picolibc()),
    reason="needs gcc-arm-none-eabi, picolibc-arm-none-eabi and qemu-system-arm",
)


@pytest.fixture(scope="module", params=MACHINES)
def target(request, tmp_path_factory):
    """A machine: its name, the compiler with its options, and the kernels built for it."""
    core, ram, options = MACHINES[request.param]
    compiler = ["arm-none-eabi-gcc", f"-mcpu={core}", "-mthumb", *options, "--specs=picolibc.specs"]
    flags = ["-O2", "-ffunction-sections"]
    kernels = build.compile_kernels(tmp_path_factory.mktemp(core), compiler, flags)
    symbols = {"__flash": 0, "__flash_size": 0x80000, "__ram": ram, "__ram_size": 0x100000, "__stack_size": 0x2000}
    definitions = ",".join(f"--defsym={name}={value:#x}" for name, value in symbols.items())
    linking = ["--oslib=semihost", "--crt0=hosted", f"-Wl,--gc-sections,{definitions}"]
    return request.param, [*compiler, *flags], linking, kernels


def run_on(target, folder, model_bytes, x, outputs, sparse=None):
    """The outputs `(n, outputs)` that the emulated machine gives for int8 inputs `(n, ...)`."""
    machine, compiler, linking, kernels = target
    build.write_student(folder, model_bytes, x[0].size, outputs, sparse)
    (folder / "main.c").write_text(MAIN)
    rows = ",\n".join("{" + ", ".join(map(str, window.ravel())) + "}" for window in x)
    (folder / "windows.h").write_text(
        f"#define WINDOWS {len(x)}\nstatic const int8_t windows[WINDOWS][TFKD_INPUT_SIZE] = {{\n{rows}}};\n"
    )
    includes = ["-I", folder, "-I", build.SOURCES, "-I", build.SOURCES / "kernels"]
    sources = [folder / "main.c", folder / "student_plain.c"]
    build.run([*compiler, *build.STRICT, *includes, *sources, *kernels, *linking, "-o", folder / "program.elf"])
    found = emulated(machine, folder / "program.elf")
    return np.array(found.split(), int).reshape(len(x), outputs)


def emulated(machine, program):
    """What a program says on the emulated machine."""
    quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
    console = ["-chardev", "stdio,id=console", "-semihosting-config", "enable=on,target=native,chardev=console"]
    done = build.run(["qemu-system-arm", "-M", machine, *quiet, *console, "-kernel", program], timeout=60)
    return done.stdout.decode()


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_operators_give_the_bytes_of_tflm(graph, target, tmp_path):
    model_bytes = joined(graph)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], WINDOWS)
    expected = model.run(x)
    found = run_on(target, tmp_path, model_bytes, x, expected.shape[1])
    different = np.flatnonzero((found != expected).any(axis=0))
    assert len(different) == 0, f"outputs {different} differ"


@pytest.mark.parametrize("sparse", [True, False, None])
def test_sparse_and_dense_kernels_give_the_bytes_of_tflm(sparse, target, tmp_path):
    model_bytes = pruned_student(0.7)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], WINDOWS)
    found = run_on(target, tmp_path, model_bytes, x, 9, sparse)
    assert (found == model.run(x)).all()


@pytest.mark.parametrize("graph", int4.GRAPHS, ids=lambda graph: graph.__name__)
def test_weights_of_four_bits_give_the_bytes_of_tflm(graph, target, tmp_path):
    model_bytes = joined(graph, bits=4)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], WINDOWS)
    expected = model.run(x)
    assert (run_on(target, tmp_path, model_bytes, x, expected.shape[1]) == expected).all()


def test_weights_of_four_bits_count_as_far_as_sums_reach(target, tmp_path):
    x = int4.at_the_ends()
    expected = TflmModel(int4.limits(0)).run(x)
    assert (run_on(target, tmp_path, int4.limits(0), x, expected.shape[1]) == expected).all()


def test_memories_give_the_bytes_of_tflm(target, tmp_path):
    model_bytes = remembering()
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], WINDOWS)
    expected = model.run(x)
    assert (run_on(target, tmp_path, model_bytes, x, expected.shape[1]) == expected).all()


def test_a_project_may_optimise_all_of_it_at_once(target, tmp_path):
    """With copies of kernels for the very numbers of a student, loops in assembly must still find their registers."""
    machine, compiler, linking, _ = target
    student = find_student(build.SOURCES.parents[1] / "models" / "utd-imu-4bit")
    write_folder(package_files(student, "plain_c"), tmp_path / "student")
    src, test = tmp_path / "student" / "src", tmp_path / "student" / "test"
    sources = [*sorted(src.glob("*.c")), *sorted(test.glob("*.c"))]
    command = [*compiler, "-std=c11", "-O3", "-flto", "-I", src, "-I", test, *sources, "-lm", *linking]
    build.run([*command, "-o", tmp_path / "program.elf"])
    assert "15 of 15 golden windows identical" in emulated(machine, tmp_path / "program.elf")
