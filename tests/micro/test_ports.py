"""The packages for boards: sketches and application built against stand-ins of the boards' headers, run on this machine
with a recording, and their manifests."""

import configparser
import functools
import re
import shutil
import zipfile

import numpy as np
import pytest
import yaml

from tests.micro.boards_stand_in import ARM, GRAVITY, HOST, STRICT, STUBS, call, objects, recording, write_rows
from tfkd.deploy import TflmModel
from tfkd.deploy.firmware import find_student
from tfkd.deploy.package_output import write_folder, write_zip
from tfkd.deploy.packages import package_files
from tfkd.deploy.streaming import Settings, Stream, Trial

ROOT = STUBS.parents[2]
STUDENTS = ["utd-imu-stream", "utd-acc"]
SENSORS = {"nano": [], "rev2": ["-DTFKD_IMU_NANO_REV2"], "iks01a3": ["-DTFKD_IMU_IKS01A3"]}
ALIASES = ["-DHAS_tfkd_imu", "-DHAS_sw0"]

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("g++")), reason="needs gcc and g++")
needs_arm = pytest.mark.usefixtures("arm_cpp")


class Packages:
    """A student's packages, unpacked, with its sources compiled once."""

    def __init__(self, name, folder):
        self.student = find_student(ROOT / "models" / name)
        self.contract = self.student.contract
        self.run = TflmModel(self.student.model_bytes).run
        self.folder = folder
        write_zip(package_files(self.student, "arduino"), folder / "tfkd_student.zip", "tfkd_student")
        with zipfile.ZipFile(folder / "tfkd_student.zip") as archive:
            archive.extractall(folder)
        self.library = folder / "tfkd_student"
        self.sketches = self.library / "examples"
        for kind in ("zephyr", "platformio"):
            write_folder(package_files(self.student, kind), folder / kind)

    @functools.cached_property
    def compiled(self):
        return objects(HOST, sorted((self.library / "src").glob("*.c")), self.folder / "host", [])

    def sketch(self, name, out, options=(), compilers=HOST):
        includes = [self.library / "src", STUBS / "arduino", STUBS]
        return objects(compilers, [self.sketches / name / f"{name}.ino"], out, includes, options)

    def play(self, rows, built, stand_in, out):
        """Links what was built for the host with a stand-in and a recording, and runs it."""
        rest = [stand_in, STUBS / "samples.c", write_rows(out / "rows.c", rows)]
        made = built + self.compiled + objects(HOST, rest, out, [STUBS, stand_in.parent])
        call([*HOST["c++"], *made, "-o", out / "program", "-lm"])
        return call([out / "program"]).splitlines()

    def expected(self, rows, settings):
        """The events of the Python reference; `None` as a sample: the board saw that there is none."""
        if self.contract.windowing == "stream":
            twin = Stream(self.contract, self.run, settings)
            for time, sample, _ in rows:
                if sample is None:
                    twin.tick(time)
                else:
                    twin.push(time, sample)
                    twin.run()
            return twin.events
        twin, last = Trial(self.contract, self.run, settings), None
        begun = False
        for time, sample, pressed in rows:
            if pressed != begun:
                begun, last = pressed, None
                twin.begin() if pressed else twin.finish()
            if pressed and sample is not None and (last is None or time - last >= 15_000):
                last = time
                twin.push(time, sample)
        return twin.events


