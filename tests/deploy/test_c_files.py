"""The generated sources, compiled with the host's compilers and asked what they hold."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tfkd.deploy import c_files
from tfkd.deploy.c_literals import float_literal, string_literal
from tfkd.deploy.operators import RESOLVER_METHODS
from tfkd.deploy.resolver import resolver_header

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("g++")), reason="needs gcc and g++")
C = ["gcc", "-x", "c", "-std=c11"]
CPP = ["g++", "-x", "c++", "-std=c++17"]
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
LANGUAGES = pytest.mark.parametrize("compiler", [C, CPP], ids=["c11", "c++17"])


def build(compiler, folder, sources):
    """Compiles strictly and links; returns the program's path."""
    program = folder / "program"
    command = [*compiler, *STRICT, "-I", folder, *(folder / name for name in sources)]
    done = subprocess.run([*command, "-o", program, "-lm"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def output(program):
    return subprocess.run([program], capture_output=True, check=True).stdout


@pytest.fixture
def folder(exported, tmp_path):
    for name, text in c_files(exported).items():
        (tmp_path / name).write_text(text, encoding="ascii")
    return tmp_path


@LANGUAGES
def test_model_array_holds_the_models_bytes(exported, folder, compiler):
    (folder / "main.c").write_text(r"""
#include <stdint.h>
#include <stdio.h>
#include "student_model.h"
int main(void) {
  if ((uintptr_t)student_model % 16 != 0) return 1;
  return fwrite(student_model, 1, STUDENT_MODEL_BYTES, stdout) != sizeof student_model;
}
""")
    program = build(compiler, folder, ["main.c", "student_model.c"])
    assert output(program) == exported.model_bytes


@LANGUAGES
def test_golden_arrays_hold_the_golden_windows(exported, folder, compiler):
    (folder / "main.c").write_text(r"""
#include <stdio.h>
#include "golden_windows.h"
int main(void) {
  fwrite(golden_inputs, 1, sizeof golden_inputs, stdout);
  fwrite(golden_outputs, 1, sizeof golden_outputs, stdout);
  for (int i = 0; i < GOLDEN_WINDOWS; ++i) printf("%d ", golden_labels[i]);
  return 0;
}
""")
    golden = exported.golden
    expected = golden["inputs"].tobytes() + golden["outputs"].tobytes() + b"0 1 2 0 1 -1 "
    assert output(build(compiler, folder, ["main.c", "golden_windows.c"])) == expected


PRINT_CONTRACT = r"""
#include <stdio.h>
#include "tfkd_contract.h"
static const int shape[TFKD_INPUT_RANK] = TFKD_INPUT_SHAPE;
int other(void);
int main(void) {
  printf("%d %d %d %d %d %d\n", TFKD_CONTRACT_FORMAT, TFKD_WINDOW, TFKD_HOP, TFKD_CHANNELS,
         TFKD_CLASSES, TFKD_WINDOWING_STREAM);
  printf("%d %a %d %d %d\n", TFKD_SAMPLE_RATE_MILLIHERTZ, (double)TFKD_SAMPLE_RATE_HZ,
         TFKD_ARENA_BYTES, TFKD_OPERATOR_COUNT, TFKD_INPUT_SIZE);
  printf("%a %d %a %d\n", (double)TFKD_INPUT_SCALE, TFKD_INPUT_ZERO_POINT,
         (double)TFKD_OUTPUT_SCALE, TFKD_OUTPUT_ZERO_POINT);
  printf("%s\n%s\n%s\n%s\n%s\n", TFKD_DATASET, TFKD_SPLIT, TFKD_WINDOWING, TFKD_ENCODING,
         TFKD_MODEL_SHA256);
  for (int i = 0; i < TFKD_INPUT_RANK; ++i) printf("%d\n", shape[i]);
  for (int i = 0; i < TFKD_CHANNELS; ++i)
    printf("%s %s %a %a\n", tfkd_channels[i], tfkd_units[i], (double)tfkd_mean[i],
           (double)tfkd_scale[i]);
  for (int i = 0; i < TFKD_CLASSES; ++i) printf("%s\n", tfkd_labels[i]);
  return other();
}
"""


@LANGUAGES
@pytest.mark.parametrize("windowing", ["stream", "whole_trial"])
def test_contract_header_holds_the_contract(exported, tmp_path, compiler, windowing):
    contract = dataclasses.replace(
        exported.contract,
        windowing=windowing,
        sample_rate_hz=51.2 if windowing == "stream" else None,
        mean=(1 / 3, 0.0, -1e-30),
        scale=(1.0, 123456789.0, 1e20),
    )
    text = contract.c_header()
    assert text.isascii()
    (tmp_path / "tfkd_contract.h").write_text(text)
    (tmp_path / "main.c").write_text(PRINT_CONTRACT)
    # A second translation unit, which uses none of it.
    (tmp_path / "other.c").write_text(
        '#include "tfkd_contract.h"\nint other(void);\nint other(void) { return 0; }\n'
    )

    def hexadecimal(value):
        done = float(np.float32(value)).hex()
        mantissa, exponent = done.split("p")
        mantissa = mantissa.rstrip("0").rstrip(".") if float(value) else mantissa[:-2]
        return f"{mantissa}p{exponent}"

    rate = contract.sample_rate_hz or 0
    expected = [
        f"2 {contract.window} {contract.hop} 3 3 {int(windowing == 'stream')}",
        f"{round(rate * 1000)} {hexadecimal(rate)} {contract.arena_bytes} 5 96",
        f"{hexadecimal(contract.input_scale)} {contract.input_zero_point} "
        f"{hexadecimal(contract.output_scale)} {contract.output_zero_point}",
        contract.dataset,
        contract.split,
        windowing,
        contract.encoding,
        contract.model_sha256,
        *map(str, contract.input_shape),
        *(
            f"{channel} {unit} {hexadecimal(mean)} {hexadecimal(scale)}"
            for channel, unit, mean, scale in zip(
                contract.channels, contract.units, contract.mean, contract.scale, strict=True
            )
        ),
        *contract.labels,
    ]
    lines = output(build(compiler, tmp_path, ["main.c", "other.c"])).decode().splitlines()
    assert lines == expected


def test_strings_survive_the_compiler(tmp_path):
    texts = ['"', "\\", "??/", "%d", "a\tb\nc", "\x01234", "Größe", "手", "\U0001f44b", "*/ //"]
    literals = ",\n".join(map(string_literal, texts))
    (tmp_path / "main.c").write_text(
        "#include <stdio.h>\nint main(void) {\n"
        f"  static const char *const t[] = {{{literals}}};\n"
        f"  for (int i = 0; i < {len(texts)}; ++i) {{ fputs(t[i], stdout); putchar(0); }}\n"
        "  return 0;\n}\n"
    )
    assert output(build(C, tmp_path, ["main.c"])).decode().split("\0")[:-1] == texts


def test_float_literals_read_back_exactly():
    values = np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    for value in [*values[np.isfinite(values)], np.float32(1), np.float32(0), np.float32(1e10)]:
        literal = float_literal(value)
        assert np.float32(literal[:-1]) == value
        assert literal[-1] == "f"
        assert "." in literal or "e" in literal


def test_files_of_different_exports_do_not_compile_together(exported, folder):
    other = dataclasses.replace(exported.contract, model_sha256="0" * 64)
    (folder / "tfkd_contract.h").write_text(other.c_header())
    for name in ("student_model.c", "golden_windows.c"):
        done = subprocess.run([*C, "-c", folder / name, "-o", folder / "x.o"], capture_output=True, text=True)
        assert done.returncode != 0
        assert "come from different exports" in done.stderr


# The stub headers of the firmware's tests, with a resolver that knows every operator and says what was added.
FIRMWARE = Path(__file__).parents[2]
STUBS = ["-I", FIRMWARE / "micro/src", "-isystem", FIRMWARE / "tests/micro/tflm_stubs"]
RESOLVER = """
#pragma once
#include <string>
#include "tensorflow/lite/micro/micro_common.h"
TFLM_STUB_CLASSES
inline std::string& Calls() {{ static std::string calls; return calls; }}
inline TFLMRegistration Marked() {{ TFLMRegistration r = {{}}; r.builtin_code = 8; return r; }}
template <unsigned int kCapacity> class MicroMutableOpResolver {{
 public:
{methods}
  TfLiteStatus AddCustom(const char* name, const TFLMRegistration* r) {{ return Add(name, *r); }}
 private:
  TfLiteStatus Add(const char* name, const TFLMRegistration& r) {{
    if (++count_ > kCapacity) return kTfLiteError;
    Calls() += std::string(name) + (r.builtin_code == 8 ? ":int8 " : " ");
    return kTfLiteOk;
  }}
  unsigned int count_ = 0;
}};
TFLM_STUB_END_CLASSES
"""
CONV = """
TFLM_STUB_CLASSES
inline TFLMRegistration Register_CONV_2D_INT8() { return Marked(); }
TFLM_STUB_END_CLASSES
"""
MAIN = """
#include "tfkd_resolver.h"
#include <cstdio>
namespace tfkd { namespace tflm { TFLMRegistration DecodePruned() { return {}; } } }
int main() {
  static tfkd::Resolver resolver;
  if (tfkd::AddOperators(&resolver) != 0) return 1;
  std::puts(tfkd::tflm::Calls().c_str());
  // The resolver is full: there is room for exactly these operators.
  return tfkd::AddOperators(&resolver) == 1 ? 0 : 2;
}
"""


@pytest.mark.parametrize("names", [[], ["-DTFLM_STUB_NESTED"]], ids=["tflite", "tflite::micro"])
@pytest.mark.parametrize("choice", [[], ["-DTFKD_ALL_TYPES"], ["-DTFKD_STOCK_DECODE"]], ids=str)
def test_resolver_registers_exactly_the_operators(tmp_path, names, choice):
    methods = "\n".join(
        f'  TfLiteStatus {name}(const TFLMRegistration& r = {{}}) {{ return Add("{name}", r); }}'
        for name in RESOLVER_METHODS.values()
    )
    micro = tmp_path / "tensorflow/lite/micro"
    (micro / "kernels").mkdir(parents=True)
    (micro / "micro_mutable_op_resolver.h").write_text(RESOLVER.format(methods=methods))
    (micro / "kernels/conv.h").write_text(CONV)
    header = resolver_header(["MEAN", "CONV_2D", "RESHAPE", "CONV_2D", "TFLM_DECODE"])
    (tmp_path / "tfkd_resolver.h").write_text(header)
    (tmp_path / "main.cc").write_text(MAIN)
    called = output(build([*CPP, *names, *choice, *STUBS], tmp_path, ["main.cc"])).decode().split()
    conv = "AddConv2D" if choice == ["-DTFKD_ALL_TYPES"] else "AddConv2D:int8"
    decode = "AddDecode" if choice == ["-DTFKD_STOCK_DECODE"] else "TFLM_DECODE"
    assert called == [conv, "AddMean", "AddReshape", decode]


def test_resolver_takes_kernels_of_the_types_that_the_model_has():
    kernels = {"CONV_2D": {"int4"}, "DEPTHWISE_CONV_2D": {"int4", "int8"}, "FULLY_CONNECTED": {"int8"}}
    text = resolver_header(list(kernels), kernels)
    assert "#define TFKD_REGISTER_CONV_2D Register_CONV_2D_INT4()" in text
    assert "#define TFKD_REGISTER_FULLY_CONNECTED Register_FULLY_CONNECTED_INT8()" in text
    assert "resolver->AddDepthwiseConv2D() != kTfLiteOk" in text  # for both
    assert "__GNUC__ < 13" in text and "__GNUC__" not in resolver_header(list(kernels))


def test_resolver_of_the_student_has_its_operators(exported):
    text = resolver_header(exported.contract.operators)
    assert "constexpr int kOperators = 5;" in text
    assert text.count("resolver->Add") == 5


def test_resolver_refuses_an_operator_that_tflm_lacks():
    with pytest.raises(ValueError, match="no operator GELU"):
        resolver_header(["GELU", "CONV_2D"])
