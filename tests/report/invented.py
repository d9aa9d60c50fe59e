"""Runs that never ran, for tests of reports: folders as `SeedRun` leaves them, and a reader of the page."""

import dataclasses
import html.parser
import types

import numpy as np

from tfkd import files, report, results
from tfkd.data.windows import Windows
from tfkd.evaluation import Predictions
from tfkd.recipe import Data, Recipe

CLASSES = ('say "hi" & <b>', "push $a$ $b$", "sit2stand", "nobody's")
RATES = {"teacher": 0.95, "labels": 0.6, "distilled": 0.9, "control": 0.6, "pruned": 0.88, "int8": 0.87}
VOID = {"meta", "br", "link", "img", "input", "hr"}


def make_windows(people, classes, trials=4, cuts=1):
    """Windows of a few recordings of every person and class but the last."""
    rows = [
        (f"a{label + 1}_s{person}_t{trial}", person, label, start)
        for person in people
        for label in range(len(classes) - 1)
        for trial in range(1, trials + 1)
        for start in range(cuts)
    ]
    recordings, subjects, labels, starts = (np.array(column) for column in zip(*rows))
    imu = np.zeros((len(rows), 8, 6), "float32")
    return Windows({"imu": imu}, labels, subjects, recordings, starts, classes)


def guess(windows, rate, generator):
    """Logits that are right about `rate` of the time and else often favour the class beside."""
    n, classes = len(windows), len(windows.classes)
    logits = generator.normal(0, 0.3, (n, classes)).astype("float32")
    wrong = (windows.labels + generator.choice([1, 1, 1, 2], n)) % classes
    chosen = np.where(generator.random(n) < rate, windows.labels, wrong)
    logits[np.arange(n), chosen] += 3
    return logits


def make_run(folder, seeds=2, rates=RATES, same=(), recipe=None, side="test", classes=CLASSES, epochs=6,
             judged=(2, 4), notes=None, **windows):  # fmt: skip
    """A run folder as `SeedRun` leaves it, and its summary. Stages in `same` all answer alike."""
    recipe = recipe or Recipe(description="a < b & c", data=Data("utd"))
    train, judged = make_windows((1, 3), classes, **windows), make_windows(judged, classes, **windows)
    if recipe.windows.kind == "continuous":
        judged = dataclasses.replace(judged, units=judged.recordings)
    for seed in range(seeds):
        for number, (stage, rate) in enumerate(rates.items()):
            generator = np.random.default_rng((seed, 0 if stage in same else number + 1))
            predictions = Predictions.of(judged, guess(judged, rate, generator))
            predictions.save(folder / f"seed{seed}" / f"{stage}.npz")
            record = {**predictions.metrics(), "seconds": 12.5, **facts_of(stage, seed, epochs)}
            files.write_json(folder / f"seed{seed}" / f"{stage}.json", record)
    export = folder / "seed0" / "export"
    export.mkdir()
    (export / "student.tflite").write_bytes(bytes(18637))
    (export / "student_model.c").write_text("// bytes\n")
    files.write_json(folder / "data.json", {"sha256": "ab" * 32, "notes": {}})
    prepared = types.SimpleNamespace(
        train=train, judged=judged, side=side, notes=notes or {}, split="cross_subject"
    )
    summary = results.summarize(folder, recipe, prepared, seeds)
    files.write_json(folder / "results.json", summary)
    return summary


def facts_of(stage, seed, epochs):
    if stage == "int8":
        sizes = {"plain": (18637 + seed, 10036), "decode": (9001 - seed, 12500 + seed)}
        variants = {name: {"bytes": size, "arena_bytes": arena} for name, (size, arena) in sizes.items()}
        facts = {"model_bytes": 18637 + seed, "arena_bytes": 10036, "operators": ["CONV_2D"], "macs": 123456}
        return {**facts, "variants": variants}
    losses = [round(2.5 * 0.9**epoch + 0.01 * seed, 5) for epoch in range(epochs)]
    accuracy = [round(1 - 0.9 * 0.9**epoch, 5) for epoch in range(epochs)]
    facts = {"history": {"loss": losses, "accuracy": accuracy}, "parameters": 31415}
    zeros = {"sparsity": 0.5, "sparsity_by_layer": {"stem_conv": 0.9, "head": 0.0}}
    return {**facts, **zeros} if stage == "pruned" else facts


def written(folder, summary):
    report.write(folder, summary)
    return (folder / "report.html").read_text()


class Reader(html.parser.HTMLParser):
    """Collects text, links, tables; fails where tags are not balanced."""

    def __init__(self, page):
        super().__init__()
        self.open, self.links, self.ids, self.rows, self.words = [], [], [], [], []
        self.text_of = {}
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        self.links += [attributes[key] for key in ("href", "src", "srcset", "action") if key in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if name == "tr":
            self.rows.append([])
        if name in ("td", "th"):
            self.rows[-1].append("")
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        if name not in VOID:
            self.handle_endtag(name)

    def handle_endtag(self, name):
        assert self.open and self.open[-1] == name, f"</{name}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, text):
        if "style" in self.open:
            return
        self.words.append(text)
        if self.open and self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += text

    def row(self, start):
        """Cells of the first row whose first cell is `start`."""
        return next(row for row in self.rows if row and row[0] == start)
