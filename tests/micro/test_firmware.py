"""The firmware around the students of models/: replayed on this machine under sanitizers and on emulated boards."""

import dataclasses
import functools
import shutil
import struct
import subprocess

import numpy as np
import pytest
from boards import HOST, MACHINES, MICRO, BuildError, build, measure
from count import run
from recording import invented_samples, write_csv, write_records
from report import flash_bytes

from tfkd.deploy import TflmModel
from tfkd.deploy.firmware import find_student, write_firmware
from tfkd.deploy.streaming import Settings, Stream, Trial

MODELS = ["utd-imu", "utd-imu-stream"]
TARGETS = [HOST, *MACHINES]

pytestmark = pytest.mark.usefixtures("toolchain")


class Firmware:
    """A student's firmware, built for each target when it is first asked for; `student` is a folder of models/, or
    any other."""

    def __init__(self, student, folder, workshop, plugin):
        self.workshop, self.plugin = workshop, plugin
        self.student = find_student(MICRO.parent / "models" / student)
        self.contract = self.student.contract
        self.model = TflmModel(self.student.model_bytes)
        self.folder, self.generated, self._built = folder, folder / "generated", {}
        write_firmware(self.student, self.generated)

    def built(self, target):
        if target not in self._built:
            self._built[target] = self.workshop.build(target, self.generated, self.folder / target)
        return self._built[target]

    def events(self, target, samples, *options):
        """The lines that the program `activity` prints for a recording."""
        folder = self.built(target)
        write_csv(folder / "recording.csv", self.contract.channels, samples)
        write_records(folder / "recording.bin", samples)
        if target == HOST:
            command = [folder / "activity", folder / "recording.csv", *options]
            done = subprocess.run(command, capture_output=True, text=True)
            status, output = done.returncode, done.stdout + done.stderr
        else:
            done = run(folder / "activity", target, ["recording.bin", *options], folder, self.plugin)
            status, output = done.status, done.output
        assert status == 0, output
        return [line for line in output.splitlines() if line.startswith("event ")]

    def expected(self, samples, settings=None):
        """The same from the Python reference."""
        stream = self.contract.windowing == "stream"
        if stream:
            twin = Stream(self.contract, self.model.run, settings, self.model.reset)
        else:
            twin = Trial(self.contract, self.model.run, settings)
            twin.begin()
        for seconds, values in samples:
            twin.push(round(seconds * 1e6), values)
            if stream:
                twin.run()
        if not stream:
            twin.finish()
        labels = self.contract.labels
        return [
            f"event {e.time_us} {e.kind} {labels[e.label] if e.label >= 0 else '-'} {e.confidence} {e.value}"
            for e in twin.events
        ]


@pytest.fixture(scope="module")
def firmware_of(workshop, plugin, tmp_path_factory):
    return functools.cache(lambda name: Firmware(name, tmp_path_factory.mktemp(name), workshop, plugin))


@pytest.fixture(scope="module", params=MODELS)
def firmware(request, firmware_of):
    return firmware_of(request.param)


@pytest.fixture(scope="module")
def stream(firmware_of):
    return firmware_of("utd-imu-stream")


@pytest.mark.parametrize("target", TARGETS)
def test_golden_windows_give_the_same_bytes(firmware, target, plugin):
    figures = measure(target, firmware.generated, firmware.built(target), plugin)
    assert figures.windows == figures.identical == len(firmware.student.golden["inputs"])
    if target == HOST:
        return
    if firmware.contract.windowing == "stream":
        again = measure(target, firmware.generated, firmware.built(target), plugin)
        assert again == figures, "counts, sizes and events repeat"
    assert sum(figures.functions.values()) == pytest.approx(figures.instructions["mean"])
    # What TensorFlow Lite Micro with CMSIS-NN takes on a Cortex-M4, 4 instructions a multiply-accumulate, is the bound.
    assert figures.instructions["max"] < 4 * firmware.student.macs
    assert flash_bytes(figures.flash) < 60_000
    assert figures.memory < 8_000 and figures.stack < 2_048
    if figures.core == "cortex-m4":
        # A trial has 192 samples to one inference, a stream 32.
        allowed = 0.02 if firmware.contract.windowing == "stream" else 0.1
        assert figures.outside < allowed * figures.instructions["mean"]


