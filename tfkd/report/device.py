"""The part of a report that is about the device: what the exported student takes, and the files to go on with."""

import shlex
from urllib.parse import quote

from tfkd.deploy.variants import MEANINGS, file_name
from tfkd.report.page import facts, kilobytes, percent, points, table, tag
from tfkd.report.words import SCORES, axis, numbers, of_int8, one_run, score, stage_names

EXPORTED_FILES = {
    "student.tflite": "the model",
    "student_slim.tflite": "the model, smaller, with the same outputs",
    "student_tflm.tflite": "the model, smaller still, for TensorFlow Lite Micro only",
    "student_decode.tflite": "the model without its pruned weights, for TensorFlow Lite Micro only",
    "variants.json": "size, arena and operators of each of them",
    "contract.json": "rate, window, channels, units, scaling, labels, arena: all that firmware must know",
    "golden.npz": "windows with their int8 outputs, to be replayed on the host",
    "tfkd_contract.h": "the contract for the C compiler",
    "student_model.h": "declares the model's bytes",
    "student_model.c": "the model's bytes",
    "tfkd_resolver.h": "registers the operators with TFLM",
    "golden_windows.h": "declares the golden windows",
    "golden_windows.c": "the golden windows, to be replayed on the board",
}


_BYTES = ("arena_bytes", "flash_bytes", "ram_bytes")
_WEIGHTS = {8: "8 bits each", 4: "4 bits each in convolutions, depthwise ones too; 8 in dense layers"}


def on_the_device(folder, summary):
    """What the exported student takes, and the files to go on with."""
    int8, seeds = summary["stages"]["int8"], summary["seeds"]
    most = " (the largest of the seeds)" if seeds > 1 else ""
    change = of_int8(summary["comparisons"])
    by = score(summary["protocol"])
    macs, quantization = int8.get("macs"), summary["recipe"].get("quantization", {})
    return [
        facts(
            [
                ("Model (.tflite)", f"{kilobytes(int8['model_bytes'])} of flash{most}"),
                ("Arena", f"{kilobytes(int8['arena_bytes'])} of RAM{most}"),
                ("Multiply-adds", None if macs is None else f"{macs:,} for {one_run(summary['recipe'])}"),
                ("Operators", ", ".join(int8.get("operators", [])) or None),
                ("Weights", _WEIGHTS[quantization.get("weight_bits", 8)]),
                ("Sparsity", _zeros(summary["stages"].get("pruned", {}))),
                ("int8 minus float", numbers(change)),
                ("Exported", f"seed 0's student, {percent(int8[by]['seeds'][0])} {SCORES[by]}"),
            ]
        ),
        *_steps(summary),
        *_variants(int8.get("variants", {}), most),
        *_export_files(folder),
    ]


def _zeros(pruned):
    if not pruned.get("sparsity"):
        return "none: every weight is used"
    shares, by_layer = pruned.get("sparsity_by_layer", {}), ""
    # Where all were to get the same, whole weights still make a small difference.
    if shares and max(shares.values()) - min(shares.values()) > 0.02:
        by_layer = f" (seed 0\u2019s: {', '.join(f'{name} {percent(share)}' for name, share in shares.items())})"
    return (
        f"{percent(pruned['sparsity'])} of the kernels' weights are zero{by_layer}. In a plain .tflite file they save "
        "a Cortex\u2011M nothing: no flash, no memory, no time"
    )


