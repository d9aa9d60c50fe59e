"""Untrained students of many shapes, for fitting what students cost. Weights do not matter for that, but for zeros."""

import dataclasses

import numpy as np

_WIDTHS = (8, 12, 16, 17, 20, 24, 28, 32, 36, 40, 45, 48, 50, 56, 64, 72, 80, 96)
_WINDOWS = (32, 50, 64, 75, 96, 100, 128, 150, 192)
_CHANNELS = (3, 4, 6, 9, 12, 18)
_CLASSES = (2, 5, 6, 10, 27)
_KINDS = ("even", "pruned", "gaf", "zeros", "causal", "pruned", "gaf", "pruned zeros")
_KINDS += ("chunks", "even", "gaf", "other", "even", "other")
POOLING = ("pools", "pools", "other")
"""Kinds of students with pooling and padding."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """What one student is like.

    Attributes:
        name: unique, a file name.
        kind: one of `_KINDS` or `POOLING`.
        facts: its settings, for the record.
        zeros: share of zeros in its convolutions and dense layers.
        bits: of each weight of its convolutions.
    """

    name: str
    kind: str
    facts: dict
    zeros: float
    bits: int = 8


def shapes(count, seed, bits=8, kinds=_KINDS):
    """`count` shapes; the same ones for the same seed, and the first of more."""
    made = []
    for index in range(count):
        generator = np.random.default_rng((seed, index))
        kind = kinds[index % len(kinds)]
        facts = _DRAW.get(kind, _imu)(generator, kind)
        zeros = round(float(generator.uniform(0.6, 0.95)), 2) if "zeros" in kind else 0.0
        name = f"{seed}-{index:03d}" + (f"-int{bits}" if bits != 8 else "") + ("" if kinds is _KINDS else f"-{kind}")
        made.append(Shape(name, kind, facts, zeros, bits))
    return made


def _pick(generator, values):
    return values[int(generator.integers(len(values)))]


def _imu(generator, kind):
    depth = int(generator.integers(1, 7))
    strides = [_pick(generator, (1, 1, 2)) for _ in range(depth)]
    width = _pick(generator, _WIDTHS)
    widths = [width]
    for stride in strides:  # only a strided block may change the width, or nothing could be added
        if stride == 2 and "pruned" in kind:
            width = int(generator.integers(5, 97))
        widths.append(width)
    return {
        "input_shape": (_pick(generator, _WINDOWS), _pick(generator, _CHANNELS)),
        "classes": _pick(generator, _CLASSES),
        "widths": widths,
        "kernel": _pick(generator, (3, 5, 7, 9, 15)),
        "stem_kernel": _pick(generator, (3, 5, 7, 9, 15)),
        "strides": strides,
        "stem_stride": _pick(generator, (1, 2, 2)),
    }


def _causal(generator, kind):
    width, kernel = _pick(generator, _WIDTHS[2:14]), _pick(generator, (3, 4, 5))
    return {
        "input_shape": (128, _pick(generator, _CHANNELS)),
        "classes": _pick(generator, _CLASSES),
        "width": width,
        "depth": int(generator.integers(2, 5)),
        "kernel": kernel,
        "stem_kernel": _pick(generator, (5, 9)),
        "samples": _pick(generator, (8, 16, 32)),
    }


def _gaf(generator, kind):
    blocks = []
    for _ in range(int(generator.integers(2, 6))):
        blocks.append((int(generator.integers(8, 80)), _pick(generator, (1, 2))))
        if generator.random() < 0.5:  # with a shortcut
            blocks.append((blocks[-1][0], 1))
    size = _pick(generator, (16, 20, 24, 28, 32))
    return {
        "input_shape": (size, size, _pick(generator, _CHANNELS[:4])),
        "classes": _pick(generator, _CLASSES),
        "embedding": _pick(generator, (16, 33, 64)),
        "stem": _pick(generator, (8, 16, 20, 24)),
        "blocks": blocks,
    }


def _other(generator, kind):
    return {
        "input_shape": (_pick(generator, _WINDOWS), _pick(generator, _CHANNELS)),
        "classes": _pick(generator, _CLASSES),
        "width": _pick(generator, _WIDTHS[:9]),
        "pool": _pick(generator, ("max", "average")),
        "dilation": _pick(generator, (1, 2, 3)),
        "image": bool(generator.random() < 0.5),
        "more": _pick(generator, (0, 1, 2)),
    }


def _pools(generator, kind):
    image = bool(generator.random() < 0.5)
    size = _pick(generator, (16, 20, 24, 28, 32)) if image else _pick(generator, _WINDOWS)
    pools = []
    for _ in range(int(generator.integers(1, 4))):
        pools.append(
            {
                "name": _pick(generator, ("MAX_POOL_2D", "AVERAGE_POOL_2D")),
                "size": [int(generator.integers(2, 6)), int(generator.integers(2, 4)) if image else 1],
                "stride": _pick(generator, (1, 2, 2, 3)),
                "same": bool(generator.random() < 0.5),
                "pad": int(generator.integers(0, 3)),  # lines and, in images, columns
                "more": _pick(generator, (0, 0, 0, 1, 3)),  # channels
            }
        )
    spread = {
        "kernel": [int(generator.integers(2, 10)), int(generator.integers(2, 5)) if image else 1],
        "multiplier": _pick(generator, (1, 1, 2, 3)),
        "dilation": (_pick(generator, (1, 2, 3)), _pick(generator, (1, 2)) if image else 1),
    }
    return {
        "input_shape": (size, size if image else 1, _pick(generator, _CHANNELS)),
        "classes": _pick(generator, _CLASSES),
        "width": _pick(generator, _WIDTHS[:12]),
        "spread": spread if generator.random() < 0.5 else None,
        "pools": pools,
    }


_DRAW = {"gaf": _gaf, "causal": _causal, "chunks": _causal, "other": _other, "pools": _pools}


def student(shape):
    """The student of a shape as a `.tflite` file's bytes, written as the converter would: takes no training."""
    from tfkd.deploy.firmware import zeroed
    from tfkd.deploy.model_writer import MemoryWriter, ModelWriter

    writer = (MemoryWriter if shape.kind == "chunks" else ModelWriter)(seed=0, bits=shape.bits)
    source = writer.tensor((1, *shape.facts["input_shape"]), 0.05, 3)
    draw = {"gaf": _write_gaf, "causal": _write_causal, "chunks": _write_causal, "other": _write_other}
    draw["pools"] = _write_pools
    target = draw.get(shape.kind, _write_imu)(writer, source, **shape.facts)
    return zeroed(writer.model(source, target), shape.zeros)


