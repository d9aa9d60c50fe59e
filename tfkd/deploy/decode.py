"""Pruned weights stored without their zeros, in the format of TensorFlow Lite Micro's own decoder.

Before the layer that uses them, a custom operator `TFLM_DECODE` unpacks the weights into the arena.
Its pruning format holds two tensors for each:

- one bit for each weight in order, the first in the most significant bit of the first byte; a set
  bit marks a weight that is stored, a cleared one a zero;
- 16 bytes of header, then the weights that are not zero. Of the header, byte 0 is 2 (pruning), byte 1
  the version of the header, 1, and byte 4 the version of the pruning format, 1; the rest is 0.

So a tensor of `n` weights, `k` of them not zero, takes `n / 8 + k + 16` bytes, and some two hundred more
for the tensors' and the operator's entries in the file. The arena has to hold the unpacked weights of
the layer at work. LiteRT has no such operator.
"""

import numpy as np

from tfkd.deploy.flatbuffer import constant, pack, tflite_schema, unpack, weights_and_biases

OPERATOR = "TFLM_DECODE"
_HEADER = bytes((2, 1, 0, 0, 1)) + bytes(11)


def decode_pruned(model_bytes):
    """Stores pruned int8 weights in the pruning format wherever that makes the file smaller.

    Args:
        model_bytes: content of an int8 `.tflite` file, best from `slim(..., for_litert=False)`.

    Returns:
        The content of the smaller file, or of an equivalent one of the same size or less if no
        tensor gains.

    Raises:
        ValueError: this is not a `.tflite` file.
    """
    chosen = [index for index, saved in enumerate(_savings(unpack(model_bytes))) if saved > 0]
    best = _encode(model_bytes, chosen)
    for index in list(chosen):  # entries and alignment cost what only a trial tells
        fewer = [other for other in chosen if other != index]
        without = _encode(model_bytes, fewer)
        if len(without) <= len(best):
            chosen, best = fewer, without
    return best


def encode_pruned(weights):
    """Int8 weights in the pruning format.

    Args:
        weights: int8 array of any shape; zero stands for pruned.

    Returns:
        Two byte strings: the bit map, and header and weights that are not zero.
    """
    flat = np.asarray(weights, np.int8).reshape(-1)
    return np.packbits(flat != 0).tobytes(), _HEADER + flat[flat != 0].tobytes()


def _savings(model):
    """For each weighted layer, how many bytes its weights alone would lose; 0 if it cannot be."""
    schema = tflite_schema()
    uses = [tensor.buffer for subgraph in model.subgraphs for tensor in subgraph.tensors]
    for subgraph, operator, weights, _ in weights_and_biases(model):
        position = int(operator.inputs[1])
        readers = sum(list(() if o.inputs is None else o.inputs).count(position) for o in subgraph.operators)
        data, quantization = constant(model, weights), weights.quantization
        if (
            data is None
            or weights.type != schema.TensorType.INT8
            or readers != 1
            or uses.count(weights.buffer) != 1
            or quantization is None
            or quantization.zeroPoint is None
            or np.any(quantization.zeroPoint)
            # The decoder takes channels on the first or on the last axis.
            or quantization.quantizedDimension not in (0, len(weights.shape) - 1)
        ):
            yield 0
            continue
        bitmap, kept = encode_pruned(data)
        yield len(data) - len(bitmap) - len(kept)


def _encode(model_bytes, chosen):
    """The file with the weighted layers of these numbers encoded."""
    schema, model = tflite_schema(), unpack(model_bytes)
    layers = list(weights_and_biases(model))
    for index in chosen:
        subgraph, operator, weights, _ = layers[index]
        stored = [_constant(model, subgraph, content) for content in encode_pruned(constant(model, weights))]
        decode = schema.OperatorT()
        decode.opcodeIndex = _opcode(model)
        decode.inputs = np.array(stored, np.int32)
        decode.outputs = np.array([operator.inputs[1]], np.int32)
        subgraph.operators.insert(subgraph.operators.index(operator), decode)
        # The weights' own tensor becomes the decoder's output; the freed buffer must not stay in the file.
        model.buffers[weights.buffer].data = None
        weights.buffer = 0
    return pack(model)


def _constant(model, subgraph, content):
    """Adds a uint8 tensor with this content; returns its number."""
    schema = tflite_schema()
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    tensor.type, tensor.shape = schema.TensorType.UINT8, np.array([len(content)], np.int32)
    tensor.buffer = len(model.buffers) - 1
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def _opcode(model):
    """The number of TFLM_DECODE among the model's operator codes, added if need be."""
    schema = tflite_schema()
    for index, code in enumerate(model.operatorCodes):
        if code.customCode == OPERATOR.encode():
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = OPERATOR, 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
