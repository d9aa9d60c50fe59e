"""A `.tflite` file as tensors and operators, with all that code generation needs. Needs no TensorFlow."""

import dataclasses
import math

import numpy as np

from tfkd.deploy.flatbuffer import unpack_int4

_DTYPES = {"INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "UINT8": np.uint8}


class PlainCError(ValueError):
    """The model cannot be turned into plain C. The message names the operator and the way out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of the model.

    Attributes:
        name: as in the file, for messages.
        dtype: `"INT8"`, ...; the values of `"INT4"` are int8 here.
        shape: with the batch.
        scales: float32 array, empty if not quantised.
        zero_points: int64 array as long as `scales`.
        axis: the axis that several scales belong to.
        data: array of a constant, `None` otherwise.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: np.ndarray
    zero_points: np.ndarray
    axis: int
    data: np.ndarray | None

    @property
    def size(self):
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Operator:
    """One operator. `inputs` holds `None` for an absent optional input; `options` is the schema's object."""

    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: object


@dataclasses.dataclass(frozen=True)
class Model:
    """The model's main graph, with one input and one output.

    Attributes:
        once: operators of a second graph, which a CALL_ONCE runs before the first inference.
    """

    input: Tensor
    output: Tensor
    operators: tuple[Operator, ...]
    once: tuple[Operator, ...] = ()


def read_model(tflite_bytes):
    """Reads a `.tflite` file.

    Args:
        tflite_bytes: the file's content.

    Returns:
        A `Model`.

    Raises:
        PlainCError: not a `.tflite` file, a damaged one, more than one input or output, or more than two graphs.
    """
    if bytes(tflite_bytes[4:8]) != b"TFL3":
        raise PlainCError(
            f"These {len(tflite_bytes)} bytes are not a .tflite model: the mark 'TFL3' is missing "
            f"(found {bytes(tflite_bytes[4:8])!r})."
        )
    try:
        return _read(bytes(tflite_bytes))
    except PlainCError:
        raise
    except Exception as error:  # the flatbuffers reader checks nothing and fails with whatever comes up
        raise PlainCError(
            f"This .tflite file is damaged or cut short ({len(tflite_bytes)} bytes; {type(error).__name__}: "
            f"{error}). Export the student again."
        ) from error


def _read(tflite_bytes):
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(tflite_bytes, 0))
    if not 1 <= len(model.subgraphs) <= 2:
        raise PlainCError(f"The model has {len(model.subgraphs)} graphs; control flow cannot be turned into plain C.")
    operator_names, dtype_names = _names(schema.BuiltinOperator), _names(schema.TensorType)

    def picked(tensors, indices):
        indices = [int(i) for i in (indices if indices is not None else ())]
        if any(i < -1 for i in indices):
            raise IndexError(f"tensor {min(indices)}")
        return tuple(None if i == -1 else tensors[i] for i in indices)

    def operator_name(code):
        # Files written before the schema had more than 127 operators only fill the older field.
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        if number == schema.BuiltinOperator.CUSTOM:
            return code.customCode.decode()
        return operator_names[number]

    def operators(graph, tensors):
        return tuple(
            Operator(
                operator_name(model.operatorCodes[operator.opcodeIndex]),
                picked(tensors, operator.inputs),
                picked(tensors, operator.outputs),
                operator.builtinOptions,
            )
            for operator in graph.operators
        )

    main, *others = (
        (graph, [_tensor(tensor, model.buffers[tensor.buffer], dtype_names) for tensor in graph.tensors])
        for graph in model.subgraphs
    )
    inputs, outputs = picked(main[1], main[0].inputs), picked(main[1], main[0].outputs)
    for kind, found in (("input", inputs), ("output", outputs)):
        if len(found) != 1 or found[0] is None:
            raise PlainCError(f"The model has {len(found)} {kind}s; a student has exactly one.")
    return Model(inputs[0], outputs[0], operators(*main), *(operators(*other) for other in others))


def _tensor(raw, buffer, dtype_names):
    dtype = dtype_names[raw.type]
    shape = tuple(int(size) for size in (raw.shape if raw.shape is not None else ()))
    if any(size < 1 for size in shape):
        raise ValueError(f"shape {shape}")
    quantization = raw.quantization
    has_scales = quantization is not None and quantization.scale is not None
    scales = np.asarray(quantization.scale if has_scales else (), np.float32)
    zero_points = np.zeros(len(scales), np.int64)
    if has_scales and quantization.zeroPoint is not None:
        # One value stands for all.
        zero_points[:] = quantization.zeroPoint
    data = None
    if buffer.data is not None and len(buffer.data) and dtype in _DTYPES:
        data = np.frombuffer(np.asarray(buffer.data, np.uint8).tobytes(), np.dtype(_DTYPES[dtype]).newbyteorder("<"))
        data = data.reshape(shape)
    elif buffer.data is not None and len(buffer.data) and dtype == "INT4":
        data = unpack_int4(buffer.data, math.prod(shape)).reshape(shape)
    axis = 0 if quantization is None else int(quantization.quantizedDimension)
    return Tensor((raw.name or b"").decode(), dtype, shape, scales, zero_points, axis, data)


def _names(enumeration):
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
