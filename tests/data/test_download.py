"""Downloads, against a server of our own: resumed, checked, never half."""

import hashlib
import http.server
import io
import json
import re
import threading
import zipfile

import pytest

from tests.command_line import run
from tfkd.data import download
from tfkd.data.recordings import DataError


def archive(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, f"content of {name}" * 50)
    return stream.getvalue()


class Server:
    """A record of two archives; `breaks_at` bytes into an answer the connection ends, once."""

    def __init__(self):
        self.files = {
            "U0101.zip": archive("U0101/atr/atr01/S0100.csv"),
            "U0102.zip": archive("atr/atr01/S0100.csv", "annotation/openpack-operations-1hz/S0100.csv"),
        }
        self.breaks_at, self.knows_ranges, self.asked, self.spoilt = None, True, [], False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def record(self):
        return {"files": [
            {"key": name, "size": len(content), "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
             "links": {"self": f"{self.address}/{name}"}}
            for name, content in self.files.items()
        ]}  # fmt: skip

    def answer(self, request):
        name = request.path.strip("/")
        self.asked.append((name, request.headers.get("Range")))
        if name == "record":
            return self.send(request, json.dumps(self.record()).encode())
        if name not in self.files:
            return request.send_error(404)
        content, start = self.files[name], 0
        if self.spoilt:
            content = b"x" * len(content)
        if self.knows_ranges and (match := re.match(r"bytes=(\d+)-", request.headers.get("Range") or "")):
            start = int(match[1])
        return self.send(request, content[start:], 206 if start else 200)

    def send(self, request, content, status=200):
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if self.breaks_at is not None:
            content, self.breaks_at = content[: self.breaks_at], None
        request.wfile.write(content)
        request.close_connection = True


@pytest.fixture
def server():
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def fetched(server, folder, name="U0101.zip"):
    return download.fetch(download.files_of_record(f"{server.address}/record")[name], folder, say=lambda line: None)


def test_a_file_comes_whole_and_once(server, tmp_path):
    path = fetched(server, tmp_path / "new")
    assert path.read_bytes() == server.files["U0101.zip"] and list(path.parent.iterdir()) == [path]
    asked = len(server.asked)
    assert fetched(server, tmp_path / "new") == path and len(server.asked) == asked + 1, "the record alone"


@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_stopped_goes_on(server, tmp_path, ranges):
    file = download.files_of_record(f"{server.address}/record")["U0102.zip"]
    server.breaks_at, server.knows_ranges = 100, ranges
    with pytest.raises(DataError, match="stopped at 100 of .*The same command goes on there"):
        download.fetch(file, tmp_path, say=lambda line: None)
    assert [path.name for path in tmp_path.iterdir()] == ["U0102.zip.part"]
    said = []
    path = download.fetch(file, tmp_path, say=said.append)
    assert path.read_bytes() == server.files["U0102.zip"] and "after" in said[0]
    assert server.asked[-1] == ("U0102.zip", "bytes=100-")


def test_another_file_than_the_records_is_not_kept(server, tmp_path):
    server.spoilt = True
    with pytest.raises(DataError, match="are not U0101.zip .*MD5"):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []
    server.spoilt = False
    assert fetched(server, tmp_path).exists()


def test_no_answer_is_told(server, tmp_path):
    with pytest.raises(DataError, match="404"):
        download.files_of_record(f"{server.address}/nothing")
    with pytest.raises(DataError, match="does not answer with a record's files"):
        download.files_of_record(f"{server.address}/U0101.zip")
    gone = download.RemoteFile("gone.zip", 10, "0", f"{server.address}/gone.zip")
    with pytest.raises(DataError, match=r"gone.zip: stopped at 0 of 10 bytes"):
        download.fetch(gone, tmp_path)


def test_archives_unpack_into_a_folder_of_their_name(server, tmp_path):
    for user in ("U0101", "U0102"):
        folder = download.unpack(fetched(server, tmp_path, f"{user}.zip"), tmp_path)
        assert folder == tmp_path / user and (folder / "atr/atr01/S0100.csv").exists()
    (tmp_path / "U0103.zip").write_bytes(server.files["U0102.zip"][:-30])
    with pytest.raises(DataError, match=r"U0103.zip is no whole zip"):
        download.unpack(tmp_path / "U0103.zip", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["U0101", "U0102"]


def test_the_tool_from_licence_to_folder(server, tmp_path):
    call = ["download.py", "--dataset", "openpack", "--record", f"{server.address}/record", "--users", "u0102, "]
    call += ["--out", tmp_path / "data"]
    refused = run(*call)
    assert refused.returncode == 1 and "CC BY-NC-SA 4.0" in refused.stderr and not server.asked
    done = run(*call, "--accept_licence")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["U0102"]
    assert "check_data.py --dataset openpack" in done.stdout
