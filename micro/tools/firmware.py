"""Builds the firmware around an exported student, replays golden windows and prints what it needs.

    python3 micro/tools/firmware.py --generated micro/generated --build build/firmware

For this machine and for every emulated board. `make firmware` exports a student and calls this.
Ends with 1 if an output differs anywhere, with 2 if something is missing.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from boards import (
    HOST,
    MACHINES,
    BuildError,
    install_line,
    measure_all,
    missing_cpp_packages,
    missing_packages,
    version,
)
from report import table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="only look whether all programs are there")
    parser.add_argument("--packages", action="store_true", help="only print the Debian packages that the tests miss")
    parser.add_argument("--generated", default="micro/generated", help="the exported student's C files")
    parser.add_argument("--build", default="build/firmware", help="where to build")
    parser.add_argument("--target", action="append", choices=[HOST, *MACHINES], help="by default all")
    parser.add_argument("--option", action="append", default=[], help="for CMake: --option=-DCMAKE_BUILD_TYPE=Debug")
    parser.add_argument("--json", help="file to write the figures to")
    options = parser.parse_args()
    missing = missing_packages()
    if options.packages:
        print(*dict.fromkeys([*missing, *missing_cpp_packages()]))
        return
    if missing:
        said = f"Not installed: {', '.join(missing)}. On Debian or Ubuntu:\n\n    {install_line(missing)}\n"
        print(said, file=sys.stderr)
        sys.exit(2)
    if options.check:
        return
    try:
        measured = measure_all(options.generated, options.build, options.target, options.option)
    except (BuildError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(table(measured))
    if options.json:
        Path(options.json).write_text(json.dumps(_figures(measured), indent=2) + "\n")
    sys.exit(any(m.identical != m.windows or m.encoded_most > 1 for m in measured))


def _figures(measured):
    """What is worth keeping, with the versions of the tools that it depends on."""
    targets = [dataclasses.asdict(m) for m in measured]
    for target in targets:
        del target["events"]
    return {"compiler": version("arm-none-eabi-gcc"), "emulator": version("qemu-system-arm"), "targets": targets}


if __name__ == "__main__":
    main()