_SCALE = 0.05
_RELU = {"out": (_SCALE, -128), "activation": 1}
_LINEAR = {"out": (_SCALE, -9)}


def _scaled(writer, x, channels, inner, bits=8):
    """Scales of weights, one for each channel, with which the outputs fill the range."""
    typical = 127 / (writer.scale(x) * (73 if bits == 8 else 4.6) * 60 * np.sqrt(inner) * 2.5)
    return writer.random.uniform(0.3, 1.7, channels) * _SCALE * typical


def _convolved(w, x, channels, kernel, **settings):
    inner = kernel[0] * kernel[1] * w.shape(x)[3]
    return w.convolution(x, channels, kernel, scales=_scaled(w, x, channels, inner, w.bits), **settings)


def _depthwise(w, x, kernel, multiplier=1, **settings):
    scales = _scaled(w, x, w.shape(x)[3] * multiplier, kernel[0] * kernel[1], w.bits)
    return w.depthwise(x, kernel, multiplier, scales=scales, **settings)


def _dense(w, x, units, **settings):
    return w.dense(x, units, scales=_scaled(w, x, units, w.shape(x)[-1]), **settings)


def _block(w, x, shortcut, width, kernel, stride, same=True):
    """`tfkd.networks.imu.separable_block`."""
    x = _depthwise(w, x, kernel, stride=stride, same=same, **_RELU)
    if shortcut is None or w.shape(shortcut) != (*w.shape(x)[:3], width):
        return _convolved(w, x, width, (1, 1), **_RELU)
    return w.add(_convolved(w, x, width, (1, 1), **_LINEAR), shortcut, **_RELU)


def _write_imu(w, x, input_shape, classes, widths, kernel, stem_kernel, strides, stem_stride):
    """An `imu_student`, whose layers may be of different width, as channel pruning leaves them."""
    x = w.reshape(x, (1, input_shape[0], 1, input_shape[1]))
    x = _convolved(w, x, widths[0], (stem_kernel, 1), stride=(stem_stride, 1), **_RELU)
    for width, stride in zip(widths[1:], strides, strict=True):
        x = _block(w, x, x if stride == 1 else None, width, (kernel, 1), (stride, stride))
    return _dense(w, w.mean(x, out=_LINEAR["out"]), classes, out=_LINEAR["out"])


