"""Python values as C source text that means the same in C11 and in C++."""

import numpy as np


def float_literal(value):
    """A float32 literal that reads back exactly: nine digits."""
    text = f"{np.float32(value):.9g}"
    if "." not in text and "e" not in text:
        text += ".0"
    return text + "f"


def hexadecimal(value):
    """A float32 value in hexadecimal, where it is exact. C11 reads it; C++ does from C++17 on."""
    mantissa, exponent = float(np.float32(value)).hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '1.' in mantissa else '0x0'}p{exponent}"


def string_literal(text):
    """A string literal of `text` in UTF-8, in plain ASCII whatever the compiler's character set.

    Bytes outside printable ASCII become octal escapes: three digits end the escape, whereas a
    hexadecimal one would swallow digits that follow. A question mark is escaped, or `??/` would be
    a trigraph.
    """
    escaped = (
        "\\" + chr(byte) if chr(byte) in '"\\?' else chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
        for byte in text.encode()
    )
    return '"' + "".join(escaped) + '"'


def sha_head(sha256):
    """The first 32 bits of a digest as an integer literal, which the preprocessor can compare."""
    return f"0x{sha256[:8]}u"


def rows(values, per_line=16, indent="    ", literal=lambda value: str(int(value))):
    """Numbers separated by commas, a fixed count a line. `values` are integers, or what `literal` writes."""
    texts = [literal(value) for value in values]
    lines = (", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line))
    return ",\n".join(indent + line for line in lines)
