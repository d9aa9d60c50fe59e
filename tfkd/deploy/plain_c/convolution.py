"""Convolutions and dense layers as kernel calls."""

import numpy as np

from tfkd.deploy.plain_c import sparse
from tfkd.deploy.plain_c.fixed_point import activation_range, convolution_factors
from tfkd.deploy.plain_c.reader import PlainCError
from tfkd.deploy.plain_c.steps import Array
from tfkd.deploy.plain_c.weights import in_eights_int4, in_fours, in_order_int4, sums_fit
from tfkd.deploy.plain_c.windows import pack_kernel, window_of

# Positions that one call of tfkd_multiply_... computes.
POSITIONS = 4

# Weights over time, dilation included, up to which the kernel over time is used; its rows are up to 8 times as long.
_LONGEST = 256

# Values in a plane with its border up to which the kernel for images is used: it takes twice as many bytes of scratch.
_LARGEST_PLANE = 16384


def convolution(lowering, operator):
    """CONV_2D, with stride and dilation."""
    value, window = window_of(lowering, operator)
    weights = _weights(lowering, operator, rank=4)
    if weights.shape[3] != window["in_channels"]:
        raise PlainCError(
            f"CONV_2D: its weights take {weights.shape[3]} channels, its input has {window['in_channels']}: a grouped "
            "convolution. Use one group, or a depthwise convolution."
        )
    _multiply(lowering, operator, value, window, weights.reshape(len(weights), -1))