@pytest.fixture(scope="module")
def packages_of(tmp_path_factory):
    return functools.cache(lambda name: Packages(name, tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="module", params=STUDENTS)
def packages(request, packages_of):
    return packages_of(request.param)


@pytest.fixture
def stream(packages_of):
    return packages_of("utd-imu-stream")


def channels(contract, values):
    order = [("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z").index(name) for name in contract.channels]
    return values[:, order]


@pytest.mark.parametrize("sensor", SENSORS)
def test_the_sketch_sends_the_events_of_the_reference(packages, sensor, tmp_path):
    time, values, pressed, readable = rows = recording(packages.contract, 8403, 20)
    built = packages.sketch("Activity", tmp_path, SENSORS[sensor])
    lines = packages.play(rows, built, STUBS / "arduino" / "arduino.cc", tmp_path)
    limits = np.array([4, 4, 4, 2000, 2000, 2000], np.float32) * np.float32(32766 / 32768)
    if sensor == "iks01a3":
        values = np.rint(values * np.float32(1000)).astype(np.float32) / np.float32(1000)
        limits = np.array([8, 8, 8, 1000, 1000, 1000], np.float32)
    values = np.where(readable[:, None] == 1, values, np.float32(np.nan))
    ranges = tuple(channels(packages.contract, limits[None])[0].tolist())
    samples = channels(packages.contract, values)
    events = packages.expected(zip(time.tolist(), samples, pressed), Settings(range=ranges))
    assert lines[0].startswith("plain C, ")
    assert lines[1:] == [arduino_line(packages.contract, event) for event in events]
    kinds = {event.kind for event in events}
    assert {"bad_sample", "started"} <= kinds if packages.contract.windowing == "stream" else "decision" in kinds
    assert ("saturated" in kinds) == (sensor != "iks01a3")


def arduino_line(contract, event):
    if event.label < 0:
        return f"{event.time_us // 1000} ms {event.kind} {event.value}"
    share = np.float32(event.confidence) * np.float32(100) / np.float32(32768)
    return f"{event.time_us // 1000} ms {event.kind} {contract.labels[event.label]} {share:.2f} %"


def test_the_zephyr_application_sends_the_events_of_the_reference(packages, tmp_path):
    time, values, pressed, readable = recording(packages.contract, 20_000, 24)
    values[len(values) // 4, 0] = 7.9999
    si = (values * np.array([GRAVITY] * 3 + [np.pi / 180] * 3, np.float32)).astype(np.float32)
    includes = [packages.folder / "zephyr" / "tfkd", STUBS / "zephyr"]
    built = objects(HOST, [packages.folder / "zephyr" / "src" / "main.c"], tmp_path, includes, ALIASES)
    rows = (time, si, pressed, readable)
    lines = packages.play(rows, built, STUBS / "zephyr" / "zephyr.c", tmp_path)
    millionths = np.floor(np.abs(si.astype(float)) * 1e6 + 0.5) * np.sign(si)
    whole = np.trunc(millionths / 1e6)
    read = whole.astype(np.float32) + (millionths - whole * 1e6).astype(np.float32) * np.float32(1e-6)
    factor = np.array([np.float32(1) / GRAVITY] * 3 + [np.float32(57.29577951)] * 3, np.float32)
    read *= factor
    samples = channels(packages.contract, read)
    samples = [sample if good else None for sample, good in zip(samples, readable)]
    limits = np.array([78, 34], np.float32) + np.array([453200, 906577], np.float32) * np.float32(1e-6)
    limits = np.float32(0.999) * np.repeat(limits, 3) * factor
    ranges = tuple(channels(packages.contract, limits[None])[0].tolist())
    events = packages.expected(zip(time.tolist(), samples, pressed), Settings(range=ranges))
    assert lines[0].startswith("tfkd: plain C, "), "the driver agreed to a rate and a range for what is needed"
    assert lines[1:] == [zephyr_line(packages.contract, event) for event in events]
    assert "saturated" in {event.kind for event in events}


def zephyr_line(contract, event):
    what = f"{contract.labels[event.label]} {event.confidence * 100 // 32768} %" if event.label >= 0 else event.value
    return f"tfkd: {event.time_us // 1000} ms {event.kind} {what}"


def test_the_golden_sketch_finds_every_window_identical(packages, tmp_path):
    golden = packages.sketches / "Golden"
    built = packages.sketch("Golden", tmp_path)
    built += objects(HOST, [golden / "golden_windows.c"], tmp_path / "golden", [packages.library / "src"])
    lines = packages.play(recording(packages.contract, 20_000, 1), built, STUBS / "arduino" / "arduino.cc", tmp_path)
    count = len(packages.student.golden["inputs"])
    assert lines == [f"status 0, identical {count} of {count}, longest inference 0 us"]


def test_the_plain_c_folder_needs_nothing_else(packages, tmp_path):
    files = package_files(packages.student, "plain_c")
    write_folder(files, tmp_path / "student")
    (command,) = re.findall(r"&& (cc .*) && (.*)", (tmp_path / "student" / "README.md").read_text())
    shell = f"cd {tmp_path / 'student'} && {command[0]} {' '.join(STRICT)} && {command[1]}"
    count = len(packages.student.golden["inputs"])
    assert call(["sh", "-c", shell]) == f"plain C: {count} of {count} golden windows identical\n"
    write_folder(files, tmp_path / "student")  # what was built does not stand in the way of the next export


@pytest.mark.parametrize("machine, cpu, ram", [("mps2-an386", "m4", 0x20000000), ("mps3-an547", "m55", 0x21000000)])
def test_the_plain_c_folder_runs_on_emulated_cores(stream, machine, cpu, ram, plugin, tmp_path):
    from count import run

    write_folder(package_files(stream.student, "plain_c"), tmp_path / "student")
    sources = [path for folder in ("src", "test") for path in sorted((tmp_path / "student" / folder).glob("*.c"))]
    command = ["arm-none-eabi-gcc", "--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted", "-std=c11", *STRICT]
    command += [f"-mcpu=cortex-{cpu}", "-mthumb", "-mfloat-abi=hard", "-mfpu=auto", "-O2"]
    command += [f"-I{tmp_path / 'student' / folder}" for folder in ("src", "test")]
    memory = {"flash": 0, "flash_size": 0x80000, "ram": ram, "ram_size": 0x100000, "stack_size": 0x4000}
    command += [f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items()]
    call([*command, *sources, "-lm", "-o", tmp_path / "golden.elf"])
    done, count = run(tmp_path / "golden.elf", machine, plugin=plugin), len(stream.student.golden["inputs"])
    assert done.status == 0 and f"plain C: {count} of {count} golden windows identical" in done.output


@needs_arm
def test_everything_compiles_for_a_cortex_m4(stream, tmp_path):
    objects(ARM, sorted((stream.library / "src").glob("*.c")), tmp_path / "library", [])
    for sensor, options in SENSORS.items():
        stream.sketch("Activity", tmp_path / sensor, options, ARM)
    stream.sketch("Golden", tmp_path / "golden", compilers=ARM)
    includes = [stream.folder / "zephyr" / "tfkd", STUBS / "zephyr"]
    objects(ARM, [stream.folder / "zephyr" / "src" / "main.c"], tmp_path / "zephyr", includes, ["-DHAS_accel0"])


def test_zephyr_without_what_the_student_needs_says_so_while_compiling(packages, tmp_path):
    source = packages.folder / "zephyr" / "src" / "main.c"
    includes = [packages.folder / "zephyr" / "tfkd", STUBS / "zephyr"]
    with pytest.raises(AssertionError, match="No devicetree alias tfkd-imu or accel0"):
        objects(HOST, [source], tmp_path, includes)
    if packages.contract.windowing == "whole_trial":
        with pytest.raises(AssertionError, match="needs a button, with the devicetree alias sw0"):
            objects(HOST, [source], tmp_path, includes, ["-DHAS_accel0"])


def test_the_library_is_laid_out_as_arduino_wants_it(packages):
    lines = (packages.library / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= properties.keys() and not any("@" in value for value in properties.values())
    assert properties["name"] == packages.library.name == "tfkd_student"
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] == "Data Processing" and properties["architectures"] == "*"
    assert (packages.library / "src" / properties["includes"]).is_file()
    other = {"student_tflm.h"}  # of the other engine, and of the other kind of student
    other.add("tfkd_trial.h" if packages.contract.windowing == "stream" else "tfkd_stream.h")
    # Only src/ is on the include path, and its folders would be compiled too.
    assert {path.suffix for path in (packages.library / "src").iterdir()} == {".c", ".h"}
    for path in (packages.library / "src").iterdir():
        for name in set(re.findall(r'#include "(.+)"', path.read_text())) - other:
            assert (path.parent / name).is_file(), f"{path.name} includes {name}"
    assert all((folder / f"{folder.name}.ino").is_file() for folder in packages.sketches.iterdir())


def test_platformio_has_the_same_sketch_and_a_board_for_each_sensor(packages):
    project = packages.folder / "platformio"
    settings = configparser.ConfigParser(inline_comment_prefixes=(";",))
    settings.read(project / "platformio.ini")
    boards = [name for name in settings.sections() if name.startswith("env:")]
    assert settings["platformio"]["default_envs"] in [name.removeprefix("env:") for name in boards]
    assert settings["env"]["framework"] == "arduino"
    flags = {settings[name].get("build_flags", "") for name in boards}
    assert flags == {" ".join(options) for options in SENSORS.values()}
    headers = (packages.sketches / "Activity" / "imu.h").read_text()
    for name in boards:
        assert {"platform", "board", "lib_deps"} <= settings[name].keys()
        library = settings[name]["lib_deps"].split("/")[1]
        assert f"<{library}.h>" in headers or library in headers
    for ours, theirs in {"main.cpp": "Activity.ino", "imu.h": "imu.h"}.items():
        assert (project / "src" / ours).read_text() == (packages.sketches / "Activity" / theirs).read_text()
    library = project / "lib" / "tfkd_student"
    ours = {path.relative_to(library): path.read_bytes() for path in library.rglob("*.*")}
    theirs = {path.relative_to(packages.library): path.read_bytes() for path in (packages.library / "src").iterdir()}
    theirs |= {
        path.relative_to(packages.library): path.read_bytes() for path in packages.library.glob("*.properties")
    }
    assert ours == theirs


def test_the_zephyr_manifests_name_what_is_there(packages):
    application = packages.folder / "zephyr"
    sample = yaml.safe_load((application / "sample.yaml").read_text())
    assert sample.keys() == {"sample", "common", "tests"} and sample["sample"].keys() == {"name", "description"}
    known = {"tags", "filter", "depends_on", "harness", "harness_config", "integration_platforms"}
    (test,) = sample["tests"].values()
    assert (sample["common"].keys() | test.keys()) == known
    assert test["harness_config"].keys() == {"type", "regex"} and test["harness_config"]["type"] == "one_line"
    platforms = {name.replace("/", "_") for name in test["integration_platforms"]}
    assert {path.stem for path in (application / "boards").iterdir()} <= platforms
    for line in (application / "prj.conf").read_text().splitlines():
        assert re.fullmatch(r"(#.*|CONFIG_[A-Z0-9_]+=(y|n|\d+)|)", line), line
    assert "CONFIG_SENSOR=y" in (application / "prj.conf").read_text()
    text = (application / "CMakeLists.txt").read_text()
    assert "src/main.c" in text and "/tfkd/*.c" in text and (application / "src" / "main.c").is_file()


def test_a_copy_of_the_contract_goes_along(packages):
    text = packages.contract.to_json()
    for path in (packages.library / "extras", packages.folder / "zephyr", packages.folder / "platformio"):
        assert (path / "contract.json").read_text() == text
