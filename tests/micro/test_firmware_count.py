"""Instruction counts against programs whose instructions can be counted by hand."""

import subprocess

import pytest
from boards import MICRO

PROGRAM = r"""
#include <semihost.h>
#include "count_markers.h"

/* 2 + 3 * turns instructions, the return included. */
__attribute__((naked, noinline)) void loop(int turns) {
  __asm__ volatile("nop\n 1: nop\n subs r0, #1\n bne 1b\n bx lr");
}

/* 6 instructions, one of them in an IT block whose condition fails. */
__attribute__((naked, noinline)) int conditional(void) {
  __asm__ volatile("movs r0, #1\n cmp r0, #1\n it ne\n movne r0, #0\n nop\n bx lr");
}

int main(void) {
  for (int turns = 1; turns <= 1000; turns *= 10) {
    tfkd_outer_begin();
    loop(5);
    tfkd_count_begin();
    loop(turns);
    tfkd_count_end();
    tfkd_outer_end();
    loop(7);
  }
  tfkd_outer_begin();
  conditional();
  tfkd_outer_end();
  sys_semihost_write0("said\n");
  return 7;
}
"""


@pytest.fixture(scope="module")
def program(toolchain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("count")
    source, elf = folder / "program.c", folder / "program"
    source.write_text(PROGRAM)
    memory = {"flash": 0, "flash_size": 0x80000, "ram": 0x20000000, "ram_size": 0x80000, "stack_size": 0x1000}
    command = ["arm-none-eabi-gcc", "--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted", "-O1"]
    command += ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto", "-I", MICRO / "tools"]
    command += [source, MICRO / "tools" / "count_markers.c", "-o", elf]
    command += [f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items()]
    subprocess.run(command, check=True)
    return elf


def test_counts_are_those_counted_by_hand(program, plugin):
    from count import run

    done = run(program, "mps2-an386", plugin=plugin)
    assert (done.status, done.output) == (7, "said\n")
    inner, outer = done.counts["count"], done.counts["outer"]
    # One instruction puts the argument in its register, one calls, one calls the end marker.
    assert inner.intervals == [2 + 3 * turns + 3 for turns in (1, 10, 100, 1000)]
    assert inner.functions == {"loop": 4 * 2 + 3 * 1111, "main": 4 * 3}
    assert inner.total == sum(inner.intervals) == sum(inner.addresses.values())
    # Around them: the other loop with its two, and the calls of the two inner and the end marker.
    assert outer.intervals[:4] == [count + (2 + 3 * 5 + 2) + 2 for count in inner.intervals]
    assert outer.intervals[4] == 6 + 2
    assert outer.functions["conditional"] == 6


def test_counts_repeat(program, plugin):
    from count import run

    assert run(program, "mps2-an386", plugin=plugin) == run(program, "mps2-an386", plugin=plugin)


def test_a_program_that_does_not_end_is_stopped_and_told(program, plugin, tmp_path):
    from count import run

    with pytest.raises(RuntimeError, match="did not end within 0.01 s"):
        run(program, "mps2-an386", plugin=plugin, timeout=0.01)


def test_a_machine_that_qemu_does_not_have_is_told(program, plugin):
    from count import run

    with pytest.raises(RuntimeError, match="unsupported machine type"):
        run(program, "no-such-board", plugin=plugin)


def test_what_is_no_program_is_refused(tmp_path):
    from elf import Elf

    (tmp_path / "text").write_text("not a program")
    with pytest.raises(ValueError, match="not a 32-bit little-endian ELF"):
        Elf(tmp_path / "text")


def test_sections_add_up_to_what_binutils_say(program):
    from elf import Elf

    elf = Elf(program)
    said = subprocess.run(["arm-none-eabi-size", program], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, said.splitlines()[1].split()[:3])
    assert sum(elf.flash.values()) == text + data
    assert sum(elf.ram.values()) == data + bss
    assert elf.function_at(elf.symbols["loop"] + 4) == "loop"
