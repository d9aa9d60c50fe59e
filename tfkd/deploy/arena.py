"""How much working memory TensorFlow Lite Micro needs for a model: measured, then proven.

TFLM's own figure ("arena allocation total") is not enough: it is the memory in use at the end, and
planning the memory can need more for a moment. Worse, an interpreter with too small an arena does
not always fail cleanly, it may crash the process. So the search runs in a child process, which
forks again for each size it tries. This file is that child's program too, and imports nothing
heavy.
"""

import functools
import hashlib
import os
import re
import subprocess
import sys
import tempfile

ALIGNMENT = 16  # bytes; what TFLM aligns its arena to
_LARGEST = 64 << 20  # bytes; no Cortex-M comes near. Pages that stay unused cost nothing.
_WINDOWS = 3


class TflmError(RuntimeError):
    """TensorFlow Lite Micro cannot run a model; the message carries what the interpreter said."""


@functools.lru_cache(maxsize=32)  # a run asks three times for the same student
def measure_arena(tflite_bytes):
    """The smallest arena with which the TFLM interpreter runs a model, in bytes, a multiple of 16.

    It is what the interpreter of the PyPI wheel needs: x86-64, 64-bit pointers, reference kernels.
    The same kernels need less on a 32-bit Cortex-M. CMSIS-NN adds scratch buffers, and can need more
    than this figure: 3 % more was seen on a Cortex-M4, 40 % on a Cortex-M55. Leave a margin with
    CMSIS-NN (`micro/src/student_tflm.h` does), and let `MicroInterpreter::arena_used_bytes()` on the
    board decide. With INT4 kernels, the reference kernels unpack one at a time into the arena, which CMSIS-NN does
    without: there the figure is too large by up to the weights of the largest kernel.

    Args:
        tflite_bytes: a model with one int8 input and a fixed shape.

    Returns:
        An integer. An interpreter with exactly this arena has run, with the same outputs as one
        that has memory in plenty.

    Raises:
        TflmError: the interpreter cannot allocate or run the model, or crashes on it.
    """
    # -P: this folder must not become the child's first place to look for modules.
    child = subprocess.run(
        [sys.executable, "-P", os.path.abspath(__file__)],
        input=tflite_bytes,
        capture_output=True,
        check=False,
    )
    if child.returncode == 0:
        return int(child.stdout)
    said = child.stderr.decode(errors="replace").strip()
    if child.returncode < 0:
        said = f"it crashed with signal {-child.returncode}. {said}".strip()
    raise TflmError(f"The TensorFlow Lite Micro interpreter cannot run this model: {said}")


def _outputs(tflite_bytes, arena_bytes):
    """Runs fixed pseudo-random windows; returns the interpreter and a digest of its outputs."""
    import numpy as np
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(tflite_bytes, arena_size=arena_bytes)
    shape = interpreter.get_input_details(0)["shape"]
    generator = np.random.default_rng(0)
    digest = hashlib.sha256()
    for _ in range(_WINDOWS):
        interpreter.set_input(generator.integers(-128, 128, shape, dtype=np.int8), 0)
        interpreter.invoke()
        digest.update(interpreter.get_output(0).tobytes())
    return interpreter, digest.digest()


def _reported(interpreter):
    """TFLM's own figure. It only goes to the C library's stderr, hence the file descriptors."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        log.seek(0)
        text = log.read().decode(errors="replace")
    total = re.search(r"Arena allocation total (\d+) bytes", text)
    if total is None:
        raise RuntimeError(f"no 'Arena allocation total' in what print_allocations() wrote: {text}")
    return int(total[1])


def _works(tflite_bytes, arena_bytes, expected):
    """Whether a fresh process with this arena gives the expected outputs; it may crash instead."""
    process = os.fork()
    if process == 0:
        verdict = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # "failed to allocate" is expected here
            verdict = int(_outputs(tflite_bytes, arena_bytes)[1] != expected)
        finally:
            os._exit(verdict)
    return os.waitpid(process, 0)[1] == 0


def _smallest(tflite_bytes):
    interpreter, expected = _outputs(tflite_bytes, _LARGEST)
    units = -(-_reported(interpreter) // ALIGNMENT)
    if _works(tflite_bytes, units * ALIGNMENT, expected):
        return units * ALIGNMENT
    failing, step = units, 16
    while not _works(tflite_bytes, (failing + step) * ALIGNMENT, expected):
        failing += step
        step *= 2
        if (failing + step) * ALIGNMENT > _LARGEST:
            raise RuntimeError("outputs depend on the size of the arena")
    working = failing + step
    while working - failing > 1:
        middle = (failing + working) // 2
        if _works(tflite_bytes, middle * ALIGNMENT, expected):
            working = middle
        else:
            failing = middle
    return working * ALIGNMENT


def _main():
    try:
        print(_smallest(sys.stdin.buffer.read()))
    except RuntimeError as error:
        # TFLM has written its reason to stderr already; a traceback would bury it.
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
