"""The parts of the plain C generator: how it places memory, when it goes sparse, what it writes."""

import hashlib
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.deploy import plain_c_build as build
from tests.deploy.model_writer import ModelWriter
from tests.deploy.test_plain_c import GRAPHS, joined, signal
from tfkd.deploy import TflmModel, plain_c_files
from tfkd.deploy.plain_c import elementwise, linear_add, lower, planner, sparse
from tfkd.deploy.plain_c.steps import Piece, Storage

MODELS = Path(__file__).resolve().parents[2] / "models"
STUDENT = MODELS / "utd-imu" / "student.tflite"
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def pruned_student(share, seed=3, bits=8):
    """A student of all layer kinds that may be sparse, with a share of zeros; 37 positions make a ragged end."""
    w = ModelWriter(seed, bits)
    source, x = signal(w, time=75)
    x = w.convolution(x, 24, (9, 1), (2, 1), zeros=share, activation=1)
    x = w.depthwise(x, (5, 1))
    y = w.convolution(x, 40, (1, 1), zeros=share)
    y = w.convolution(y, 24, (3, 1), dilation=(2, 1), zeros=share, out=(w.scale(x), 0))
    x = w.mean(w.add(x, y, out=(2 * w.scale(x), -4)), out=(0.5 * w.scale(x), 3))
    return w.model(source, w.dense(x, 9, zeros=share, out=(0.04 * w.scale(x) * 30, 0)))


@needs_gcc
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 0.97, 1.0])
def test_sparse_and_dense_kernels_give_the_bytes_of_tflm(share, plain_c_kernels, tmp_path):
    model_bytes = pruned_student(share)
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], 60)
    expected = model.run(x)
    for use in (True, False):
        found = build.run_student(tmp_path / str(use), plain_c_kernels, model_bytes, x, 9, sparse=use)
        assert (found == expected).all()


def test_pruned_students_become_smaller():
    dense, pruned = (lower(pruned_student(share)) for share in (0.0, 0.8))
    assert pruned.constant_bytes < 0.6 * dense.constant_bytes
    assert not any(step.kernel == "tfkd_multiply_sparse" for step in dense.steps)
    assert sum(step.kernel == "tfkd_multiply_sparse" for step in pruned.steps) == 4


def test_cost_model_wants_few_weights():
    random = np.random.default_rng(0)
    weights = random.integers(1, 127, (64, 64))
    worth = [
        sparse.is_worth_it(np.where(random.random((64, 64)) < share, 0, weights)) for share in (0.0, 0.3, 0.7, 0.9)
    ]
    assert worth == [False, False, True, True]
    assert sparse.is_worth_it(np.zeros((64, 64), np.int8))


def test_a_layer_may_be_sparse_without_vectors_alone():
    """Generated once for all cores: the compiler takes the form that is better on the one it compiles for."""
    text = plain_c_files(pruned_student(0.8))["student_plain.c"]
    assert text.count("#if TFKD_VECTORS") == 8  # weights and call of four layers
    assert text.count("#if") == text.count("#else") == text.count("#endif")
    assert "#if" not in plain_c_files(pruned_student(0.0))["student_plain.c"]


def test_entries_decode_to_the_weights():
    random = np.random.default_rng(1)
    matrix = random.integers(-127, 128, (20, 300)).astype(np.int8)
    matrix[random.random(matrix.shape) < np.linspace(0, 1, 20)[:, None]] = 0
    entries, pairs = sparse.encode(matrix)
    steps, weights = entries.view(np.uint8)[::2], entries[1::2]
    assert len(steps) == 2 * pairs.sum()
    rebuilt, at = np.zeros(matrix.shape, int), 0
    for row, count in zip(rebuilt, 2 * pairs):
        places = np.cumsum(steps[at : at + count].astype(int)) // 8
        np.add.at(row, places, weights[at : at + count])
        at += count
    assert (rebuilt == matrix).all()


def test_linear_additions_are_exact_or_refused():
    random = np.random.default_rng(2)
    found = 0
    for _ in range(10):
        scales, zeros = np.exp(random.uniform(-4, -1, 3)), random.integers(-128, 128, 3).tolist()
        twice = 2 * max(scales[:2])
        factors = [elementwise.quantize_multiplier(value / twice) for value in scales[:2]]
        factors.append(elementwise.quantize_multiplier(twice / 2**20 / scales[2]))
        wanted = linear_add.exact_sums(factors, zeros, -128, 127)
        form = linear_add.find_linear_form([s / scales[2] for s in scales[:2]], zeros, wanted, -128, 127)
        if form is not None:
            found += 1
            x = np.arange(-128, 128)
            sums = (x * form["factor_a"])[:, None] + x * form["factor_b"] + form["offset"]
            assert np.abs(sums).max() < 2**31
            assert (np.clip(sums >> form["shift"], -128, 127) == wanted).all()
    assert found >= 8


