"""Plain C students that remember: the same bytes as TensorFlow Lite Micro, run after run, and what is refused."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests.deploy import plain_c_build as build
from tests.deploy.model_writer import MemoryWriter
from tests.deploy.test_plain_c import signal
from tests.deploy.test_plain_c_parts import overlaps
from tfkd.deploy import convert_int8, plain_c_files
from tfkd.deploy.packages import package_files
from tfkd.deploy.plain_c import lower

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def everything(w):
    """Memories of the input as it comes and in planes, of one moment and more, of signals and images."""
    source, x = signal(w, time=8)
    y = w.convolution(x, 7, (1, 1), activation=1)
    image = w.convolution(w.reshape(source, (1, 4, 2, 6)), 5, (1, 1))
    moment = w.convolution(x, 4, (8, 1), same=False)
    outputs = [
        w.convolution(w.remember(x, 5), 6, (6, 1), same=False),
        w.depthwise(w.remember(x, 2, initial=-90), (3, 1), same=False),
        w.depthwise(w.remember(y, 4), (3, 1)),  # could work in place, but for the memory
        w.add(w.remember(y, 1), w.remember(y, 1)),
        w.mean(w.remember(y, 24)),
        w.remember(image, 3, initial=100),
        w.convolution(w.remember(image, 2), 3, (3, 2)),
        w.depthwise(w.remember(moment, 4), (5, 1), same=False),
        w.mean(w.remember(w.reshape(y, (1, 8, 7)), 3), axes=(1,)),
        w.remember(w.remember(y, 3), 2),
    ]
    parts = []
    for output in outputs:
        size = int(np.prod(w.shape(output)))
        wanted = w.tensor((2,), None, data=np.array([1, size], np.int32), dtype="INT32")
        # The concatenation wants one scale, which a reshape may rename.
        parts.append(w.operator("RESHAPE", [output, wanted], [w.tensor((1, size), 1.0, 0)], "ReshapeOptions"))
    return source, w.concatenation(parts, 1)


def remembering():
    w = MemoryWriter()
    return w.model(*everything(w))


def in_tflm(model_bytes, x, reset_every):
    """Outputs `(n, values)` of the interpreter, which is cleared after so many runs."""
    from tflite_micro import runtime

    outputs = []
    for i, chunk in enumerate(x):
        if i % reset_every == 0:
            interpreter = runtime.Interpreter.from_bytes(model_bytes, arena_size=100_000)
        interpreter.set_input(chunk[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel())
    return np.array(outputs)


def check_against_tflm(model_bytes, shape, kernels, folder):
    x = build.inputs(shape, 60)
    expected = in_tflm(model_bytes, x, reset_every=23)
    forgetful = in_tflm(model_bytes, x, reset_every=1)
    assert (expected != forgetful).any(axis=1).mean() > 0.5, "a test of what forgets"
    assert np.mean([len(np.unique(column)) > 3 for column in expected.T]) > 0.5, "a test of constants"
    found = build.run_student(folder, kernels, model_bytes, x, expected.shape[1], reset_every=23)
    different = np.argwhere(found != expected)
    assert len(different) == 0, f"run and output {different[0]} differ"


@needs_gcc
def test_operators_give_the_bytes_of_tflm(plain_c_kernels, tmp_path):
    check_against_tflm(remembering(), (8, 6), plain_c_kernels, tmp_path)


# Window, samples of a chunk, the network, and how many steps remember and how many cut.
STUDENTS = {
    "residual blocks": (32, 8, {"depth": 2, "strides": (2, 1)}, 4, 0),
    "mean over less than a chunk": (32, 24, {"depth": 1, "kernel": 5, "strides": (2,)}, 2, 1),
    "strides as long as kernels": (32, 12, {"depth": 2, "strides": (3, 2), "stem_kernel": 2}, 2, 0),
    "one sample a chunk": (16, 1, {"depth": 2, "strides": (), "stem_stride": 1}, 4, 0),
}


@needs_gcc
@pytest.mark.parametrize("name", STUDENTS)
def test_students_give_the_bytes_of_tflm(name, plain_c_kernels, tmp_path):
    import keras

    from tfkd.networks.causal import causal_student, streaming

    time, samples, network, remembering, cutting = STUDENTS[name]
    keras.utils.set_random_seed(0)
    student = causal_student((time, 3), 4, **({"width": 8, "kernel": 3, "stem_kernel": 5} | network))
    chunks = np.random.default_rng(0).normal(size=(6, 6 * samples, 3))
    model_bytes = convert_int8(streaming(student, samples), chunks)
    kernels = [step.kernel for step in lower(model_bytes).steps]
    assert (kernels.count("tfkd_remember"), kernels.count("tfkd_take_blocks")) == (remembering, cutting)
    check_against_tflm(model_bytes, (samples, 3), plain_c_kernels, tmp_path)


def test_what_is_kept_shares_its_place_with_nothing():
    program = lower(remembering())
    steps = [step for step in program.steps if step.kernel == "tfkd_remember"]
    assert [storage for storage in program.storages if storage in program.kept] == [s.writes.storage for s in steps]
    assert len(steps) == 12
    assert sum(storage.size for storage in program.kept) == sum(step.writes.tensor.size for step in steps)
    for kept in program.kept:
        assert (kept.first, kept.last) == (-1, len(program.steps))
        others = [storage for storage in program.storages if storage is not kept]
        assert all(o.offset >= kept.offset + kept.size or o.offset + o.size <= kept.offset for o in others)
    assert not overlaps(program.storages)
    orders = [step.writes.order for step in steps]
    assert orders[:2] == ["positions", "planes"], "the input goes to a convolution as it comes, else in planes"


def test_a_memory_takes_what_it_keeps_and_no_more():
    w = MemoryWriter()
    source, x = signal(w, time=8)
    program = lower(w.model(source, w.mean(w.remember(w.convolution(x, 10, (1, 1)), 24))))
    assert sum(storage.size for storage in program.kept) == (24 + 8) * 10
    # Beside it the input, the layer's output and the packed windows of four positions.
    assert program.memory_bytes == (24 + 8) * 10 + 8 * 6 + 8 * 10 + 4 * 2 * 8


RESETS = r"""
#include "student.h"
int main(void) {
  static _Alignas(16) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
  tfkd_student student = {0};
  if (tfkd_student_reset(NULL) != TFKD_BAD_ARGUMENT) return 1;
  if (tfkd_student_reset(&student) != TFKD_BAD_ARGUMENT) return 2;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 3;
  for (int i = 0; i < TFKD_STUDENT_MEMORY_BYTES; ++i) memory[i] = 1;
  if (tfkd_student_reset(&student) != TFKD_OK) return 4;
  int cleared = 0;
  for (int i = 0; i < TFKD_STUDENT_MEMORY_BYTES; ++i) cleared += memory[i] == 7;
  return cleared == CLEARED ? 0 : 5;
}
"""


@needs_gcc
@pytest.mark.parametrize(("kept", "cleared"), [(0, 0), (3, (3 + 8) * 6)])
def test_reset_clears_what_is_kept_and_nothing_else(kept, cleared, plain_c_kernels, tmp_path):
    w = MemoryWriter()
    source, x = signal(w, time=8, zero_point=7)
    target = w.mean(w.remember(x, kept) if kept else x)
    build.write_student(tmp_path, w.model(source, target), 8 * 6, 6)
    (tmp_path / "main.c").write_text(RESETS)
    includes = [f"-DCLEARED={cleared}", "-I", tmp_path, "-I", build.SOURCES, "-I", build.SOURCES / "kernels"]
    sources = [tmp_path / "main.c", tmp_path / "student_plain.c", *plain_c_kernels]
    build.run(["gcc", *build.STRICT, *build.SANITIZE, *includes, *sources, "-o", tmp_path / "program"])
    build.run([tmp_path / "program"])


def test_packages_hold_the_kernel(exported):
    student = dataclasses.replace(exported, model_bytes=remembering())
    assert "src/tfkd_remember.c" in package_files(student, "plain_c")
    assert "src/tfkd_remember.c" not in package_files(exported, "plain_c")


def test_the_generated_file_tells_what_is_kept():
    text = plain_c_files(remembering())["student_plain.c"]
    kept = sum(storage.size for storage in lower(remembering()).kept)
    assert text.count(" kept\n") == 12 and f"{kept} bytes of the memory are kept from run to run" in text
