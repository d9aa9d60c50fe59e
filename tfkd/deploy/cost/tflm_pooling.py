"""What pooling and padding make TensorFlow Lite Micro's kernels do, as `tfkd.deploy.cost.tflm` has it.

After the sources of CMSIS-NN 4ab83cc.
"""

import numpy as np

from tfkd.deploy.cost.work import moved, windows


def _pool(operator):
    """Outputs' positions, lines of windows and their places that lie inside, and channels."""
    options = operator.options
    (rows, columns), _ = windows(operator, (options.filterHeight, options.filterWidth))
    _, out_height, out_width, channels = operator.outputs[0].shape
    return out_height * out_width, int(rows.sum()) * out_width, int(rows.sum()) * int(columns.sum()), channels


def _average(operator, vectors):
    positions, lines, places, channels = _pool(operator)
    if vectors:
        # Sixteen channels at a time through the whole window.
        sixteens = -(-channels // 16)
        counts = {"calls": 1, "positions": positions, "sixteens": positions * sixteens, "lines": lines * sixteens}
        counts["places"] = places * sixteens
    else:
        counts = {"calls": 1, "positions": positions, "lines": lines, "places": places}
        counts |= {"values copied": positions * channels, "values added": (places - positions) * channels}
    yield "arm_avgpool_s8", counts


def _max(operator, vectors):
    positions, lines, places, channels = _pool(operator)
    counts, outputs = {"calls": 1, "positions": positions, "lines": lines, "places": places}, positions * channels
    if vectors:
        sixteens = -(-channels // 16)
        counts |= {"sixteens copied": positions * sixteens, "sixteens compared": (places - positions) * sixteens}
        yield "arm_max_pool_s8", counts | {"sixteens out": -(-outputs // 16)}
        return
    for name, times, size in (("compared", places - positions, channels), ("out", 1, outputs)):
        counts |= {f"fours {name}": times * (size // 4), f"values {name}": times * (size % 4)}
    yield "arm_max_pool_s8", counts
    yield moved("memcpy", positions, channels)


def _pad(operator, vectors):
    amounts = np.zeros((4, 2), int)
    amounts[4 - len(operator.inputs[0].shape) :] = operator.inputs[1].data
    _, height, width, channels = (1,) * (4 - len(operator.inputs[0].shape)) + tuple(operator.inputs[0].shape)
    (above, below), (before, behind), (first, last) = amounts[1:].tolist()
    out = channels + first + last
    line = (width + before + behind) * out
    apart = first + last > 0  # then each place is copied alone
    copied = (height * width, channels) if apart else (height, width * channels)
    filled = [(1, above * line), (1, below * line), (height, before * out), (height, behind * out)]
    filled += [(height * width, first), (height * width, last)] if apart else []
    filled = [(times, size) for times, size in filled if size]  # what fills nothing takes next to nothing
    counts = {"calls": 1, "lines": height, "places apart": height * width * apart}
    if vectors:
        counts["sixteens copied"] = copied[0] * -(-copied[1] // 16)
        yield "arm_pad_s8", counts | {"sixteens filled": sum(times * -(-size // 16) for times, size in filled)}
        return
    yield "arm_pad_s8", counts
    yield moved("memcpy", *copied)
    for times, size in filled:
        yield moved("memset", times, size)


POOLING = {"AVERAGE_POOL_2D": _average, "MAX_POOL_2D": _max, "PAD": _pad}