def _steps(summary):
    """From the teacher to what is flashed: what each step costs in accuracy, and what it saves."""
    stages, rows, floats, by = summary["stages"], [], [], score(summary["protocol"])
    for stage, found in stages.items():
        if stage not in ("teacher", "distilled", "pruned") and not stage.startswith(("narrowed_", "aware", "int8")):
            continue
        made_of = _same_size(stage, stages) or (floats[-1] if floats else None)
        if not stage.startswith(("aware_", "int8")):
            floats.append(stage)
        accuracy = found[by]["mean"]
        size = found.get("model_bytes") or (4 * found["parameters"] if "parameters" in found else None)
        rows.append(
            [
                stage_names(stage)[0],
                percent(accuracy),
                points(accuracy - stages[made_of][by]["mean"]) if made_of else None,
                kilobytes(size) if size else None,
                *(kilobytes(found[key]) if key in found else None for key in _BYTES),
                *(f"{found[key]:,}" if key in found else None for key in ("macs", "instructions")),
            ]
        )
    head = ["Step", axis(summary["protocol"]), "points to what\nit was made of", "model", "arena\nin TFLM"]
    head += ["flash as\nplain C", "RAM as\nplain C", "multiply-adds", "instructions\nas plain C"]
    return [
        tag("h3", "What each step cost"),
        table("From the teacher to the device", head, rows),
        tag("p", "The model of a step in float is its weights in float32; in int8 it is the .tflite file. As plain C: "
            "engine and student on a Cortex\u2011M4F; instructions of one inference and code are estimates.",
            class_="small"),
        *_losses(stages["int8"].get("layer_errors", [])),
    ]  # fmt: skip


def _same_size(stage, stages):
    """What a stage of a size other than the last was made of; `None` for any other stage."""
    for ours, earlier in (("int8_", "aware_"), ("int8_", "narrowed_"), ("aware_", "narrowed_")):
        if stage.startswith(ours) and (found := stage.replace(ours, earlier)) in stages:
            return found
    return None


def _losses(errors):
    if not errors:
        return []
    rows = [
        [error["layer"], error["part"], *(f"{error[key]:.1f}" for key in ("sqnr_db", "logits_sqnr_db")),
         percent(error["changed"])]
        for error in errors
    ]  # fmt: skip
    head = ["layer", "what is rounded", "signal to\nnoise, dB", "of the logits,\ndB", "answers\nthat change"]
    return [
        tag("h3", "Where int8 loses"),
        table("Layers that lose most", head, rows, text=[1]),
        tag("p", "Each kernel and each tensor rounded alone, on the windows that the ranges come from; the costliest "
            "first. Ways out: quantization.percentile below 100 where activations lose, quantization.aware_epochs "
            "for both.", class_="small"),
    ]  # fmt: skip


def _variants(variants, most):
    if not variants:
        return []
    rows = [
        [file_name(name), kilobytes(sizes["bytes"]), kilobytes(sizes["arena_bytes"]), MEANINGS[name]]
        for name, sizes in variants.items()
    ]
    return [
        tag("h3", "The same student in smaller files"),
        table("Variants", ["file", f"flash{most}", f"arena{most}", "what it is"], rows, text=[3]),
        tag("p", "Each gave the same outputs, bit for bit, for the golden windows and for random ones."),
    ]


def _export_files(folder):
    export = folder / "seed0" / "export"
    found = sorted(export.iterdir()) if export.is_dir() else []
    if not found:
        return [tag("p", "There is no seed0/export beside this report.")]
    rows = [
        [
            tag("a", path.name, href=f"./seed0/export/{quote(path.name)}"),
            kilobytes(path.stat().st_size),
            EXPORTED_FILES.get(path.name, ""),
        ]
        for path in found
    ]
    return [
        tag("h3", "Files to go on with"),
        table("Exported files", ["seed0/export", "size", "what it is"], rows, text=[2]),
        tag("p", "int8 accuracy is measured by running each seed's exported bytes in the TFLM interpreter "
            "on the host. Compile the C files into the firmware, then replay the golden windows on the "
            "board: its outputs must be equal. Flash, RAM and instructions of the student as plain C, without an "
            "interpreter, counted on emulated Cortex\u2011M4, M7 and M55:"),
        tag("pre", f"make firmware RUN={shlex.quote(folder.name)}"),
        tag("p", f"({shlex.quote(folder.name)} stands for this folder's path.)", class_="small"),
    ]  # fmt: skip
