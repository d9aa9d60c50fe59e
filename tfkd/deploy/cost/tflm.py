"""What the kernels of TensorFlow Lite Micro with CMSIS-NN do for a student: their loops, counted, not run.

After the sources of CMSIS-NN 4ab83cc, as `tfkd.deploy.cost.plain_c` after our own; how many instructions each piece
takes is fitted. CMSIS-NN has one set of loops for cores with SIMD instructions (Cortex-M4), another for vectors (M55).
"""

import math

from tfkd.deploy.cost import tflm_int4
from tfkd.deploy.cost.tflm_pooling import POOLING
from tfkd.deploy.cost.work import Work, geometry, moved, rows_outside

_CHANNELS = 124  # CH_IN_BLOCK_MVE: channels that a depthwise convolution takes at a time on M55


def tflm_work(model, vectors):
    """What a model makes the kernels do in one inference.

    Args:
        model: a `Model` of `tfkd.deploy.plain_c.reader`.
        vectors: whether the core has vector instructions (Cortex-M55).

    Returns:
        A list of `Work`. The kernel `"interpreter"` is all code that is named nowhere else.

    Raises:
        ValueError: an operator whose cost is not known here, or not with kernels of four bits; names it.
    """
    works = [Work("(interpreter)", "interpreter", {"runs": 1})]
    for operator in model.operators:
        known, bits = (INT4, " with kernels of four bits") if _in_four_bits(operator) else (OPERATORS, "")
        if operator.name not in known:
            raise ValueError(
                f"{operator.name}{bits}: what it costs on TensorFlow Lite Micro is not known, only that of "
                f"{', '.join(sorted(known))}. Build the student of those, or measure it: tools/firmware.py."
            )
        works.append(Work(operator.name, "interpreter", {operator.name: 1}))
        for kernel, counts in known[operator.name](operator, vectors):
            works.append(Work(operator.name, kernel, counts))
    return works


def tflm_code(model):
    """What a model needs code for: its operators' names, and `"CONV_2D INT4"` for one with kernels of four bits.

    Raises:
        ValueError: an operator has kernels of four and of eight bits, which takes the code for all types.
    """
    names = {operator.name + " INT4" * _in_four_bits(operator) for operator in model.operators}
    both = sorted(name for name in INT4 if {name, f"{name} INT4"} <= names)
    if both:
        raise ValueError(
            f"{both[0]} with kernels of four and of eight bits: what the code for both takes was not measured. Give "
            "all kernels four bits, or none."
        )
    return names


def _in_four_bits(operator):
    return any(tensor is not None and tensor.dtype == "INT4" for tensor in operator.inputs)


