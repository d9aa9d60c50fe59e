"""What the linker put where: an image's code and constants by the object file that they come from.

Needs nothing but Python.
"""

import dataclasses
import re
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Piece:
    """An input section that takes flash.

    Attributes:
        section: its name, e.g. `".text.memcpy"`.
        address, bytes: where it lies and how long it is.
        source: the object file, as the linker names it: `"libtfkd_student.a(tfkd_add.c.obj)"`.
    """

    section: str
    address: int
    bytes: int
    source: str

    @property
    def kind(self):
        """`"code"` or `"constants"`."""
        return "code" if self.section.startswith((".text", ".init", ".data.init")) else "constants"


def pieces(program):
    """The pieces of a program.

    Args:
        program: an ELF file with its map beside it (`.map`).

    Returns:
        A list of `Piece`, in the order of the map.
    """
    text = Path(program).with_suffix(".map").read_text(errors="replace")
    text = text.split("Linker script and memory map", 1)[1]
    return [
        Piece(section, int(address, 16), int(size, 16), source)
        for section, address, size, source in _PLACED.findall(text)
    ]


# An input section with an address, in one line or, with a long name, in two. Zero bytes and debug
# sections do not match, nor does what takes no flash.
_PLACED = re.compile(
    r"^ (\.(?:text|rodata|data|init|srodata|init_array|fini_array)\S*)\s+0x([0-9a-f]+)"
    r"\s+0x([0-9a-f]*[1-9a-f][0-9a-f]*) (\S.*)$",
    re.MULTILINE,
)
