"""A student that looks back only, and the same student with a memory: fed a few samples at a time, it computes each
thing once.

A sliding window shows a network most samples again and again: with windows of 128 samples, one every 16, eight times.
Without padding, what a convolution makes of a sample depends on samples before it alone and stays the same in the next
window. So the network with a memory keeps, in front of each convolution, the few samples that it needs again, and gives
for each new chunk what the window network gives for the window that ends there.
"""

import math

import keras
from keras import layers, ops

from tfkd.networks.imu import convolution, separable_block
from tfkd.networks.quantized import FakeQuantize


def causal_student(
    input_shape,
    classes,
    width=64,
    depth=4,
    kernel=5,
    stem_kernel=9,
    strides=(2, 2, 1, 1),
    stem_stride=2,
    dropout=0.2,
    input_name="imu",
    name="causal_student",
):
    """Depthwise-separable convolutional network over time without padding, to be trained on windows.

    The blocks are those of `imu_student`. Each convolution begins where it can end with the newest sample; the mean is
    over all moments that are left. For the device, see `streaming`.

    Args:
        input_shape: `(time, channels)`; the time is what a decision looks back on.
        classes: number of classes.
        width: channels of every layer, the width of the embedding.
        depth: number of blocks.
        kernel: samples that a block's depthwise convolution spans.
        stem_kernel: samples that the stem spans.
        strides: stride of each block; shorter than `depth` is filled up with 1.
        stem_stride: stride of the stem.
        dropout: share of the embedding dropped in training.
        input_name: name of the input, by which a Distiller routes.

    Input shape:
        `(batch, time, channels)`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, width)`.

    Raises:
        ValueError: the convolutions span more samples than the window has, or a stride is longer than its kernel.
    """
    time, channels = input_shape
    inputs = keras.Input((time, channels), name=input_name)
    x = layers.Reshape((time, 1, channels), name="as_image")(inputs)
    x = _ending_newest(x, stem_kernel, stem_stride, "stem")
    x = convolution(x, width, stem_kernel, stem_stride, "stem", padding="valid")
    for i in range(depth):
        stride, block = strides[i] if i < len(strides) else 1, f"block{i + 1}"
        x = _ending_newest(x, kernel, stride, block)
        shortcut = Newest(kernel - 1, name=f"{block}_shortcut")(x) if stride == 1 else None
        x = separable_block(x, width, kernel, stride, block, "valid", shortcut)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)


def streaming(student, samples):
    """The student with a memory, for a device that feeds it a few new samples at a time.

    After `time / samples` calls, its logits are those of `student` for the last `time` samples, but for rounding;
    before, the memory holds zeros (the mean of a standardised signal).

    Args:
        student: a `causal_student`, or a network of its layers. Weights are shared with it, nothing in it changes.
        samples: that each call brings; a multiple of the product of its strides.

    Returns:
        A Keras model with input `(1, samples, channels)`, to be called with `training=False`. `forget` clears its
        memory; `memory_of` tells how far back that reaches.

    Raises:
        ValueError: the samples do not fit the strides or the window, or a layer looks ahead or is not known here.

    Example:

    ```python
    student = tfkd.networks.causal_student((128, 6), 27)
    ...
    device = tfkd.networks.streaming(student, samples=16)
    for start in range(0, len(signal), 16):
        logits = device(signal[None, start : start + 16], training=False)
    ```
    """
    time, channels = student.input_shape[1:]
    strides = [layer.strides[0] for layer in student.layers if isinstance(layer, _CONVOLUTIONS)]
    if not 0 < samples <= time or samples % math.prod(strides):
        raise ValueError(
            f"samples must be a multiple of {math.prod(strides)}, the product of the student's strides {strides}, and "
            f"at most its window of {time}; got {samples}."
        )

    def clone(layer):
        if isinstance(layer, layers.Reshape):
            return layers.Reshape((samples, *layer.target_shape[1:]), name=layer.name)
        return layer

    def call(layer, x, **kwargs):
        if isinstance(layer, Newest):  # a chunk holds new samples only
            return x
        if isinstance(layer, layers.GlobalAveragePooling2D):
            kept = layer.input.shape[1] - x.shape[1]
            if kept < 0:  # the mean is over less than a chunk
                x = Newest(-kept, name="newest_of_chunk")(x)
            return layer(Remember(kept, name="remember_mean")(x) if kept > 0 else x)
        if isinstance(layer, _CONVOLUTIONS):
            kept = _span(layer) - layer.strides[0]
            return layer(Remember(kept, name=f"remember_{layer.name}")(x) if kept else x)
        return layer(x, **kwargs)

    for layer in student.layers:
        _check_looks_back(layer)
    inputs = keras.Input((samples, channels), batch_size=1, name=student.inputs[0].name)
    return keras.models.clone_model(student, inputs, clone, call)