def _multiply(left, right, inner, vectors, calls=1):
    """arm_nn_mat_mult_nt_t_s8 on `left` positions, `right` channels and `inner` values each, `calls` times."""
    kernel = "arm_nn_mat_mult_nt_t_s8"
    counts = {"calls": 1}
    if vectors:
        sixteens, (fours, single) = -(-inner // 16), divmod(left, 4)
        counts |= {"rows of four": fours * right, "sixteens of four": fours * right * sixteens, "fours": fours}
        counts |= {"rows of one": single * right, "sixteens of one": single * right * sixteens, "ones": single}
        counts |= {"channels in fours of one": single * (right // 4), "channels left of one": single * (right % 4)}
    else:
        pairs = right // 2
        counts |= {"pairs": pairs, "sums": pairs * inner}
        for name, times in (("two", pairs * (left // 2)), ("one", pairs * (left % 2))):
            counts |= {f"rows of {name}": times, f"sixteens of {name}": times * (inner // 16)}
            counts |= {f"fours of {name}": times * (inner % 16 // 4), f"values of {name}": times * (inner % 4)}
        counts |= {"rows left": (right % 2) * left, "values left": (right % 2) * left * inner}
    return kernel, {name: calls * count for name, count in counts.items()}


def _convolution(operator, vectors):
    (rows, columns), before = geometry(operator)
    channels, kernel_height, kernel_width, in_channels = operator.inputs[1].shape
    options, (_, out_height, out_width, _) = operator.options, operator.outputs[0].shape
    positions, taps = out_height * out_width, kernel_height * kernel_width
    inner = taps * in_channels
    if taps == 1 and before == [0, 0] and options.dilationHFactor == options.dilationWFactor == 1:
        if options.strideH == options.strideW == 1:
            yield _multiply(positions, channels, inner, vectors)
        else:
            yield _multiply(out_width, channels, inner, vectors, calls=out_height)
        return
    places = int(rows.sum()) * int(columns.sum())
    counts = {"calls": 1, "positions": positions, "rows of the kernel": positions * kernel_height}
    counts |= {"taps inside": places, "taps outside": positions * taps - places}
    if vectors:
        # Copied in the kernel itself.
        counts |= {"sixteens": positions * taps * -(-in_channels // 16)}
        yield "arm_convolve_s8", counts
        yield _multiply(4, channels, inner, vectors, calls=positions // 4)
        if positions % 4:
            yield _multiply(positions % 4, channels, inner, vectors)
        return
    odd = channels * (positions % 2)
    counts |= {"last rows": odd, "last fours": odd * (inner // 4), "last values": odd * (inner % 4)}
    yield "arm_convolve_s8", counts
    yield moved("memcpy", places, in_channels)
    yield moved("memset", positions * taps - places, in_channels)
    widened = {"calls": positions, "fours": positions * (inner // 4), "values": positions * (inner % 4)}
    yield "arm_s8_to_s16_unordered_with_offset", widened
    blocks = positions // 2
    counts = {"calls": blocks}
    for name, times in (("two", blocks * (channels // 2)), ("one", blocks * (channels % 2))):
        counts |= {f"rows of {name}": times}
        counts |= {f"fours of {name}": times * (inner // 4), f"values of {name}": times * (inner % 4)}
    yield "arm_nn_mat_mult_kernel_s8_s16", counts


def _depthwise(operator, vectors):
    (rows, columns), before = geometry(operator)
    _, kernel_height, kernel_width, channels = operator.inputs[1].shape
    options, (_, out_height, out_width, _) = operator.options, operator.outputs[0].shape
    positions, taps = out_height * out_width, kernel_height * kernel_width
    kernel_rows, places = int(rows.sum()) * out_width, int(rows.sum()) * int(columns.sum())
    plain = options.dilationHFactor == options.dilationWFactor == 1 and operator.inputs[0].shape[3] == channels
    if not plain:
        outputs, in_channels = positions * channels, operator.inputs[0].shape[3]
        counts = {"outputs": outputs, "rows of the kernel": kernel_rows * channels, "places": places * channels}
        counts["input channels"] = positions * in_channels
        for axis, dilation in (("rows", options.dilationHFactor), ("columns", options.dilationWFactor)):
            counts[f"outputs, {axis} dilated"] = outputs * (dilation > 1)
        # Multiples of four have loops of their own.
        counts["outputs in fours"] = outputs * (channels % (4 * in_channels) == 0)
        yield "arm_depthwise_conv_s8", counts
    elif vectors:
        yield from _depthwise_vectors(channels, positions, (kernel_height, kernel_width), places)
    elif kernel_height == kernel_width == 3 and max(before) <= 1:
        counts = {"calls": 1, "positions": positions}
        for name, times in (("fours", channels // 4), ("channels left", channels % 4)):
            counts |= {name: times * positions, f"rows of {name}": times * kernel_rows}
            counts |= {f"places of {name}": times * places}
        yield "arm_depthwise_conv_3x3_s8", counts
    else:
        fours, left = divmod(channels, 4)
        counts = {"calls": 1, "positions": positions, "taps": places, "fours": positions * fours}
        counts |= {"pairs of taps": positions * fours * (taps // 2), "odd taps": positions * fours * (taps % 2)}
        yield "arm_depthwise_conv_s8_opt", counts | {"left": positions * left, "taps left": positions * left * taps}
        yield "arm_q7_to_q15_with_offset", {"calls": places, "fours": places * fours, "values": places * left}
        for amounts in rows_outside(operator, before[0]):
            for amount in amounts[amounts > 0]:
                yield moved("memset", out_width, 2 * channels * kernel_width * int(amount))
        yield moved("memset", int(rows.sum()) * int((kernel_width - columns).sum()), 2 * channels)


def _depthwise_vectors(channels, positions, kernel, places):
    counts, taps = {"calls": 1}, kernel[0] * kernel[1]
    blocks, single = divmod(positions, 4)
    inner = {"calls": 0, "fours": 0, "taps": 0}
    for first in range(0, channels, _CHANNELS):
        active = min(_CHANNELS, channels - first)
        fours, sixteens = -(-active // 4), -(-active // 16)
        more = {"channel blocks": 1, "positions": positions, "rows of the kernel": positions * kernel[0]}
        more |= {"taps inside": places, "taps outside": positions * taps - places, "blocks": blocks}
        more |= {"sixteens inside": places * sixteens, "sixteens outside": (positions * taps - places) * sixteens}
        more |= {"positions left": single, "fours left": single * fours}
        more |= {"taps left": single * fours * taps}
        counts = {name: counts.get(name, 0) + more.get(name, 0) for name in counts | more}
        inner = {
            "calls": inner["calls"] + blocks,
            "fours": inner["fours"] + blocks * fours,
            "taps": inner["taps"] + blocks * fours * taps,
        }
    yield "arm_depthwise_conv_s8_opt", counts
    yield "arm_nn_depthwise_conv_nt_t_s8", inner


def _dense(operator, vectors):
    rows, inner = operator.inputs[1].shape
    if vectors:
        sixteens = -(-inner // 16)
        fours, left = divmod(rows, 4)
        counts = {"calls": 1, "fours": fours, "sixteens of four": fours * sixteens, "rows left": left}
        yield "arm_nn_vec_mat_mult_t", counts | {"sixteens left": left * sixteens}
        fives, left = divmod(rows, 5)
        counts = {"calls": 1, "fives": fives, "sixteens of five": fives * sixteens, "rows left": left}
        yield "arm_vector_sum_s8", counts | {"sixteens left": left * sixteens}
        yield moved("memcpy", 1, 4 * rows)
    else:
        pairs, odd = divmod(rows, 2)
        counts = {"calls": 1, "pairs": pairs, "fours": pairs * (inner // 4), "values": pairs * (inner % 4)}
        yield "arm_nn_vec_mat_mult_t", counts | {"odd rows": odd, "odd fours": odd * (inner // 4)}


def _add(operator, vectors):
    size = operator.outputs[0].size
    if vectors:
        yield "arm_elementwise_add_s8", {"calls": 1, "fours": -(-size // 4)}
    else:
        yield "arm_elementwise_add_s8", {"calls": 1, "fours": size // 4, "values": size % 4}


def _mean(operator, vectors):
    values, outputs = operator.inputs[0].size, operator.outputs[0].size
    yield "reduce_common", {"calls": 1, "values": values, "outputs": outputs}
    yield "interpreter", {"values scaled": outputs}


def _reshape(operator, vectors):
    yield moved("memcpy", 1, operator.outputs[0].size)


def _concatenation(operator, vectors):
    axis = operator.options.axis % len(operator.outputs[0].shape)
    blocks = math.prod(operator.outputs[0].shape[:axis])
    yield "concatenation", {"calls": 1, "blocks": blocks * len(operator.inputs)}
    for tensor in operator.inputs:
        yield moved("memcpy", blocks, tensor.size // blocks)


def _slice(operator, vectors):
    target = operator.outputs[0]
    rows = target.size // target.shape[-1]
    yield "strided_slice", {"calls": 1, "rows": rows, "values": target.size}
    yield moved("memcpy", rows, target.shape[-1])


def _variable(operator, vectors):
    tensor = operator.outputs[0] if operator.name == "READ_VARIABLE" else operator.inputs[1]
    yield moved("memcpy", 1, tensor.size)


def _decode(operator, vectors):
    counts = {"calls": 1, "weights": 0, "kept": 0}
    for stored, weights in zip(operator.inputs[1::2], operator.outputs, strict=True):
        counts["weights"] += weights.size
        counts["kept"] += stored.size - 16
    yield "decode_pruned", counts


def _nothing(operator, vectors):
    return ()


OPERATORS = {
    "ADD": _add,
    "ASSIGN_VARIABLE": _variable,
    "CALL_ONCE": _nothing,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "MEAN": _mean,
    "READ_VARIABLE": _variable,
    "RESHAPE": _reshape,
    "STRIDED_SLICE": _slice,
    "TFLM_DECODE": _decode,
    "VAR_HANDLE": _nothing,
    **POOLING,
}
INT4 = {"CONV_2D": tflm_int4.convolution, "DEPTHWISE_CONV_2D": tflm_int4.depthwise}
"""Operators that take kernels of four bits too."""
