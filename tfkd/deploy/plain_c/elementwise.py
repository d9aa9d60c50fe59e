"""Addition, means and pooling as kernel calls."""

import itertools

from tfkd.deploy.plain_c.fixed_point import activation_range, quantize_multiplier
from tfkd.deploy.plain_c.linear_add import exact_sums, find_linear_form
from tfkd.deploy.plain_c.reader import PlainCError
from tfkd.deploy.plain_c.windows import pad_before


def add(lowering, operator):
    """ADD of two tensors of one shape."""
    values = [lowering.source(operator, 0), lowering.source(operator, 1)]
    target = operator.outputs[0]
    # The converter leaves leading ones away where it takes a single moment for a bias.
    if len({_without_leading_ones(shape) for shape in (values[0].shape, values[1].shape, target.shape)}) > 1:
        raise PlainCError(
            f"ADD: shapes {values[0].shape} and {values[1].shape}; plain C adds tensors of one shape. Give both the "
            "same, or run the student in TensorFlow Lite Micro."
        )
    # The order does not matter as long as it is one.
    if values[0].order != values[1].order:
        values = [lowering.ordered(value, "planes") for value in values]
    lowering.check(target, f"ADD: its output {target.name!r}")
    scales = [float(value.tensor.scales[0]) for value in values]
    twice_larger = 2 * max(scales)
    factors = [quantize_multiplier(scale / twice_larger) for scale in scales]
    factors.append(quantize_multiplier(twice_larger / (2**20 * float(target.scales[0]))))
    if factors[2][1] > 0:
        raise PlainCError("ADD: the output's scale is a million times smaller than an input's; quantise it again.")
    low, high = activation_range(operator, target)
    tensors = [value.tensor for value in values] + [target]
    zeros = [int(tensor.zero_points[0]) for tensor in tensors]
    layer = {"size": target.size, "low": low, "high": high}
    ratios = [scale / float(target.scales[0]) for scale in scales]
    linear = find_linear_form(ratios, zeros, exact_sums(factors, zeros, low, high), low, high)
    if linear is not None:
        kernel, c_type = "tfkd_add_linear", "tfkd_linear_addition"
        layer |= linear
    else:
        kernel, c_type = "tfkd_add", "tfkd_addition"
        for name, (multiplier, shift), zero in zip(("a", "b", "out"), factors, zeros):
            layer |= {f"multiplier_{name}": multiplier, f"shift_{name}": shift, f"zero_{name}": zero}
    lowering.add_step(
        operator,
        kernel,
        values,
        {"layer": (c_type, layer)},
        f"{kernel}(&{{layer}}, {{in0}}, {{in1}}, {{out}});",
        in_place=(0, 1),
        order=values[0].order,
    )


def _without_leading_ones(shape):
    return tuple(itertools.dropwhile(lambda size: size == 1, shape))


def mean(lowering, operator):
    """MEAN over all positions."""
    value = lowering.ordered(lowering.source(operator), "planes")
    target = operator.outputs[0]
    lowering.check(target, f"MEAN: its output {target.name!r}")
    rank = len(value.shape)
    axes = {int(axis) % rank for axis in lowering.constant(operator, 1, "INT32").ravel()}
    kept = set(range(rank)) - axes
    height, width, channels = value.image
    if any(value.shape[axis] > 1 for axis in kept - {rank - 1}) or rank - 1 in axes or target.size != channels:
        raise PlainCError(
            f"MEAN over axes {sorted(axes)} of {value.shape}: plain C has the mean over all positions, channel by "
            "channel (global average pooling)."
        )
    positions = height * width
    source = value.tensor
    multiplier, shift = quantize_multiplier(float(source.scales[0]) / float(target.scales[0]))
    # The division by the number of positions goes into the multiplier, as far as the bits allow.
    extra = min(positions.bit_length() - 1, 32, 31 + shift)
    multiplier, shift = (multiplier << extra) // positions, shift - extra
    if positions * 255 * 2.0 ** max(shift, 0) >= 2**30:
        raise PlainCError(f"MEAN over {positions} positions with shift {shift} can leave 31 bits.")
    layer = {
        "channels": channels,
        "positions": positions,
        "multiplier": multiplier,
        "shift": shift,
        "zero_in": int(source.zero_points[0]),
        "zero_out": int(target.zero_points[0]),
    }
    lowering.add_step(
        operator,
        "tfkd_mean_positions",
        [value],
        {"layer": ("tfkd_mean_layer", layer)},
        "tfkd_mean_positions(&{layer}, {in0}, {out});",
        in_place=(0,),
    )


def average_pool(lowering, operator):
    """AVERAGE_POOL_2D."""
    _pool(lowering, operator, "tfkd_average_pool")


def max_pool(lowering, operator):
    """MAX_POOL_2D."""
    _pool(lowering, operator, "tfkd_max_pool")


def _pool(lowering, operator, kernel):
    value = lowering.ordered(lowering.source(operator), "planes")
    source, target, options = value.tensor, operator.outputs[0], operator.options
    lowering.check(target, f"{operator.name}: its output {target.name!r}")
    if len(value.shape) != 4 or len(target.shape) != 4 or target.shape[3] != value.shape[3]:
        raise PlainCError(f"{operator.name}: cannot make {target.shape} of {value.shape}.")
    same_scale = abs(float(source.scales[0]) - float(target.scales[0])) <= 1e-6
    if not same_scale or source.zero_points[0] != target.zero_points[0]:
        raise PlainCError(f"{operator.name}: its input and output have different scales or zero points.")
    height, width, channels = value.image
    sizes = options.filterHeight, options.filterWidth, options.strideH, options.strideW
    if min(sizes) < 1 or max(sizes) > 65535:
        raise PlainCError(f"{operator.name}: filter and stride {sizes} make no sense.")
    _, out_height, out_width, _ = target.shape
    row, column, channel = value.distances
    top = pad_before(options, height, sizes[0], sizes[2], 1, out_height, "height", operator)
    left = pad_before(options, width, sizes[1], sizes[3], 1, out_width, "width", operator)
    low, high = activation_range(operator, target)
    window = {
        "in_height": height,
        "in_width": width,
        "in_channels": channels,
        "out_height": out_height,
        "out_width": out_width,
        "kernel_height": sizes[0],
        "kernel_width": sizes[1],
        "stride_height": sizes[2],
        "stride_width": sizes[3],
        "pad_top": top,
        "pad_left": left,
        "row_step": row,
        "column_step": column,
        "channel_step": channel,
    }
    lowering.add_step(
        operator,
        kernel,
        [value],
        {"layer": ("tfkd_pooling", {"window": window, "low": low, "high": high})},
        f"{kernel}(&{{layer}}, {{in0}}, {{out}});",
    )
