"""Runs a Cortex-M program in QEMU and counts its instructions: exactly, in total and by function.

    python3 micro/tools/count.py app.elf --machine mps2-an386

What is counted lies between the calls of `tfkd_count_begin()` and `tfkd_count_end()`
(`count_markers.h`; link `count_markers.c`). Each time the two are passed makes one interval. A
second pair, `tfkd_outer_begin()` and `tfkd_outer_end()`, may lie around them or elsewhere. Needs
qemu-system-arm and a C compiler for this machine, and no Python package.

Instructions are not cycles: QEMU models no flash wait states, no dual issue and no MVE beats.
"""

import argparse
import collections
import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from elf import Elf

PAIRS = {"count": ("tfkd_count_begin", "tfkd_count_end"), "outer": ("tfkd_outer_begin", "tfkd_outer_end")}
_SOURCE = Path(__file__).with_name("count_plugin.c")


@dataclasses.dataclass(frozen=True)
class Counts:
    """Instructions between two markers.

    Attributes:
        intervals: list of integers, one for each time the markers were passed.
        functions: dict of function name -> instructions over all intervals, the largest first.
        addresses: dict of instruction address -> times executed over all intervals.
    """

    intervals: list
    functions: dict
    addresses: dict

    @property
    def total(self):
        """Instructions over all intervals."""
        return sum(self.intervals)


@dataclasses.dataclass(frozen=True)
class Run:
    """What a program did.

    Attributes:
        status: its exit status.
        output: what it wrote to the semihosting console, text.
        counts: dict of `PAIRS`' names -> `Counts`, for the pairs that the program has.
    """

    status: int
    output: str
    counts: dict


def run(path, machine, arguments=(), folder=None, plugin=None, timeout=120):
    """Runs a program in QEMU, counting instructions where it has the markers.

    Args:
        path: the ELF file. It ends by the semihosting exit call.
        machine: QEMU's name of the board, e.g. `"mps2-an386"`.
        arguments: texts that the program finds in its semihosting command line, behind its name.
        folder: where the program's semihosting files are looked for and written; here by default.
        plugin: a built `count_plugin.so`; built anew by default.
        timeout: seconds.

    Returns:
        A `Run`.

    Raises:
        RuntimeError: QEMU did not run the program to its end within the time.
    """
    path, elf = Path(path).resolve(), Elf(path)
    pairs = [name for name, ends in PAIRS.items() if all(end in elf.symbols for end in ends)]
    config = ",".join(["enable=on", "target=native", f"arg={path.name}", *(f"arg={a}" for a in arguments)])
    command = ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", config, "-kernel", str(path)]
    with tempfile.TemporaryDirectory() as scratch:
        counted = Path(scratch) / "counts.txt"
        if pairs:
            plugin = Path(plugin or build_plugin(Path(scratch))).resolve()
            first, end = elf.code_range()
            ends = [f"pair={elf.symbols[b]:#x}:{elf.symbols[e]:#x}" for b, e in (PAIRS[name] for name in pairs)]
            command += ["-plugin", ",".join([str(plugin), f"from={first:#x}", f"to={end:#x}", f"out={counted}", *ends])]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            said = ((error.stdout or b"") + (error.stderr or b"")).decode(errors="replace")
            raise RuntimeError(f"{path.name} on {machine} did not end within {timeout} s. It wrote: {said}") from None
        output = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode < 0 or (pairs and not counted.exists()):
            raise RuntimeError(f"QEMU ended with {done.returncode} on {path.name}, {machine}: {output}")
        counts = _read(counted, elf, pairs) if pairs else {}
    return Run(done.returncode, output, counts)


def build_plugin(folder):
    """Compiles the counting plugin into a folder; returns its path.

    Raises:
        RuntimeError: it does not compile.
    """
    plugin = Path(folder) / "count_plugin.so"
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", str(plugin), str(_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{_SOURCE} does not compile: {done.stderr}")
    return plugin


def _read(path, elf, pairs):
    intervals = [[] for _ in pairs]
    addresses = [{} for _ in pairs]
    for line in path.read_text().splitlines():
        kind, pair, *values = line.split()
        if kind == "interval":
            intervals[int(pair)].append(int(values[0]))
        else:
            addresses[int(pair)][int(values[0], 0)] = int(values[1])
    counts = {}
    for index, name in enumerate(pairs):
        functions = collections.Counter()
        for address, count in addresses[index].items():
            functions[elf.function_at(address)] += count
        counts[name] = Counts(intervals[index], dict(functions.most_common()), addresses[index])
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("elf", help="the program")
    parser.add_argument("arguments", nargs="*", help="its own arguments")
    parser.add_argument("--machine", required=True, help="QEMU's name of the board, e.g. mps2-an386")
    parser.add_argument("--folder", help="where the program finds its files")
    options = parser.parse_args()
    try:
        done = run(options.elf, options.machine, options.arguments, options.folder)
    except (RuntimeError, ValueError, OSError) as error:
        sys.exit(str(error))
    print(done.output, end="")
    for name, counts in done.counts.items():
        many = len(counts.intervals)
        if not many:
            continue
        low, high = min(counts.intervals), max(counts.intervals)
        print(f"{name}: {many} intervals of {low} to {high} instructions, {counts.total / many:.1f} on average:")
        for function, count in counts.functions.items():
            print(f"  {count / many:14.1f}  {100 * count / counts.total:5.1f} %  {function}")
    sys.exit(done.status)


if __name__ == "__main__":
    main()
