"""Writes a student for firmware: as C files, or as a whole project for a board.

    python tools/export.py runs/x --out micro/generated                                     # C files
    python tools/export.py models/utd-imu-stream --format arduino --out tfkd_student.zip    # library, sketches
    python tools/export.py models/utd-imu-stream --format zephyr --out zephyr_app           # platformio, plain_c

Takes a run folder, an export folder, a folder of models/, a `.tflite` with its `contract.json`
beside it, or a `.keras` in a run folder, which is quantized with that run's data. Verifies that the files
belong together, replays the golden windows in the TensorFlow Lite Micro interpreter and writes. Ends
with a non-zero status, having written nothing, if anything does not match.
"""

import sys
import tempfile
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

FORMATS = {
    "c": "C files for both engines, golden windows and contract.json, into a firmware folder",
    "plain_c": "a folder of sources that depend on nothing, with a program that replays the golden windows",
    "arduino": "a library as .zip",
    "zephyr": "an application",
    "platformio": "a project",
}

_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "The student, where it is not named without a flag.")
_OUT = flags.DEFINE_string("out", None, "Where to write: a folder, or for arduino a .zip file.", required=True)
_FORMAT = flags.DEFINE_enum("format", "c", list(FORMATS), "; ".join(f"{k}: {v}" for k, v in FORMATS.items()) + ".")
_VARIANT = flags.DEFINE_enum(
    "variant",
    "plain",
    ["plain", "slim", "tflm", "decode"],
    "For --format c: which file of the student TensorFlow Lite Micro is to run; all give the same outputs.",
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "For a .keras: the run's data set. Default: TFKD_DATA.")


def main(argv):
    named = argv[1:] + ([_EXPORT_DIR.value] if _EXPORT_DIR.value else [])
    if len(named) != 1:
        raise app.UsageError(f"Name one student, not {len(named)}: {' '.join(named)}")
    if _VARIANT.value != "plain" and _FORMAT.value != "c":
        raise app.UsageError("--variant is for --format c: the other formats do not use TensorFlow Lite Micro.")
    if not _OUT.value:
        raise app.UsageError("--out is empty; name a folder.")
    out = Path(_OUT.value)
    if _FORMAT.value == "arduino" and out.suffix != ".zip":
        raise app.UsageError(f"--out must name a .zip file for --format arduino, not {out}.")

    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.data.recordings import DataError
    from tfkd.deploy import ContractError, TflmError
    from tfkd.deploy.packages import PackageError
    from tfkd.deploy.plain_c import PlainCError
    from tfkd.deploy.variants import VariantError
    from tfkd.files import OutputError
    from tfkd.recipe import RecipeError

    known = (ContractError, TflmError, OutputError, PackageError, PlainCError, VariantError, RecipeError, DataError)
    try:
        _export(_student(Path(named[0])), out)
    except known as error:
        sys.exit(str(error))


def _student(path):
    if path.suffix == ".keras":
        from tfkd.experiment import export_keras

        with tempfile.TemporaryDirectory() as scratch:
            return export_keras(path, Path(scratch) / "export", _DATA_DIR.value)
    from tfkd.deploy.firmware import find_student

    student = find_student(path)
    print(f"student: {student.folder}")
    return student


def _export(student, out):
    from tfkd.deploy import replay
    from tfkd.deploy.package_output import write_folder, write_zip
    from tfkd.deploy.packages import package_files
    from tfkd.files import write_text

    identical, total = replay(student), len(student.golden["inputs"])
    print(f"golden windows: {identical} of {total} identical in the TFLM interpreter")
    _tell_of_images(student)
    if identical != total:
        sys.exit(f"{total - identical} golden windows of {student.folder} differ; nothing written. Export it again.")
    if _FORMAT.value == "c":
        texts = _c_texts(student)
        _refuse_another_students_folder(out, texts)
        for name, text in texts.items():
            write_text(out / name, text)
            print(f"wrote {out / name}")
    elif _FORMAT.value == "arduino":
        write_zip(package_files(student, "arduino", out.stem), out, out.stem)
        print(f"wrote {out}")
    else:
        files = package_files(student, _FORMAT.value)
        write_folder(files, out)
        print(f"wrote {out}: {len(files)} files; README.md tells how to go on")


def _refuse_another_students_folder(out, texts):
    """A run's export or a folder of models/ would get this student's contract beside its own model."""
    from tfkd.deploy.exported import CONTRACT
    from tfkd.files import OutputError

    models, contract = sorted(out.glob("*.tflite")), out / CONTRACT
    if models and contract.is_file() and contract.read_bytes() != texts[CONTRACT].encode():
        raise OutputError(f"{out} holds {models[0].name} with a {CONTRACT} of its own. Choose another folder.")


def _tell_of_images(student):
    """The firmware makes images in integers: how many of their values are not those that were recorded."""
    from tfkd.deploy.encoding import signal_shape
    from tfkd.deploy.gaf_int8 import gaf_int8

    inputs = student.golden["inputs"]
    if signal_shape(student.contract) != student.contract.input_shape[1:]:
        off = gaf_int8(student.contract, student.golden["x"]) != inputs
        print(f"images: {off.mean():.2%} of their values come out one step off on the device")


def _c_texts(student):
    from tfkd.deploy.exported import CONTRACT, c_files
    from tfkd.deploy.plain_c import PlainCError, plain_c_files
    from tfkd.deploy.variants import make_variants

    variant = None
    if _VARIANT.value != "plain":
        variants = student.variants or make_variants(student.model_bytes, student.golden["inputs"])
        if _VARIANT.value not in variants:
            sys.exit(f"This student has no variant {_VARIANT.value}; it has {', '.join(variants)}. Nothing written.")
        variant = variants[_VARIANT.value]
    texts = c_files(student, variant) | {CONTRACT: student.contract.to_json()}
    try:
        texts |= plain_c_files(student.model_bytes, student.contract.model_sha256)
    except PlainCError as error:
        print(f"without plain C: {error}")
    return texts


if __name__ == "__main__":
    app.run(main)
