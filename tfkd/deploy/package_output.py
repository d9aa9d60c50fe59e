"""Writing a package to disk: whole or not at all, and never over somebody's own work."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

from tfkd.deploy.folder import replacing_folder
from tfkd.files import OutputError, write_bytes

MANIFEST = "tfkd_package.json"

# The first moment that a zip file can name: the same content gives the same bytes at any time.
_WHENEVER = (1980, 1, 1, 0, 0, 0)


def write_folder(files, out):
    """Writes a package as a folder, beside which nothing is touched.

    The folder gets a list of its files with their SHA-256 (`tfkd_package.json`), so that exporting
    again can replace what an earlier export wrote and knows what it did not.

    Args:
        files: dict of relative path -> bytes.
        out: where to. Must not exist, be empty, or hold an earlier export that nobody has changed.

    Raises:
        OutputError: `out` holds anything else, or cannot be written; it is unchanged then.
    """
    out = Path(out).resolve()
    if out.exists():
        _refuse_others_work(out)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    with replacing_folder(out) as temporary:
        for path, content in files.items():
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).write_bytes(content)
        (temporary / MANIFEST).write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")


def write_zip(files, out, root):
    """Writes a package as a zip file. The same files give the same bytes.

    Args:
        files: dict of relative path -> bytes.
        out: the `.zip` file.
        root: name of the one folder in it that everything is in.

    Raises:
        OutputError: it cannot be written, or is another file than an earlier package.
    """
    out = Path(out)
    if out.exists() and not _is_package(out):
        raise OutputError(f"{out} is there already and is not a package of tfkd. Choose another name.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{root}/{path}", _WHENEVER)
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[path])
    write_bytes(out, buffer.getvalue())


def _is_package(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/extras/contract.json") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _refuse_others_work(out):
    if not out.is_dir():
        raise OutputError(f"{out} is there already and is not a folder. Choose another name.")
    try:
        present = sorted(
            Path(folder, name).relative_to(out).as_posix() for folder, _, names in os.walk(out) for name in names
        )
        if not present:
            return
        digests = json.loads((out / MANIFEST).read_bytes()) if MANIFEST in present else {}
        for path in present:
            if path != MANIFEST and hashlib.sha256((out / path).read_bytes()).hexdigest() != digests.get(path):
                what = "has been changed since it was exported" if path in digests else "is not part of an export"
                raise OutputError(
                    f"{out / path} {what}; exporting there would delete it. Choose another folder, or move it away "
                    "(what a build made can be deleted)."
                )
    except (OSError, ValueError, AttributeError) as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"Could not look into {out}: {error}.") from error
