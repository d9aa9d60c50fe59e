"""Builds the firmware's core for this machine, with sanitizers, and plays the same commands into it and into its
Python twin."""

import dataclasses
import subprocess
from pathlib import Path

import numpy as np

from tfkd.deploy.contract import Contract
from tfkd.deploy.plain_c import plain_c_files
from tfkd.deploy.streaming import Event, Settings, Stream, Trial

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "micro/src"
HERE = Path(__file__).resolve().parent
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wno-sign-conversion"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
COMMANDS = ["push", "run", "tick", "reset", "begin", "finish"]

CONTRACT = Contract(
    dataset="waves",
    split="none",
    windowing="stream",
    sample_rate_hz=50.0,
    window=32,
    hop=8,
    channels=("acc_x", "acc_y", "acc_z"),
    units=("g", "g", "g"),
    mean=(0.1, -0.2, 1.0),
    scale=(0.5, 0.25, 2.0),
    encoding="none",
    input_shape=(1, 32, 3),
    input_scale=0.0931301936507225,
    input_zero_point=7,
    output_scale=0.06339713931083679,
    output_zero_point=-43,
    labels=("rest", "walk", "jog", "jump"),
    arena_bytes=1,
    operators=("CONV_2D",),
    model_sha256="0" * 64,
)
TRIAL = dataclasses.replace(CONTRACT, windowing="whole_trial", sample_rate_hz=None)
GASF = dataclasses.replace(
    CONTRACT, encoding="gasf", input_shape=(1, 16, 16, 3), input_scale=2 / 255, input_zero_point=-1
)
CHUNKS = dataclasses.replace(CONTRACT, window=8, hop=8, input_shape=(1, 8, 3), memory=29)


def build(contract, folder, source="replay.c", options=(), sanitize=True, core="tfkd_*.c", model_bytes=None):
    """Compiles a program of this folder with (part of) the core for `contract`; returns its path. With a model the
    student in plain C is in it, whose kernels, as object files, must be among the options."""
    folder.mkdir(exist_ok=True)
    (folder / "tfkd_contract.h").write_text(contract.c_header())
    (folder / "student_plain.h").write_text("#define TFKD_STUDENT_MEMORY_BYTES 16\n")
    if model_bytes is not None:
        for name, text in plain_c_files(model_bytes).items():
            (folder / name).write_text(text)
        options = [*options, "-DENGINE", "-Wno-conversion", "-I", SOURCES / "kernels", folder / "student_plain.c"]
    program = folder / "program"
    optimise = SANITIZED if sanitize else ["-O2"]
    command = ["gcc", *STRICT, *optimise, *options, "-I", folder, "-I", SOURCES, HERE / source]
    command += sorted(SOURCES.glob(core))
    done = subprocess.run([*command, "-o", program, "-lm"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


class Student:
    """Some answer to every window, always the same to the same, and not too sure of it."""

    def __init__(self, contract, seed=0):
        shape = (int(np.prod(contract.input_shape)), len(contract.labels))
        self._weights = np.random.default_rng(seed).normal(0, 1, shape)

    def __call__(self, windows):
        logits = windows.reshape(1, -1) @ self._weights
        return np.clip(logits * 20 / np.sqrt(len(self._weights)), -128, 127).astype(np.int8)


class Rememberer(Student):
    """Answers from all windows since it was cleared, so that a `reset` too many or too few changes what it says."""

    def __init__(self, contract, seed=0):
        super().__init__(contract, seed)
        self.reset()

    def reset(self):
        self._state = 0.0

    def __call__(self, windows):
        self._state = self._state * 0.9 + windows.reshape(1, -1) @ self._weights
        return np.clip(self._state * 8 / np.sqrt(len(self._weights)), -128, 127).astype(np.int8)


def play(twin, commands):
    """Plays `(what, time_us, sample)` into a `Stream` or `Trial`."""
    for what, time_us, sample in commands:
        if what == "push":
            twin.push(time_us, sample)
        elif what == "tick":
            twin.tick(time_us)
        else:
            getattr(twin, what)()
    return twin.events


def twin_of(contract, run, settings=None, **options):
    return (Stream if contract.windowing == "stream" else Trial)(contract, run, settings, **options)


def compare(program, folder, contract, run, commands, settings=None, engine=False, **options):
    """Plays `commands` into the twin and into `program`, and asserts that the events are the same.

    Returns:
        events, inferences.
    """
    recorded = []

    def recording(windows):
        outputs = run(windows)
        recorded.append(b"i" + windows.tobytes() + outputs.tobytes())
        return outputs

    def recording_reset():
        run.reset()
        recorded.append(b"r")

    if contract.memory:
        options["reset"] = recording_reset
    settings = settings or Settings()
    expected = play(twin_of(contract, recording, settings, **options), commands)
    channels = len(contract.channels)
    table = np.zeros(len(commands), [("what", "<u4"), ("time", "<u4"), ("sample", "<f4", (channels,))])
    for row, (what, time_us, sample) in zip(table, commands, strict=True):
        row["what"], row["time"] = COMMANDS.index(what), time_us % 2**32
        if sample is not None:
            row["sample"] = sample
    (folder / "commands").write_bytes(table.tobytes())
    (folder / "answers").write_bytes(b"" if engine else b"".join(recorded))
    quiet = contract.window if settings.quiet_samples is None else settings.quiet_samples
    numbers = [settings.max_gap_us, settings.stuck_us, quiet, settings.smoothing, settings.enter, settings.leave]
    numbers += [int(settings.report_windows), *(settings.range or [0] * channels)]
    arguments = [program, folder / "commands", folder / "answers", *map(str, numbers)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}"
    found = [line.split() for line in done.stdout.splitlines()]
    assert [Event(kind, *map(int, rest)) for kind, *rest in found] == expected
    inferences = sum(record != b"r" for record in recorded)
    assert engine or int(done.stderr) == inferences
    return expected, inferences
