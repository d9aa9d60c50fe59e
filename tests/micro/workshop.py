"""Builds the firmware of many students with few compilations."""

import shutil

from boards import HOST, build

SANITIZED = ["-DTFKD_SANITIZE=ON", "-DCMAKE_BUILD_TYPE=Debug"]


class Workshop:
    """One build folder a target, in which only what depends on the student is compiled again for the next one."""

    def __init__(self, folder):
        self.folder = folder

    def build(self, target, generated, folder):
        """Builds as `boards.build` does, for the host under sanitizers; the programs and their maps come to lie in
        `folder`, which is returned."""
        place = self.folder / target
        _mirror(generated, place / "generated")
        made = build(target, place / "generated", place / "build", SANITIZED if target == HOST else [])
        folder.mkdir(parents=True, exist_ok=True)
        for path in (made / name for program in ("golden", "activity") for name in (program, f"{program}.map")):
            shutil.copy(path, folder)
        return folder


def _mirror(source, copy):
    """Makes `copy` hold the files of `source`, and leaves those alone that do already: make goes by their times."""
    copy.mkdir(parents=True, exist_ok=True)
    files = {path.name: path.read_bytes() for path in source.iterdir()}
    for path in copy.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        path = copy / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
