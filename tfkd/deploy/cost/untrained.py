"""A student as int8 before it is trained, to know what it will take."""

import numpy as np

from tfkd.deploy.encoding import split_encoding
from tfkd.deploy.four_bit import in_four_bits
from tfkd.deploy.interface import refuse_inconvertible
from tfkd.deploy.tflite import convert_int8


def int8_for_cost(student, weight_bits=8):
    """A student's `.tflite` bytes for their cost alone: what they answer is worth nothing, the ranges being of noise.

    Args:
        student: Keras model as `export_student` takes it, trained or not.
        weight_bits: 8, or 4 for kernels of convolutions rounded to four bits.

    Raises:
        ValueError: the student cannot be converted, or `weight_bits` is neither.
    """
    if weight_bits not in (8, 4):
        raise ValueError(f"weight_bits must be 8 or 4, not {weight_bits!r}.")
    refuse_inconvertible(student)
    student, _ = split_encoding(student)
    noise = np.random.default_rng(0).normal(size=(8, *student.input_shape[1:]))
    model_bytes = convert_int8(student, noise)
    return in_four_bits(model_bytes, rounding=True) if weight_bits == 4 else model_bytes
