"""The card of a recipe in the zoo: what was measured, from `results.json`, in Markdown."""

from tfkd.paired import of_score
from tfkd.report.words import SEQUENCES, decided, few_units, how_many, one_run, score, sources, stage_names, units

MEASURED = ("<!-- measured -->", "<!-- end of measured -->")
ZOO = ("<!-- results -->", "<!-- end of results -->")

TITLES = {
    "teacher": "teacher",
    "teacher_fused": "teacher of skeleton and IMU",
    "teacher_skeleton": "teacher of the skeleton",
    "teacher_imu": "teacher of the IMU",
    "teacher_graph": "teacher of the skeleton's graph",
    "teacher_depth": "teacher of depth frames",
    "teacher_video": "teacher of video",
    "labels": "student, labels only",
    "single": "student, soft targets of one teacher",
    "dask": "student, DASK of one teacher",
    "distilled": "student, distilled",
    "control": "control: shuffled teacher outputs",
    "with_soft_targets": "student, labels and soft targets",
    "with_distance": "student, labels and distances",
    "with_angle": "student, labels and angles",
    "with_semantic": "student, labels and semantic term",
    "raw_labels": "raw signal, labels only",
    "raw_distilled": "raw signal, distilled",
    "pruned": "distilled and pruned",
    "aware": "trained as int8 computes",
    "int8": "int8, run in TFLM",
}


def measured(results, command):
    """The measured part of a card.

    Args:
        results: contents of `results.json`.
        command: the command line that makes these numbers again.
    """
    protocol, stages = results["protocol"], results["stages"]
    stream = protocol["windowing"] == "stream"
    people = ", ".join(map(str, protocol["train_subjects"]))
    judged = ", ".join(map(str, protocol["judged_subjects"]))
    lines = [
        f"Split `{protocol['split']}`: people {people} train, people {judged} are the {protocol['judged']} people "
        f"({how_many(protocol)} {decided(protocol)}); windowing `{protocol['windowing']}`; {results['seeds']} seeds; "
        "last epoch, epochs fixed beforehand.",
    ]
    if protocol["labelled_subjects"] != protocol["train_subjects"]:
        labelled = ", ".join(map(str, protocol["labelled_subjects"]))
        lines.append(f"Only people {labelled} have labels; the others' recordings are paired, without labels.")
    if noise := results["recipe"]["data"].get("label_noise"):
        lines.append(f"{100 * noise:g} % of the training labels were replaced by wrong ones.")
    heading = f"| | {decided(protocol)} right, % | " + ("windows right, % | " if stream else "") + "macro F1, % | "
    of_sequences = {key: title for key, title in SEQUENCES.items() if key in stages["labels"]}
    heading += "".join(f"{title}, % | " for title in of_sequences.values()) + "parameters |"
    lines += ["", heading, "| --- |" + " ---: |" * (heading.count("|") - 2)]
    # As `TITLES` has them, with the sizes before what is made of the last of them.
    after = [stage for stage in ("pruned", "aware", "int8") if stage in stages]
    before = [stage for stage in TITLES if stage in stages and stage not in after]
    for stage in [*before, *(stage for stage in stages if stage not in TITLES), *after]:
        found = stages[stage]
        windows = f" {_spread(found['window_accuracy'])} |" if stream else ""
        parameters = f"{found['parameters']:,}" if "parameters" in found else ""
        more = "".join(f" {_spread(found[key])} |" for key in of_sequences)
        accuracy, macro_f1 = _spread(found["accuracy"]), _spread(found["macro_f1"])
        lines.append(f"| {_title(stage)} | {accuracy} |{windows} {macro_f1} |{more} {parameters} |")
    with_f1 = any("macro_f1_gain" in found for found in results["comparisons"].values())
    heading = f"| compared on the same {decided(protocol)} and seeds | points | p |"
    heading += " macro F1, points | p |" if with_f1 else ""
    lines += ["", heading, "| --- |" + " ---: |" * (heading.count("|") - 2)]
    for name, found in results["comparisons"].items():
        ours, baseline = name.split("_vs_")
        row = f"| {_title(ours)} minus {_title(baseline)} | {100 * found['gain']:+.2f} | {_p(found['p_value'])} |"
        row += f" {100 * found['macro_f1_gain']:+.2f} | {_p(found['macro_f1_p_value'])} |" if with_f1 else ""
        lines.append(row)
    versions = results["provenance"]["versions"]
    lines += [
        "",
        f"p: two-sided sign-flip test with the {units(protocol)} as units; it says nothing of people beyond those "
        "tested.",
        *filter(None, [few_units(protocol)]),
        "",
        *([_followed(stages["distilled"]["followed"]), ""] if "followed" in stages["distilled"] else []),
        *([_on_the_device(stages, results["recipe"]), ""] if "int8" in stages else []),
        f"tfkd {results['provenance']['git']}, TensorFlow {versions['tensorflow']}, Keras {versions['keras']}; data "
        f"SHA-256 {results['provenance']['data_sha256'][:16]}. Made by",
        "",
        f"```sh\n{command}\n```",
    ]
    return "\n".join(lines) + "\n"


