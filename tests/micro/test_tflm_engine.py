"""The TensorFlow Lite Micro engine: compiled and tried against stub headers, and against the real library where
the environment names one.

`TFLM_DIR` names a checkout of https://github.com/tensorflow/tflite-micro in which
`make -f tensorflow/lite/micro/tools/make/Makefile microlite` was run.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tfkd.deploy import Contract, TflmModel, c_files, in_four_bits
from tfkd.deploy.decode import encode_pruned
from tfkd.deploy.exported import ExportResult
from tfkd.deploy.resolver import resolver_header
from tfkd.deploy.variants import MEANINGS, Variant, make_variants

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
SOURCES = REPOSITORY / "micro/src"
STUDENT = REPOSITORY / "models/utd-imu"
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wno-sign-conversion"]
EMBEDDED = ["-fno-exceptions", "-fno-rtti", "-DTFKD_ENGINE_TFLM", "-DTF_LITE_STATIC_MEMORY"]
SANITIZED = ["-g", "-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=all"]
STUBS = ["-I", HERE / "tflm_stubs"]
CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto"]
TFLM_DIR = os.environ.get("TFLM_DIR")

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("g++")), reason="needs gcc and g++")
NAMESPACES = pytest.mark.parametrize("names", [[], ["-DTFLM_STUB_NESTED"]], ids=["tflite", "tflite::micro"])


def compiles(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def refused(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode != 0
    return done.stderr


def output(program):
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def export():
    """A student of the zoo with windows of noise."""
    contract, model_bytes = Contract.read(STUDENT / "contract.json"), (STUDENT / "student.tflite").read_bytes()
    inputs = np.random.default_rng(0).integers(-128, 128, (12, *contract.input_shape[1:]), np.int8)
    golden = {"inputs": inputs, "outputs": TflmModel(model_bytes).run(inputs), "labels": np.full(12, -1)}
    return ExportResult(STUDENT, contract, model_bytes, golden, 0, make_variants(model_bytes, inputs))


@pytest.fixture(scope="module")
def generated(export, tmp_path_factory):
    """For each variant, a folder with the C files."""
    folders = {}
    for name, variant in export.variants.items():
        folders[name] = tmp_path_factory.mktemp(name)
        for file, text in c_files(export, variant).items():
            (folders[name] / file).write_text(text)
    return folders


def test_every_variant_shares_contract_and_golden_windows(generated):
    assert list(generated) == list(MEANINGS)
    for file in ("tfkd_contract.h", "golden_windows.h", "golden_windows.c"):
        assert len({(folder / file).read_text() for folder in generated.values()}) == 1
    assert len({(folder / "student_model.h").read_text() for folder in generated.values()}) == 4


@pytest.fixture(scope="module")
def remembering(causal, tmp_path_factory):
    """A folder with the C files of a student with a memory."""
    folder = tmp_path_factory.mktemp("causal")
    for file, text in c_files(causal).items():
        (folder / file).write_text(text)
    return folder


@pytest.fixture(scope="module")
def in_four(export, tmp_path_factory):
    """A folder with the C files of the same student, its kernels rounded to four bits."""
    model_bytes = in_four_bits(export.model_bytes, rounding=True)
    tflm = TflmModel(model_bytes)
    golden = export.golden | {"outputs": tflm.run(export.golden["inputs"])}
    result = ExportResult(STUDENT, export.contract, model_bytes, golden, 0)
    folder = tmp_path_factory.mktemp("four")
    for file, text in c_files(result, Variant.of("plain", model_bytes, tflm.arena_bytes)).items():
        (folder / file).write_text(text)
    return folder


@NAMESPACES
@pytest.mark.parametrize("variant", ["plain", "decode", "with a memory"])
def test_engine_handles_every_way_things_can_go(generated, remembering, tmp_path, names, variant):
    memory = variant == "with a memory"
    folder = remembering if memory else generated[variant]
    sources = [HERE / "tflm_engine.cc", SOURCES / "student_tflm.cc", SOURCES / "decode_pruned.cc"]
    compiles(["g++", *STRICT, *EMBEDDED, *names, *STUBS, "-I", SOURCES, "-I", folder, *sources,
              "-x", "c++", folder / "student_model.c", *SANITIZED, "-o", tmp_path / "engine"])  # fmt: skip
    assert output(tmp_path / "engine").splitlines() == [
        "no student: -5",
        "no memory: -5",
        "misaligned: -2",
        "a byte too little: -1",
        "run without init: -5",
        "run nothing: -5",
        "reset without init: -5, nothing: -5",
        "arena of nothing: 0",
        "sound: 0",
        "schema: -3",
        "allocation fails: -1",
        "two inputs: -3",
        "no output: -3",
        "float input: -3",
        "float output: -3",
        "input shape: -3",
        "input rank: -3",
        "classes: -3",
        "input scale: -3",
        "output zero point: -3",
        "init: 0",
        "arena inside: 1, aligned: 1, granted: 1",
        "run: 0, output: 42 42",
        "arena used: 1",
        "run fails: -4",
        "reset: 0, interpreters: 1, variables: 4" if memory else "reset: 0, interpreters: 0, variables: 0",
        "reset fails: -4" if memory else "reset fails: 0",
        "TensorFlow Lite Micro",
    ]


SPOILT = [
    "zero point of a channel",
    "one zero point",
    "float weights",
    "computed bit map",
    "short bit map",
    "a weight missing",
    "less than a header",
    "other type",
    "other header",
    "other format",
    "stray bit",
    "one input",
]


@NAMESPACES
def test_decoder_unpacks_what_the_encoder_packs_and_refuses_the_rest(tmp_path, names):
    generator = np.random.default_rng(0)
    # The first ends within a byte and begins with a weight, for the stray bit.
    cases = [np.array([1, 0, 0, -7, 0, 0, 0, 0, 0, -128, 0], np.int8)]
    for size, zeros in [(1, 0), (1, 1), (7, 0.5), (8, 0), (8, 1), (9, 0.9), (64, 0.5), (1000, 0.8), (4096, 0.95)]:
        weights = generator.integers(-128, 128, size, np.int8)
        cases.append(np.where(generator.random(size) < zeros, 0, weights).astype(np.int8))

    def literal(values):
        return "{" + ", ".join(str(int(value)) for value in values) + "}"

    rows = (f"  {{{literal(encode_pruned(w)[0])}, {literal(encode_pruned(w)[1])}, {literal(w)}}},\n" for w in cases)
    spoilt = ", ".join(f'"{what}"' for what in SPOILT)
    (tmp_path / "cases.h").write_text(
        f"const std::vector<Case> kCases = {{\n{''.join(rows)}}};\nconst char* const kSpoilt[] = {{{spoilt}}};\n"
    )
    sources = [HERE / "tflm_decode.cc", SOURCES / "decode_pruned.cc"]
    compiles(["g++", *STRICT, *EMBEDDED, *SANITIZED, *names, *STUBS, "-I", SOURCES, "-I", tmp_path,
              *sources, "-o", tmp_path / "decode"])  # fmt: skip
    assert output(tmp_path / "decode").splitlines() == ["ok"] * 10 + [f"refused {what}" for what in SPOILT]


@NAMESPACES
@pytest.mark.usefixtures("arm_cpp")
@pytest.mark.parametrize("kernels", ["CMSIS_NN", "TFKD_REFERENCE_KERNELS"])
def test_engine_compiles_for_a_cortex_m4(generated, remembering, tmp_path, names, kernels):
    decode = generated["decode"]
    for folder, source in [(decode, "student_tflm.cc"), (decode, "decode_pruned.cc"), (remembering, "student_tflm.cc")]:
        compiles(["arm-none-eabi-g++", *CORTEX_M4, *STRICT, *EMBEDDED, f"-D{kernels}", *names, *STUBS, "-I", SOURCES,
                  "-I", folder, "-c", SOURCES / source, "-o", tmp_path / "x.o"])  # fmt: skip


def engine_command(folder, *flags):
    return ["g++", *STRICT, *EMBEDDED, *flags, *STUBS, "-I", SOURCES, "-I", folder, "-fsyntax-only",
            SOURCES / "student_tflm.cc"]  # fmt: skip


def test_c_files_can_include_the_student(generated, tmp_path):
    (tmp_path / "main.c").write_text(
        '#include "student.h"\nstatic unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];\n'
        "int main(void) { return sizeof memory < TFKD_ARENA_BYTES + TFKD_TFLM_MARGIN_BYTES; }\n"
    )
    strict = [flag for flag in STRICT if flag != "-std=c++17"]
    compiles(["gcc", "-std=c11", *strict, "-DTFKD_ENGINE_TFLM", "-I", SOURCES, "-I", generated["tflm"],
              tmp_path / "main.c", "-o", tmp_path / "main"])  # fmt: skip
    assert output(tmp_path / "main") == ""


def test_kernels_must_be_named_on_arm(generated):
    compiles(engine_command(generated["plain"], "-D__arm__", "-DCMSIS_NN"))
    said = refused(engine_command(generated["plain"], "-D__arm__"))
    assert "Compile with -DCMSIS_NN if TFLM was built with CMSIS-NN" in said


def test_the_margin_has_a_limit(generated):
    compiles(engine_command(generated["plain"], "-DTFKD_TFLM_MARGIN_BYTES=(-2000)"))
    said = refused(engine_command(generated["plain"], "-DTFKD_TFLM_MARGIN_BYTES=(-8000)"))
    assert "takes more than a quarter of the arena away" in said


def test_other_kernels_and_decoders_can_be_chosen(generated):
    compiles(engine_command(generated["decode"], "-DTFKD_ALL_TYPES", "-DTFKD_STOCK_DECODE"))


def test_four_bits_compile_but_for_what_an_old_gcc_makes_of_them(in_four):
    compiles(engine_command(in_four, "-D__arm__", "-DCMSIS_NN"))
    old = ["-D__ARM_FEATURE_MVE=3", "-U__GNUC__", "-D__GNUC__=12"]
    said = refused(engine_command(in_four, "-D__arm__", "-DCMSIS_NN", *old))
    assert "GCC 12 miscompiles CMSIS-NN's INT4 DEPTHWISE_CONV_2D for MVE" in said


def test_files_of_different_variants_do_not_compile_together(generated, tmp_path):
    for file in generated["plain"].iterdir():
        shutil.copy(file, tmp_path)
    shutil.copy(generated["decode"] / "tfkd_resolver.h", tmp_path)
    assert "tfkd_resolver.h and student_model.h come from different exports" in refused(engine_command(tmp_path))


def test_other_types_of_kernels_are_linked_only_where_the_model_has_them():
    assert "Register_CONV_2D_INT8" in resolver_header(["CONV_2D", "MEAN"])
    assert "Register_CONV_2D_INT8" not in resolver_header(["CONV_2D", "MEAN", "QUANTIZE"])


@pytest.mark.skipif(not TFLM_DIR, reason="needs TFLM_DIR: a checkout of TensorFlow Lite Micro with its library built")
@pytest.mark.parametrize("variant", [*MEANINGS, "with a memory", "in four bits"])
def test_real_tflm_gives_the_golden_outputs(generated, remembering, in_four, tmp_path, variant):
    tflm = Path(TFLM_DIR)
    library = tflm / "gen/linux_x86_64_default_gcc/lib/libtensorflow-microlite.a"
    downloads = tflm / "tensorflow/lite/micro/tools/make/downloads"
    includes = [tflm, downloads / "flatbuffers/include", downloads / "gemmlowp", downloads / "ruy"]
    system = [part for include in includes for part in ("-isystem", include)]
    (tmp_path / "main.cc").write_text(REPLAY)
    folder = (generated | {"with a memory": remembering, "in four bits": in_four})[variant]
    compiles(["g++", *STRICT, *EMBEDDED, *SANITIZED, *system, "-I", SOURCES, "-I", folder, "-x", "c++",
              tmp_path / "main.cc", SOURCES / "student_tflm.cc", SOURCES / "decode_pruned.cc",
              folder / "student_model.c", folder / "golden_windows.c", "-x", "none", library,
              "-o", tmp_path / "replay"])  # fmt: skip
    assert output(tmp_path / "replay") == "24 of 24 identical, arena within bounds\n"


REPLAY = r"""
#include <cstdio>
#include <cstring>
#include "golden_windows.h"
#include "student.h"
alignas(TFKD_STUDENT_ALIGNMENT) static unsigned char memory[TFKD_STUDENT_MEMORY_BYTES];
int main() {
  tfkd_student student;
  if (tfkd_student_init(&student, memory, sizeof memory) != TFKD_OK) return 1;
  int identical = 0;
  for (int i = 0; i < 2 * GOLDEN_WINDOWS; ++i) {
    if (i == GOLDEN_WINDOWS && tfkd_student_reset(&student) != TFKD_OK) return 3;
    std::memcpy(student.input, golden_inputs[i % GOLDEN_WINDOWS], TFKD_INPUT_SIZE);
    if (tfkd_student_run(&student) != TFKD_OK) return 2;
    identical += std::memcmp(student.output, golden_outputs[i % GOLDEN_WINDOWS], TFKD_CLASSES) == 0;
  }
  const bool within = tfkd_tflm_arena_used(&student) <= STUDENT_MODEL_ARENA_BYTES;
  std::printf("%d of %d identical, arena %s bounds\n", identical, 2 * GOLDEN_WINDOWS, within ? "within" : "out of");
}
"""
