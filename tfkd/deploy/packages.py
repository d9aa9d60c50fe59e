"""A student with all that turns samples into activities, as a project for this board or that.

Every package holds the plain C engine, the firmware's core and the kernels this student needs, in one
folder of sources, so that it depends on nothing: neither on this repository nor on a library.
"""

import re
from pathlib import Path

from tfkd import __version__
from tfkd.deploy.exported import CONTRACT, c_files
from tfkd.deploy.plain_c import plain_c_files
from tfkd.encodings import Gaf

PACKAGES = ("plain_c", "arduino", "zephyr", "platformio")
NAME = "tfkd_student"

_ROOT = Path(__file__).resolve().parents[2]
_MICRO = _ROOT / "micro"
_ALL_KERNELS = "tfkd_kernels.h"
_TFLM_ONLY = {"student_tflm.h", "decode_pruned.h"}
_GOLDEN_FILES = ("golden_windows.h", "golden_windows.c")
_INCLUDE = re.compile(r'^\s*#\s*include\s+"(.+?)"', re.MULTILINE)
_IMU_CHANNEL = re.compile(r"(.*?)(acc|gyro)_[xyz]")  # after the sensor's place on the body, if that is told
_IMU_UNITS = {"acc": ("g", "m/s^2"), "gyro": ("deg/s", "rad/s")}


class PackageError(ValueError):
    """A student cannot be packed that way; the message says why and what to do instead."""


def package_files(student, kind, name=NAME, micro=_MICRO):
    """The files of a package.

    Args:
        student: an `ExportResult`.
        kind: `"plain_c"` (sources and a program that replays the golden windows), `"arduino"` (a
            library with sketches), `"zephyr"` (an application) or `"platformio"` (a project).
        name: of the Arduino library and its header: letters, digits and underscores, not beginning
            with a digit, at most 63.
        micro: the folder `micro` of this repository.

    Returns:
        A dict of path (with forward slashes, relative) -> content as bytes.

    Raises:
        PackageError: the firmware's core does not know the student's encoding; a board package gets
            channels that are not an IMU's; a bad name; or `micro` is not there.
        PlainCError: the plain C engine has no kernel for an operator of the student.
    """
    if kind not in PACKAGES:
        raise PackageError(f"kind: {kind!r}; it must be one of {list(PACKAGES)}.")
    if not re.fullmatch(r"[A-Za-z_]\w{0,62}", name, re.ASCII) or name.lower().startswith("arduino"):
        raise PackageError(
            f"{name!r} cannot be a library's name: it must be letters, digits and underscores, not begin with a "
            "digit or with Arduino, and have at most 63 of them."
        )
    if not (micro / "src").is_dir():
        raise PackageError(
            f"{micro} holds no firmware sources. Packages are made from a clone of tfkd's repository, installed "
            "with pip install --editable."
        )
    _check_encoding(student.contract)
    ports, files = micro / "ports", {}
    if kind == "plain_c":
        roots = ["tfkd_stream.h" if student.contract.windowing == "stream" else "tfkd_trial.h"]
        files |= _below("src", _sources(student, micro, roots))
        files |= _below("test", _golden(student) | _read(ports / kind, ["golden.c"]))
    else:
        _check_imu(student.contract)
        sources = _sources(student, micro, ["tfkd_board.h", "tfkd_imu.h"])
        arduino = ports / "arduino"
        library = _below("src", sources | {f"{name}.h": _named(arduino / "tfkd_student.h", name)})
        library["library.properties"] = _properties(student, arduino / "library.properties", name)
        activity = {
            path.name: _named(path, name) for path in sorted((arduino / "examples" / "Activity").iterdir())
        }
        if kind == "arduino":
            sketch = {"Golden.ino": _named(arduino / "examples" / "Golden" / "Golden.ino", name)}
            files |= library
            files |= _below("examples/Activity", activity) | _below("examples/Golden", _golden(student) | sketch)
        elif kind == "platformio":
            activity["main.cpp"] = activity.pop("Activity.ino")
            files |= _read(ports / kind, ["platformio.ini"])
            files |= _below("src", activity) | _below(f"lib/{name}", library)
        else:
            application = [path for path in (ports / kind).rglob("*") if path.is_file()]
            files |= _read(ports / kind, [path.relative_to(ports / kind).as_posix() for path in application])
            files |= _below("tfkd", sources)
    files |= _read(ports / kind, ["README.md"]) | _read(_ROOT, ["LICENSE"])
    # Arduino leaves the folder extras alone.
    files["extras/contract.json" if kind == "arduino" else CONTRACT] = student.contract.to_json().encode()
    return dict(sorted(files.items()))


