"""Counts what students cost on emulated boards, one inference each, and keeps the counts in a folder."""

import hashlib
import json
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "micro" / "tools"))

MACHINES = {"m4": "mps2-an386", "m7": "mps2-an500", "m55": "mps3-an547"}
TFLM_CORES = ("m4", "m55")
IN_FOUR_BITS = ("CONV_2D", "DEPTHWISE_CONV_2D")
"""Operators that TensorFlow Lite Micro runs with kernels of four bits."""


class Counter:
    """Counts with one engine on one core; what was counted before comes from the folder.

    Args:
        engine: `"plain_c"` or `"tflm"`.
        core: a key of `MACHINES`.
        folder: where to build and to keep counts.
        tflm: for TensorFlow Lite Micro, `(checkout, folder of its library)`.
        bits: of the kernels of convolutions that TensorFlow Lite Micro is to run, 8 or 4; the other code stays out.
    """

    def __init__(self, engine, core, folder, tflm=None, bits=8):
        self.engine, self.core, self.tflm, self.bits = engine, core, tflm, bits
        self.folder = Path(folder).resolve() / (f"{engine}-{core}" + (f"-int{bits}" if bits != 8 else ""))
        (self.folder / "generated").mkdir(parents=True, exist_ok=True)
        self._built = None
        self._version = _digest(*(path.read_bytes() for path in _sources(tflm)))

    def count(self, model_bytes, program=None):
        """What one inference takes.

        Args:
            model_bytes: content of an int8 `.tflite` file.
            program: for plain C, its `Program`.

        Returns:
            Dict: `"instructions"`; `"sources"`, instructions by object file; `"flash"`, for plain C,
            bytes of `"code"` and `"constants"` by object file.
        """
        from tfkd.files import write_json

        files = _plain_files(model_bytes, program) if program else {"model.tflite": model_bytes}
        kept = self.folder / f"{_digest(self._version, *files.values())}.json"
        if not kept.exists():
            for name, content in files.items():
                (self.folder / "generated" / name).write_bytes(content)
            found = self._engine().measure(self.folder / "generated")
            facts = {"instructions": found.instructions, "sources": found.sources}
            if program:
                facts["flash"] = _by_source(found.flash)
            write_json(kept, facts)
        return json.loads(kept.read_text())

    def image(self, operators, in_four_bits=()):
        """What TensorFlow Lite Micro with these operators takes in flash.

        Args:
            operators: their names.
            in_four_bits: those of them whose kernels have four bits.

        Returns:
            Dict of `"engine"`, the bytes of the student's part without its model, and `"library"`, bytes by the
            library's sections: lists `[code, constants]`.
        """
        from tfkd.files import write_json

        files = _resolver_files(operators, in_four_bits)
        kept = self.folder / f"image-{_digest(self._version, *files.values())}.json"
        if not kept.exists():
            for name, content in files.items():
                (self.folder / "generated" / name).write_bytes(content)
            facts = {"engine": [0, 0], "library": {}}
            for piece in self._engine().image(self.folder / "generated"):
                which = int(piece.kind == "constants")
                if "libtensorflow-microlite" in piece.source:
                    key = f"{piece.source.rsplit('(', 1)[1]} {piece.section}"
                    facts["library"].setdefault(key, [0, 0])[which] += piece.bytes
                elif piece.source.rsplit("/", 1)[-1] in ("student_tflm.o", "decode_pruned.o"):
                    facts["engine"][which] += piece.bytes
            write_json(kept, facts)
        return json.loads(kept.read_text())

    def _engine(self):
        from inference import PlainC, Tflm

        if self._built is None:
            machine = MACHINES[self.core]
            if self.engine == "plain_c":
                self._built = PlainC(machine, self.folder)
            else:
                in_four_bits = IN_FOUR_BITS if self.bits == 4 else ()
                for name, content in _resolver_files(all_operators(), in_four_bits).items():
                    (self.folder / name).write_bytes(content)
                self._built = Tflm(machine, self.folder, *self.tflm, resolver=self.folder)
        return self._built


def all_operators():
    """The operators whose cost on TensorFlow Lite Micro is counted."""
    from tfkd.deploy.cost.tflm import OPERATORS

    return sorted(OPERATORS)


def tools():
    """The versions that the counts depend on."""
    from boards import version

    return {"compiler": version("arm-none-eabi-gcc"), "emulator": version("qemu-system-arm")}


def _by_source(pieces):
    sizes = {}
    for piece in pieces:
        name = piece.source.rsplit("/", 1)[-1].removesuffix(".o")
        sizes.setdefault(name, {"code": 0, "constants": 0})[piece.kind] += piece.bytes
    return sizes


def _plain_files(model_bytes, program):
    from tfkd.deploy.plain_c import emit

    sha256 = hashlib.sha256(model_bytes).hexdigest()
    facts = {
        "MODEL_SHA256_HEAD": f"0x{sha256[:8]}u",
        "INPUT_SIZE": program.input.tensor.size,
        "CLASSES": program.output.tensor.size,
    }
    texts = {"student_plain.h": emit.header(program, sha256), "student_plain.c": emit.source(program)}
    return {name: text.encode() for name, text in (texts | {"tfkd_contract.h": _contract(facts)}).items()}


def _resolver_files(operators, in_four_bits=()):
    from tfkd.deploy.resolver import resolver_header

    facts = {"MODEL_SHA256_HEAD": 0, "INPUT_SIZE": 192, "INPUT_RANK": 3, "INPUT_SHAPE": "{1, 32, 6}", "CLASSES": 6}
    facts |= {"INPUT_SCALE": "0.1f", "INPUT_ZERO_POINT": -3, "OUTPUT_SCALE": "0.1f", "OUTPUT_ZERO_POINT": 2}
    facts["MEMORY"] = int("VAR_HANDLE" in operators)
    header = f"""\
#define STUDENT_MODEL_BYTES 16
#define STUDENT_MODEL_ARENA_BYTES 4096
#define STUDENT_MODEL_OPERATORS {len(operators)}
#define STUDENT_MODEL_VARIABLES 4
#ifdef __cplusplus
extern "C" {{
#endif
extern const unsigned char student_model[STUDENT_MODEL_BYTES];
#ifdef __cplusplus
}}
#endif
"""
    source = '#include "student_model.h"\nconst unsigned char student_model[STUDENT_MODEL_BYTES] = {1};\n'
    texts = {"student_model.h": header, "student_model.c": source, "tfkd_contract.h": _contract(facts)}
    texts["tfkd_resolver.h"] = resolver_header(operators, {name: {"int4"} for name in in_four_bits})
    return {name: text.encode() for name, text in texts.items()}


def _contract(facts):
    return "#include <stdint.h>\n" + "".join(f"#define TFKD_{name} {value}\n" for name, value in facts.items())


def _sources(tflm):
    micro = _ROOT / "micro"
    patterns = [
        "src/*.h",
        "src/decode_pruned.cc",
        "src/student_tflm.cc",
        "src/kernels/*",
        "tools/count*",
        "tools/*inference*",
    ]
    files = [path for pattern in patterns for path in sorted(micro.glob(pattern)) if path.is_file()]
    return [*files, Path(tflm[1]) / "lib" / "libtensorflow-microlite.a"] if tflm else files


def _digest(*contents):
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content if isinstance(content, bytes) else content.encode())
    return digest.hexdigest()[:16]
