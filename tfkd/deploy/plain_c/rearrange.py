"""Operators that only move values: reshape, concatenation, slices, padding."""

import math

import numpy as np

from tfkd.deploy.plain_c.reader import PlainCError

_IMAGE_AXES = {2: ("channel",), 3: ("height", "channel"), 4: ("height", "width", "channel")}


def reshape(lowering, operator):
    """RESHAPE, EXPAND_DIMS and SQUEEZE: another name for the same bytes, where the order allows it."""
    value, target = lowering.source(operator), operator.outputs[0]
    # A vector may come without its batch.
    shape = (1, *target.shape) if len(target.shape) == 1 else target.shape
    lowering.check(target, f"{operator.name}: its output {target.name!r}", shape)
    if target.size != value.tensor.size:
        raise PlainCError(f"{operator.name}: cannot make {target.shape} of {value.shape}.")
    channels = shape[-1]
    if value.order == "planes" and channels != value.image[2]:
        value = lowering.ordered(value, "positions")
    order = "planes" if value.order == "planes" else "positions"
    lowering.new_value(target, order, value.storage, shape)


def concatenation(lowering, operator):
    """CONCATENATION along any axis but the batch."""
    target = operator.outputs[0]
    lowering.check(target, f"CONCATENATION: its output {target.name!r}")
    if operator.options.fusedActivationFunction:
        raise PlainCError("CONCATENATION: a fused activation has no plain C kernel.")
    values = [lowering.ordered(lowering.source(operator, i), "planes") for i in range(len(operator.inputs))]
    rank = len(target.shape)
    axis = operator.options.axis % rank
    if axis == 0:
        raise PlainCError("CONCATENATION along the batch; plain C takes a batch of 1.")
    for value in values:
        if not same_scale(value.tensor, target):
            raise PlainCError(
                f"CONCATENATION: {value.tensor.name!r} and {target.name!r} have different scales; TensorFlow Lite "
                "Micro refuses that too. Quantise the student again."
            )
        others = [(a, b) for i, (a, b) in enumerate(zip(value.shape, target.shape)) if i != axis]
        if len(value.shape) != rank or any(a != b for a, b in others):
            raise PlainCError(f"CONCATENATION: {value.shape} does not fit into {target.shape} along axis {axis}.")
    if sum(value.shape[axis] for value in values) != target.shape[axis]:
        raise PlainCError(f"CONCATENATION: the inputs do not add up to {target.shape} along axis {axis}.")
    blocks, unit = _blocks(target.shape, axis)
    calls, start = [], 0
    for i, value in enumerate(values):
        size = value.shape[axis] * unit
        calls.append(f"tfkd_copy_blocks({{in{i}}}, {{out}} + {start}, {blocks}, {size}, {target.shape[axis] * unit});")
        start += size
    lowering.add_step(operator, "tfkd_copy_blocks", values, {}, "\n".join(calls))


def strided_slice(lowering, operator):
    """STRIDED_SLICE: a part of one axis, each value of it."""
    value, target = lowering.source(operator), operator.outputs[0]
    lowering.check(target, f"STRIDED_SLICE: its output {target.name!r}")
    if not same_scale(value.tensor, target):
        raise PlainCError("STRIDED_SLICE: its input and output have different scales.")
    cut = [(axis, *ends) for axis, ends in enumerate(part_of(operator)) if ends != (0, value.shape[axis])]
    if not cut:
        lowering.new_value(target, value.order, value.storage)
        return
    axis, first, behind = cut[0]
    if len(cut) > 1 or axis == 0:
        raise PlainCError(
            f"STRIDED_SLICE: cuts {target.shape} out of {value.shape}; plain C cuts along one axis, not the batch."
        )
    if value.order == "positions" and axis == 1:
        blocks, unit = 1, math.prod(value.shape[2:])
    else:
        value = lowering.ordered(value, "planes")
        blocks, unit = _blocks(value.shape, axis)
    sizes = f"{blocks}, {(behind - first) * unit}, {value.shape[axis] * unit}"
    lowering.add_step(
        operator,
        "tfkd_take_blocks",
        [value],
        {},
        f"tfkd_take_blocks({{in0}} + {first * unit}, {{out}}, {sizes});",
        in_place=(0,),
        order=value.order,
    )


