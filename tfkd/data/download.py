"""Fetches the files of a Zenodo record: resumed where it was stopped, checked against the record's checksums."""

import dataclasses
import hashlib
import http.client
import json
import shutil
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from tfkd.data.recordings import DataError

OPENPACK = "https://zenodo.org/api/records/8145223"
BLOCK = 1 << 20
TIMEOUT = 60  # seconds without a byte


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file of a record: its name, size in bytes, MD5 (which is what Zenodo publishes) and address."""

    name: str
    size: int
    md5: str
    url: str


def files_of_record(url):
    """The files of a Zenodo record.

    Args:
        url: of the record in Zenodo's API.

    Returns:
        name -> `RemoteFile`.

    Raises:
        DataError: no answer, or not that of a record.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            record = json.load(answer)
        files = [
            RemoteFile(file["key"], int(file["size"]), file["checksum"].removeprefix("md5:"), file["links"]["self"])
            for file in record["files"]
        ]
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{url} does not answer ({error}). Is this machine online?") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{url} does not answer with a record's files ({error!r}).") from error
    return {file.name: file for file in files}


def fetch(file, folder, say=print):
    """Downloads a file into a folder, unless it is there already.

    What was stopped goes on where it was; what is there at the end has the record's size and checksum.

    Args:
        file: `RemoteFile`.
        folder: is made if it is not there.
        say: function that takes a line of progress.

    Returns:
        Path of the file.

    Raises:
        DataError: the connection broke (the same call goes on there), or what came is another file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / file.name, folder / f"{file.name}.part"
    if path.exists() and path.stat().st_size == file.size:
        say(f"{file.name}: is there")
        return path
    done = part.stat().st_size if part.exists() else 0
    if done > file.size:
        part.unlink()
        done = 0
    say(f"{file.name}: {(file.size - done) / 1e6:.0f} MB" + (f" more, after {done / 1e6:.0f}" if done else ""))
    if done < file.size:
        _append(file, part, done)
    if part.stat().st_size < file.size or _md5(part) != file.md5:
        size = part.stat().st_size
        part.unlink()
        raise DataError(
            f"{file.url} gave {size:,} bytes that are not {file.name} ({file.size:,} bytes, MD5 {file.md5}). They are "
            "removed; try again."
        )
    part.replace(path)
    return path


def _append(file, part, done):
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, open(part, "ab") as out:
            if answer.status != 206:  # a server that knows no ranges begins anew
                out.truncate(0)
            shutil.copyfileobj(answer, out, BLOCK)
    except (OSError, http.client.HTTPException) as error:
        kept = part.stat().st_size if part.exists() else 0
        raise DataError(
            f"{file.url}: stopped at {kept:,} of {file.size:,} bytes ({error}). The same command goes on there."
        ) from error
    if part.stat().st_size < file.size:
        raise DataError(
            f"{file.url}: stopped at {part.stat().st_size:,} of {file.size:,} bytes. The same command goes on there."
        )


def unpack(path, folder):
    """Unzips an archive into a folder of its own name, `U0102.zip` into `U0102/`, which is there when it is whole.

    Returns:
        Path of the folder.

    Raises:
        DataError: it is no zip, or a damaged one.
    """
    target = Path(folder) / Path(path).stem
    half = target.with_name(f".{target.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(half)
    except zipfile.BadZipFile as error:
        shutil.rmtree(half, ignore_errors=True)
        raise DataError(f"{path} is no whole zip ({error}). Remove it and download it again.") from error
    # Archives come with or without a folder of their own name inside.
    same = half / target.name
    (same if list(half.iterdir()) == [same] else half).rename(target)
    shutil.rmtree(half, ignore_errors=True)
    return target


def _md5(path):
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
