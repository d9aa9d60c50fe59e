"""What the packing kernels of the plain C engine do for a student, as `tfkd.deploy.cost.plain_c` has it."""

import numpy as np

from tfkd.deploy.cost.work import BLOCK

_NEAR = 9000  # TFKD_NEAR in tfkd_mve.h


def pack_pointwise(kernel, fields, numbers, vectors):
    window, paired = fields["window"], kernel.endswith("_paired")
    positions, channels = window["out_height"] * window["out_width"], window["in_channels"]
    full, partial = divmod(positions, BLOCK)
    partial = int(partial > 0)
    counts = {"calls": full + partial}
    if vectors and not (paired and window["channel_step"] <= _NEAR):
        full, partial = 0, full + partial
    if vectors:
        counts["eights"] = full * -(-window["inner"] // 8)
    elif paired:
        counts |= {"pairs": full * (channels // 2)}
        counts |= {"fillings": full * (window["inner"] // 2 - channels // 2), "odd channels": full * (channels % 2)}
    else:
        counts["channels"] = full * channels
    counts |= {"single calls": partial, "values": 4 * partial * channels}
    yield kernel, counts | {"zeros": 4 * partial * (window["inner"] - channels)}


def pack_pieces(kernel, fields, numbers, vectors):
    window, paired = fields["window"], kernel.endswith("_paired")
    inner, channels = window["inner"], window["in_channels"]
    blocks = -(-window["out_height"] // BLOCK)
    end = window["in_height"] * channels
    positions = np.minimum(np.arange(blocks * BLOCK), window["out_height"] - 1)
    starts = (positions * window["stride_height"] - window["pad_top"]) * channels
    whole = (starts >= 0) & (starts + inner + (16 if vectors else 0) <= end)
    if not paired:
        whole = np.repeat(whole.reshape(-1, BLOCK).all(axis=1) & (not vectors), BLOCK)
    size = window["kernel_height"] * channels
    inside = np.clip(np.minimum(starts + size, end) - np.maximum(starts, 0), 0, None)
    edges = ~whole
    counts = {"calls": blocks, "whole positions": int(whole.sum())}
    counts |= {"rounds": int(whole.sum()) * -(-inner // (16 if vectors else 4))}
    counts |= {"edges": int(edges.sum()), "values inside": int(inside[edges].sum())}
    counts |= {"values outside": int((size - inside)[edges].sum()), "zeros": int(edges.sum()) * (inner - size)}
    yield kernel, counts


def pack_general(kernel, fields, numbers, vectors):
    window, paired = fields["window"], kernel.endswith("_paired")
    positions, channels = window["out_height"] * window["out_width"], window["in_channels"]
    blocks = -(-positions // BLOCK)
    position = np.minimum(np.arange(blocks * BLOCK), positions - 1).reshape(blocks, BLOCK)
    tops = position // window["out_width"] * window["stride_height"] - window["pad_top"]
    lefts = position % window["out_width"] * window["stride_width"] - window["pad_left"]
    # (blocks, positions, rows, columns of the kernel)
    y = tops[:, :, None, None] + np.arange(window["kernel_height"])[:, None] * window["dilation_height"]
    x = lefts[:, :, None, None] + np.arange(window["kernel_width"]) * window["dilation_width"]
    inside = (y >= 0) & (y < window["in_height"]) & (x >= 0) & (x < window["in_width"])
    side_by_side = (tops[:, 0] == tops[:, 3]) & (lefts[:, 0] + 3 == lefts[:, 3]) & (window["column_step"] == 1)
    if vectors or (paired and channels % 2):
        side_by_side[:] = False
    together = inside.all(axis=1) & side_by_side[:, None, None]
    apart = ~together[:, None] & np.ones_like(inside)
    taps = window["kernel_height"] * window["kernel_width"]
    counts = {"calls": blocks, "taps": blocks * taps, "taps together": int(together.sum())}
    counts["channels together"] = int(together.sum()) * channels
    counts["places inside"], counts["places outside"] = int((apart & inside).sum()), int((apart & ~inside).sum())
    if vectors and paired and channels % 8 == 0 and window["channel_step"] <= _NEAR:
        counts["eights"] = counts["places inside"] * channels // 8
    else:
        counts["values inside"] = counts["places inside"] * channels
    counts["values outside"] = counts["places outside"] * channels
    yield kernel, counts | {"zeros": 4 * blocks * (window["inner"] - taps * channels)}
