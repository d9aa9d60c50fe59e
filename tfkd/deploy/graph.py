"""What stands in a `.tflite` file: operators, tensors, multiply-accumulates. Needs no TensorFlow."""

import dataclasses
import math

from tfkd.deploy.flatbuffer import WEIGHTED, operator_name, refusing_damage, tflite_schema, unpack


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One tensor. `scale` and `zero_point` are `None` unless it has exactly one of each."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None


@dataclasses.dataclass(frozen=True)
class Operator:
    """One step of the graph. Absent optional inputs are `None`."""

    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]


@dataclasses.dataclass(frozen=True)
class Graph:
    """The main graph's inputs and outputs; the operators of all graphs in order of execution."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]


def read_graph(tflite_bytes):
    """Reads the graph of a `.tflite` file.

    Args:
        tflite_bytes: the file's content.

    Returns:
        A `Graph`. Custom operators go by their own name (`"TFLM_DECODE"`), built-in ones by the
        schema's (`"CONV_2D"`).

    Raises:
        ValueError: this is not a `.tflite` file, or a damaged one.
    """
    model = unpack(tflite_bytes)
    with refusing_damage(tflite_bytes):
        return _graph_of(model)


def _graph_of(model):
    dtype_names = {number: name for name, number in vars(tflite_schema().TensorType).items()}

    def tensor(subgraph, index):
        if index < 0:
            return None
        raw = subgraph.tensors[index]
        quantization = raw.quantization
        scales = [] if quantization is None or quantization.scale is None else quantization.scale
        zeros = [] if len(scales) == 0 or quantization.zeroPoint is None else quantization.zeroPoint
        single = len(scales) == 1 and len(zeros) == 1
        return Tensor(
            name=(raw.name or b"").decode(),
            dtype=dtype_names[raw.type].lower(),
            shape=tuple(int(size) for size in (raw.shape if raw.shape is not None else ())),
            scale=float(scales[0]) if single else None,
            zero_point=int(zeros[0]) if single else None,
        )

    def tensors(subgraph, indices):
        return tuple(tensor(subgraph, i) for i in (indices if indices is not None else ()))

    operators = tuple(
        Operator(
            name=operator_name(model, operator),
            inputs=tensors(subgraph, operator.inputs),
            outputs=tensors(subgraph, operator.outputs),
        )
        for subgraph in model.subgraphs
        for operator in subgraph.operators or ()
    )
    main = model.subgraphs[0]
    return Graph(tensors(main, main.inputs), tensors(main, main.outputs), operators)


def operators(tflite_bytes):
    """The names of the operators in a `.tflite` file, each once, sorted."""
    return sorted({operator.name for operator in read_graph(tflite_bytes).operators})


def kernel_types(tflite_bytes):
    """What the kernels of a `.tflite` file's convolutions and dense layers are stored as.

    Args:
        tflite_bytes: the file's content.

    Returns:
        Dict of operator -> set of types, as `{"CONV_2D": {"int4"}, "FULLY_CONNECTED": {"int8"}}`.
    """
    found = {}
    for operator in read_graph(tflite_bytes).operators:
        if operator.name in WEIGHTED:
            found.setdefault(operator.name, set()).add(operator.inputs[1].dtype)
    return found


def variables(tflite_bytes):
    """How many variables a `.tflite` file keeps from run to run; 0 for most, see `tfkd.networks.streaming`."""
    model = unpack(tflite_bytes)
    return len(
        {
            operator.builtinOptions.sharedName
            for subgraph in model.subgraphs
            for operator in subgraph.operators or ()
            if operator_name(model, operator) == "VAR_HANDLE"
        }
    )


def macs(tflite_bytes):
    """Multiply-accumulates of one inference.

    Counts convolutions, depthwise and transposed ones, dense layers and matrix products, padding
    included; everything else (additions, activations, pooling, means) counts as zero.

    Args:
        tflite_bytes: the content of a `.tflite` file with a fixed batch of 1.

    Returns:
        An integer.
    """
    return sum(_macs_of(operator) for operator in read_graph(tflite_bytes).operators)


def _macs_of(operator):
    if operator.name in ("CONV_2D", "FULLY_CONNECTED"):
        # The weights are (out, ..., in): each output value sums over everything but the first axis.
        return math.prod(operator.outputs[0].shape) * math.prod(operator.inputs[1].shape[1:])
    if operator.name == "DEPTHWISE_CONV_2D":
        return math.prod(operator.outputs[0].shape) * math.prod(operator.inputs[1].shape[1:3])
    if operator.name == "TRANSPOSE_CONV":
        # Inputs are (output shape, weights (out, height, width, in), data).
        return math.prod(operator.inputs[2].shape) * math.prod(operator.inputs[1].shape[:3])
    if operator.name == "BATCH_MATMUL":
        # The left matrix is (rows, inner) or its transpose: its size over the rows is the inner
        # length.
        matrix, output = operator.inputs[0].shape[-2:], operator.outputs[0].shape
        return math.prod(output) * (math.prod(matrix) // output[-2])
    return 0
