"""`.tflite` files taken apart into objects that can be changed, and put together again."""

import contextlib
import math
import tempfile
from pathlib import Path

import numpy as np

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators with a kernel and a bias: their second input and their third."""


def unpack(model_bytes):
    """A `.tflite` file as the schema's `ModelT`, to be changed and given to `pack`.

    Raises:
        ValueError: this is not a `.tflite` file, or a damaged one.
    """
    schema = tflite_schema()
    if model_bytes[4:8] != b"TFL3":
        raise ValueError(
            f"These {len(model_bytes)} bytes are not a .tflite model: the mark 'TFL3' is missing "
            f"(found {bytes(model_bytes[4:8])!r})."
        )
    with refusing_damage(model_bytes):
        return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model_bytes, 0))


@contextlib.contextmanager
def refusing_damage(model_bytes):
    """Tells a damaged file in the block: the flatbuffers reader checks nothing and fails with whatever comes up."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            f"This .tflite file is damaged or cut short ({len(model_bytes)} bytes; {type(error).__name__}: {error}). "
            "Export the student again."
        ) from error


def pack(model):
    """A `ModelT` as the bytes of a `.tflite` file, with every buffer aligned to 16 bytes.

    The schema asks for that alignment, and TensorFlow Lite Micro reads the buffers in place. The
    Python flatbuffers library ignores it, hence the aligner of the `tflite_micro` wheel, which works
    on files.
    """
    import flatbuffers
    from tflite_micro.tensorflow.lite.micro.tools import tflite_flatbuffer_align_wrapper as aligner

    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with tempfile.TemporaryDirectory() as folder:
        packed, aligned = Path(folder) / "packed.tflite", Path(folder) / "aligned.tflite"
        packed.write_bytes(builder.Output())
        aligner.align_tflite_model(str(packed), str(aligned))
        return aligned.read_bytes()


def operator_name(model, operator):
    """`"CONV_2D"` for a built-in operator of `model`, a custom one's own name.

    Raises:
        ValueError: the schema has no such operator.
    """
    schema = tflite_schema()
    code = model.operatorCodes[operator.opcodeIndex]
    # Files written before the schema had more than 127 operators only fill the older field.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if number == schema.BuiltinOperator.CUSTOM:
        return code.customCode.decode()
    for name, value in vars(schema.BuiltinOperator).items():
        if value == number:
            return name
    raise ValueError(f"The .tflite file has an operator number {number}, which the schema does not know.")


def weights_and_biases(model):
    """Yields `(subgraph, operator, weights, bias)` for each convolution and dense layer of `model`.

    `weights` and `bias` are `TensorT`; `bias` is `None` where there is none.
    """
    for subgraph in model.subgraphs:
        for operator in subgraph.operators or ():
            if operator_name(model, operator) in WEIGHTED:
                inputs = [int(i) for i in operator.inputs]
                bias = subgraph.tensors[inputs[2]] if len(inputs) > 2 and inputs[2] >= 0 else None
                yield subgraph, operator, subgraph.tensors[inputs[1]], bias


def constant(model, tensor):
    """The bytes of a tensor that is stored in the file, as a uint8 array; `None` for any other."""
    data = model.buffers[tensor.buffer].data
    return None if data is None or len(data) == 0 else data


def integers(model, tensor):
    """The values of a constant INT8 or INT4 tensor, flat, as an int8 array of its own."""
    data = np.asarray(constant(model, tensor), np.uint8)
    if tensor.type == tflite_schema().TensorType.INT4:
        return unpack_int4(data, math.prod(int(size) for size in tensor.shape))
    return data.view(np.int8).copy()


def set_integers(model, tensor, values):
    """Stores int8 values as the content of a constant INT8 or INT4 tensor."""
    packed = tensor.type == tflite_schema().TensorType.INT4
    values = np.asarray(values, np.int8).reshape(-1)
    model.buffers[tensor.buffer].data = pack_int4(values) if packed else values.view(np.uint8)


def pack_int4(values):
    """Integers in [-8, 7] as INT4 is stored: two a byte, the earlier in the low half; an odd one is followed by 0."""
    values = np.asarray(values, np.int8).reshape(-1)
    if len(values) and (values.min() < -8 or values.max() > 7):
        raise ValueError(f"INT4 holds -8 to 7, not {values.min()} to {values.max()}.")
    halves = np.pad(values, (0, len(values) % 2)).view(np.uint8) & 15
    return halves[0::2] | (halves[1::2] << 4)


def unpack_int4(data, count):
    """The first `count` values of INT4 bytes, as int8."""
    data = np.asarray(data, np.uint8)
    if len(data) != (count + 1) // 2:
        raise ValueError(f"{count} values of INT4 take {(count + 1) // 2} bytes, not {len(data)}.")
    halves = np.stack([data & 15, data >> 4], axis=1).reshape(-1)[:count]
    return ((halves ^ 8).astype(np.int8) - 8).astype(np.int8)


def tflite_schema():
    """The module that reads and writes the file format; it comes with the `tflite_micro` wheel."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

    return schema_py_generated