@needs_gcc
def test_additions_without_a_linear_form_are_exact(plain_c_kernels, tmp_path, monkeypatch):
    monkeypatch.setattr(elementwise, "find_linear_form", lambda *_: None)
    graph = next(graph for graph in GRAPHS if graph.__name__ == "additions")
    model_bytes = joined(graph)
    assert sum(step.kernel == "tfkd_add" for step in lower(model_bytes).steps) == 6
    model = TflmModel(model_bytes)
    x = build.inputs(model.input_shape[1:], 40)
    expected = model.run(x)
    assert (build.run_student(tmp_path, plain_c_kernels, model_bytes, x, expected.shape[1]) == expected).all()


def overlaps(storages):
    """Pairs of storages that share bytes while both are needed."""
    return [
        (a.name, b.name)
        for a, b in itertools.combinations(storages, 2)
        for p in a.pieces
        for q in b.pieces
        if p.first <= q.last and q.first <= p.last and a.offset < b.offset + q.size and b.offset < a.offset + p.size
    ]


def test_planner_never_lets_live_storages_meet():
    random = np.random.default_rng(4)
    for _ in range(30):
        storages = []
        for i in range(random.integers(1, 12)):
            first, length = random.integers(0, 10, 2)
            pieces = [Piece(first, first + length, int(random.integers(1, 500)))]
            if random.random() < 0.3:
                pieces.append(Piece(first + length, first + length + 3, int(random.integers(1, pieces[0].size + 1))))
            storages.append(Storage(str(i), pieces))
        total = planner.place(storages, tries=5)
        assert not overlaps(storages)
        assert all(s.offset % planner.ALIGNMENT == 0 and s.offset + s.size <= total for s in storages)
        needed = max(sum(p.size for s in storages for p in s.pieces[:1] if p.first <= t <= p.last) for t in range(20))
        assert needed <= total <= sum(s.size + planner.ALIGNMENT for s in storages)


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_programs_keep_what_they_still_need(graph):
    program = lower(joined(graph))
    assert not overlaps(program.storages)
    assert max(s.offset + s.size for s in program.storages) <= program.memory_bytes


def test_zoo_student_fits_its_memory():
    program = lower(STUDENT.read_bytes())
    # Input and first layer's output live side by side, with the packed windows of four positions.
    assert program.memory_bytes == 768 + 64 * 64 + 4 * 2 * 56
    assert [step.kernel for step in program.steps].count("tfkd_depthwise_time") == 4
    assert sum(step.macs for step in program.steps) == 627392
    source, target = program.steps[1].reads[0], program.steps[1].writes
    assert source.storage is target.storage, "the depthwise layer works in place"


def test_kernels_of_3x3_have_their_own_kernel():
    """Up to a plane that the scratch memory can hold; any other kernel goes the general way."""
    w = ModelWriter()
    source = w.tensor((1, 16, 16, 3), 0.03, 0)
    x = w.convolution(source, 8, (3, 3))
    own = [w.depthwise(x, (3, 3)), w.depthwise(x, (3, 3), stride=(2, 2), same=False)]
    general = [
        w.depthwise(x, (3, 3), stride=(1, 2)),
        w.depthwise(x, (3, 3), stride=(3, 3)),
        w.depthwise(x, (3, 3), dilation=(2, 2)),
        w.depthwise(x, (3, 3), multiplier=2),
        w.depthwise(x, (3, 5)),
        w.depthwise(w.pad(x, [(0, 0), (60, 60), (60, 60), (0, 0)]), (3, 3)),
    ]
    sums = [w.mean(y, out=(0.1, 0)) for y in (*own, *general)]
    steps = lower(w.model(source, w.concatenation(sums, 1))).steps
    kernels = [step.kernel for step in steps if step.operator == "DEPTHWISE_CONV_2D"]
    assert kernels == ["tfkd_depthwise_3x3"] * len(own) + ["tfkd_depthwise_general"] * len(general)
    weights = [step.constant_bytes for step in steps if step.kernel == "tfkd_depthwise_3x3"]
    assert weights == [8 * (9 + 4 + 4 + 1)] * 2, "weights, bias, multiplier and shift of each channel"


