"""A header that the core cannot serve does not compile, and says why; one that it can compiles as C and as C++."""

import re
import shutil
import subprocess

import pytest

from tests.micro.core import CHUNKS, CONTRACT, GASF, SOURCES, STRICT, TRIAL

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("g++")), reason="needs gcc and g++")
LANGUAGES = pytest.mark.parametrize(
    "compiler",
    [["gcc", "-x", "c", *STRICT], ["g++", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic"]],
    ids=["c11", "c++17"],
)


def compiled(compiler, folder, header, included="tfkd_stream.h"):
    (folder / "tfkd_contract.h").write_text(header)
    (folder / "student_plain.h").write_text("#define TFKD_STUDENT_MEMORY_BYTES 16\n")
    source = folder / "main.c"
    source.write_text(f'#include "{included}"\nint main(void) {{ return 0; }}\n')
    command = [*compiler, "-Wno-unused", "-c", "-I", folder, "-I", SOURCES, source, "-o", folder / "main.o"]
    return subprocess.run(command, capture_output=True, text=True)


@LANGUAGES
@pytest.mark.parametrize(
    ("contract", "included"),
    [(CONTRACT, "tfkd_stream.h"), (CHUNKS, "tfkd_stream.h"), (GASF, "tfkd_stream.h"), (TRIAL, "tfkd_trial.h")],
    ids=["stream", "memory", "images", "trial"],
)
def test_every_header_is_enough_by_itself(tmp_path, compiler, contract, included):
    other = {"tfkd_stream.h", "tfkd_trial.h"} - {included}
    for header in sorted(SOURCES.glob("tfkd_*.h")):
        if header.name not in other:
            done = compiled(compiler, tmp_path, contract.c_header(), header.name)
            assert done.returncode == 0, done.stderr


def changed(text, name, value):
    """The header with another value of one macro, or without it."""
    line = f"#define {name} {value}" if value is not None else ""
    found, count = re.subn(rf"#define {name} .*", line, text)
    assert count == 1
    return found


@LANGUAGES
@pytest.mark.parametrize(
    ("contract", "name", "value", "words"),
    [
        (CONTRACT, "TFKD_CONTRACT_FORMAT", 1, "contracts of format 2"),
        (CONTRACT, "TFKD_CONTRACT_FORMAT", None, "contracts of format 2"),
        (CONTRACT, "TFKD_ENCODING_KIND", None, "TFKD_ENCODING_KIND is missing"),
        (CONTRACT, "TFKD_ENCODING_KIND", -1, "TFKD_ENCODING is one that this firmware does not know"),
        (CONTRACT, "TFKD_WINDOWING_STREAM", None, "TFKD_WINDOWING_STREAM is missing"),
        (CONTRACT, "TFKD_SAMPLE_RATE_MILLIHERTZ", 0, "needs a sample rate"),
        (CONTRACT, "TFKD_HOP", 33, "TFKD_HOP must be 1 to TFKD_WINDOW"),
        (CONTRACT, "TFKD_HOP", 0, "TFKD_HOP must be 1 to TFKD_WINDOW"),
        (CONTRACT, "TFKD_WINDOW", 31, "TFKD_INPUT_SIZE is not TFKD_WINDOW"),
        (CONTRACT, "TFKD_WINDOW", 1, "windows of 2 to 32767 samples"),
        (CONTRACT, "TFKD_CHANNELS", 0, "1 to 255 channels"),
        (CONTRACT, "TFKD_INPUT_SIZE", 95, "TFKD_INPUT_SIZE is not TFKD_WINDOW"),
        (CONTRACT, "TFKD_CLASSES", 1, "TFKD_CLASSES must be"),
        (CONTRACT, "TFKD_INPUT_ZERO_POINT", 128, "TFKD_INPUT_ZERO_POINT does not fit int8"),
        (GASF, "TFKD_INPUT_SIZE", 96, "TFKD_INPUT_SIZE is not TFKD_GAF_SIZE"),
        (GASF, "TFKD_GAF_SIZE", 33, "a Gramian angular field needs TFKD_GAF_SIZE"),
        (GASF, "TFKD_GAF_SIZE", None, "a Gramian angular field needs TFKD_GAF_SIZE"),
        (CONTRACT, "TFKD_WINDOWING_STREAM", 0, "tfkd_trial.h serves"),
        (CONTRACT, "TFKD_MEMORY", None, "TFKD_MEMORY must be 0 to"),
        (CONTRACT, "TFKD_MEMORY", 1, "TFKD_HOP must be TFKD_WINDOW"),
        (TRIAL, "TFKD_MEMORY", 8, "takes a stream chunk by chunk"),
        (CHUNKS, "TFKD_HOP", 7, "TFKD_HOP must be TFKD_WINDOW"),
    ],
)
def test_what_does_not_fit_does_not_compile(tmp_path, compiler, contract, name, value, words):
    done = compiled(compiler, tmp_path, changed(contract.c_header(), name, value))
    assert done.returncode != 0
    assert words in done.stderr


@LANGUAGES
def test_a_stream_is_no_trial(tmp_path, compiler):
    done = compiled(compiler, tmp_path, CONTRACT.c_header(), "tfkd_trial.h")
    assert done.returncode != 0
    assert "tfkd_stream.h serves" in done.stderr
