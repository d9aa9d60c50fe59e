"""The page of a search: what was found within a budget, and what more or less would bring."""

from tfkd import files
from tfkd.report import plots
from tfkd.report.page import Html, kilobytes, listed, page, percent, section, table, tag
from tfkd.report.words import SCORES

_LIMITS = {
    "flash_bytes": ("flash", kilobytes),
    "ram_bytes": ("RAM", kilobytes),
    "milliseconds": ("time", "{:g} ms".format),
    "instructions": ("instructions", "{:,}".format),
}


def write_search(folder, found):
    """Writes `budget.html` into a folder, whole or not at all.

    Args:
        folder: of the search.
        found: contents of `budget.json`.
    """
    budget = found["budget"]
    set_ones = ((key, *words) for key, words in _LIMITS.items() if budget[key] is not None)
    limits = ", ".join(f"{name} {shown(budget[key])}" for key, name, shown in set_ones)
    engine = "plain C" if budget["engine"] == "plain_c" else "TensorFlow Lite Micro"
    costs = (("flash, KB", "flash_bytes", 1024), ("instructions, thousands", "instructions", 1000))
    drawings = []
    for name, cost, scale in costs if found["students"] else ():
        points = [(s[cost] / scale, s["accuracy"], s["fits"], s["front"]) for s in found["students"]]
        drawing = plots.trade_off(points, name, f"{SCORES[found['metric']]}, %", f"Students over {name}")
        drawings.append(tag("figure", Html(drawing), class_="dots"))
    text = page(
        "tfkd search",
        tag("p", "tfkd search", class_="small"),
        tag("h1", f"{limits}: {engine} on Cortex-{budget['core'].upper()}"),
        tag("p", *_lead(found), class_="lead"),
        section("front", "What was found", _table(found), *drawings),
        section("origin", "How", *_how(found)),
    )
    files.write_text(folder / "budget.html", text)


def _lead(found):
    if found["chosen"] is None:
        return ["No student that was trained fits yet."]
    best = next(student for student in found["students"] if student["name"] == found["chosen"])
    return [
        tag("strong", best["name"]), " gets ", tag("strong", percent(best["accuracy"])),
        f" {SCORES[found['metric']]} in int8, with ",
        f"{kilobytes(best['flash_bytes'])} of flash, {kilobytes(best['ram_bytes'])} of RAM and ",
        f"{best['instructions']:,} instructions.",
    ]  # fmt: skip


def _table(found):
    rows = [
        [
            student["name"],
            percent(student["accuracy"]),
            len(student["accuracies"]),
            kilobytes(student["flash_bytes"]),
            kilobytes(student["ram_bytes"]),
            f"{student['instructions']:,}",
            kilobytes(student["model_bytes"]),
            "yes" if student["fits"] else "no",
            "yes" if student["front"] else "",
        ]
        for student in found["students"]
    ]
    head = ["Student", f"{SCORES[found['metric']]} in int8", "trainings", "flash", "RAM", "instructions", ".tflite"]
    head += ["fits", "on the front"]
    return table("Students that were trained", head, rows)


def _how(found):
    subjects = found["validation_subjects"]
    people = f"person {subjects[0]}, who was" if len(subjects) == 1 else f"people {listed(subjects)}, who were"
    seeds = f"{found['seeds']} trainings" if found["seeds"] > 1 else "one training"
    if finalists := len(found["finalists"]):
        most = max(len(student["accuracies"]) for student in found["students"])
        seeds += f" each. The most accurate that fit, {finalists} of them, were trained {most} times, and the best of "
        seeds += "these was chosen: the others owe some of what they show to luck"
    else:
        seeds += " each"
    return [
        tag("p", "w: width, d: depth, k: kernel, s: blocks that halve the rate, r: what the stem divides the rate by, "
            "n: samples of a window, kept: share of the weights that channel pruning left. A student is on the front "
            "if no other is as accurate and takes less. Flash and instructions are estimates, RAM is exact."),
        tag("p", f"Judged by {people} held out of training, in the exported bytes; {seeds}. The "
            "best of many looks better than it is: train the chosen one anew on all training people and judge it by "
            "the test people, with"),
        tag("pre", "python tools/distill.py --recipe recipe.toml --seeds 5"),
        tag("p", f"where recipe.toml is the file beside this page. {found['refused']} students did not fit and were "
            "not trained.", class_="small"),
    ]  # fmt: skip
