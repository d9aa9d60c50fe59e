"""Builds the firmware for this machine and for emulated boards, replays golden windows, measures.

Needs no Python package, but CMake, compilers and QEMU: `missing_packages()` tells what is not there.
"""

import dataclasses
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from count import build_plugin, run
from elf import Elf

MICRO = Path(__file__).resolve().parents[1]
HOST = "host"
MACHINES = sorted(path.stem for path in (MICRO / "ports" / "qemu").glob("*.cmake"))

# What must be there -> the Debian package that has it.
_PROGRAMS = {
    "cmake": "cmake",
    "make": "make",
    "cc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}


def missing_packages():
    """The Debian packages that have to be installed, as a list; empty if all is there."""
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if "gcc-arm-none-eabi" in missing or not _has_picolibc():
        missing.append("picolibc-arm-none-eabi")
    return missing


def install_line(packages):
    """The command that installs them on Debian 12 and Ubuntu."""
    return f"sudo apt-get install --no-install-recommends {' '.join(packages)}"


def _has_picolibc():
    asked = ["arm-none-eabi-gcc", "-print-file-name=picolibc.specs"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()).is_file()


class BuildError(RuntimeError):
    """CMake or a compiler failed; the message holds what it said."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one target was found to do.

    Attributes:
        target: `"host"` or a machine of `MACHINES`.
        core: e.g. `"cortex-m4"`; `""` for the host.
        engine: the engine's name.
        windows, identical: golden windows, and how many gave the recorded bytes.
        instructions: dict of `min`, `max` and `mean` for one inference; empty on the host.
        functions: dict of function -> mean instructions of one inference, largest first.
        flash: dict of part of the image -> dict of section -> bytes, golden windows left out.
        memory: bytes that the engine works in.
        ram: static RAM in bytes, with that memory and without the stack; golden windows are in flash.
        stack: the most stack in use, in bytes.
    """

    target: str
    core: str
    engine: str
    windows: int
    identical: int
    instructions: dict
    functions: dict
    flash: dict
    memory: int
    ram: int
    stack: int


def build(target, generated, folder, options=()):
    """Configures and builds everything for one target.

    Args:
        target: `"host"` or a machine.
        generated: folder with the C files of the student.
        folder: where to build.
        options: more options for CMake, e.g. `("-DTFKD_SANITIZE=ON",)`.

    Returns:
        `folder` as a `Path`, which now holds the programs.

    Raises:
        BuildError: it does not build.
    """
    folder = Path(folder)
    command = ["cmake", "-S", str(MICRO), "-B", str(folder), "-G", "Unix Makefiles"]
    command += [f"-DTFKD_GENERATED={Path(generated).resolve()}", *options]
    if target == HOST:
        command += ["-DTFKD_PORT=host"]
    else:
        toolchain = MICRO / "cmake" / "arm-none-eabi.cmake"
        command += [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DTFKD_PORT=qemu", f"-DTFKD_MACHINE={target}"]
    for step in (command, ["cmake", "--build", str(folder)]):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"{' '.join(step)}\nfailed for {target}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return folder


def measure(target, folder, plugin=None):
    """Replays the golden windows on a target that was built.

    Args:
        target, folder: as for `build`.
        plugin: a built counting plugin; built anew by default.

    Returns:
        A `Measured`.

    Raises:
        RuntimeError: the program did not run to its end, or reported that the student does not run.
    """
    program = Path(folder) / "golden"
    if target == HOST:
        done = subprocess.run([program], capture_output=True, text=True, timeout=300, check=False)
        status, output, counts = done.returncode, done.stdout + done.stderr, None
    else:
        done = run(program, target, plugin=plugin)
        status, output, counts = done.status, done.output, done.counts["count"]
    if status not in (0, 1):
        raise RuntimeError(f"golden windows on {target}: the program ended with {status}: {output}")
    said = dict(line.split(" ", 1) for line in output.splitlines())
    instructions, functions, flash, ram = {}, {}, {}, 0
    if counts is not None:
        many = len(counts.intervals)
        low, high = min(counts.intervals), max(counts.intervals)
        instructions = {"min": low, "max": high, "mean": counts.total / many}
        functions = {name: count / many for name, count in counts.functions.items()}
        flash, ram = image_parts(program), sum(Elf(program).ram.values())
    return Measured(
        target=target,
        core="" if target == HOST else _core(target),
        engine=said["engine"],
        windows=int(said["windows"]),
        identical=int(said["identical"]),
        instructions=instructions,
        functions=functions,
        flash=flash,
        memory=int(said["memory"]),
        ram=ram,
        stack=int(said["stack"]),
    )


def image_parts(program):
    """Flash by part and section, read from the linker's map.

    Args:
        program: an ELF file with its map beside it (`.map`).

    Returns:
        dict of part (`"student"`, `"core"`, `"golden windows"`, `"startup, C library, port"`) ->
        dict of `"code"` and `"constants"` -> bytes.
    """
    text = Path(program).with_suffix(".map").read_text(errors="replace")
    text = text.split("Linker script and memory map", 1)[1]
    parts = {}
    for section, size, source in _PLACED.findall(text):
        kind = "code" if section.startswith((".text", ".init", ".data.init")) else "constants"
        part = next((name for name, mark in _PARTS.items() if mark in source), "startup, C library, port")
        sizes = parts.setdefault(part, {"code": 0, "constants": 0})
        sizes[kind] += int(size, 16)
    return parts


# An input section with an address, in one line or, with a long name, in two. Zero bytes and debug
# sections do not match, nor does what takes no flash.
_PLACED = re.compile(
    r"^ (\.(?:text|rodata|data|init|srodata|init_array|fini_array)\S*)\s+0x[0-9a-f]+\s+0x([0-9a-f]*[1-9a-f][0-9a-f]*)"
    r" (\S.*)$",
    re.MULTILINE,
)
_PARTS = {"student": "libtfkd_student", "core": "libtfkd_core", "golden windows": "golden_windows."}


def measure_all(generated, folder, targets=None, options=()):
    """Builds and measures several targets, one after the other.

    Args:
        generated: folder with the C files of the student.
        folder: where to build, one folder a target.
        targets: by default the host and all `MACHINES`.
        options: more options for CMake.

    Returns:
        A list of `Measured`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        plugin = build_plugin(scratch)
        return [
            measure(target, build(target, generated, Path(folder) / target, options), plugin)
            for target in targets or [HOST, *MACHINES]
        ]


def _core(machine):
    text = (MICRO / "ports" / "qemu" / f"{machine}.cmake").read_text()
    return re.search(r"set\(CPU (\S+)\)", text)[1]
