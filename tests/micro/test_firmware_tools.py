"""The tools of micro/ where something is missing, and the files they read and write."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from boards import MICRO
from recording import invented_samples, read_csv, write_csv, write_records
from report import milliseconds

from tests.command_line import run

CONTRACT = {"sample_rate_hz": 50.0, "mean": [0.5, -2.0], "scale": [1.0, 30.0]}


def firmware(*arguments, path):
    command = [sys.executable, MICRO / "tools" / "firmware.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(path)}, check=False)


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(tmp_path):
    for program in ("cmake", "make", "cc"):
        (tmp_path / program).symlink_to("/bin/true")
    answer = firmware("--check", path=tmp_path)
    assert answer.returncode == 2 and "Traceback" not in answer.stderr
    line = "apt-get install --no-install-recommends gcc-arm-none-eabi qemu-system-arm picolibc-arm-none-eabi\n"
    assert line in answer.stderr
    answer = firmware("--packages", path=tmp_path)
    assert (answer.returncode, answer.stdout.split()[:2]) == (0, ["gcc-arm-none-eabi", "qemu-system-arm"])
    assert answer.stdout.split()[2:] == ["picolibc-arm-none-eabi", "libstdc++-arm-none-eabi-newlib"]


def test_a_run_folder_may_have_blanks_in_its_name():
    command = ["make", "--dry-run", "firmware", "RUN=runs/my run"]
    answer = subprocess.run(command, cwd=MICRO.parent, capture_output=True, text=True, check=True)
    assert '--model "runs/my run"' in answer.stdout


def test_a_student_that_was_not_exported_is_told(toolchain, tmp_path):
    answer = firmware("--generated", tmp_path / "none", "--build", tmp_path / "build", path=os.environ["PATH"])
    assert answer.returncode == 2 and "Traceback" not in answer.stderr
    assert "exported student (tfkd_contract.h)" in " ".join(answer.stderr.split())


def cmake(folder, *options):
    """Configures micro/ as its README does, from the repository's root; the student's files are empty."""
    for name in ("tfkd_contract.h", "student_plain.c", "golden_windows.c"):
        (folder / name).touch()
    command = ["cmake", "-S", "micro", "-B", folder / "build", f"-DTFKD_GENERATED={folder}", *options]
    return subprocess.run(command, cwd=MICRO.parent, capture_output=True, text=True, check=False)


def test_an_emulated_board_is_built_with_the_options_in_the_readme(toolchain, tmp_path):
    options = re.search(r"`(-DCMAKE_TOOLCHAIN_FILE=[^`]*)`", (MICRO / "README.md").read_text())[1].split()
    answer = cmake(tmp_path, *options)
    assert answer.returncode == 0, answer.stderr
    assert "arm-none-eabi-gcc" in (tmp_path / "build" / "CMakeCache.txt").read_text()


def test_an_emulated_board_without_its_compiler_is_told(toolchain, tmp_path):
    answer = cmake(tmp_path, "-DTFKD_PORT=qemu", "-DTFKD_MACHINE=mps2-an386")
    assert answer.returncode != 0 and "-DCMAKE_TOOLCHAIN_FILE=cmake/arm-none-eabi.cmake" in answer.stderr


def test_samples_survive_the_way_through_a_file(tmp_path):
    samples = invented_samples(CONTRACT, 200)
    write_csv(tmp_path / "a.csv", ["x", "y"], samples)
    back = read_csv(tmp_path / "a.csv", ["x", "y"])
    write_records(tmp_path / "a.bin", samples)
    write_records(tmp_path / "b.bin", back)
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert (tmp_path / "a.bin").stat().st_size == 200 * (4 + 2 * 4)
    assert [values for _, values in read_csv(tmp_path / "a.csv", ["y", "x"])] == [v[::-1] for _, v in back]


@pytest.mark.parametrize(
    "text, message",
    [
        ("time_s,x\n0,1\n", "lacks the columns"),
        ("time_s,x,y\n0,1\n", "line 2"),
        ("time_s,x,y\n0,1,a\n", "line 2.*'a'"),
        ("time_s,x,y\ninf,1,2\n", "line 2: inf is not a time"),
        ("time_s,x,y\nnan,1,2\n", "line 2: nan is not a time"),
    ],
)
def test_a_recording_that_cannot_be_read_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_csv(tmp_path / "a.csv", ["x", "y"])


def test_a_recording_out_of_a_spreadsheet_and_values_beyond_float32_are_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbftime_s,x,y\r\n0,1,-1e40\r\n\r\n1,0.1,nan\r\n\r\n")
    (first, second) = read_csv(tmp_path / "a.csv", ["x", "y"])
    assert first == (0.0, [1.0, -np.inf])
    assert second[0] == 1.0 and second[1][0] == np.float32(0.1) and np.isnan(second[1][1])
    write_records(tmp_path / "a.bin", [first, second])
    assert np.fromfile(tmp_path / "a.bin", "<f4")[2] == -np.inf


def test_milliseconds_are_a_bracket():
    assert milliseconds(640_000, 64e6) == "12.0 to 16.0"


@pytest.mark.parametrize(
    "options, message",
    [
        (["--zeros=1.5"], "--zeros is a share, 0 to 1, not 1.5"),
        (["--zeros=nan"], "--zeros is a share"),
        (["--variant=slim"], "name its --tflm_dir"),
        (["--tflm_library=gen"], "name its --tflm_dir"),
        (["--variant=decode", "--tflm_dir=tflm"], "has no variant decode; it has plain, slim, tflm"),
        (["--four_bits"], "in four bits already"),
    ],
)
def test_options_that_do_not_fit_the_student_are_told(toolchain, options, message):
    answer = run("firmware.py", "--model", MICRO.parent / "models" / "utd-imu-4bit", *options)
    assert answer.returncode != 0 and message in answer.stderr + answer.stdout
