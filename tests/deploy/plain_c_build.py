"""Builds generated plain C with the host's compiler and runs it on many inputs."""

import hashlib
import subprocess
from pathlib import Path

import numpy as np

from tfkd.deploy import plain_c_files

SOURCES = Path(__file__).resolve().parents[2] / "micro" / "src"
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

# Reads inputs from stdin and writes outputs to stdout; the memory is handed over full of noise. The argument says after
# how many runs the student is to forget the ones before.
MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "student.h"
int main(int argc, char **argv) {
  const int every = argc > 1 ? atoi(argv[1]) : 0;
  tfkd_student student;
  /* On the heap, where the sanitizer guards the exact end. */
  unsigned char *memory = aligned_alloc(TFKD_STUDENT_ALIGNMENT, (TFKD_STUDENT_MEMORY_BYTES + 15) / 16 * 16);
  memset(memory, 0xA5, TFKD_STUDENT_MEMORY_BYTES);
  if (tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES) != TFKD_OK) return 2;
  for (int runs = 1; fread(student.input, 1, TFKD_INPUT_SIZE, stdin) == TFKD_INPUT_SIZE; ++runs) {
    if (tfkd_student_run(&student) != TFKD_OK) return 3;
    fwrite(student.output, 1, TFKD_CLASSES, stdout);
    if (every > 0 && runs % every == 0 && tfkd_student_reset(&student) != TFKD_OK) return 4;
  }
  free(memory);
  return 0;
}
"""


def compile_kernels(folder, compiler=("gcc",), flags=SANITIZE):
    """Compiles all kernels once; returns the object files."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((SOURCES / "kernels").glob("*.c"))
    run([*compiler, *STRICT, *flags, "-c", *sources], cwd=folder)
    return sorted(folder.glob("*.o"))


def write_student(folder, model_bytes, inputs, outputs, sparse=None):
    """Writes the generated files, and a contract with no more than they need."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in plain_c_files(model_bytes, sparse=sparse).items():
        assert text.isascii()
        (folder / name).write_text(text)
    (folder / "tfkd_contract.h").write_text(
        f"#define TFKD_MODEL_SHA256_HEAD 0x{hashlib.sha256(model_bytes).hexdigest()[:8]}u\n"
        f"#define TFKD_INPUT_SIZE {inputs}\n#define TFKD_CLASSES {outputs}\n"
    )
    (folder / "main.c").write_text(MAIN)


def run_student(folder, kernels, model_bytes, x, outputs, sparse=None, reset_every=0):
    """The plain C student's outputs `(n, outputs)` for int8 inputs `(n, ...)`, under sanitizers."""
    write_student(folder, model_bytes, x[0].size, outputs, sparse)
    includes = ["-I", folder, "-I", SOURCES, "-I", SOURCES / "kernels"]
    sources = [folder / "main.c", folder / "student_plain.c"]
    run(["gcc", *STRICT, *SANITIZE, *includes, *sources, *kernels, "-o", folder / "program"])
    done = run([folder / "program", str(reset_every)], input=x.tobytes())
    return np.frombuffer(done.stdout, np.int8).reshape(len(x), -1)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, check=False, **options)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stderr.decode()[-4000:]}"
    return done


def inputs(shape, count, seed=0):
    """int8 inputs `(count, ...)`: uniform noise, the two ends only, and small values around zero."""
    generator = np.random.default_rng(seed)
    x = generator.integers(-128, 128, (count, *shape), dtype=np.int8)
    x[1::3] = generator.choice(np.array([-128, 127], np.int8), x[1::3].shape)
    x[2::3] = np.clip(generator.normal(0, 20, x[2::3].shape), -128, 127).astype(np.int8)
    return x
