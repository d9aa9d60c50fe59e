"""Builds one inference of a student for an emulated board, alone, and counts it: a second or two a student.

The kernels and the engine are compiled once, what differs from student to student each time. Flags are those of
`micro/CMakeLists.txt`. Needs no Python package, but the programs that `boards.missing_packages()` asks for.
"""

import collections
import dataclasses
import re
import shlex
import subprocess
from pathlib import Path

from boards import MICRO, BuildError
from count import build_plugin, run
from link_map import pieces

_TOOLS = MICRO / "tools"
_SETTINGS = "-O2 -g -ffp-contract=off -ffunction-sections -fdata-sections -mthumb -mfloat-abi=hard -mfpu=auto"
_C, _CPP = "-std=c11", "-std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -w"


@dataclasses.dataclass(frozen=True)
class Inference:
    """What one inference takes.

    Attributes:
        instructions: an integer.
        sources: dict of object file -> instructions of its code, the largest first.
        flash: list of the `Piece`s of all that was linked.
    """

    instructions: int
    sources: dict
    flash: list


class Board:
    """Compiles, links and runs for one emulated board.

    Args:
        machine: one of `boards.MACHINES`.
        folder: where to build.
        cpp: whether C++ is linked.
    """

    def __init__(self, machine, folder, cpp=False):
        text = (MICRO / "ports" / "qemu" / f"{machine}.cmake").read_text()
        facts = dict(re.findall(r"set\((\w+) (\S+)\)", text))
        self.machine, self.cpu, self.folder = machine, facts["CPU"], Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        specs = "picolibcpp.specs" if cpp else "picolibc.specs"
        self._settings = [f"-mcpu={facts['CPU']}", *shlex.split(_SETTINGS), f"--specs={specs}"]
        stack = 0x2000
        ram, size = int(facts["RAM"], 16) + stack, int(facts["RAM_SIZE"], 16) - stack
        symbols = {"flash": facts["FLASH"], "flash_size": facts["FLASH_SIZE"], "ram": ram, "ram_size": size}
        symbols |= {"stack": ram, "stack_size": 0}
        self._layout = [f"-Wl,--defsym=__{name}={value}" for name, value in symbols.items()]
        self._plugin = build_plugin(self.folder)
        self._markers = self.compile(_TOOLS / "count_markers.c")

    def compile(self, source, *options, name=None):
        """Compiles one file; returns the object's path, which is called `name`, by default as the source."""
        target = self.folder / f"{name or source.stem}.o"
        cpp = source.suffix == ".cc"
        language = shlex.split(_CPP if cpp else _C)
        options = [*self._settings, *language, f"-I{MICRO / 'src'}", f"-I{MICRO / 'src' / 'kernels'}", *options]
        _run(["arm-none-eabi-g++" if cpp else "arm-none-eabi-gcc", *options, "-c", source, "-o", target])
        return target

    def link(self, name, *files, cpp=False):
        """Links a program; returns its path."""
        program = self.folder / name
        compiler = "arm-none-eabi-g++" if cpp else "arm-none-eabi-gcc"
        command = [compiler, *self._settings, "--oslib=semihost", "--crt0=hosted", "-Wl,--gc-sections", *self._layout]
        _run([*command, f"-Wl,-Map={program}.map", "-o", program, self._markers, *files, "-lm"])
        return program

    def count(self, program, folder=None):
        """Runs a program that passes the count markers once; returns an `Inference`.

        Raises:
            RuntimeError: it did not run to a good end.
        """
        done = run(program, self.machine, folder=folder, plugin=self._plugin)
        if done.status != 0:
            raise RuntimeError(f"{program} on {self.machine} ended with {done.status}: {done.output}")
        placed = sorted(pieces(program), key=lambda piece: piece.address)
        counted, sources = done.counts["count"], collections.Counter()
        for address, times in counted.addresses.items():
            sources[_source_at(placed, address)] += times
        return Inference(counted.total, dict(sources.most_common()), placed)


class PlainC:
    """The plain C engine on one board; its kernels are compiled here.

    Args:
        machine, folder: as for `Board`.
    """

    def __init__(self, machine, folder):
        self.board = Board(machine, folder)
        kernels = sorted((MICRO / "src" / "kernels").glob("*.c"))
        self._kernels = [self.board.compile(kernel) for kernel in kernels]

    def measure(self, generated):
        """Counts one inference of the student whose C files lie in a folder.

        Args:
            generated: folder with `student_plain.c`, `student_plain.h` and a `tfkd_contract.h`.

        Returns:
            An `Inference`.
        """
        include = f"-I{generated}"
        student = self.board.compile(Path(generated) / "student_plain.c", include)
        program = self.board.compile(_TOOLS / "one_inference.c", include)
        return self.board.count(self.board.link("plain", program, student, *self._kernels))


class Tflm:
    """TensorFlow Lite Micro on one board.

    Args:
        machine, folder: as for `Board`.
        tflm: its checkout.
        library: the folder of its library for this board's core, as in `cmake/tflm.cmake`.
        resolver: folder with the `tfkd_resolver.h` of all operators that will be met.
    """

    def __init__(self, machine, folder, tflm, library, resolver):
        self.board = Board(machine, folder, cpp=True)
        downloads = Path(tflm) / "tensorflow/lite/micro/tools/make/downloads"
        self._includes = [f"-I{downloads / name}" for name in ("flatbuffers/include", "gemmlowp", "ruy")]
        self._includes += [f"-I{tflm}", "-DTF_LITE_STATIC_MEMORY", "-DCMSIS_NN", "-DNDEBUG"]
        self._includes += ["-DTF_LITE_STRIP_ERROR_STRINGS", "-DTFKD_ENGINE_TFLM"]
        self._includes += ["-DTFKD_COUNTED_ONLY"]  # whatever the answers: see tfkd/deploy/resolver.py
        self._library = Path(library) / "lib" / "libtensorflow-microlite.a"
        self._decode = self.board.compile(MICRO / "src" / "decode_pruned.cc", *self._includes)
        self._resolver, self._program = resolver, None

    def _compile(self, source, generated):
        return self.board.compile(source, f"-I{_TOOLS}", f"-I{generated}", *self._includes)

    def measure(self, generated):
        """Counts one inference of the model `model.tflite` in a folder; returns an `Inference`."""
        if self._program is None:
            runner = self._compile(_TOOLS / "one_inference_tflm.cc", self._resolver)
            self._program = self.board.link("tflm", runner, self._decode, self._library, cpp=True)
        return self.board.count(self._program, generated)

    def image(self, generated):
        """What is linked for the student whose C files for TFLM lie in a folder, a list of `Piece`."""
        engine = self._compile(MICRO / "src" / "student_tflm.cc", generated)
        files = [
            self.board.compile(source, f"-I{_TOOLS}", f"-I{generated}", "-DTFKD_ENGINE_TFLM")
            for source in (_TOOLS / "one_inference.c", Path(generated) / "student_model.c")
        ]
        return pieces(self.board.link("image", engine, *files, self._decode, self._library, cpp=True))


def _source_at(placed, address):
    """The object file whose piece holds an address."""
    for piece in placed:
        if piece.address <= address < piece.address + piece.bytes:
            return _member(piece.source)
    raise ValueError(f"no object file has code at 0x{address:x}")


def _member(source):
    """`"tfkd_add"` of `"/folder/tfkd_add.o"`, `"memcpy"` of `"libc.a(memcpy.o)"`."""
    return Path(re.sub(r"^.*\((.*)\)$", r"\1", source)).name.removesuffix(".o")


def _run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(map(str, command))}\nfailed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
