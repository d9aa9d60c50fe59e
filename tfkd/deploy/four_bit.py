"""The kernels of a student's convolutions in four bits: half of their bytes, and the same student.

The converter writes int8 whatever a kernel was trained for. What `tfkd.compress.quantization_aware(weight_bits=4)`
trained has 15 values a channel, which int8 holds rounded once more, to within 1/254 of the largest. Here each kernel
gets back the integers -7 ... 7 and the steps that it was trained with, in TensorFlow Lite's INT4: the smaller file
holds the kernels that were trained, the larger one does not. In exchange accumulators have coarser steps, some tenth of
an output's instead of a hundredth, and biases are rounded to them. Both files answer as the twin does up to the same
few steps of the logits, seldom in the same bytes as each other.

On a board, the file is smaller by half of these kernels, and code is larger: CMSIS-NN's INT4 kernels take 8.5 KB more
on a Cortex-M4 than those for INT8, and 1.3 times their instructions.

Of the 8-bit operators, TensorFlow Lite Micro runs CONV_2D and DEPTHWISE_CONV_2D with INT4 kernels that have a scale for
each channel. It has no such FULLY_CONNECTED: dense layers are trained with 8 bits, and stay INT8. As depthwise and
first layers lose no more by four bits than the others, all convolutions are alike; the firmware then needs one kernel
for each operator.
"""

import numpy as np

from tfkd.deploy.flatbuffer import (
    integers,
    operator_name,
    pack,
    set_integers,
    tflite_schema,
    unpack,
    weights_and_biases,
)

LARGEST = 7
"""Of the integers; the smallest is its negative."""
_PACKED = ("CONV_2D", "DEPTHWISE_CONV_2D")
_VERSION = 7
"""Of these operators, since they take INT4 kernels."""


class FourBitError(ValueError):
    """A student's kernels cannot be stored in four bits; the message names the operator and the way out."""


def in_four_bits(model_bytes, rounding=False):
    """Stores the kernels of all convolutions, depthwise ones too, as INT4.

    Nothing else changes but their biases: int32 as before, in steps of the input's times the kernel's, which are some
    18 times larger now.

    Args:
        model_bytes: content of an int8 `.tflite` file, converted from what `tfkd.compress.strip` made of a twin with
            `weight_bits=4`.
        rounding: whether kernels that were not trained so are rounded instead of refused: to know what a student will
            take before it is trained. What such a model answers is worth little.

    Returns:
        The content of the smaller file.

    Raises:
        FourBitError: there is no convolution, the kernel of one takes other values than `strip` leaves and `rounding`
            is off, or CMSIS-NN computes a depthwise one wrongly.
        ValueError: this is not a `.tflite` file.
    """
    model = unpack(model_bytes)
    kernels, biases = {}, {}  # several operators may share one
    for subgraph, operator, kernel, bias in weights_and_biases(model):
        name = operator_name(model, operator)
        if name not in _PACKED:
            continue
        if id(kernel) not in kernels:
            kernels[id(kernel)] = _coarser(model, kernel, name, rounding)
        steps, source = kernels[id(kernel)], subgraph.tensors[int(operator.inputs[0])]
        _refuse_what_cmsis_nn_gets_wrong(operator.builtinOptions, name, source, kernel)
        if bias is not None and id(bias) not in biases:
            biases[id(bias)] = steps
            _rescale_bias(model, bias, source, kernel, steps)
        elif bias is not None and not np.array_equal(biases[id(bias)], steps):
            raise FourBitError(f"{name} shares its bias {(bias.name or b'').decode()!r} with a layer of other steps.")
        model.operatorCodes[operator.opcodeIndex].version = _VERSION
    if not kernels:
        raise FourBitError(
            f"There is no {' or '.join(_PACKED)} in this model, and TensorFlow Lite Micro takes four bits nowhere "
            "else. Leave such a student to 8 bits."
        )
    return pack(model)


def _coarser(model, kernel, name, rounding):
    """Makes a kernel INT4; returns for each channel how many of its int8 steps a new one takes."""
    schema, where = tflite_schema(), f"{name} {(kernel.name or b'').decode()!r}"
    if kernel.type != schema.TensorType.INT8:
        raise FourBitError(f"The kernel of {where} is not INT8: this model is no int8 model, or in four bits already.")
    shape = [int(size) for size in kernel.shape]
    scales = np.asarray(kernel.quantization.scale, np.float64)
    stored = integers(model, kernel).reshape(shape)
    # One row a channel.
    rows = np.moveaxis(stored, kernel.quantization.quantizedDimension, 0) if len(scales) > 1 else stored
    rows = rows.reshape(len(scales), -1).astype(np.float64)
    largest = np.abs(rows).max(axis=1)
    steps = np.where(largest > 0, largest / LARGEST, 1.0)
    values = np.rint(rows / steps[:, None])
    off = np.abs(values * steps[:, None] - rows).max(axis=1)
    if (off > 0.501).any() and not rounding:
        channel = int(off.argmax())
        raise FourBitError(
            f"The kernel of {where} was not trained for four bits: channel {channel} takes "
            f"{len(np.unique(rows[channel]))} values that are not {2 * LARGEST + 1} even steps around 0. Distil the "
            "student on as quantization_aware(..., weight_bits=4) and convert what strip() makes of it; in a recipe, "
            "quantization.weight_bits = 4 does both."
        )
    if len(scales) > 1:
        axis = kernel.quantization.quantizedDimension
        moved = [shape[axis], *shape[:axis], *shape[axis + 1 :]]
        values = np.moveaxis(values.reshape(moved), 0, axis)
    kernel.type = schema.TensorType.INT4
    _own_buffer(model, kernel)
    set_integers(model, kernel, values.astype(np.int8))
    kernel.quantization.scale = (scales * steps).astype(np.float32)
    return steps


def _refuse_what_cmsis_nn_gets_wrong(options, name, source, kernel):
    """Found by comparing 4ab83cc with plain loops on Cortex-M4, where it is right for all other shapes tried."""
    channels = int(source.shape[-1])
    if name != "DEPTHWISE_CONV_2D" or channels % 2 == 0:
        return
    if int(kernel.shape[-1]) != channels or options.dilationHFactor > 1 or options.dilationWFactor > 1:
        raise FourBitError(
            f"{name} {(kernel.name or b'').decode()!r} takes {channels} channels, with a dilation or a multiplier: for "
            "odd numbers of channels CMSIS-NN's INT4 kernel answers wrongly. Give the layer an even number, or leave "
            "the student to 8 bits."
        )


def _rescale_bias(model, bias, source, kernel, steps):
    _own_buffer(model, bias)
    buffer = model.buffers[bias.buffer]
    values = np.asarray(buffer.data, np.uint8).view("<i4")
    buffer.data = np.rint(values / steps).astype("<i4").view(np.uint8)
    if bias.quantization is not None and bias.quantization.scale is not None:
        scale = np.float64(source.quantization.scale[0])
        bias.quantization.scale = (scale * kernel.quantization.scale).astype(np.float32)


def _own_buffer(model, tensor):
    """Gives a tensor a buffer that no other reads: the converter stores equal contents once."""
    readers = sum(other.buffer == tensor.buffer for subgraph in model.subgraphs for other in subgraph.tensors)
    if readers > 1:
        buffer = tflite_schema().BufferT()
        buffer.data = model.buffers[tensor.buffer].data
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
