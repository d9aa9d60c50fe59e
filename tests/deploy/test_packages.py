"""What is in a package, what is refused, and how it gets to disk."""

import dataclasses
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tfkd.deploy import ContractError
from tfkd.deploy.exported import CONTRACT, MODEL
from tfkd.deploy.firmware import find_student
from tfkd.deploy.package_output import MANIFEST, write_folder, write_zip
from tfkd.deploy.packages import PACKAGES, PackageError, package_files
from tfkd.files import OutputError

FILES = {"README.md": b"read me\n", "src/a.c": b"int a;\n"}


def with_contract(student, **changes):
    return dataclasses.replace(student, contract=dataclasses.replace(student.contract, **changes))


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_package_has_its_readme_licence_and_contract(exported, kind):
    files = package_files(exported, kind)
    assert {"README.md", "LICENSE"} <= files.keys() and list(files) == sorted(files)
    (contract,) = [text for path, text in files.items() if path.endswith(CONTRACT)]
    assert json.loads(contract) == exported.contract.to_dict()
    assert package_files(exported, kind) == files, "the same student gives the same bytes"


def test_a_package_has_the_kernels_of_its_student_and_no_others(exported):
    files = package_files(exported, "plain_c")
    folder = Path(__file__).resolve().parents[2] / "micro" / "src" / "kernels"
    kernels = {path.name for path in folder.glob("*.c")}
    packed = {path.removeprefix("src/") for path in files} & kernels
    source = files["src/student_plain.c"].decode()
    called = {name for name in kernels if f"{name.removesuffix('.c')}(" in source}
    assert called <= packed < kernels
    assert "src/tfkd_stream.c" in files and "src/tfkd_trial.c" not in files
    trial = with_contract(exported, windowing="whole_trial", sample_rate_hz=None)
    assert "src/tfkd_trial.c" in package_files(trial, "plain_c")


def test_a_library_can_have_another_name(exported):
    files = package_files(exported, "arduino", "my_watch")
    assert "src/my_watch.h" in files and "src/tfkd_student.h" not in files
    assert b"name=my_watch\n" in files["library.properties"]
    assert b"includes=my_watch.h\n" in files["library.properties"]
    assert b"#include <my_watch.h>" in files["examples/Activity/Activity.ino"]


@pytest.mark.parametrize("name", ["", "2nd", "my watch", "Arduino_tfkd", "x" * 64, "größe", "../x"])
def test_names_that_a_library_cannot_have_are_refused(exported, name):
    with pytest.raises(PackageError, match="cannot be a library's name"):
        package_files(exported, "arduino", name)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"channels": ("acc_x", "ecg", "acc_z")}, "'ecg'.*--format plain_c"),
        ({"channels": ("left_acc_x", "left_acc_y", "right_acc_z")}, "several places on the body.*--format plain_c"),
        ({"units": ("g", "g", "deg/s")}, "'deg/s' of acc_z.*g or m/s\\^2"),
    ],
)
def test_boards_refuse_what_their_sensors_do_not_give(exported, changes, message):
    student = with_contract(exported, **changes)
    for kind in PACKAGES[1:]:
        with pytest.raises(PackageError, match=message):
            package_files(student, kind)
    assert package_files(student, "plain_c")


def test_what_the_firmware_cannot_do_is_refused(exported, tmp_path):
    with pytest.raises(PackageError, match="encoding: 'wavelets'.*--format c"):
        package_files(with_contract(exported, encoding="wavelets"), "plain_c")
    with pytest.raises(PackageError, match="'mbed'.*must be one of"):
        package_files(exported, "mbed")
    with pytest.raises(PackageError, match="holds no firmware sources"):
        package_files(exported, "plain_c", micro=tmp_path)


def test_the_same_package_is_the_same_zip_whenever_it_is_made(tmp_path, monkeypatch):
    write_zip(FILES, tmp_path / "a.zip", "a")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    write_zip(dict(reversed(FILES.items())), tmp_path / "b.zip", "a")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {f"a/{k}": v for k, v in FILES.items()}


