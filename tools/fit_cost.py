"""Fits what students cost on a Cortex-M to exact counts: to be run when kernels or compiler change.

    python tools/fit_cost.py --tflm_dir tflite-micro \\
        --tflm_library m4=tflite-micro/gen/cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc \\
        --tflm_library m55=tflite-micro/gen/cortex_m_generic_cortex-m55_release_cmsis_nn_gcc

Writes untrained students of many shapes, builds one inference of each for emulated boards, counts its instructions
by function, and fits how many instructions each piece of each kernel takes. How far off that is, is measured on
other students and on those in models/. The numbers go to `tfkd/deploy/cost/fitted.json`. Counts are kept in
`--build_dir`: what was killed goes on where it was. The first time takes long: some seconds a student and core. Needs
what `make firmware` needs, and for `--tflm_library` the library as `micro/cmake/tflm.cmake` tells; without it, the
numbers of TensorFlow Lite Micro stay as they are. `--only_int4` fits the kernels for four-bit weights alone; all
other numbers stay.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from absl import app, flags

_STUDENTS = flags.DEFINE_integer("students", 84, "How many students to fit to.")
_HELD_OUT = flags.DEFINE_integer("held_out", 42, "How many others to judge the fit on.")
_BUILD = flags.DEFINE_string("build_dir", "build/cost", "Where to build and to keep counts.")
_TFLM_DIR = flags.DEFINE_string("tflm_dir", None, "A checkout of TensorFlow Lite Micro.")
_TFLM_LIBRARY = flags.DEFINE_multi_string("tflm_library", [], "CORE=FOLDER of its library, for m4 and m55.")
_INT4 = flags.DEFINE_bool("only_int4", False, "Fit nothing but the plain C engine's kernels for four-bit weights.")
_OUT = flags.DEFINE_string("out", "tfkd/deploy/cost/fitted.json", "The file to write.")

_ROOT = Path(__file__).resolve().parents[1]
_SEED = 0


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    from cost import counts

    libraries = [pair.partition("=")[::2] for pair in _TFLM_LIBRARY.value]
    if any(core not in counts.TFLM_CORES or not library for core, library in libraries):
        raise app.UsageError(f"--tflm_library must be m4=FOLDER or m55=FOLDER, not {', '.join(_TFLM_LIBRARY.value)}.")
    if libraries and not _TFLM_DIR.value:
        raise app.UsageError("--tflm_library needs the checkout that it was built from: --tflm_dir.")
    if _INT4.value and (libraries or not Path(_OUT.value).exists()):
        raise app.UsageError(f"--only_int4 adds to {_OUT.value}, which must exist, and takes no --tflm_library.")
    if subprocess.run([sys.executable, _ROOT / "micro" / "tools" / "firmware.py", "--check"], check=False).returncode:
        sys.exit(2)
    from cost import fit
    from cost import students as untrained

    from tfkd.deploy.plain_c import lower
    from tfkd.files import write_json

    def kernels(model_bytes):
        return {step.kernel for step in lower(model_bytes).steps}

    def students(count, seed, bits=8):
        return {shape.name: untrained.student(shape) for shape in untrained.shapes(count, seed, bits)}

    zoo = {path.parent.name: path.read_bytes() for path in sorted(_ROOT.glob("models/*/student.tflite"))}
    in_four = {name: content for name, content in zoo.items() if "tfkd_multiply_dense_int4" in kernels(content)}
    samples = {}
    if not _INT4.value:
        samples["fitted"] = students(_STUDENTS.value, _SEED)
        samples["held_out"] = students(_HELD_OUT.value, _SEED + 1)
        samples["zoo"] = {name: content for name, content in zoo.items() if name not in in_four}
    # A third of them: only their convolutions are other kernels.
    int4 = {
        "fitted_int4": students(_STUDENTS.value // 3, _SEED, bits=4),
        "held_out_int4": students(_HELD_OUT.value // 3, _SEED + 1, bits=4),
    }
    if in_four:
        int4["zoo_int4"] = in_four
    path = Path(_OUT.value)
    before = json.loads(path.read_text()) if path.exists() else {"engines": {"plain_c": {}, "tflm": {}}}
    engines = before["engines"]
    for core in counts.MACHINES:
        counter = counts.Counter("plain_c", core, _BUILD.value)
        if not _INT4.value:
            engines["plain_c"][core] = fit.plain_c(counter, samples)
        fit.plain_c_int4(counter, int4, engines["plain_c"][core])
    for core, library in libraries:
        counter = counts.Counter("tflm", core, _BUILD.value, (_TFLM_DIR.value, library))
        engines["tflm"][core] = fit.tflm(counter, samples)
    command = shlex.join(["python", "tools/fit_cost.py", *sys.argv[1:]])
    if _TFLM_DIR.value:  # wherever it lies on this machine
        command = command.replace(str(Path(_TFLM_DIR.value)), "tflite-micro")
    facts = {"command": command, **counts.tools(), "seed": _SEED, "students": {}}
    if _INT4.value:
        facts = {**before, "int4_command": command}
    facts["students"] |= {name: len(group) for name, group in (samples | int4).items()}
    write_json(path, {**facts, "engines": engines})


if __name__ == "__main__":
    app.run(main)
