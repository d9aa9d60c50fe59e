"""What the kernels of the plain C engine do for a student: the loops of `micro/src/kernels`, counted, not run.

Each kernel is taken apart into pieces that take the same instructions each time: what happens once a call, once a row,
once a round of an inner loop, for values behind the last full round. How many instructions each takes is fitted.
"""

import re

import numpy as np

from tfkd.deploy.cost.packing import pack_general, pack_pieces, pack_pointwise
from tfkd.deploy.cost.work import BLOCK, Work, moved, places_inside

CALL = re.compile(r"(tfkd_\w+)\((.*?)\);")
_SCALES_SOME = (
    "tfkd_multiply_dense",
    "tfkd_multiply_dense_int4",
    "tfkd_multiply_sparse",
    "tfkd_depthwise_time",
    "tfkd_depthwise_time_int4",
    "tfkd_depthwise_3x3",
)


def plain_c_work(program, vectors):
    """What a `Program` makes the kernels do in one inference.

    Args:
        program: of `tfkd.deploy.plain_c.lower`.
        vectors: whether the core has vector instructions (Cortex-M55).

    Returns:
        A list of `Work`. The kernel `"student_plain"` is the generated schedule, `"memcpy"` and its like the C library.
    """
    works = [Work("(schedule)", "student_plain", {"runs": 1})]
    for step in program.steps:
        structs, code = chosen(step, vectors)
        calls = CALL.findall(code)
        loop = code.startswith("for ")
        positions = structs["matrix"][1]["out_step"] if "matrix" in structs else 0
        blocks = -(-positions // BLOCK)
        schedule = {"calls": 0 if loop else len(calls), "loops": int(loop), "blocks": blocks}
        schedule |= {"blocks of unequal size": blocks if positions % BLOCK else 0}
        works.append(Work(step.operator, "student_plain", schedule))
        for kernel, arguments in calls:
            fields = {name: fields for name, (_, fields) in structs.items()}
            numbers = [int(number) for number in re.findall(r", (\d+)", arguments)]
            done = _KERNELS[kernel.removesuffix("_paired").removesuffix("_single")]
            for name, counts in done(kernel, fields, numbers, vectors):
                works.append(Work(step.operator, name, counts))
            if kernel in _SCALES_SOME and not vectors:
                works.append(Work(step.operator, "tfkd_scale_some", _scale_some(kernel, fields)))
    return works


def chosen(step, vectors):
    """The structs and the code of a step that the core's compiler takes."""
    return step.vectors if vectors and step.vectors else (step.structs, step.code)


def _scale_some(kernel, fields):
    """Calls where fewer than four outputs are left, or the scaling is not the fast one."""
    if "matrix" in fields:
        scaling, lines = fields["matrix"]["scaling"], fields["matrix"]["rows"]
        line = fields["matrix"]["out_step"]
    else:
        window = fields["layer"]["window"]
        scaling, lines = fields["layer"]["scaling"], window["in_channels"]
        line = window["out_height"]
        if kernel == "tfkd_depthwise_3x3":
            lines, line = lines * window["out_height"], window["out_width"]
    fast = _fast_lines(kernel, scaling, lines)
    other, rest = lines - fast, line % BLOCK
    counts = {"calls": fast * (rest > 0) + other * -(-line // BLOCK)}
    return counts | {"values": fast * rest, "values in general": other * line}


def _fast_lines(kernel, scaling, lines):
    """Of all `lines`, those whose full blocks are scaled fast: all or none, but in tfkd_multiply_dense_int4."""
    if kernel != "tfkd_multiply_dense_int4":
        return lines if scaling["fast"] else 0
    whole_range = (scaling["low"], scaling["high"]) == (-128, 127)
    return int(np.sum(np.asarray(scaling["shift"].values) <= -2)) if whole_range else 0


def _scaled(kernel, scaling, lines, line, what):
    """Of the blocks of `lines`, those that are scaled fast, and those that tfkd_scale_some scales."""
    fast = _fast_lines(kernel, scaling, lines) * (line // BLOCK)
    return {f"fast {what}": fast, f"other {what}": lines * -(-line // BLOCK) - fast}


def _multiply_dense(kernel, fields, numbers, vectors):
    matrix = fields["matrix"]
    blocks, rows, inner = -(-matrix["out_step"] // BLOCK), matrix["rows"], matrix["inner"]
    counts = {"calls": blocks}
    if vectors:
        sixteens = -(-(inner - 8) // 16)
        counts |= {"rows": blocks * rows, "sixteens": blocks * rows * sixteens}
        counts["eights"] = blocks * rows * (inner > 16 * sixteens)
    else:
        eights = inner // 8
        counts |= {"eights": blocks * rows * eights, "rounds": blocks * rows * -(-eights // 2)}
        counts |= {"odd rows": blocks * rows * (eights % 2)}
        counts |= _scaled(kernel, matrix["scaling"], rows, matrix["out_step"], "rows")
    yield kernel, counts


def _multiply_sparse(kernel, fields, numbers, vectors):
    matrix = fields["matrix"]
    blocks, pairs = -(-matrix["out_step"] // BLOCK), matrix["pairs"].values
    counts = {"calls": blocks, "pairs": blocks * int(np.sum(pairs))}
    if vectors:
        counts["rows"] = blocks * len(pairs)
    else:
        counts |= {"empty rows": blocks * int(np.sum(np.asarray(pairs) == 0))}
        counts |= _scaled(kernel, matrix["scaling"], len(pairs), matrix["out_step"], "rows")
    yield kernel, counts


def _dense(kernel, fields, numbers, vectors):
    rows, inner = fields["layer"]["rows"], fields["layer"]["inner"]
    if vectors:
        yield kernel, {"calls": 1, "rows": rows, "sixteens": rows * -(-inner // 16)}
    else:
        yield kernel, {"calls": 1, "rows": rows, "fours": rows * (inner // 4), "rest": rows * (inner % 4)}


def _depthwise_time(kernel, fields, numbers, vectors):
    layer, window = fields["layer"], fields["layer"]["window"]
    channels, length, inner = window["in_channels"], window["in_height"], window["inner"]
    out, stride = window["out_height"], f" at stride {window['stride_height']}"
    blocks = channels * -(-out // BLOCK)
    counts = {"calls": 1, "channels": channels}
    if vectors:
        counts |= {"widened": channels * -(-length // 16), "taps": channels * -(-inner // 16)}
        yield kernel, counts | {"blocks": blocks, "sixteens": blocks * -(-inner // 16)}
        yield moved("memset", 1, layer["row"])
    else:
        counts |= {"filled": layer["row"], "widened fours": channels * (length // 4)}
        counts |= {"widened": channels * (length % 4), f"taps{stride}": channels * inner // 4}
        counts |= {f"rounds{stride}": blocks * inner // 4}
        yield kernel, counts | _scaled(kernel, layer["scaling"], channels, out, f"blocks{stride}")


def _depthwise_3x3(kernel, fields, numbers, vectors):
    layer, window = fields["layer"], fields["layer"]["window"]
    channels, stride = window["in_channels"], f" at stride {window['stride_width']}"
    lines, width = channels * window["in_height"], window["in_width"]
    out_lines, out = channels * window["out_height"], window["out_width"]
    read = (window["out_height"] - 1) * window["stride_height"] + 3
    counts = {"calls": 1, f"channels{stride}": channels, "lines": lines, "lines out": out_lines}
    blocks = out_lines * -(-out // BLOCK)
    if vectors:
        yield kernel, counts | {"widened": lines * -(-width // 16), f"blocks{stride}": blocks}
        yield moved("memset", 1, read * layer["row"])
    else:
        counts |= {"filled": read * layer["row"], "widened fours": lines * (width // 4)}
        counts |= {"widened": lines * (width % 4)}
        yield kernel, counts | _scaled(kernel, layer["scaling"], out_lines, out, f"blocks{stride}")


def _inside(window):
    """Rows of the kernel, and places in them, that lie inside: sums over all outputs of a plane."""
    rows, columns = (
        places_inside(
            window[f"in_{axis}"],
            window[f"out_{axis}"],
            window[f"kernel_{axis}"],
            window[f"stride_{axis}"],
            window.get(f"dilation_{axis}", 1),
            window[before],
        )
        for axis, before in (("height", "pad_top"), ("width", "pad_left"))
    )
    return int(rows.sum()) * window["out_width"], int(rows.sum()) * int(columns.sum())


def _depthwise_general(kernel, fields, numbers, vectors):
    window = fields["layer"]["window"]
    channels = window["in_channels"] * fields["layer"]["multiplier"]
    rows, places = _inside(window)
    outputs = channels * window["out_height"] * window["out_width"]
    counts = {"channels": channels, "lines out": channels * window["out_height"], "outputs": outputs}
    yield kernel, counts | {"rows of the kernel": channels * rows, "places": channels * places}


def _pool(kernel, fields, numbers, vectors):
    window = fields["layer"]["window"]
    channels, outputs = window["in_channels"], window["out_height"] * window["out_width"]
    rows, places = _inside(window)
    counts = {"channels": channels, "lines out": channels * window["out_height"], "outputs": channels * outputs}
    counts |= {"rows of the kernel": channels * outputs * window["kernel_height"]}
    counts |= {"columns of the kernel": channels * rows * window["kernel_width"]}
    yield kernel, counts | {"places": channels * places}


def _add(kernel, fields, numbers, vectors):
    yield kernel, {"calls": 1, "values": fields["layer"]["size"]}


def _add_linear(kernel, fields, numbers, vectors):
    layer = fields["layer"]
    size = layer["size"]
    if vectors:
        yield kernel, {"calls": 1, "fours": -(-size // 4)}
    else:
        fours = size // 4 if (layer["low"], layer["high"]) == (-128, 127) else 0
        yield kernel, {"calls": 1, "fours": fours, "values": size - 4 * fours}


def _mean_positions(kernel, fields, numbers, vectors):
    channels, positions = fields["layer"]["channels"], fields["layer"]["positions"]
    step = 16 if vectors else 4
    counts = {"calls": 1, "channels": channels, "rounds": channels * (positions // step)}
    yield kernel, counts | {"values": channels * (positions % step)}


def _copy(kernel, fields, numbers, vectors):
    blocks, size = numbers[-3:-1]
    yield kernel, {"calls": 1, "blocks": blocks}
    yield moved("memmove" if kernel == "tfkd_take_blocks" else "memcpy", blocks, size)


def _remember(kernel, fields, numbers, vectors):
    blocks, kept, size = numbers
    yield kernel, {"calls": 1, "blocks": blocks}
    yield moved("memmove", blocks, kept)
    yield moved("memcpy", blocks, size)


def _transpose(kernel, fields, numbers, vectors):
    rows, columns = numbers
    yield kernel, {"calls": 1, "columns": columns, "values": rows * columns}


def _pad(kernel, fields, numbers, vectors):
    layer = fields["layer"]
    width = layer["left"] + layer["width"] + layer["right"]
    plane, lines = (layer["top"] + layer["height"] + layer["bottom"]) * width, layer["planes"] * layer["height"]
    yield kernel, {"calls": 1, "planes": layer["planes"], "lines": lines}
    yield moved("memcpy", lines, layer["width"])
    yield moved("memset", 1, layer["planes_before"] * plane)
    yield moved("memset", 1, layer["planes_after"] * plane)
    for side in ("top", "bottom"):
        yield moved("memset", layer["planes"], layer[side] * width)
    for side in ("left", "right"):
        yield moved("memset", lines, layer[side])


_KERNELS = {
    "tfkd_add": _add,
    "tfkd_add_linear": _add_linear,
    "tfkd_average_pool": _pool,
    "tfkd_copy_blocks": _copy,
    "tfkd_dense": _dense,
    "tfkd_depthwise_3x3": _depthwise_3x3,
    "tfkd_depthwise_general": _depthwise_general,
    "tfkd_depthwise_time": _depthwise_time,
    "tfkd_depthwise_time_int4": _depthwise_time,
    "tfkd_max_pool": _pool,
    "tfkd_mean_positions": _mean_positions,
    "tfkd_multiply_dense": _multiply_dense,
    "tfkd_multiply_dense_int4": _multiply_dense,
    "tfkd_multiply_sparse": _multiply_sparse,
    "tfkd_pack_general": pack_general,
    "tfkd_pack_pieces": pack_pieces,
    "tfkd_pack_pointwise": pack_pointwise,
    "tfkd_pad": _pad,
    "tfkd_remember": _remember,
    "tfkd_take_blocks": _copy,
    "tfkd_transpose": _transpose,
}
