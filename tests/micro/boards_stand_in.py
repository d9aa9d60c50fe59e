"""Builds the board packages against stand-ins of the boards' headers, and plays recordings into them."""

import subprocess
from pathlib import Path

import numpy as np

STUBS = Path(__file__).resolve().parent / "board_stubs"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
HOST = {
    "c": ["gcc", "-std=gnu11", *STRICT, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "c++": ["g++", "-std=gnu++14", *STRICT, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}
_CORE = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os"]
ARM = {
    "c": ["arm-none-eabi-gcc", "-std=gnu11", *STRICT, *_CORE],
    "c++": ["arm-none-eabi-g++", "-std=gnu++14", *STRICT, *_CORE, "-fno-exceptions", "-fno-rtti"],
}
GRAVITY = np.float32(9.80665)


def call(command):
    """Runs a command that must succeed; returns what it printed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:] or done.stdout[-4000:]
    return done.stdout


def objects(compilers, sources, out, includes, options=()):
    """Compiles each source by itself, `.c` as C and the rest as C++; returns the object files."""
    out.mkdir(exist_ok=True)
    made = []
    for source in sources:
        language = "c" if source.suffix == ".c" else "c++"
        made.append(out / f"{source.stem}_{source.suffix[1:]}.o")
        paths = [f"-I{folder}" for folder in includes]
        call([*compilers[language], *paths, *options, "-x", language, "-c", source, "-o", made[-1]])
    return made


def recording(contract, period_us, seconds, seed=0):
    """Rows `(time_us, six values in g and deg/s, pressed, readable)` of an arm that nobody moved.

    Three strokes a second. There is a pause, a reading now and then that fails, a stroke beyond 4 g, and
    the button is pressed twice for a while.
    """
    generator = np.random.default_rng(seed)
    count = int(seconds * 1e6 / period_us)
    mean, scale = np.zeros(6), np.array([1.0, 1.0, 1.0, 100.0, 100.0, 100.0])
    mean[: len(contract.mean)], scale[: len(contract.mean)] = contract.mean, contract.scale
    time = np.arange(count) * period_us + generator.integers(-900, 900, count) + 10_000
    time[count // 2 :] += 700_000
    phase = generator.uniform(0, 2 * np.pi, 6)
    strokes = 2 * np.pi * 3 * time[:, None] / 1e6
    values = mean + scale * (1.5 * np.sin(strokes + phase) + generator.normal(0, 0.1, (count, 6)))
    values[count // 4 : count // 4 + 4, 1] = 4.5
    values[:, :3] = values[:, :3].clip(-4, 4 * 32767 / 32768)
    pressed = np.zeros(count, int)
    pressed[count // 10 : count // 3] = pressed[count * 3 // 5 : count * 4 // 5] = 1
    readable = np.ones(count, int)
    readable[[count // 9, count // 2 + 20]] = 0
    return time, values.astype(np.float32), pressed, readable


def write_rows(path, rows):
    """The recording as the C table that the stand-ins read."""
    lines = [
        f"  {{{time}u, {{{', '.join(f'{float(v).hex()}f' for v in values)}}}, {pressed}, {readable}}},"
        for time, values, pressed, readable in zip(*rows)
    ]
    text = '#include "samples.h"\nconst sample_row sample_rows[] = {\n' + "\n".join(lines)
    path.write_text(f"{text}\n}};\nconst int sample_count = {len(lines)};\n")
    return path
