"""Copies an exported student into a firmware folder, after checking that it is sound.

    python tools/export.py --export_dir runs/x/seed0/export --out micro/generated

Reads `student.tflite`, `contract.json` and `golden.npz` of an export folder, verifies that they
belong together, replays the golden windows in the TensorFlow Lite Micro interpreter and writes the
C files that firmware includes. Ends with a non-zero status, having written nothing, if anything
does not match.
"""

import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Folder that export_student() wrote.", required=True)
_OUT = flags.DEFINE_string("out", None, "Firmware folder to write the C files to.", required=True)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")

    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.deploy import ContractError, TflmError, c_files, load_export, replay
    from tfkd.files import OutputError, write_text

    try:
        export = load_export(_EXPORT_DIR.value)
        identical, total = replay(export), len(export.golden["inputs"])
        print(f"golden windows: {identical} of {total} identical in the TFLM interpreter")
        if identical != total:
            sys.exit(
                f"{total - identical} golden windows of {_EXPORT_DIR.value} differ; nothing "
                "written. Export the student again."
            )
        for name, text in c_files(export).items():
            write_text(Path(_OUT.value) / name, text)
            print(f"wrote {Path(_OUT.value) / name}")
    except (ContractError, TflmError, OutputError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