def _write_causal(w, x, input_shape, classes, width, depth, kernel, stem_kernel, samples):
    """A `causal_student`; with a memory where the writer has one."""
    chunks = hasattr(w, "remember")
    if chunks:
        w.tensors[x].shape = [1, samples, input_shape[1]]
    x = w.reshape(x, (1, w.shape(x)[1], 1, input_shape[1]))

    def looking_back(x, span, stride):
        if chunks:
            return w.remember(x, span - stride) if span > stride else x
        behind = (w.shape(x)[1] - span) % stride
        return w.slice(x, 1, behind, w.shape(x)[1]) if behind else x

    x = _convolved(w, looking_back(x, stem_kernel, 2), width, (stem_kernel, 1), stride=(2, 1), same=False, **_RELU)
    for stride in (2, 2, 1, 1)[:depth]:
        past = looking_back(x, kernel, stride)
        shortcut = None
        if stride == 1:
            shortcut = x if chunks else w.slice(past, 1, kernel - 1, w.shape(past)[1])
        x = _block(w, past, shortcut, width, (kernel, 1), (stride, stride), same=False)
    x = w.remember(x, 9) if chunks else x
    return _dense(w, w.mean(x, out=_LINEAR["out"]), classes, out=_LINEAR["out"])


def _write_gaf(w, x, input_shape, classes, embedding, stem, blocks):
    """A `gaf_student`."""
    x = _convolved(w, x, stem, (3, 3), stride=(2, 2), **_RELU)
    for width, stride in blocks:
        x = _block(w, x, x, width, (3, 3), (stride, stride))
    x = _dense(w, w.mean(x, out=_LINEAR["out"]), embedding, **_RELU)
    return _dense(w, x, classes, out=_LINEAR["out"])


def _write_other(w, x, input_shape, classes, width, pool, dilation, image, more):
    """What else the plain C engine has kernels for: pooling, dilation, several inputs put together."""
    across = 5 if image else 1
    x = w.reshape(x, (1, input_shape[0], 1, input_shape[1]))
    x = _convolved(w, x, width * across, (5, 1), stride=(2, 1), same=False, **_RELU)
    x = w.reshape(x, (1, w.shape(x)[1], across, width))
    x = w.pool("MAX_POOL_2D" if pool == "max" else "AVERAGE_POOL_2D", x, (3, across), (2, 1), same=True)
    x = w.pad(x, ((0, 0), (1, 2), (0, 0), (0, more)))
    a = _depthwise(w, x, (3, 1), 2, dilation=(dilation, 1), **_RELU)
    b = _convolved(w, x, width + 3, (3, min(across, 3)), dilation=(dilation, 1), **_RELU)
    x = _convolved(w, w.concatenation([a, b], 3), width, (1, 1), **_RELU)
    x = _depthwise(w, x, (5, 5) if image else (5, 1), dilation=(1, 1), **_RELU)
    return _dense(w, w.mean(x, out=_LINEAR["out"]), classes, out=_LINEAR["out"])


def _write_pools(w, x, input_shape, classes, width, spread, pools):
    """Pooling of all sizes, of signals and images, some of it behind padding; some depthwise layers of other kinds."""
    across = input_shape[1] > 1
    x = _convolved(w, x, width, (3, 3 if across else 1), **_RELU)
    if spread:
        x = _depthwise(w, x, tuple(spread["kernel"]), spread["multiplier"], dilation=spread["dilation"], **_RELU)
    for pool in pools:
        if pool["pad"] or pool["more"]:
            lines, columns = (pool["pad"], 1), (1, pool["pad"]) if across else (0, 0)
            x = w.pad(x, ((0, 0), lines, columns, (0, pool["more"])))
        fits = all(have >= wanted for have, wanted in zip(w.shape(x)[1:3], pool["size"], strict=True))
        stride = (pool["stride"], pool["stride"] if across else 1)
        x = w.pool(pool["name"], x, tuple(pool["size"]), stride, same=pool["same"] or not fits)
    x = _convolved(w, x, width, (1, 1), **_RELU)
    return _dense(w, w.mean(x, out=_LINEAR["out"]), classes, out=_LINEAR["out"])
