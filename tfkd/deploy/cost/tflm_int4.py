"""What CMSIS-NN's kernels for four-bit weights do for a convolution, as `tfkd.deploy.cost.tflm` has it.

After the sources of CMSIS-NN 4ab83cc. Two weights share a byte, so that where a row of weights has an odd length every
other row begins in the middle of one: what that takes is counted apart.
"""

from tfkd.deploy.cost.work import geometry, moved, rows_outside

_CHANNELS = 124  # S4_CH_IN_BLOCK_MVE: channels that a depthwise convolution takes at a time on M55


def convolution(operator, vectors):
    """CONV_2D; yields `(kernel, counts)`."""
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
        sixteens, even = -(-in_channels // 16), inner % 2 == 0
        counts |= {f"sixteens {where}": counts[f"taps {where}"] * sixteens for where in ("inside", "outside")}
        if even:
            counts |= {"interleaved": positions * (inner // 32)}
        yield "arm_convolve_even_s4" if even else "arm_convolve_s4", counts
        multiply = _multiply_interleaved if even else _multiply_vectors
        yield multiply(4, channels, inner, calls=positions // 4)
        if positions % 4:
            yield multiply(positions % 4, channels, inner)
        return
    odd = channels * (positions % 2)
    yield "arm_convolve_s4", counts | {"last rows": odd} | _pieces("last", odd, inner)
    yield moved("memset", positions * taps - places, 2 * in_channels)
    yield _widened(places, in_channels)
    blocks, (fours, left) = positions // 2, divmod(channels, 4)
    counts = {"calls": blocks, "rows in fours": blocks * fours, "rows left": blocks * left}
    counts |= _pieces("in fours", 2 * blocks * fours, inner) | _pieces("left", blocks * left, inner)
    yield "arm_nn_mat_mult_kernel_s4_s16", counts


def _pieces(name, times, inner):
    """What `times` rows of `inner` values take in fours, pairs and single values."""
    pieces = (("fours", inner // 4), ("pairs", inner % 4 // 2), ("odd values", inner % 2))
    return {f"{piece} {name}": times * count for piece, count in pieces}


def _widened(calls, size):
    counts = {"calls": calls, "fours": calls * (size // 4), "values": calls * (size % 4)}
    return "arm_q7_to_q15_with_offset", counts


def _multiply(left, right, inner, vectors, calls=1):
    """arm_nn_mat_mult_nt_t_s4 on `left` positions, `right` channels and `inner` values each, `calls` times."""
    if vectors:
        return _multiply_vectors(left, right, inner, calls)
    quads, rest = divmod(right, 4)
    counts = {"calls": 1, "quads": quads, "rows left": rest}
    for many, positions in (("two", left // 2), ("one", left % 2)):
        # Four channels are taken as two and two.
        for what, times, halves in (("quads", quads * positions, 2), ("left", rest * positions, 1)):
            counts[f"{what} of {many}"] = times
            counts[f"sixteens, {what} of {many}"] = halves * times * (inner // 16)
            counts[f"fours, {what} of {many}"] = halves * times * (inner % 16 // 4)
            counts[f"pairs, {what} of {many}"] = halves * times * (inner % 4 // 2)
            counts[f"odd values, {what} of {many}"] = times * (inner % 2)
    return "arm_nn_mat_mult_nt_t_s4", {name: calls * count for name, count in counts.items()}


def _multiply_vectors(left, right, inner, calls=1):
    """arm_nn_mat_mult_nt_t_s4 on a Cortex-M55: four positions at a time, then the three, two or one that are left."""
    odd = right // 2 * (inner % 2)
    # The first weight of an odd row is taken alone: behind it one less is left of its last vector.
    rest = (right - odd) * (inner % 16 > 0) + odd * (inner % 16 > 1)
    counts = {"calls": 1}
    for many, times in (("four", left // 4), *((name, int(left % 4 == n)) for n, name in _LEFT)):
        for what, rows in (("rows", right), ("odd rows", odd), ("rests", rest)):
            counts[f"{what} of {many}"] = times * rows
        if many in ("four", "three"):
            counts[f"sixteens of {many}"] = times * right * (inner // 16)
        else:
            counts[f"thirty-twos of {many}"] = times * right * (inner // 32)
            counts[f"sixteens of {many}"] = times * right * (inner // 16 % 2)
    counts |= _stored(left, right)
    return "arm_nn_mat_mult_nt_t_s4", {name: calls * count for name, count in counts.items()}


_LEFT = (3, "three"), (2, "two"), (1, "one")


def _stored(left, right):
    """Outputs of a single position are stored four channels at a time."""
    one = int(left % 4 == 1)
    return {"channels in fours of one": one * (right // 4), "channels left of one": one * (right % 4)}


def _multiply_interleaved(left, right, inner, calls=1):
    """arm_nn_mat_mult_nt_interleaved_t_even_s4, for up to four positions of an even number of values."""
    many = {4: "four", **dict(_LEFT)}[left]
    counts = {"calls": 1, f"rows of {many}": right, f"rests of {many}": right * (inner % 16 > 0)}
    counts |= {f"thirty-twos of {many}": right * (inner // 32), f"sixteens of {many}": right * (inner // 16 % 2)}
    counts |= _stored(left, right)
    return "arm_nn_mat_mult_nt_interleaved_t_even_s4", {name: calls * count for name, count in counts.items()}


def depthwise(operator, vectors):
    """DEPTHWISE_CONV_2D; yields `(kernel, counts)`.

    Raises:
        ValueError: CMSIS-NN computes it wrongly.
    """
    (rows, columns), before = geometry(operator)
    _, kernel_height, kernel_width, channels = operator.inputs[1].shape
    options, (_, out_height, out_width, _) = operator.options, operator.outputs[0].shape
    in_channels = operator.inputs[0].shape[3]
    positions, taps = out_height * out_width, kernel_height * kernel_width
    kernel_rows, places = int(rows.sum()) * out_width, int(rows.sum()) * int(columns.sum())
    if in_channels != channels or options.dilationHFactor > 1 or options.dilationWFactor > 1:
        yield _general(options, in_channels, channels, positions, kernel_rows, places)
    elif vectors:
        yield from _depthwise_vectors(channels, positions, kernel_height, taps, places)
    else:
        yield _depthwise_pairs(channels, positions, taps, places)
        yield _widened(places, channels)
        for amounts in rows_outside(operator, before[0]):
            for amount in amounts[amounts > 0]:
                yield moved("memset", out_width, 2 * channels * kernel_width * int(amount))
        yield moved("memset", int(rows.sum()) * int((kernel_width - columns).sum()), 2 * channels)


def _general(options, in_channels, channels, positions, kernel_rows, places):
    """arm_depthwise_conv_s4: takes two outputs at a time."""
    multiplier = channels // in_channels
    if in_channels % 2:
        raise ValueError(
            f"DEPTHWISE_CONV_2D of {in_channels} channels with a dilation or a multiplier: of odd numbers of channels "
            "and with weights of four bits, CMSIS-NN answers wrongly. Give the layer an even number, or 8 bits."
        )
    if multiplier > 1 and multiplier % 2:
        raise ValueError(
            f"DEPTHWISE_CONV_2D with a multiplier of {multiplier}: what odd multipliers take with weights of four bits "
            "was not measured. Give the layer an even one, or 8 bits."
        )
    pairs = channels // 2
    counts = {"calls": 1, "pairs": positions * pairs, "input channels": positions * in_channels * (multiplier > 1)}
    counts |= {"rows of the kernel": kernel_rows * pairs, "places": places * pairs}
    counts["rows dilated"] = positions * pairs * (options.dilationHFactor > 1)
    counts["columns dilated"] = positions * pairs * (options.dilationWFactor > 1)
    return "arm_depthwise_conv_s4", counts


def _depthwise_pairs(channels, positions, taps, places):
    """arm_depthwise_conv_s4_opt on a Cortex-M4: four channels at a time, two taps of each."""
    kind = "odd" if channels % 2 else "even"
    fours, left = divmod(channels, 4)
    counts = {"calls": 1, "positions": positions, "taps": places, f"fours, {kind}": positions * fours}
    counts[f"pairs of taps, {kind}"] = positions * fours * (taps // 2)
    counts[f"odd taps, {kind}"] = positions * fours * (taps % 2)
    left = left if channels % 2 else left // 2  # of an even number, two are left together
    counts |= {f"left, {kind}": positions * left, f"taps left, {kind}": positions * left * taps}
    return "arm_depthwise_conv_s4_opt", counts


def _depthwise_vectors(channels, positions, kernel_height, taps, places):
    blocks, single = divmod(positions, 4)
    counts, inner = {"calls": 1}, {}
    outside = positions * taps - places
    # Of an odd number of channels, every other tap's weights begin in the middle of a byte.
    aligned, halfway = ((taps + 1) // 2, taps // 2) if channels % 2 else (taps, 0)
    for first in range(0, channels, _CHANNELS):
        active = min(_CHANNELS, channels - first)
        fours, sixteens = -(-active // 4), -(-active // 16)
        more = {"channel blocks": 1, "positions": positions, "rows of the kernel": positions * kernel_height}
        more |= {"taps inside": places, "taps outside": outside, "blocks": blocks}
        more |= {"sixteens inside": places * sixteens, "sixteens outside": outside * sixteens}
        more |= {"positions left": single, "fours left": single * fours}
        more |= {"taps left": single * fours * aligned, "halfway taps left": single * fours * halfway}
        counts = _added(counts, more)
        more = {"calls": blocks, "fours": blocks * fours}
        inner = _added(inner, more | {"taps": more["fours"] * aligned, "halfway taps": more["fours"] * halfway})
    yield "arm_depthwise_conv_s4_opt", counts
    yield "arm_nn_depthwise_conv_nt_t_s4", inner


def _added(counts, more):
    return {name: counts.get(name, 0) + more.get(name, 0) for name in counts | more}
