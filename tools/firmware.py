"""Exports a student and builds the firmware in micro/ around it, for this machine and emulated boards.

    python tools/firmware.py --model models/utd-imu          # or a run folder: --model runs/utd-imu

Writes the student's C files to `micro/generated`, builds with CMake, replays golden windows and an
invented recording everywhere, and prints flash, RAM, stack and instructions. Ends with a non-zero
status if an output differs anywhere. `--zoo` does it for every student in `models/` and writes the
table of `micro/README.md`. Needs compilers, CMake and QEMU; if one is missing it says what to
install.
"""

import json
import subprocess
import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

_MODEL = flags.DEFINE_string("model", "models/utd-imu", "A run folder, an export folder, or one of models/.")
_BUILD = flags.DEFINE_string("build_dir", "build/firmware", "Where to build.")
_ZOO = flags.DEFINE_bool("zoo", False, "All of models/, and the table of micro/README.md.")

_ROOT = Path(__file__).resolve().parents[1]
_MICRO = _ROOT / "micro"


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    if _micro("firmware.py", "--check") != 0:
        sys.exit(2)
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.deploy import ContractError, TflmError
    from tfkd.deploy.plain_c import PlainCError
    from tfkd.files import OutputError

    try:
        if _ZOO.value:
            _measure_zoo()
        else:
            generated = _MICRO / "generated"
            _export(_MODEL.value, generated)
            sys.exit(_build(generated, Path(_BUILD.value) / Path(_MODEL.value).name))
    except (ContractError, TflmError, PlainCError, OutputError) as error:
        sys.exit(str(error))


def _export(model, generated):
    from tfkd.deploy.firmware import find_student, write_firmware

    student = find_student(model)
    write_firmware(student, generated)
    print(f"{student.folder}: {len(student.model_bytes)} bytes of .tflite, {student.macs:,} multiply-accumulates")
    return student


def _measure_zoo():
    from tfkd.files import write_json

    records = []
    for model in sorted(path.parent for path in (_ROOT / "models").glob("*/student.tflite")):
        build = Path(_BUILD.value) / model.name
        student = _export(model, build / "generated")
        if _build(build / "generated", build, "--json", build / "measured.json") != 0:
            sys.exit(f"{model.name}: nothing was written.")
        facts = {"model": model.name, "macs": student.macs, "model_sha256": student.contract.model_sha256}
        records.append(facts | json.loads((build / "measured.json").read_text()))
    write_json(_MICRO / "measured.json", records)
    sys.exit(_micro("readme_table.py"))


def _build(generated, build, *options):
    return _micro("firmware.py", "--generated", generated, "--build", build, *options)


def _micro(program, *arguments):
    """Runs one of micro's own programs, which need no package."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, _MICRO / "tools" / program, *arguments], check=False).returncode


if __name__ == "__main__":
    app.run(main)
