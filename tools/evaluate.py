"""Compares runs: which student is better, by how much, how surely, for whom; and what it stands when worn otherwise.

    python tools/evaluate.py runs/a                                                # every stage against labels alone
    python tools/evaluate.py runs/a runs/b --stages labels,distilled,int8 --out runs/compared
    python tools/evaluate.py runs/a:distilled runs/b:distilled --baseline runs/a:labels
    python tools/evaluate.py runs/loso*                             # one run a person left out: taken together
    python tools/evaluate.py runs/a runs/a-reversed                 # a split and its people exchanged: the same
    python tools/evaluate.py runs/val-a-* runs/val-b-*              # the same, of two recipes, for validation
    python tools/evaluate.py runs/noise* --stages labels,distilled --against data.label_noise
    python tools/evaluate.py runs/a --stages labels,int8 --robustness --data_dir ~/data/UTD-MHAD

Takes run folders as tools/distill.py leaves them, or stages of them; changes nothing in them. Writes comparison.html
and comparison.json.
"""

import sys
from pathlib import Path

from absl import app, flags
from quiet import without_start_up_messages

_STAGES = flags.DEFINE_list("stages", [], "Stages to take of each folder named without one. Default: all it has.")
_BASELINE = flags.DEFINE_string(
    "baseline", None, "What to compare with: runs/a:labels, or a stage of each one's own run. Default: labels."
)
_AGAINST = flags.DEFINE_string("against", None, "Recipe key to draw accuracy over, such as data.labelled_subjects.")
_OUT = flags.DEFINE_string("out", "runs/compared", "Folder to write to.")
_ROBUSTNESS = flags.DEFINE_bool(
    "robustness",
    False,
    "Also run the students among the stages that are named (else labels, distilled, int8) on recordings of turned, "
    "mirrored, noisy, slow sensors and with lost samples. The first named is what the others are compared with.",
)
_FLOAT = flags.DEFINE_bool("float", False, "For --robustness: float students, not int8 ones in TFLM.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "For --robustness: where the data set is. Default: TFKD_DATA.")


def main(argv):
    named = argv[1:]
    if not named:
        raise app.UsageError("Name at least one run folder, such as runs/utd-imu.")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd import comparison
    from tfkd.data.recordings import DataError
    from tfkd.deploy import ContractError, ExportError, TflmError
    from tfkd.files import OutputError
    from tfkd.recipe import RecipeError
    from tfkd.report.comparison import as_text, write

    out = Path(_OUT.value)
    try:
        summary = comparison.compare(named, _STAGES.value, _BASELINE.value, _AGAINST.value)
        if _ROBUSTNESS.value:
            summary["robustness"] = _robustness(summary, named, out)
        write(out, summary)
    except (comparison.ComparisonError, RecipeError, DataError, OutputError, ContractError, ExportError,
            TflmError) as error:  # fmt: skip
        sys.exit(f"\n{error}")
    print(f"{as_text(summary)}\n\nReport: {out / 'comparison.html'}")


def _robustness(summary, named, out):
    from tfkd import robustness

    students, whole = {}, {str(Path(text)) for text in named}
    for name, run in summary["runs"].items():
        folder, *others = run["folders"]
        if others:
            raise robustness.ComparisonError(f"{name} is {len(others) + 1} runs: --robustness takes them one by one.")
        chosen = bool(_STAGES.value) or folder not in whole
        if stages := robustness.students_of(summary, name, chosen):
            students[name] = folder, stages
    if not students:
        raise robustness.ComparisonError("--robustness runs students, and there is none among what is compared.")
    found = {}
    for name, (folder, stages) in students.items():
        print(f"{name}: {', '.join(stages)}")
        exports = out / "exports" / name
        found[name] = robustness.judge(folder, stages, summary["seeds"], exports, _DATA_DIR.value, _FLOAT.value)
    return found


if __name__ == "__main__":
    app.run(main)
