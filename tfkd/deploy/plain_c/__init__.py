"""An int8 student as one C file without an interpreter: weights, static schedule, planned memory.

The arithmetic is TensorFlow Lite Micro's, byte for byte.
"""

import hashlib

from tfkd.deploy.plain_c import emit
from tfkd.deploy.plain_c.lowering import Program, lower
from tfkd.deploy.plain_c.reader import PlainCError

__all__ = ["PlainCError", "Program", "lower", "plain_c_files"]


def plain_c_files(model_bytes, sha256=None, sparse=None):
    """The student as C source, to be built with `micro/src` and its kernels.

    Args:
        model_bytes: content of an int8 `.tflite` file with a fixed batch of 1.
        sha256: the model's digest in the contract, in hexadecimal; of `model_bytes` by default. A header and a
            contract of different exports do not compile together.
        sparse: `True` or `False` to use sparse kernels for all layers or for none; by default a cost
            model decides layer by layer. Where it finds otherwise for the vectors of a Cortex-M55, the file
            holds both forms and the compiler takes its core's.

    Returns:
        Texts by file name: `student_plain.h` and `student_plain.c`.

    Raises:
        PlainCError: (a `ValueError`) not a `.tflite` file, or an operator, type or size without a kernel; names it.
    """
    program = lower(model_bytes, sparse=sparse)
    sha256 = hashlib.sha256(model_bytes).hexdigest() if sha256 is None else sha256
    return {"student_plain.h": emit.header(program, sha256), "student_plain.c": emit.source(program)}
