"""Fits what students cost on a Cortex-M to exact counts: to be run when kernels or compiler change.

    python tools/fit_cost.py --tflm_dir tflite-micro \\
        --tflm_library m4=tflite-micro/gen/cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc \\
        --tflm_library m55=tflite-micro/gen/cortex_m_generic_cortex-m55_release_cmsis_nn_gcc

Writes untrained students of many shapes, builds one inference of each for emulated boards, counts its instructions
by function, and fits how many instructions each piece of each kernel takes. How far off that is, is measured on
other students and on those in models/. The numbers go to `tfkd/deploy/cost/fitted.json`. Counts are kept in
`--build_dir`: what was killed goes on where it was. The first time takes long: some seconds a student and core. Needs
what `make firmware` needs, and for `--tflm_library` the library as `micro/cmake/tflm.cmake` tells; without it, the
numbers of TensorFlow Lite Micro stay as they are. `--only_int4` fits the kernels for four-bit weights alone, those of
TensorFlow Lite Micro where `--tflm_library` is given and else those of plain C; `--only_pooling` fits what pooling,
padding and depthwise layers with a dilation or a multiplier take on TensorFlow Lite Micro. All other numbers stay.
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
_INT4 = flags.DEFINE_bool("only_int4", False, "Fit nothing but one engine's kernels for four-bit weights.")
_POOLING = flags.DEFINE_bool("only_pooling", False, "Fit nothing but what pooling takes on TensorFlow Lite Micro.")
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
    if (_INT4.value or _POOLING.value) and not Path(_OUT.value).exists():
        raise app.UsageError(f"--only_int4 and --only_pooling add to {_OUT.value}, which must exist.")
    if _POOLING.value and not libraries:
        raise app.UsageError("--only_pooling needs --tflm_library.")
    if subprocess.run([sys.executable, _ROOT / "micro" / "tools" / "firmware.py", "--check"], check=False).returncode:
        sys.exit(2)
    from tfkd.files import write_json

    path, command = Path(_OUT.value), shlex.join(["python", "tools/fit_cost.py", *sys.argv[1:]])
    if _TFLM_DIR.value:  # wherever it lies on this machine
        command = command.replace(str(Path(_TFLM_DIR.value)), "tflite-micro")
    facts = json.loads(path.read_text()) if path.exists() else {"engines": {"plain_c": {}, "tflm": {}}}
    engines, sizes = facts["engines"], {}
    whole = not (_INT4.value or _POOLING.value)
    if whole or not libraries:
        sizes |= _fit_plain_c(engines["plain_c"], whole)
    if libraries:
        sizes |= _fit_tflm(engines["tflm"], dict(libraries), whole)
    if whole:
        kept = {name: fact for name, fact in facts.items() if name.startswith("tflm_") and not libraries}
        sizes |= {name: size for name, size in facts.get("students", {}).items() if kept and name.startswith("tflm_")}
        made = {"command": command, **counts.tools(), "seed": _SEED, "students": sizes, **kept}
    else:
        made = {**facts, "students": facts["students"] | sizes}
        engine = "tflm_" if libraries else ""
        made |= {f"{engine}int4_command": command} if _INT4.value else {}
        made |= {"tflm_pooling_command": command} if _POOLING.value else {}
    write_json(path, {**made, "engines": engines})


def _fit_plain_c(engine, whole):
    """Fits the plain C engine's numbers, all of them or those for four-bit weights; returns how many students."""
    from cost import counts, fit

    dense, in_four = _zoo()
    samples = {}
    if whole:
        samples["fitted"] = _students(_STUDENTS.value, _SEED)
        samples["held_out"] = _students(_HELD_OUT.value, _SEED + 1)
        samples["zoo"] = dense
    # A third of them: only their convolutions are other kernels.
    int4 = {
        "fitted_int4": _students(_STUDENTS.value // 3, _SEED, bits=4),
        "held_out_int4": _students(_HELD_OUT.value // 3, _SEED + 1, bits=4),
    }
    if in_four:
        int4["zoo_int4"] = in_four
    for core in counts.MACHINES:
        counter = counts.Counter("plain_c", core, _BUILD.value)
        if whole:
            engine[core] = fit.plain_c(counter, samples)
        fit.plain_c_int4(counter, int4, engine[core])
    return {name: len(group) for name, group in (samples | int4).items()}


def _fit_tflm(engine, libraries, whole):
    """Fits TensorFlow Lite Micro's numbers, all of them or those that flags name; returns how many students."""
    from cost import counts, fit_tflm
    from cost import students as untrained

    dense, in_four = _zoo()
    samples, pooling, int4 = {}, {}, {}
    for group, count, seed in (("fitted", _STUDENTS.value, _SEED), ("held_out", _HELD_OUT.value, _SEED + 1)):
        if whole:
            samples[group] = _students(count, seed)
        if whole or _POOLING.value:
            pooling[f"{group}_pooling"] = _students(count, seed, kinds=untrained.POOLING)
        if whole or _INT4.value:
            int4[f"{group}_int4"] = _students(count, seed, bits=4)
            int4[f"{group}_int4"] |= _students(count, seed, bits=4, kinds=untrained.POOLING)
    if whole:
        samples["zoo"] = dense
    if int4 and in_four:
        int4["zoo_int4"] = in_four
    for core, library in libraries.items():
        tflm = _TFLM_DIR.value, library
        counter = counts.Counter("tflm", core, _BUILD.value, tflm)
        if whole:
            engine[core] = fit_tflm.tflm(counter, samples)
        if pooling:
            fit_tflm.tflm_pooling(counter, pooling, engine[core])
        if int4:
            counter = counts.Counter("tflm", core, _BUILD.value, tflm, bits=4)
            fit_tflm.tflm_int4(counter, int4, engine[core])
    return {f"tflm_{name}": len(group) for name, group in (pooling | int4).items()}


def _students(count, seed, **settings):
    from cost import students as untrained

    return {shape.name: untrained.student(shape) for shape in untrained.shapes(count, seed, **settings)}


def _zoo():
    """The students in models/, as two dicts of name -> content: of eight bits, and with kernels of four."""
    from tfkd.deploy.graph import kernel_types

    groups = {}, {}
    for path in sorted(_ROOT.glob("models/*/student.tflite")):
        content = path.read_bytes()
        groups["int4" in set().union(*kernel_types(content).values())][path.parent.name] = content
    return groups


if __name__ == "__main__":
    app.run(main)
