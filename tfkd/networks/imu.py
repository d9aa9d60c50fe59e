"""Networks for inertial signals: students, made of operators that TensorFlow Lite Micro runs fast, and a teacher."""

import keras
from keras import layers

from tfkd.networks.skeleton import temporal_features


def imu_student(
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
    name="imu_student",
):
    """Depthwise-separable convolutional network over time.

    The signal is treated as an image one sample wide, `(time, 1, channels)`: TensorFlow Lite then needs a
    plain convolution where `Conv1D` would bring a pair of reshapes each. A stem convolution is followed by
    `depth` residual blocks (depthwise over time, then pointwise), a mean over time and a dense layer.

    Args:
        input_shape: `(time, channels)`.
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
    """
    time, channels = input_shape
    inputs = keras.Input((time, channels), name=input_name)
    x = layers.Reshape((time, 1, channels), name="as_image")(inputs)
    x = convolution(x, width, stem_kernel, stem_stride, "stem")
    for i in range(depth):
        stride = strides[i] if i < len(strides) else 1
        x = separable_block(x, width, kernel, stride, f"block{i + 1}")
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)


def imu_teacher(input_shape, classes, width=96, dropout=0.5, input_name="imu", name="imu_teacher"):
    """Residual temporal convolutions over the signal: the student's own view, seen by a larger network.

    Args:
        input_shape: `(time, channels)`.
        classes: number of classes.
        width: channels of the first stage; later ones have more.
        dropout: share of the embedding dropped in training.
        input_name: name of the input, by which a Distiller routes.

    Input shape:
        `(batch, time, channels)`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, 2 * width)`.
    """
    inputs = keras.Input(input_shape, name=input_name)
    x = temporal_features(inputs, width, "imu")
    x = layers.Activation("linear", name="embedding")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)


def convolution(x, width, kernel, stride, name, padding="same"):
    """A convolution over time, normalised."""
    x = layers.Conv2D(width, (kernel, 1), (stride, 1), padding=padding, use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def separable_block(x, width, kernel, stride, name, padding="same", shortcut=None):
    """Depthwise over time, then pointwise; at stride 1 with `shortcut` added, which is `x` if `None`."""
    shortcut = x if shortcut is None else shortcut
    # TensorFlow has equal strides only; one column wide, a stride across it changes nothing.
    x = layers.DepthwiseConv2D(
        (kernel, 1), (stride, stride), padding=padding, use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = layers.BatchNormalization(name=f"{name}_depthwise_bn")(x)
    x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_pointwise")(x)
    x = layers.BatchNormalization(name=f"{name}_pointwise_bn")(x)
    if stride == 1:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)
