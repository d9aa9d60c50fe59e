"""Students that see a signal as an image, such as its Gramian angular field."""

import keras
from keras import layers

RESNET18_STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and first stride of ResNet-18's stages of two blocks each (He et al., CVPR 2016, table 1)."""

MOMENTUM = 0.9
"""Of moving statistics: PyTorch's. With Keras' 0.99 they lag behind for hundreds of steps, and a few hundred
recordings make few steps an epoch."""


def resnet18(
    input_shape, classes, encoding=None, embedding=300, dropout=0.0, input_name="imu", name="resnet18"
):
    """The student of VSKD (Ni et al., ICASSP 2022): ResNet-18, then 300 units, then the classes.

    Layout and padding are torchvision's, so that a state file of its ResNet-18 fits exactly, see
    `tfkd.networks.weights.load_resnet18`. With three channels and 27 classes it has the 11,338,539 parameters of
    VSKD's code (`count_params()` adds the 9,600 moving statistics). Far too large for a microcontroller.

    Args:
        input_shape: `(height, width, channels)`, at least 32 x 32; with an `encoding` its input,
            `(time, channels)`.
        classes: number of classes.
        encoding: layer that turns signals into images, e.g. `tfkd.encodings.GramianAngularField(64)`; `None` if
            the input is images already.
        embedding: units of the layer before the last.
        dropout: share of the embedding dropped in training.
        input_name: name of the input, by which a Distiller routes.

    Input shape:
        `(batch, *input_shape)`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, embedding)`, after its ReLU.

    Raises:
        ValueError: the image is not `(height, width, channels)` or too small.
    """
    inputs, x = _image(input_shape, encoding, 32, input_name)
    x = _padded_convolution(x, 64, 7, 2, "conv1")
    x = _normalised(x, "bn1", relu=True)
    x = layers.ZeroPadding2D(1, name="pool_pad")(x)  # after a ReLU zeros do not win
    x = layers.MaxPooling2D(3, 2, name="pool")(x)
    for stage, (channels, stride) in enumerate(RESNET18_STAGES, start=1):
        x = _basic_block(x, channels, stride, f"layer{stage}_0")
        x = _basic_block(x, channels, 1, f"layer{stage}_1")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, _head(x, classes, embedding, dropout), name=name)


def gaf_student(
    input_shape,
    classes,
    encoding=None,
    embedding=64,
    dropout=0.2,
    stem=24,
    blocks=((32, 1), (64, 2), (64, 1), (80, 2), (80, 1)),
    input_name="imu",
    name="gaf_student",
):
    """Depthwise-separable student for images of at most 32 x 32, small enough for a Cortex-M.

    A strided stem, blocks of a depthwise and a pointwise convolution (with a shortcut where shape permits), a mean
    over positions, a dense embedding and a dense layer. For six channels and 27 classes it has 30,000 parameters,
    and 56,000 with an embedding of 300, as wide as VSKD's teacher has it.

    Args:
        input_shape: `(height, width, channels)`; with an `encoding` its input, `(time, channels)`.
        classes: number of classes.
        encoding: layer that turns signals into images, e.g. `tfkd.encodings.GramianAngularField(32)`, which
            `tfkd.deploy.export_student` leaves to the firmware; `None` if the input is images already.
        embedding: units of the layer before the last.
        dropout: share of the embedding dropped in training.
        stem: channels of the stem, a 3 x 3 convolution with stride 2.
        blocks: channels and stride of each block.
        input_name: name of the input, by which a Distiller routes.

    Input shape:
        `(batch, *input_shape)`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, embedding)`, after its ReLU.

    Raises:
        ValueError: the image is not `(height, width, channels)` or too small.
    """
    inputs, x = _image(input_shape, encoding, 8, input_name)
    x = layers.Conv2D(stem, 3, 2, padding="same", use_bias=False, name="stem_conv")(x)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(momentum=MOMENTUM, name="stem_bn")(x))
    for i, (channels, stride) in enumerate(blocks, start=1):
        x = _separable_block(x, channels, stride, f"block{i}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, _head(x, classes, embedding, dropout), name=name)


def _image(input_shape, encoding, smallest, input_name):
    inputs = keras.Input(input_shape, name=input_name)
    image = inputs if encoding is None else encoding(inputs)
    if len(image.shape) != 4 or None in image.shape[1:] or min(image.shape[1:3]) < smallest:
        what = "input_shape" if encoding is None else f"what {encoding.name} makes of {tuple(input_shape)}"
        raise ValueError(
            f"{what} must be an image (height, width, channels) of at least {smallest} x {smallest}, not "
            f"{image.shape[1:]}."
        )
    return inputs, image


def _head(x, classes, embedding, dropout):
    x = layers.Dense(embedding, activation="relu", name="embedding")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(classes, name="logits")(x)


def _padded_convolution(x, channels, kernel, stride, name):
    """As in PyTorch, the same padding on both sides: Keras' "same" pads a strided layer on one side only."""
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    start = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    return layers.Conv2D(channels, kernel, stride, use_bias=False, kernel_initializer=start, name=name)(x)


def _normalised(x, name, relu):
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-5, name=name)(x)
    return layers.ReLU(name=name.replace("bn", "relu"))(x) if relu else x


def _basic_block(x, channels, stride, name):
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = _padded_convolution(x, channels, 1, stride, f"{name}_downsample_conv")
        shortcut = _normalised(shortcut, f"{name}_downsample_bn", relu=False)
    x = _normalised(_padded_convolution(x, channels, 3, stride, f"{name}_conv1"), f"{name}_bn1", relu=True)
    x = _normalised(_padded_convolution(x, channels, 3, 1, f"{name}_conv2"), f"{name}_bn2", relu=False)
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _separable_block(x, channels, stride, name):
    shortcut = x
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_depthwise_bn")(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_pointwise_bn")(x)
    if shortcut.shape == x.shape:
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)