def depthwise(lowering, operator):
    """DEPTHWISE_CONV_2D."""
    value, window = window_of(lowering, operator, planes=True)
    weights = _weights(lowering, operator, rank=4)
    rows, channels = weights.shape[3], window["in_channels"]
    if weights.shape[0] != 1 or rows % channels:
        raise PlainCError(f"DEPTHWISE_CONV_2D: weights {weights.shape} do not fit an input of {channels} channels.")
    matrix = weights.reshape(-1, rows).T
    layer = {"multiplier": rows // channels, "window": window}
    macs = window["out_height"] * window["out_width"] * matrix.size
    span = (window["kernel_height"] - 1) * window["dilation_height"] + 1
    if (
        window["in_width"] == window["kernel_width"] == window["out_width"] == 1
        and window["pad_left"] == 0
        and window["stride_height"] <= 2
        and rows == channels
        and max(span, window["out_height"] // 8, window["in_height"] // 8) <= _LONGEST
    ):
        # Dilation as zeros between the weights.
        taps = np.zeros((rows, span), np.int8)
        taps[:, :: window["dilation_height"]] = matrix
        stride = window["stride_height"]
        # At stride 1 the kernel keeps a second set of weights, one value later.
        window["inner"] = inner = _round_up(span + (stride == 1), 4)
        four_bits = lowering.tensor(operator, 1).dtype == "INT4"
        name = "tfkd_depthwise_time_int4" if four_bits else "tfkd_depthwise_time"
        layer["weights"] = Array("int8_t", in_order_int4(taps, inner) if four_bits else in_fours(taps, inner))
        layer["scaling"] = _scaling(lowering, operator, matrix)
        # Four outputs at a time read up to four windows behind the last.
        read = _round_up(window["out_height"], 4) * stride + inner
        layer["row"] = row = _round_up(max(read, window["pad_top"] + window["in_height"]), 4)
        lowering.add_step(
            operator,
            name,
            [value],
            {"layer": ("tfkd_depthwise", layer)},
            name + "(&{layer}, {in0}, {out}, (int16_t *){scratch});",
            scratch=2 * (row + 2 * inner),
            in_place=(0,) if window["out_height"] <= window["in_height"] else (),
            macs=macs,
        )
        return
    # Weights of four bits take eight in the other kernels: a few per cent of a student of images.
    layer["weights"] = Array("int8_t", np.ascontiguousarray(matrix).ravel())
    plane_rows, row = _padded_plane(window)
    if (
        window["kernel_height"] == window["kernel_width"] == 3
        and window["dilation_height"] == window["dilation_width"] == 1
        and window["stride_height"] == window["stride_width"] <= 2
        and rows == channels
        and plane_rows * row <= _LARGEST_PLANE
    ):
        layer["row"] = row
        layer["scaling"] = _scaling(lowering, operator, matrix)
        smaller = window["out_height"] <= window["in_height"] and window["out_width"] <= window["in_width"]
        lowering.add_step(
            operator,
            "tfkd_depthwise_3x3",
            [value],
            {"layer": ("tfkd_depthwise", layer)},
            "tfkd_depthwise_3x3(&{layer}, {in0}, {out}, (int16_t *){scratch});",
            scratch=2 * plane_rows * row,
            in_place=(0,) if smaller else (),
            macs=macs,
        )
        return
    layer["scaling"] = _scaling(lowering, operator, matrix, fold=False)
    lowering.add_step(
        operator,
        "tfkd_depthwise_general",
        [value],
        {"layer": ("tfkd_depthwise", layer)},
        "tfkd_depthwise_general(&{layer}, {in0}, {out});",
        macs=macs,
    )


def _padded_plane(window):
    """Rows of a plane with its border, and values in a row of it: what is read and what the image takes up."""
    stride = window["stride_height"]
    rows = max((window["out_height"] - 1) * stride + 3, window["pad_top"] + window["in_height"])
    read = _round_up(window["out_width"], 4) * window["stride_width"] + 2
    return rows, _round_up(max(read, window["pad_left"] + window["in_width"]), 2)


def dense(lowering, operator):
    """FULLY_CONNECTED on one vector."""
    value = lowering.ordered(lowering.source(operator), "positions")
    weights = _weights(lowering, operator, rank=2)
    rows, inner = weights.shape
    if inner != value.tensor.size:
        raise PlainCError(
            f"FULLY_CONNECTED: weights {weights.shape} on an input of {value.tensor.size} values would run once for "
            "each row; plain C takes one vector. Put a 1 x 1 convolution in its place."
        )
    if operator.options.weightsFormat:
        raise PlainCError("FULLY_CONNECTED: shuffled weights have no plain C kernel.")
    layer = {
        "weights": Array("int8_t", weights.ravel()),
        "rows": rows,
        "inner": inner,
        "scaling": _scaling(lowering, operator, weights),
    }
    dense = "tfkd_dense", {"layer": ("tfkd_dense_layer", layer)}, "tfkd_dense(&{layer}, {in0}, {out});"
    ones = dict.fromkeys(("in_height", "in_width", "out_height", "out_width", "kernel_height", "kernel_width"), 1)
    ones |= dict.fromkeys(("stride_height", "stride_width", "dilation_height", "dilation_width", "channel_step"), 1)
    _multiply(lowering, operator, value, ones | {"in_channels": inner, "pad_top": 0, "pad_left": 0}, weights, dense)


def _multiply(lowering, operator, value, window, matrix, dense=None):
    """Packing and a product with a matrix `(output channels, values of a window)`, block by block.

    Args:
        dense: name, structs and code of another kernel for dense weights.
    """
    positions = window["out_height"] * window["out_width"]
    window["inner"] = inner = _round_up(matrix.shape[1], 8)
    if inner > 65535:
        raise PlainCError(
            f"{operator.name}: {inner} values in a window; plain C takes up to 65535. Use a smaller kernel."
        )
    layer = {"rows": len(matrix), "out_step": positions, "scaling": _scaling(lowering, operator, matrix)}
    pack = pack_kernel(value, window)

    # Weights of four bits stay so, unless sums of them are too large for their kernel.
    four_bits = lowering.tensor(operator, 1).dtype == "INT4" and sums_fit(matrix, layer["scaling"]["bias"].values)

    def kernel(name, pack, weights):
        structs = {"window": ("tfkd_window", window), "matrix": ("tfkd_matrix", layer | weights)}
        return name, structs, _blocks(positions, pack, name)

    entries, pairs = sparse.encode(matrix)
    dense_weights = in_eights_int4(matrix, inner) if four_bits else in_fours(matrix, inner)
    forms = {
        False: dense
        or kernel(
            "tfkd_multiply_dense_int4" if four_bits else "tfkd_multiply_dense",
            f"{pack}_paired",
            {"weights": Array("int8_t", dense_weights), "inner": inner},
        ),
        True: kernel(
            "tfkd_multiply_sparse",
            f"{pack}_single",
            {"weights": Array("int8_t", entries), "pairs": Array("uint8_t", pairs)},
        ),
    }
    scalar, vectors = _use_sparse(lowering, matrix, 4 if four_bits else 8)
    name, structs, code = forms[scalar]
    lowering.add_step(
        operator,
        name,
        [value],
        structs,
        code,
        scratch=inner * POSITIONS * 2 if dense is None or scalar or vectors else 0,
        macs=positions * matrix.size,
        vectors=forms[vectors][1:] if vectors != scalar else None,
    )


def _use_sparse(lowering, matrix, bits):
    """Whether weights go sparse on cores without and with vector instructions; dense ones have `bits` each."""
    if lowering.sparse is None:
        return bool(sparse.is_worth_it(matrix, bits)), bool(sparse.is_worth_it_in_vectors(matrix, bits))
    use = bool(lowering.sparse and sparse.encode(matrix)[1].max() <= 255)
    return use, use


def _weights(lowering, operator, rank):
    """The weights as an array; refuses other zero points than 0, and scales that do not go with the channels."""
    tensor = lowering.tensor(operator, 1)
    # TensorFlow Lite Micro has dense layers of eight bits alone.
    four_bits = tensor.dtype == "INT4" and operator.name != "FULLY_CONNECTED"
    data = lowering.constant(operator, 1, "INT4" if four_bits else "INT8")
    channel_axis = 3 if operator.name == "DEPTHWISE_CONV_2D" else 0
    target = operator.outputs[0]
    if len(tensor.shape) != rank or tensor.shape[channel_axis] != target.shape[-1] or max(tensor.shape) > 65535:
        raise PlainCError(f"{operator.name}: weights of shape {tensor.shape} cannot make {target.shape}.")
    if tensor.zero_points.any():
        raise PlainCError(f"{operator.name}: its weights are not symmetric (a zero point other than 0).")
    if len(tensor.scales) not in (1, tensor.shape[channel_axis]) or (
        len(tensor.scales) > 1 and tensor.axis != channel_axis
    ):
        raise PlainCError(
            f"{operator.name}: {len(tensor.scales)} scales along axis {tensor.axis} for weights {tensor.shape}; plain "
            "C takes one, or one for each output channel."
        )
    if not ((tensor.scales >= 0) & (tensor.scales < 1e30)).all():
        raise PlainCError(f"{operator.name}: the scales of its weights must be finite and not negative.")
    return data


def _scaling(lowering, operator, matrix, fold=True):
    """The fields of `tfkd_scaling` for weights `(channels, values)`; with the input's zero point in the bias or not."""
    source, target = lowering.tensor(operator, 0), operator.outputs[0]
    lowering.check(target, f"{operator.name}: its output {target.name!r}")
    channels = len(matrix)
    sums = matrix.astype(np.int64).sum(axis=1)
    bias = np.zeros(channels, np.int64)
    if len(operator.inputs) > 2 and operator.inputs[2] is not None:
        given = lowering.constant(operator, 2, "INT32").ravel()
        if len(given) != channels:
            raise PlainCError(f"{operator.name}: {len(given)} biases for {channels} output channels.")
        bias += given
    folded = bias - int(source.zero_points[0]) * sums
    multipliers, shifts = convolution_factors(
        source, lowering.tensor(operator, 1), target, channels, float32_product=operator.name == "FULLY_CONNECTED"
    )
    reach = np.maximum(np.abs(bias), np.abs(folded)) + 255 * np.abs(matrix.astype(np.int64)).sum(axis=1)
    if (reach * 2.0 ** np.maximum(shifts, 0) >= 2**30).any():
        raise PlainCError(
            f"{operator.name}: the sums of channel {int(np.argmax(reach))} can reach {int(reach.max())}, which plain C "
            "does not guard against overflow. The layer's weights or biases are far out of scale: train or quantise it "
            "again."
        )
    for i, multiplier in enumerate(multipliers):
        if multiplier == 0:
            # Too small for any output but 0; this gives the same and keeps the multiplier's range.
            multipliers[i], shifts[i] = 2**30, -31
    low, high = activation_range(operator, target)
    return {
        "bias": Array("int32_t", folded if fold else bias),
        "multiplier": Array("uint32_t", 2 * np.asarray(multipliers, np.int64)),
        "shift": Array("int8_t", np.asarray(shifts)),
        "zero_point": int(target.zero_points[0]),
        "low": low,
        "high": high,
        "fast": int(max(shifts) <= -2 and (low, high) == (-128, 127)),
    }


def _blocks(positions, pack, multiply):
    """The loop over blocks of positions."""
    count = (
        "TFKD_POSITIONS"
        if positions % POSITIONS == 0
        else (f"{positions} - first < TFKD_POSITIONS ? {positions} - first : TFKD_POSITIONS")
    )
    return (
        f"for (int first = 0; first < {positions}; first += TFKD_POSITIONS) {{{{\n"
        f"  {pack}(&{{window}}, {{in0}}, first, (int16_t *){{scratch}});\n"
        f"  {multiply}(&{{matrix}}, (const int16_t *){{scratch}}, {count}, {{out}} + first);\n"
        "}}"
    )


def _round_up(value, multiple):
    return -(-value // multiple) * multiple
