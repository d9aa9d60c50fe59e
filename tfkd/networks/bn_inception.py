"""BN-Inception, the frame network of TSN and TRN.

Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
shift", ICML 2015, figure 5, in the layout that the action recognition literature has used since "Temporal
segment networks" (Wang et al., ECCV 2016). It differs from the figure in 4a to 4d, whose widths are those of
the table below, and in the convolutions' biases.
"""

import keras
from keras import layers, ops

BGR_MEAN = (104.0, 117.0, 128.0)
"""Mean pixel that TSN subtracts, blue first."""

# Widths of a block's branches: 1x1; 3x3 (reduced to, out); double 3x3 (reduced to, out, out); pool's projection.
# A block without 1x1 and projection has stride 2.
BLOCKS = {
    "3a": (64, (64, 64), (64, 96, 96), 32),
    "3b": (64, (64, 96), (64, 96, 96), 64),
    "3c": (None, (128, 160), (64, 96, 96), None),
    "4a": (224, (64, 96), (96, 128, 128), 128),
    "4b": (192, (96, 128), (96, 128, 128), 128),
    "4c": (160, (128, 160), (128, 160, 160), 128),
    "4d": (96, (128, 192), (160, 192, 192), 128),
    "4e": (None, (128, 192), (192, 256, 256), None),
    "5a": (352, (192, 320), (160, 224, 224), 128),
    "5b": (352, (192, 320), (192, 224, 224), 128),
}


def bn_inception(input_shape=(224, 224, 3), freeze_bn=None, name="bn_inception"):
    """BN-Inception without its classifier: 10,270,240 weights and biases, 2.0 billion multiplications at 224.

    Padding follows Caffe and PyTorch (the same on both sides also at stride 2, pools that keep an incomplete
    last window, means that count the padding) and layers are named as in the PyTorch model that TSN and TRN start
    from, so that its weights fit: see `tfkd.networks.weights.load_bn_inception`.

    Args:
        input_shape: `(height, width, 3)`, multiples of 32.
        freeze_bn: `None`, or `"partial"` to freeze every BatchNormalization but the first, as TSN does when it
            fine-tunes. It only makes sense with pretrained weights.

    Input shape:
        `(batch, height, width, 3)`, RGB pixel values 0 to 255; their order is turned to BGR and the mean
        (104, 117, 128) subtracted inside.

    Output shape:
        `(batch, 1024)`, the mean over positions of block 5b.

    Raises:
        ValueError: an input that is no multiple of 32 or has no three channels, or another `freeze_bn`.
    """
    height, width, channels = input_shape
    if channels != 3 or not height or not width or height % 32 or width % 32:
        raise ValueError(f"input_shape must be (height, width, 3) with multiples of 32, got {tuple(input_shape)}.")
    if freeze_bn not in (None, "partial"):
        raise ValueError(f'freeze_bn must be None or "partial", got {freeze_bn!r}.')
    inputs = keras.Input(input_shape, name="frames")
    x = layers.Rescaling(1.0, [-mean for mean in BGR_MEAN], name="mean_subtracted")(ops.flip(inputs, axis=-1))
    x = _convolution(x, 64, 7, "conv1_7x7_s2", stride=2)
    x = _max_pool(x, "pool1_3x3_s2")
    x = _convolution(x, 64, 1, "conv2_3x3_reduce")
    x = _convolution(x, 192, 3, "conv2_3x3")
    x = _max_pool(x, "pool2_3x3_s2")
    for block, widths in BLOCKS.items():
        x = _inception(x, *widths, f"inception_{block}")
    model = keras.Model(inputs, layers.GlobalAveragePooling2D(name="global_pool")(x), name=name)
    if freeze_bn:
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization) and layer.name != "conv1_7x7_s2_bn":
                layer.trainable = False
    return model


def _convolution(x, width, kernel, name, stride=1):
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(width, kernel, stride, name=name)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _max_pool(x, name, stride=2):
    # Of an even size, "same" pads the end alone: the windows are those of a pool that keeps the incomplete last.
    return layers.MaxPooling2D(3, stride, padding="same", name=name)(x)


def _inception(x, single, triple, double, projected, name):
    stride = 1 if single else 2
    branches = [_convolution(x, single, 1, f"{name}_1x1")] if single else []
    y = _convolution(x, triple[0], 1, f"{name}_3x3_reduce")
    branches.append(_convolution(y, triple[1], 3, f"{name}_3x3", stride))
    y = _convolution(x, double[0], 1, f"{name}_double_3x3_reduce")
    y = _convolution(y, double[1], 3, f"{name}_double_3x3_1")
    branches.append(_convolution(y, double[2], 3, f"{name}_double_3x3_2", stride))
    if stride == 2 or name == "inception_5b":
        y = _max_pool(x, f"{name}_pool", stride)
    else:
        y = layers.ZeroPadding2D(1, name=f"{name}_pool_pad")(x)
        y = layers.AveragePooling2D(3, 1, name=f"{name}_pool")(y)
    branches.append(_convolution(y, projected, 1, f"{name}_pool_proj") if projected else y)
    return layers.Concatenate(name=f"{name}_output")(branches)
