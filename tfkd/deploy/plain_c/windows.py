"""How a kernel moves over its input: sizes, padding, and who packs the windows."""

from tfkd.deploy.plain_c.reader import PlainCError

_SAME_ROLES = (
    *((f"{field}_height", f"{field}_width") for field in ("in", "out", "kernel", "stride", "dilation")),
    ("pad_top", "pad_left"),
    ("row_step", "column_step"),
)


def window_of(lowering, operator, planes=False):
    """The input value and the fields of `tfkd_window`, `inner` left out.

    An image one high is taken as one wide: the kernels over time go down the rows.
    """
    tensor = lowering.tensor(operator, 0)
    value, (pads_height, pads_width) = lowering.absorbed.get(tensor) or (lowering.source(operator), ((0, 0), (0, 0)))
    target, kernel = operator.outputs[0].shape, lowering.tensor(operator, 1).shape
    if not len(value.shape) == len(target) == len(kernel) == 4:
        raise PlainCError(f"{operator.name}: its input has shape {value.shape} instead of four dimensions.")
    if planes:
        value = lowering.ordered(value, "planes")
    options = operator.options
    axes = []
    for name, size, pads, span, stride, dilation, out in zip(
        ("height", "width"),
        value.image,
        (pads_height, pads_width),
        kernel[1:],
        (options.strideH, options.strideW),
        (options.dilationHFactor, options.dilationWFactor),
        target[1:],
    ):
        if not (1 <= stride <= 65535 and 1 <= dilation <= 65535):
            raise PlainCError(f"{operator.name}: a stride of {stride} with a dilation of {dilation} makes no sense.")
        if (span - 1) * dilation >= 65535:
            raise PlainCError(f"{operator.name}: a kernel of {span} with a dilation of {dilation} is too wide.")
        before = pads[0] + pad_before(options, size + sum(pads), span, stride, dilation, out, name, operator)
        axes.append({"in": size, "out": out, "kernel": span, "stride": stride, "dilation": dilation, "pad": before})
    row, column, channel = value.distances
    height, width = axes
    if height["in"] == height["out"] == height["kernel"] == 1 and height["pad"] == 0:
        height, width = width, height
        row, column = column, row
    window = {
        f"{field}_{name}": axis[field]
        for name, axis in (("height", height), ("width", width))
        for field in ("in", "out", "kernel", "stride", "dilation")
    }
    return value, window | {
        "in_channels": value.image[2],
        "pad_top": height["pad"],
        "pad_left": width["pad"],
        "pad_value": int(tensor.zero_points[0]),
        "row_step": row,
        "column_step": column,
        "channel_step": channel,
    }


def pad_before(options, size, kernel, stride, dilation, out_size, axis, operator):
    """Padding before the first value, by TensorFlow Lite's rule; checks the output's size."""
    span = (kernel - 1) * dilation + 1
    if options.padding == 0:  # SAME
        expected = -(-size // stride)
    else:
        expected = -(-(size - span + 1) // stride)
    if expected != out_size or expected < 1:
        raise PlainCError(f"{operator.name}: the {axis} of its output is {out_size}, but should be {expected}.")
    return max((out_size - 1) * stride + span - size, 0) // 2


def pack_kernel(value, window):
    """The kernel that packs the windows, its last word left out.

    For the general one, which takes four neighbours along the width at a time, a signal one wide is laid down.
    """
    one = window["kernel_height"] == window["kernel_width"] == 1
    one_wide = window["in_width"] == window["kernel_width"] == window["out_width"] == 1 and window["pad_left"] == 0
    if (
        one
        and value.order != "positions"
        and window["stride_height"] == window["stride_width"] == 1
        and window["pad_top"] == window["pad_left"] == 0
        and (window["out_height"], window["out_width"]) == (window["in_height"], window["in_width"])
    ):
        return "tfkd_pack_pointwise"
    if value.order == "positions" and one_wide and window["dilation_height"] == 1:
        return "tfkd_pack_pieces"
    if one_wide:
        for down, across in _SAME_ROLES:
            window[down], window[across] = window[across], window[down]
    return "tfkd_pack_general"