def _title(stage):
    full = stage_names(stage)[0].replace("\u00a0", " ")
    return TITLES.get(stage, full[0].lower() + full[1:])


def _followed(shares):
    return f"In the last epoch of its training the distilled student followed {sources(shares)}.".replace("\u00a0", " ")


def _on_the_device(stages, recipe):
    int8 = stages["int8"]
    per = f" for {one_run(recipe)}" if recipe["student"].get("kind") == "causal" else ""
    zeros = ""
    if "pruned" in stages:
        share = f"{100 * stages['pruned']['sparsity']:.0f} %"
        zeros = f"; {share} of the kernel weights are zero, which by itself saves a Cortex-M nothing"
    return (
        f"int8 student: {int8['model_bytes'] / 1024:.1f} KB `.tflite`, {int8['arena_bytes'] / 1024:.1f} KB arena "
        f"(x86-64, reference kernels), {int8['macs']:,} multiply-accumulates{per}, operators "
        f"{', '.join(int8['operators'])}{zeros}."
    )


def zoo(results_by_model):
    """One table over several recipes, a row each.

    Args:
        results_by_model: recipe name -> contents of its `results.json`.
    """
    columns = ("teacher", "labels alone", "distilled", "gain, points", "int8, in TFLM", "`.tflite`, arena")
    lines = [
        "| right, % | protocol | " + " | ".join(columns) + " |",
        "| --- | --- |" + " ---: |" * len(columns),
    ]
    for name, results in results_by_model.items():
        shown = (results["stages"].get(stage) for stage in ("teacher", "labels", "distilled", "int8"))
        *accuracies, int8 = (_spread(found[score(results["protocol"])]) if found else "" for found in shown)
        cells = (f"[`{name}`](models/{name}/README.md)", _protocol(results), *accuracies, _gain(results), int8)
        lines.append("| " + " | ".join((*cells, _size(results["stages"]))) + " |")
    return "\n".join(lines) + "\n"


def _protocol(results):
    protocol = results["protocol"]
    labelled, everyone = protocol["labelled_subjects"], protocol["train_subjects"]
    words = {
        "whole_trial": "whole trials",
        "stream": "sliding windows, by trial",
        "continuous": "continuous recordings, macro F1 over moments",
    }[protocol["windowing"]]
    some = "" if labelled == everyone else f"; labels of {_persons(len(labelled))} in {len(everyone)}"
    known = "; people who trained" if set(protocol["judged_subjects"]) & set(everyone) else ""
    sizes = results["recipe"].get("channels", {}).get("weight_kb", ())
    pruned = f"; channels pruned before int8, to {sizes[-1]:g} KB of weights" if sizes else ""
    if results["recipe"].get("quantization", {}).get("weight_bits", 8) == 4:
        pruned += " of 8 bits, stored with 4" if sizes else "; 4 bits a weight"
    return f"{words}{some}{known}{pruned}"


def _persons(count):
    return "1 person" if count == 1 else f"{count} people"


def _gain(results):
    found = of_score(results["comparisons"]["distilled_vs_labels"])
    p = _p(found["p_value"])
    return f"{100 * found['gain']:+.1f} (p {p if p.startswith('<') else f'= {p}'})"


def _size(stages):
    if "int8" not in stages:
        return f"{stages['distilled']['parameters']:,} parameters"
    return f"{stages['int8']['model_bytes'] / 1024:.1f} KB, {stages['int8']['arena_bytes'] / 1024:.1f} KB"


def replaced(page, markers, text):
    """The page with what stands between two markers replaced by `text`.

    Raises:
        ValueError: the page does not hold both markers, in order.
    """
    before, begin, rest = page.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not (begin and end):
        raise ValueError(f"The page must hold {markers[0]} and {markers[1]}, between which results are put.")
    return f"{before}{begin}\n{text}{end}{after}"


def _spread(found):
    several = len(found["seeds"]) > 1
    return f"{100 * found['mean']:.1f}" + (f" ± {100 * found['std']:.1f}" if several else "")


def _p(value):
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