def part_of(operator):
    """What a STRIDED_SLICE takes: for each axis the first place and the one behind the last.

    Raises:
        PlainCError: it leaves values out in between, or is no plain part of its input.
    """
    source, target, options = operator.inputs[0], operator.outputs[0], operator.options
    begins, ends, strides = (None if tensor is None else tensor.data for tensor in operator.inputs[1:])
    if begins is None or ends is None or strides is None:
        raise PlainCError("STRIDED_SLICE: its bounds are computed; plain C needs constants there.")
    if (strides != 1).any() or options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or options.offset:
        raise PlainCError(
            f"STRIDED_SLICE: strides {strides.tolist()}, or axes that come or go; plain C takes each value of a part "
            "and leaves the axes as they are."
        )
    part = []
    for axis, (size, begin, end) in enumerate(zip(source.shape, begins.tolist(), ends.tolist(), strict=True)):
        wanted = slice(None if options.beginMask >> axis & 1 else begin, None if options.endMask >> axis & 1 else end)
        part.append(wanted.indices(size)[:2])
    if tuple(behind - first for first, behind in part) != target.shape:
        raise PlainCError(f"STRIDED_SLICE: {part} of {source.shape} does not make {target.shape}.")
    return part


def pad(lowering, operator):
    """PAD. A convolution behind it that pads nothing itself takes it over."""
    source, target = lowering.source(operator), operator.outputs[0]
    lowering.check(target, f"PAD: its output {target.name!r}")
    tensor = source.tensor
    rank = len(target.shape)
    amounts = np.asarray(lowering.constant(operator, 1, "INT32"))
    zero_point = int(target.zero_points[0])
    fits = amounts.shape == (rank, 2) and len(source.shape) == rank and (amounts >= 0).all()
    if not fits or tuple(np.add(source.shape, amounts.sum(axis=1))) != target.shape or amounts[0].any():
        raise PlainCError(f"PAD: {amounts.tolist()} around {source.shape} do not make {target.shape}.")
    if not same_scale(tensor, target):
        raise PlainCError("PAD: its input and output have different scales.")
    value = zero_point
    if len(operator.inputs) > 2 and operator.inputs[2] is not None:
        value = int(lowering.constant(operator, 2, "INT8").ravel()[0])
    by_axis = dict(zip(_IMAGE_AXES[rank], amounts[1:].tolist()))
    (top, bottom), (left, right) = by_axis.get("height", (0, 0)), by_axis.get("width", (0, 0))
    before, after = by_axis["channel"]
    if value == zero_point and not before + after and _only_consumer_is_unpadded_convolution(lowering, target):
        lowering.absorbed[target] = source, ((top, bottom), (left, right))
        source.storage.last_use = max(source.storage.last_use, lowering.last_use(target))
        return
    source = lowering.ordered(source, "planes")
    height, width, channels = source.image
    layer = {
        "planes_before": before,
        "planes": channels,
        "planes_after": after,
        "height": height,
        "width": width,
        "top": top,
        "bottom": bottom,
        "left": left,
        "right": right,
        "value": value,
    }
    lowering.add_step(
        operator, "tfkd_pad", [source], {"layer": ("tfkd_padding", layer)}, "tfkd_pad(&{layer}, {in0}, {out});"
    )


def _only_consumer_is_unpadded_convolution(lowering, tensor):
    consumers = lowering.consumers.get(tensor, [])
    if len(consumers) != 1 or consumers[0] >= len(lowering.model.operators):
        return False
    operator = lowering.model.operators[consumers[0]]
    return operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and operator.options.padding == 1


def same_scale(a, b):
    """Whether two tensors' values mean the same."""
    return a.scales.tolist() == b.scales.tolist() and a.zero_points.tolist() == b.zero_points.tolist()


def _blocks(shape, axis):
    """In planes: how many pieces a part of the axis comes in, and how long one place of the axis is."""
    rest = shape[1:]
    height, width, channels = (1, 1, *rest) if len(rest) == 1 else (rest[0], 1, rest[1]) if len(rest) == 2 else rest
    return {
        "channel": (1, height * width),
        "height": (channels, width),
        "width": (channels * height, 1),
    }[_IMAGE_AXES[len(shape)][axis - 1]]
