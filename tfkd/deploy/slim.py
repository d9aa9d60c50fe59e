"""A smaller `.tflite` file with the same outputs, bit for bit.

Of the file that the converter writes for a small network, a third to a half is not weights: names of
tensors, the quantisation of biases (which follows from that of input and weights), zero points of
weights (64 bits for each channel, all of them zero), signatures and metadata.
"""

import numpy as np

from tfkd.deploy.flatbuffer import constant, pack, tflite_schema, unpack, weights_and_biases


def slim(model_bytes, for_litert=True):
    """Leaves out of a `.tflite` file what the kernels do not read. Nothing is approximated.

    Out go names of tensors and graphs, signatures, metadata, the description, quantisation of biases of
    per-channel layers, recorded ranges, and tensors and buffers that nothing uses.

    Args:
        model_bytes: content of an int8 `.tflite` file.
        for_litert: whether the file must still load in LiteRT. Without, the zero points of
            per-channel weights, all of them zero, shrink to a single one: TensorFlow Lite Micro
            takes it for all channels, LiteRT refuses it.

    Returns:
        The content of the smaller file.

    Raises:
        ValueError: this is not a `.tflite` file.
    """
    model = unpack(model_bytes)
    model.description, model.metadata, model.metadataBuffer, model.signatureDefs = None, None, None, None
    _forget_bias_quantization(model)
    for subgraph in model.subgraphs:
        subgraph.name = None
        for tensor in subgraph.tensors:
            tensor.name = None
            _slim_quantization(tensor, for_litert)
        _drop_unused_tensors(subgraph)
    _share_buffers(model)
    return pack(model)


def _forget_bias_quantization(model):
    """The kernels compute a bias' scales from those of input and weights.

    With a single scale for all weights, FULLY_CONNECTED compares the two: then it stays.
    """
    for _, _, weights, bias in weights_and_biases(model):
        if bias is not None and constant(model, bias) is not None and _scales(weights) > 1:
            bias.quantization = None


def _slim_quantization(tensor, for_litert):
    quantization = tensor.quantization
    if _scales(tensor) == 0:
        tensor.quantization = None
        return
    quantization.min, quantization.max = None, None
    zero_points = quantization.zeroPoint
    if not for_litert and len(zero_points) > 1 and not np.any(zero_points):
        quantization.zeroPoint = np.zeros(1, np.int64)


def _scales(tensor):
    quantization = tensor.quantization
    return 0 if quantization is None or quantization.scale is None else len(quantization.scale)


def _drop_unused_tensors(subgraph):
    lists = [subgraph.inputs, subgraph.outputs]
    for operator in subgraph.operators or ():
        lists += operator.inputs, operator.outputs, operator.intermediates
    used = {int(i) for indices in lists for i in (indices if indices is not None else ()) if i >= 0}
    kept = sorted(used)
    renamed = {old: new for new, old in enumerate(kept)} | {-1: -1}
    subgraph.tensors = [subgraph.tensors[i] for i in kept]

    def renumber(indices):
        return None if indices is None else np.array([renamed[int(i)] for i in indices], np.int32)

    subgraph.inputs, subgraph.outputs = renumber(subgraph.inputs), renumber(subgraph.outputs)
    for operator in subgraph.operators or ():
        operator.inputs, operator.outputs = renumber(operator.inputs), renumber(operator.outputs)
        operator.intermediates = renumber(operator.intermediates)


def _share_buffers(model):
    """One buffer for each different content; the empty one is number 0, as the format has it."""
    empty = tflite_schema().BufferT()
    buffers, numbers = [empty], {b"": 0}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            data = constant(model, tensor)
            content = b"" if data is None else np.asarray(data, np.uint8).tobytes()
            if content not in numbers:
                numbers[content] = len(buffers)
                buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = numbers[content]
    model.buffers = buffers
