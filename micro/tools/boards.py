"""Builds the firmware for this machine and for emulated boards, replays golden windows, measures.

Needs no Python package, but CMake, compilers and QEMU: `missing_packages()` tells what is not there.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from count import Run, build_plugin, run
from elf import Elf
from link_map import pieces
from recording import invented_samples, read_contract, write_csv, write_records

MICRO = Path(__file__).resolve().parents[1]
HOST = "host"
MACHINES = sorted(path.stem for path in (MICRO / "ports" / "qemu").glob("*.cmake"))

# What must be there -> the Debian packages that have it.
_PROGRAMS = {
    "cmake": ["cmake"],
    "make": ["make"],
    "cc": ["gcc", "libc6-dev"],
    "arm-none-eabi-gcc": ["gcc-arm-none-eabi"],
    "qemu-system-arm": ["qemu-system-arm"],
}


def missing_packages():
    """The Debian packages that have to be installed, as a list; empty if all is there."""
    absent = [packages for program, packages in _PROGRAMS.items() if shutil.which(program) is None]
    missing = [package for packages in absent for package in packages]
    if "gcc-arm-none-eabi" in missing or not _compiler_finds("picolibc.specs"):
        missing.append("picolibc-arm-none-eabi")
    return missing


def missing_cpp_packages():
    """The same for C++ on Cortex-M: TensorFlow Lite Micro, and what the tests compile for boards."""
    if shutil.which("arm-none-eabi-g++") is None:
        return ["gcc-arm-none-eabi", "libstdc++-arm-none-eabi-newlib"]
    return [] if _compiler_finds("libstdc++.a") else ["libstdc++-arm-none-eabi-newlib"]


def install_line(packages):
    """The command that installs them on Debian 12 and Ubuntu."""
    return f"sudo apt-get install --no-install-recommends {' '.join(packages)}"


def version(program):
    """The first line of what a program says of its version."""
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def _compiler_finds(name):
    asked = ["arm-none-eabi-gcc", f"-print-file-name={name}"]
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
        encoded, encoded_off, encoded_most: values of the golden windows' images, how many of them the board makes
            otherwise than Python, and by how many steps at most; 0 for a student that sees the signal itself.
        events: lines of text that the program `activity` printed for an invented recording.
        memory: bytes that the engine works in.
        instructions: dict of `min`, `max` and `mean` for one inference. This and the rest: empty or
            0 for the host.
        functions: dict of function -> mean instructions of one inference, largest first.
        outside: instructions of everything else, from sample to event: for a student on sliding
            windows, of `hop` samples and one window; else of a whole trial of `samples` samples.
        samples: see `outside`.
        flash: of `activity`: dict of part of the image -> dict of `"code"`, `"constants"` -> bytes.
        ram: of `activity`: static RAM in bytes, with the engine's memory, without the stack.
        stack: the most stack in use by `activity` or `golden`, in bytes.
    """

    target: str
    core: str
    engine: str
    windows: int
    identical: int
    events: list
    memory: int
    encoded: int = 0
    encoded_off: int = 0
    encoded_most: int = 0
    instructions: dict = dataclasses.field(default_factory=dict)
    functions: dict = dataclasses.field(default_factory=dict)
    outside: float = 0
    samples: int = 0
    flash: dict = dataclasses.field(default_factory=dict)
    ram: int = 0
    stack: int = 0


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
    (folder / "CMakeCache.txt").unlink(missing_ok=True)  # or it would keep an earlier build's options
    command = ["cmake", "-S", str(MICRO), "-B", str(folder), "-G", "Unix Makefiles"]
    command += [f"-DTFKD_GENERATED={Path(generated).resolve()}", *options]
    if target == HOST:
        command += ["-DTFKD_PORT=host"]
    else:
        toolchain = MICRO / "cmake" / "arm-none-eabi.cmake"
        command += [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DTFKD_PORT=qemu", f"-DTFKD_MACHINE={target}"]
    for step in (command, ["cmake", "--build", str(folder)]):
        done = subprocess.run(step, env=_without_make(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"{' '.join(step)}\nfailed for {target}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return folder


def _without_make():
    """The environment without what `make firmware` would tell the inner make."""
    return {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def measure(target, generated, folder, plugin=None):
    """Replays the golden windows and an invented recording on a target that was built.

    Args:
        target, generated, folder: as for `build`.
        plugin: a built counting plugin; built anew by default.

    Returns:
        A `Measured`.

    Raises:
        RuntimeError: a program did not run to its end, or reported that the student does not run.
    """
    folder, contract = Path(folder).resolve(), read_contract(generated)
    stream, hop = contract["windowing"] == "stream", contract["hop"]
    unsure = -(-contract["memory"] // hop) * hop  # samples before a student with a memory decides anything
    count = unsure + contract["window"] + _HOPS * hop if stream else contract["window"] * 3 // 2
    samples = invented_samples(contract, count)
    write_csv(folder / "invented.csv", contract["channels"], samples)
    write_records(folder / "invented.bin", samples)
    if target == HOST:
        said = _said(target, _run_here([folder / "golden"]))
        lines = _run_here([folder / "activity", "invented.csv", "windows"], folder).output.splitlines()
        return _measured(target, said, lines)
    golden = run(folder / "golden", target, plugin=plugin)
    said = _said(target, golden)
    activity = run(folder / "activity", target, ["invented.bin", "windows"], folder, plugin)
    if activity.status != 0:
        raise RuntimeError(f"activity on {target} ended with {activity.status}: {activity.output}")
    lines = activity.output.splitlines()
    one = golden.counts["count"]
    many = len(one.intervals)
    # Of a stream, the samples behind the first window: each hop of them completes one window.
    outer, inner = activity.counts["outer"].intervals, activity.counts["count"].intervals
    hops = _HOPS if stream else 1
    outside = (sum(outer[-hops * hop :]) - sum(inner[-hops:])) / hops if stream else sum(outer) - sum(inner)
    stacks = [said["stack"], *(line.split()[1] for line in lines if line.startswith("stack "))]
    return _measured(
        target,
        said,
        lines,
        core=_core(target),
        instructions={"min": min(one.intervals), "max": max(one.intervals), "mean": one.total / many},
        functions={name: instructions / many for name, instructions in one.functions.items()},
        outside=outside,
        samples=hop if stream else count,
        flash=image_parts(folder / "activity"),
        ram=sum(Elf(folder / "activity").ram.values()),
        stack=max(map(int, stacks)),
    )


_HOPS = 8


def _run_here(command, folder=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return Run(done.returncode, done.stdout + done.stderr, {})


def _said(target, done):
    if done.status not in (0, 1):
        raise RuntimeError(f"golden windows on {target}: the program ended with {done.status}: {done.output}")
    return dict(line.split(" ", 1) for line in done.output.splitlines())


def _measured(target, said, lines, core="", **figures):
    return Measured(
        target=target,
        core=core,
        engine=said["engine"],
        windows=int(said["windows"]),
        identical=int(said["identical"]),
        events=[line for line in lines if line.startswith("event ")],
        memory=int(said["memory"]),
        **{name: int(said.get(name, 0)) for name in ("encoded", "encoded_off", "encoded_most")},
        **figures,
    )


def image_parts(program):
    """Flash by part, read from the linker's map.

    Args:
        program: an ELF file with its map beside it (`.map`).

    Returns:
        dict of part (`"student"`, `"core"`, `"startup, C library, port"`, ...) -> dict of `"code"`
        and `"constants"` -> bytes.
    """
    parts = {}
    for piece in pieces(program):
        part = next((name for name, mark in _PARTS.items() if mark in piece.source), "startup, C library, port")
        sizes = parts.setdefault(part, {"code": 0, "constants": 0})
        sizes[piece.kind] += piece.bytes
    return parts


_PARTS = {
    "student": "libtfkd_student",
    "TensorFlow Lite Micro": "libtensorflow-microlite",
    "core": "libtfkd_core",
    "golden windows": "golden_windows.",
}


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
            measure(target, generated, build(target, generated, Path(folder) / target, options), plugin)
            for target in targets or [HOST, *MACHINES]
        ]


def _core(machine):
    text = (MICRO / "ports" / "qemu" / f"{machine}.cmake").read_text()
    return re.search(r"set\(CPU (\S+)\)", text)[1]