def test_a_layer_of_3x3_works_in_place():
    w = ModelWriter()
    source = w.tensor((1, 16, 16, 3), 0.03, 0)
    x = w.convolution(source, 24, (3, 3))
    program = lower(w.model(source, w.mean(w.depthwise(w.depthwise(x, (3, 3)), (3, 3), stride=(2, 2)))))
    layers = [step for step in program.steps if step.kernel == "tfkd_depthwise_3x3"]
    assert len(layers) == 2
    assert layers[0].reads[0].storage is layers[1].writes.storage
    # Input and first layer's output side by side, with the packed windows of four positions.
    assert program.memory_bytes == 16 * 16 * (3 + 24) + 4 * 2 * 32


def test_files_belong_to_their_contract():
    model_bytes = STUDENT.read_bytes()
    files = plain_c_files(model_bytes)
    head = hashlib.sha256(model_bytes).hexdigest()[:8]
    assert f"#if TFKD_MODEL_SHA256_HEAD != 0x{head}u" in files["student_plain.h"]
    assert "#define TFKD_STUDENT_MEMORY_BYTES 5312\n" in files["student_plain.h"]
    assert "0x12345678u" in plain_c_files(model_bytes, sha256="12345678" + "0" * 56)["student_plain.h"]


@needs_gcc
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("TFKD_MODEL_SHA256_HEAD 0x", "TFKD_MODEL_SHA256_HEAD 1 + 0x", "come from different exports"),
        ("TFKD_INPUT_SIZE 768", "TFKD_INPUT_SIZE 767", "another model's input"),
        ("TFKD_CLASSES 27", "TFKD_CLASSES 26", "another model's classes"),
    ],
)
def test_other_contracts_do_not_compile(old, new, message, tmp_path):
    build.write_student(tmp_path, STUDENT.read_bytes(), 768, 27)
    contract = tmp_path / "tfkd_contract.h"
    contract.write_text(contract.read_text().replace(old, new))
    includes = ["-I", tmp_path, "-I", build.SOURCES, "-I", build.SOURCES / "kernels"]
    with pytest.raises(AssertionError, match=message):
        build.run(["gcc", "-std=c11", *includes, "-c", tmp_path / "student_plain.c", "-o", tmp_path / "out.o"])


BAD_CALLS = r"""
#include "student.h"
int main(void) {
  static _Alignas(16) unsigned char memory[TFKD_STUDENT_MEMORY_BYTES + 1];
  tfkd_student student = {0};
  if (tfkd_student_run(&student) != TFKD_BAD_ARGUMENT) return 1;
  if (tfkd_student_run(NULL) != TFKD_BAD_ARGUMENT) return 2;
  if (tfkd_student_init(NULL, memory, sizeof memory) != TFKD_BAD_ARGUMENT) return 3;
  if (tfkd_student_init(&student, NULL, sizeof memory) != TFKD_BAD_ARGUMENT) return 4;
  if (tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES - 1) != TFKD_TOO_LITTLE_MEMORY) return 5;
  if (tfkd_student_init(&student, memory + 1, TFKD_STUDENT_MEMORY_BYTES) != TFKD_MISALIGNED) return 6;
  if (tfkd_student_run(&student) != TFKD_BAD_ARGUMENT) return 7;
  if (tfkd_student_init(&student, memory, TFKD_STUDENT_MEMORY_BYTES) != TFKD_OK) return 8;
  return tfkd_student_run(&student) == TFKD_OK && tfkd_student_engine()[0] == 'p' ? 0 : 9;
}
"""


@needs_gcc
def test_bad_calls_are_answered(plain_c_kernels, tmp_path):
    build.write_student(tmp_path, STUDENT.read_bytes(), 768, 27)
    (tmp_path / "main.c").write_text(BAD_CALLS)
    includes = ["-I", tmp_path, "-I", build.SOURCES, "-I", build.SOURCES / "kernels"]
    sources = [tmp_path / "main.c", tmp_path / "student_plain.c"]
    build.run(
        ["gcc", *build.STRICT, *build.SANITIZE, *includes, *sources, *plain_c_kernels, "-o", tmp_path / "program"]
    )
    build.run([tmp_path / "program"])