def test_a_zip_replaces_a_package_and_nothing_else(tmp_path):
    package = FILES | {"extras/contract.json": b"{}"}
    write_zip(package, tmp_path / "a.zip", "a")
    write_zip(package | {"README.md": b"new"}, tmp_path / "a.zip", "a")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("a/README.md") == b"new"
    (tmp_path / "thesis.zip").write_bytes(b"four years")
    with pytest.raises(OutputError, match=r"thesis.zip is there already and is not a package"):
        write_zip(package, tmp_path / "thesis.zip", "thesis")
    assert (tmp_path / "thesis.zip").read_bytes() == b"four years"


def test_a_folder_is_replaced_while_nobody_has_changed_it(tmp_path):
    out = tmp_path / "out"
    write_folder(FILES, out)
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}
    assert content(out) == FILES | {MANIFEST: (json.dumps(digests, indent=2) + "\n").encode()}
    write_folder({"README.md": b"new\n"}, out)
    assert content(out).keys() == {"README.md", MANIFEST}
    assert os.listdir(tmp_path) == ["out"], "nothing is left beside it"


@pytest.mark.parametrize("path, what", [("src/a.c", "has been changed"), ("build/x.o", "is not part of an export")])
def test_a_folder_with_somebodys_work_is_left_alone(tmp_path, path, what):
    out = tmp_path / "out"
    write_folder(FILES, out)
    (out / path).parent.mkdir(exist_ok=True)
    (out / path).write_bytes(b"mine")
    before = content(out)
    with pytest.raises(OutputError, match=f"{path} {what}.*Choose another folder"):
        write_folder(FILES, out)
    assert content(out) == before and os.listdir(tmp_path) == ["out"]


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is not a folder"):
        write_folder(FILES, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    write_folder(FILES, tmp_path / "empty")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / MANIFEST).write_text("[]")
    (tmp_path / "bad" / "x").write_text("x")
    with pytest.raises(OutputError, match="Could not look into"):
        write_folder(FILES, tmp_path / "bad")


def test_a_package_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_folder(FILES, out)
    before = content(out)

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_folder(FILES | {"more.c": b""}, out)
    monkeypatch.undo()
    assert content(out) == before and os.listdir(tmp_path) == ["out"]


def test_a_bare_tflite_needs_its_contract_beside_it(exported, tmp_path):
    file = tmp_path / "mine.tflite"
    with pytest.raises(ContractError, match=r"There is no file .*mine\.tflite"):
        find_student(file)
    shutil.copy(exported.folder / MODEL, file)
    with pytest.raises(ContractError, match="has no contract.json beside it.*which channels.*export or run folder"):
        find_student(file)
    exported.contract.write(tmp_path / CONTRACT)
    found = find_student(file)
    assert found.contract == exported.contract and found.model_bytes == exported.model_bytes
    assert len(found.golden["inputs"]) > 0, "golden windows are invented"
    assert find_student(exported.folder / MODEL).golden.keys() == exported.golden.keys()


@pytest.mark.parametrize("changes", [{"input_scale": 0.5}, {"labels": ("a", "b")}, {"operators": ("ADD",)}])
def test_a_contract_that_does_not_fit_the_tflite_is_refused(exported, tmp_path, changes):
    shutil.copy(exported.folder / MODEL, tmp_path / "mine.tflite")
    dataclasses.replace(exported.contract, **changes).write(tmp_path / CONTRACT)
    key = next(iter(changes))
    with pytest.raises(ContractError, match=f"contract.json: {key}: .* but mine.tflite has"):
        find_student(tmp_path / "mine.tflite")


def test_what_is_no_tflite_is_refused(exported, tmp_path):
    data = b"not a model at all"
    (tmp_path / "mine.tflite").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    dataclasses.replace(exported.contract, model_sha256=sha256).write(tmp_path / CONTRACT)
    with pytest.raises(ContractError, match=r"mine\.tflite: "):
        find_student(tmp_path / "mine.tflite")