def shaken(contract, count, seed):
    """An invented recording with what goes wrong on a wrist: a NaN, a pause, a stuck sensor, a jump back in time."""
    samples = invented_samples(contract.to_dict(), count, seed)
    generator = np.random.default_rng(seed)
    pause, back = np.sort(generator.choice(np.arange(150, count - 50), 2, replace=False))
    samples[50][1][0] = float("nan")
    for i in range(back - 80, back):
        samples[i] = (samples[i][0], samples[back - 81][1])
    shifts = 2.0 * (np.arange(count) >= pause) - 0.1 * (np.arange(count) >= back)
    return [(seconds + float(shift), values) for shift, (seconds, values) in zip(shifts, samples)]


@pytest.mark.parametrize("target", TARGETS)
def test_a_whole_recording_gives_the_events_of_the_python_reference(firmware, target):
    streaming = firmware.contract.windowing == "stream"
    clean = invented_samples(firmware.contract.to_dict(), 750 if streaming else 200)
    kinds = set()
    for samples, options in [
        (clean, ["windows"]),
        (shaken(firmware.contract, 1000 if streaming else 480, seed=0), ["windows"]),
        (shaken(firmware.contract, 1000 if streaming else 480, seed=1), []),
    ]:
        expected = firmware.expected(samples, Settings(report_windows=bool(options)))
        assert firmware.events(target, samples, *options) == expected
        kinds |= {line.split()[2] for line in expected}
    assert kinds >= {"bad_sample", "gap", "time_back", "stuck", "decision"}


def test_a_wrong_output_is_found(stream, tmp_path):
    """The replay itself is tested: with one byte of one recorded output changed, it must fail. Built for a debugger."""
    generated = tmp_path / "generated"
    shutil.copytree(stream.generated, generated)
    golden = {name: values[:4].copy() for name, values in stream.student.golden.items()}
    golden["outputs"][3, 5] ^= 1
    write_firmware(dataclasses.replace(stream.student, golden=golden), generated)
    folder = build("mps2-an386", generated, tmp_path / "build", ["-DCMAKE_BUILD_TYPE=Debug"])
    figures = measure("mps2-an386", generated, folder, stream.plugin)
    assert figures.identical == figures.windows - 1
    again = measure("mps2-an386", generated, build("mps2-an386", generated, folder), stream.plugin)
    assert again.instructions["max"] < figures.instructions["max"], "options of an earlier build are forgotten"


def test_what_does_not_fit_the_memory_of_a_real_board_is_refused_by_the_linker(stream, tmp_path):
    header = stream.generated / "student_plain.h"
    generated = tmp_path / "generated"
    shutil.copytree(stream.generated, generated)
    text = header.read_text().replace(f"MEMORY_BYTES {stream_memory(header)}", "MEMORY_BYTES 131072")
    (generated / "student_plain.h").write_text(text)
    stream.workshop.build("mps2-an386", generated, tmp_path / "roomy")
    with pytest.raises(BuildError, match="region `ram' overflowed"):
        stream.workshop.build("netduinoplus2", generated, tmp_path / "board")


def stream_memory(header):
    return next(line.split()[-1] for line in header.read_text().splitlines() if "MEMORY_BYTES" in line)


