"""What an ELF file of a Cortex-M program tells: its functions, and its flash and RAM by section.

Needs nothing but Python.
"""

import bisect
import dataclasses
import struct
from pathlib import Path

_NOBITS, _SYMTAB = 8, 2
_WRITE, _ALLOC, _EXECUTABLE = 1, 2, 4
_FUNCTION = 2


@dataclasses.dataclass(frozen=True)
class Section:
    """A section that takes memory on the target.

    Attributes:
        name: e.g. `".text"`.
        address, bytes: where it lies when the program runs, and how long it is.
        in_flash: its content is part of the image (constants, code, initial values of `.data`).
        in_ram: it can be written, so it takes RAM (`.data` takes flash as well).
        executable: it holds code.
    """

    name: str
    address: int
    bytes: int
    in_flash: bool
    in_ram: bool
    executable: bool


class Elf:
    """A 32-bit little-endian ELF program.

    Args:
        path: of the file.

    Attributes:
        sections: list of `Section`, those that take memory.
        symbols: dict of name -> address, functions without the Thumb bit.
        flash: dict of section name -> bytes in flash.
        ram: dict of section name -> bytes in RAM; the stack where the linker script makes a
            section of it.

    Raises:
        ValueError: it is not such a file.
    """

    def __init__(self, path):
        self.path = Path(path)
        data = self.path.read_bytes()
        if data[:6] != b"\x7fELF\x01\x01":
            raise ValueError(f"{path} is not a 32-bit little-endian ELF file.")
        (offset,) = struct.unpack_from("<I", data, 0x20)
        size, count, names_index = struct.unpack_from("<HHH", data, 0x2E)
        headers = [struct.unpack_from("<10I", data, offset + i * size) for i in range(count)]
        names = headers[names_index][4]
        self.sections = []
        self.symbols, functions = {}, {}
        for name, kind, flags, address, start, length, link, _, _, entry in headers:
            if flags & _ALLOC and length:
                in_ram = bool(flags & _WRITE)
                in_flash = kind != _NOBITS
                executable = bool(flags & _EXECUTABLE)
                title = _text(data, names + name)
                self.sections.append(Section(title, address, length, in_flash, in_ram, executable))
            if kind == _SYMTAB:
                strings = headers[link][4]
                for at in range(start, start + length, entry):
                    symbol, value, extent, info = struct.unpack_from("<IIIB", data, at)
                    title = _text(data, strings + symbol)
                    if info & 15 == _FUNCTION:
                        value &= ~1
                        functions.setdefault(value, (title, extent))
                    if title:
                        self.symbols[title] = value
        self._functions = sorted((address, *rest) for address, rest in functions.items())
        self._starts = [address for address, _, _ in self._functions]
        self.flash = {s.name: s.bytes for s in self.sections if s.in_flash}
        self.ram = {s.name: s.bytes for s in self.sections if s.in_ram}

    def code_range(self):
        """The addresses `(first, end)` that span all code."""
        code = [s for s in self.sections if s.executable]
        return min(s.address for s in code), max(s.address + s.bytes for s in code)

    def function_at(self, address):
        """The name of the function that holds an address; the address in hexadecimal if none does.

        Assembler functions without a size are taken to reach to the next function.
        """
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0:
            start, name, extent = self._functions[index]
            if address < start + extent or extent == 0:
                return name
        return f"0x{address:x}"


def _text(data, start):
    return data[start : data.index(b"\0", start)].decode(errors="replace")
