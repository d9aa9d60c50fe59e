"""Exports a student and builds the firmware in micro/ around it, for this machine and emulated boards.

    python tools/firmware.py --model models/utd-imu          # or a run folder: --model runs/utd-imu

Writes the student's C files to `micro/generated`, builds with CMake, replays golden windows and an
invented recording everywhere, and prints flash, RAM, stack and instructions. Ends with a non-zero
status if an output differs anywhere. Needs compilers, CMake and QEMU; if one is missing it says
what to install.

`--zoo` does it for every student in `models/` and writes the table of `micro/README.md`; with
`--zeros 0.8`, for these students with that share of their weights set to zero, to see what pruning
saves; with `--four_bits`, with the kernels of their convolutions rounded to four bits. With a library of
TensorFlow Lite Micro for one core, it is that engine's rows which are written:

    python tools/firmware.py --zoo --target mps2-an386 --tflm_dir tflite-micro \\
        --tflm_library tflite-micro/gen/cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc \\
        --engine "TFLM 90b983c, CMSIS-NN" --variant decode
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

_MODEL = flags.DEFINE_string("model", "models/utd-imu", "A run folder, an export folder, or one of models/.")
_BUILD = flags.DEFINE_string("build_dir", "build/firmware", "Where to build.")
_ZOO = flags.DEFINE_bool("zoo", False, "All of models/, and the table of micro/README.md.")
_TARGET = flags.DEFINE_multi_string("target", [], "host, or an emulated board; by default all.")
_TFLM_DIR = flags.DEFINE_string("tflm_dir", None, "A checkout of TensorFlow Lite Micro, to be the engine.")
_TFLM_LIBRARY = flags.DEFINE_string("tflm_library", None, "The folder of its library, for the targets' core.")
_VARIANT = flags.DEFINE_enum("variant", None, ["plain", "slim", "tflm", "decode"], "Of the student, for TFLM.")
_ZEROS = flags.DEFINE_float("zeros", None, "Share of weights to set to zero: for costs, the answers are then void.")
_FOUR_BITS = flags.DEFINE_bool("four_bits", False, "Round kernels to four bits: for costs, the answers are then void.")
_ENGINE = flags.DEFINE_string("engine", "plain C", "With --zoo: what to call the engine in the table.")

_ROOT = Path(__file__).resolve().parents[1]
_MICRO = _ROOT / "micro"


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    if _ZEROS.value is not None and not 0 <= _ZEROS.value <= 1:
        raise app.UsageError(f"--zeros is a share, 0 to 1, not {_ZEROS.value}.")
    if not _TFLM_DIR.value and (_TFLM_LIBRARY.value or _VARIANT.value):
        raise app.UsageError("--tflm_library and --variant are for TensorFlow Lite Micro: name its --tflm_dir.")
    if _run_micro("firmware.py", "--check", *_targets()) != 0:
        sys.exit(2)
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.deploy import ContractError, TflmError
    from tfkd.deploy.four_bit import FourBitError
    from tfkd.deploy.plain_c import PlainCError
    from tfkd.deploy.variants import VariantError
    from tfkd.files import OutputError

    try:
        if _ZOO.value:
            _measure_zoo()
        else:
            generated = _MICRO / "generated"
            _export(_MODEL.value, generated)
            sys.exit(_build(generated, Path(_BUILD.value) / Path(_MODEL.value).name))
    except (ContractError, TflmError, PlainCError, FourBitError, VariantError, OutputError) as error:
        sys.exit(str(error))


def _export(model, generated):
    from tfkd.deploy.firmware import find_student, with_four_bits, with_zeros, write_firmware

    student = find_student(model)
    if _ZEROS.value is not None:
        student = with_zeros(student, _ZEROS.value)
    if _FOUR_BITS.value:
        student = with_four_bits(student)
    write_firmware(student, generated, _VARIANT.value)
    print(f"{student.folder}: {len(student.model_bytes)} bytes of .tflite, {student.macs:,} multiply-accumulates")
    return student


def _measure_zoo():
    from tfkd.files import write_json

    command = shlex.join(["python", "tools/firmware.py", *sys.argv[1:]])
    if _TFLM_DIR.value:  # wherever it lies on this machine
        command = command.replace(_TFLM_DIR.value.rstrip("/"), "tflite-micro")

    path = _MICRO / "measured.json"
    earlier = json.loads(path.read_text()) if path.exists() else []
    records = {_key(record): record for record in earlier}
    for model in sorted(path.parent for path in (_ROOT / "models").glob("*/student.tflite")):
        name = model.name if _ZEROS.value is None else f"{model.name}, {_ZEROS.value:.0%} zeros"
        name += ", 4 bits" if _FOUR_BITS.value else ""
        build = Path(_BUILD.value) / "zoo" / _ENGINE.value.replace(" ", "_") / name.replace(" ", "_")
        student = _export(model, build / "generated")
        if _build(build / "generated", build, "--json", build / "measured.json") != 0:
            sys.exit(f"{name}: nothing was written.")
        facts = {"model": name, "engine": _ENGINE.value, "command": command, "macs": student.macs}
        facts["model_sha256"] = json.loads((model / "contract.json").read_text())["model_sha256"]
        record = facts | json.loads((build / "measured.json").read_text())
        records[_key(record)] = record
    write_json(path, [records[key] for key in sorted(records)])
    sys.exit(_run_micro("readme_table.py"))


def _key(record):
    """What a new measurement replaces: the same student, engine and targets."""
    return record["model"], record["engine"], *(target["target"] for target in record["targets"])


def _targets():
    return [f"--target={target}" for target in _TARGET.value]


def _build(generated, build, *options):
    options = [*options, *_targets()]
    if _TFLM_DIR.value:
        options.append(f"--option=-DTFLM_DIR={Path(_TFLM_DIR.value).resolve()}")
    if _TFLM_LIBRARY.value:
        library = Path(_TFLM_LIBRARY.value).resolve() / "lib" / "libtensorflow-microlite.a"
        options.append(f"--option=-DTFLM_LIBRARY={library}")
    return _run_micro("firmware.py", "--generated", generated, "--build", build, *options)


def _run_micro(program, *arguments):
    """Runs one of micro's own programs, which need no package."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, _MICRO / "tools" / program, *arguments], check=False).returncode


if __name__ == "__main__":
    app.run(main)