@pytest.mark.parametrize("target", ["mps3-an547", "netduinoplus2"])
def test_a_stack_that_overflows_is_a_fault_and_not_a_wrong_result(stream, tmp_path, target):
    """A stack of 64 KB in an 8 KB place: below it there is no memory."""
    generated = tmp_path / "generated"
    shutil.copytree(stream.generated, generated)
    source = (generated / "student_plain.c").read_text()
    head = "tfkd_status tfkd_student_run(tfkd_student *student) {\n"
    assert head in source
    deep = head + "  volatile char deep[65536];\n  deep[0] = 0;\n  if (deep[0] != 0) return TFKD_ENGINE_FAILED;\n"
    (generated / "student_plain.c").write_text(source.replace(head, deep))
    folder = stream.workshop.build(target, generated, tmp_path / "build")
    done = run(folder / "golden", target, plugin=stream.plugin)
    assert done.status == 3 and "hard fault" in done.output


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is empty"),
        ("time_s,acc_x\n", "has no column acc_y"),
        ("a,b\n", "has no column time_s"),
        ("{names}\n0,1,2,3,4,5\n", "line 2, column 7 is not a number: missing"),
        ("{names}\n0,1,2,x,4,5,6\n", "line 2, column 4 is not a number: x"),
        ("{names}\n0,1,2,,4,5,6\n", "line 2, column 4 is not a number"),
        ("{names}\ninf,1,2,3,4,5,6\n", "is not a time"),
    ],
)
def test_a_recording_that_cannot_be_read_is_told(stream, tmp_path, text, message):
    path = tmp_path / "recording.csv"
    path.write_text(text.format(names=",".join(["time_s", *stream.contract.channels])))
    done = subprocess.run([stream.built(HOST) / "activity", path], capture_output=True, text=True)
    assert done.returncode == 2 and str(path) in done.stderr and message in done.stderr


def test_columns_are_found_by_name(stream, tmp_path):
    samples = invented_samples(stream.contract.to_dict(), 300)
    names = ["time_s", *stream.contract.channels]
    lines = [",".join(["note", *reversed(names)])]
    lines += [",".join(["x", *(f"{v:.9g}" for v in reversed([s, *values]))]) for s, values in samples]
    (tmp_path / "mixed.csv").write_text("\r\n".join(lines) + "\r\n")
    program = stream.built(HOST) / "activity"
    done = subprocess.run([program, tmp_path / "mixed.csv", "windows"], capture_output=True, text=True, check=True)
    events = [line for line in done.stdout.splitlines() if line.startswith("event ")]
    assert events == stream.expected(samples, Settings(report_windows=True)) and len(events) >= 6


def test_a_recording_out_of_a_spreadsheet_is_read(stream, tmp_path):
    """With the mark of UTF-8 before the first name, and with empty lines."""
    samples = invented_samples(stream.contract.to_dict(), 300)
    write_csv(tmp_path / "recording.csv", stream.contract.channels, samples)
    lines = (tmp_path / "recording.csv").read_text().splitlines()
    lines[100:100] = [""]
    (tmp_path / "recording.csv").write_bytes("\r\n".join(["\ufeff" + lines[0], *lines[1:], "", ""]).encode())
    command = [stream.built(HOST) / "activity", tmp_path / "recording.csv", "windows"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    events = [line for line in done.stdout.splitlines() if line.startswith("event ")]
    assert events == stream.expected(samples, Settings(report_windows=True)) and len(events) >= 6


def test_a_recording_that_ends_within_a_record_is_told(stream, tmp_path):
    (tmp_path / "short.bin").write_bytes(struct.pack("<I6f", 0, *range(6)) + b"\0\0")
    program = stream.built("mps2-an386") / "activity"
    done = run(program, "mps2-an386", ["short.bin"], tmp_path, stream.plugin)
    assert done.status == 2 and "ends within a record" in done.output


def test_missing_exports_are_told(tmp_path):
    with pytest.raises(BuildError) as raised:
        build(HOST, tmp_path / "nothing", tmp_path / "build")
    assert "no exported student (tfkd_contract.h)" in " ".join(str(raised.value).split())  # CMake breaks lines