def memory_of(network):
    """How many samples before its newest chunk a network with a memory looks back on (at least 1); 0 for any other."""
    reach, seen = 0, False
    for layer in network.layers:
        if isinstance(layer, Remember | Newest):
            seen = seen or isinstance(layer, Remember)
            moments = layer.samples if isinstance(layer, Remember) else -layer.dropped
            reach += moments * network.input_shape[1] // layer.input.shape[1]
    return max(reach, 1) if seen else 0


def forget(network):
    """Clears the memory of what `streaming` made: after a break, say."""
    for layer in network.layers:
        if isinstance(layer, Remember):
            layer.memory.assign(ops.zeros(layer.memory.shape))


@keras.saving.register_keras_serializable("tfkd")
class Newest(layers.Layer):
    """Leaves the oldest moments away: `(batch, time, ...)` to `(batch, time - dropped, ...)`.

    Args:
        dropped: how many.
    """

    def __init__(self, dropped, **kwargs):
        super().__init__(**kwargs)
        self.dropped = dropped

    def call(self, inputs):
        return inputs[:, self.dropped :]

    def get_config(self):
        return {**super().get_config(), "dropped": self.dropped}


@keras.saving.register_keras_serializable("tfkd")
class Remember(layers.Layer):
    """Puts the newest moments of the calls before in front of those of this one.

    Args:
        samples: how many moments it keeps, at the rate of its input.

    Input shape:
        `(1, time, ...)`.

    Output shape:
        `(1, samples + time, ...)`.
    """

    def __init__(self, samples, **kwargs):
        super().__init__(**kwargs)
        self.samples = samples

    def build(self, input_shape):
        shape = (1, self.samples, *input_shape[2:])
        self.memory = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="memory")

    def call(self, inputs):
        joined = ops.concatenate([ops.convert_to_tensor(self.memory), inputs], axis=1)
        self.memory.assign(joined[:, -self.samples :])
        return joined

    def get_config(self):
        return {**super().get_config(), "samples": self.samples}


_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D)
_MOMENT_BY_MOMENT = (
    keras.layers.InputLayer, layers.Activation, layers.Add, layers.BatchNormalization, layers.Dense, layers.Dropout,
    layers.GlobalAveragePooling2D, layers.ReLU, layers.Reshape, FakeQuantize, Newest,
)  # fmt: skip


def _span(convolution):
    return (convolution.kernel_size[0] - 1) * convolution.dilation_rate[0] + 1


def _check_looks_back(layer):
    if isinstance(layer, _CONVOLUTIONS):
        if layer.padding == "valid" and layer.strides[0] <= _span(layer):
            return
        way_out = "a convolution needs padding='valid' and a stride no longer than its kernel"
    elif isinstance(layer, _MOMENT_BY_MOMENT):
        return
    else:
        way_out = f"take a network of {', '.join(kind.__name__ for kind in (*_CONVOLUTIONS, *_MOMENT_BY_MOMENT))}"
    raise ValueError(f"The layer {layer.name!r} ({type(layer).__name__}) cannot be fed chunk by chunk: {way_out}.")


def _ending_newest(x, kernel, stride, name):
    """What a convolution with this kernel and stride is to be given so that its last output sees the newest moment."""
    time = x.shape[1]
    if kernel > time or stride > kernel:
        raise ValueError(
            f"{name}: a kernel of {kernel} with stride {stride} on {time} moments. Without padding, the kernel must "
            "not be longer than what is left of the window, nor the stride than the kernel: take a longer window, "
            "fewer blocks, shorter kernels or smaller strides."
        )
    dropped = (time - kernel) % stride
    return Newest(dropped, name=f"{name}_newest")(x) if dropped else x