def _below(folder, files):
    return {f"{folder}/{path}": content for path, content in files.items()}


def _read(folder, paths):
    return {path: (folder / path).read_bytes() for path in paths}


def _golden(student):
    texts = c_files(student)
    return {name: texts[name].encode("ascii") for name in _GOLDEN_FILES}


def _named(path, name):
    """A source that includes the library, whose header has the library's name."""
    return path.read_bytes().replace(b"tfkd_student.h", f"{name}.h".encode())


def _sources(student, micro, roots):
    """The generated engine and everything it and `roots` need: name -> content.

    A header brings the source of its name; the one that lists all kernels does not say which of them are
    used, so those are found by their names: one function a file, named like it.
    """
    found = {"tfkd_contract.h": student.contract.c_header()}
    found |= plain_c_files(student.model_bytes, student.contract.model_sha256)
    kernels = {path.name: path for path in (micro / "src" / "kernels").glob("*.[ch]")}
    others = [*(micro / "src").glob("*.[ch]"), *(micro / "ports" / "board").glob("*.[ch]")]
    unused = {*_TFLM_ONLY, "tfkd_trial.h" if student.contract.windowing == "stream" else "tfkd_stream.h"}
    known = {path.name: path for path in others if path.name not in unused} | kernels
    waiting = [*roots, *_needed(found["student_plain.c"], kernels)]
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name].read_text(encoding="utf-8")
            used = kernels if name in kernels and name != _ALL_KERNELS else {}
            waiting += _needed(found[name], used)
            if name.endswith(".h"):
                waiting.append(f"{name[:-2]}.c")
    return {name: text.encode() for name, text in found.items()}


def _needed(text, kernels):
    """Names of the headers that a source includes and of the kernels that it calls."""
    calls = [f"{word}.c" for word in set(re.findall(r"\btfkd_\w+", text))]
    return _INCLUDE.findall(text) + [name for name in calls if name in kernels]


def _properties(student, path, name):
    contract = student.contract
    values = {
        "NAME": name,
        "VERSION": __version__,
        "PARAGRAPH": f"Trained on {contract.dataset} for {len(contract.labels)} activities. Needs no other library; "
        "the example needs that of the board's IMU.",
    }
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value.replace("\n", " "))
    return text.encode()


def _check_encoding(contract):
    if contract.encoding != "none" and Gaf.parse(contract.encoding, contract.input_shape[1]) is None:
        raise PackageError(
            f"encoding: {contract.encoding!r}, which tfkd's firmware does not compute. Take the C files "
            "(--format c) and write it yourself."
        )


def _check_imu(contract):
    places = set()
    for channel, unit in zip(contract.channels, contract.units):
        match = _IMU_CHANNEL.fullmatch(channel)
        if not match:
            raise PackageError(
                f"channels: {channel!r}; the boards' sources give acc_x, acc_y, acc_z, gyro_x, gyro_y and gyro_z. Take "
                "--format plain_c and feed the student from your own sensor."
            )
        place, kind = match.groups()
        places.add(place)
        allowed = _IMU_UNITS[kind]
        if unit not in allowed:
            raise PackageError(
                f"units: {unit!r} of {channel}; the boards' sources convert to {' or '.join(allowed)}. Take --format "
                "plain_c and feed the student from your own sensor."
            )
    if len(places) > 1:
        raise PackageError(
            f"channels: {', '.join(contract.channels)} are of several places on the body, but a board has one IMU. "
            "Take --format plain_c and feed the student from your own sensors."
        )
