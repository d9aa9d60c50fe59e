"""Teachers that see the skeleton."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfkd")
class Motion(layers.Layer):
    """Appends to each frame its difference from the frame before (zero for the first).

    Input shape:
        `(batch, time, joints, 3)`.

    Output shape:
        `(batch, time, joints * 6)`.
    """

    def __init__(self, gain=4.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, inputs):
        x = ops.reshape(inputs, (-1, inputs.shape[1], inputs.shape[2] * inputs.shape[3]))
        moved = ops.pad(x[:, 1:] - x[:, :-1], ((0, 0), (1, 0), (0, 0)))
        return ops.concatenate([x, self.gain * moved], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], input_shape[2] * input_shape[3] * 2)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}


def skeleton_teacher(input_shape, classes, width=96, dropout=0.5, name="skeleton_teacher"):
    """Residual temporal convolutions over joint positions and their motion.

    Args:
        input_shape: `(time, joints, 3)`.
        classes: number of classes.
        width: channels of the first stage; later ones have more.
        dropout: share of the embedding dropped in training.

    Input shape:
        `(batch, time, joints, 3)`, the input named `"skeleton"`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, 2 * width)`.
    """
    inputs = keras.Input(input_shape, name="skeleton")
    x = skeleton_features(inputs, width, "skeleton")
    x = layers.Activation("linear", name="embedding")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)


def skeleton_features(inputs, width, name):
    """Features `(batch, 2 * width)` of a skeleton window."""
    x = Motion(name=f"{name}_motion")(inputs)
    return temporal_features(x, width, name, first_stride=1)


def temporal_features(x, width, name, first_stride=2, kernel=5):
    """Features `(batch, 2 * width)` of a signal `(batch, time, channels)`: convolutions, then the mean."""
    x = _convolution(x, width, kernel + 2, first_stride, f"{name}_stem")
    for i, (channels, stride) in enumerate(((width, 2), (2 * width, 2), (2 * width, 1))):
        x = _residual(x, channels, kernel, stride, f"{name}_stage{i + 1}")
    return layers.GlobalAveragePooling1D(name=f"{name}_mean")(x)


def _convolution(x, channels, kernel, stride, name):
    x = layers.Conv1D(channels, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _residual(x, channels, kernel, stride, name):
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = layers.Conv1D(channels, 1, stride, use_bias=False, name=f"{name}_shortcut")(x)
        shortcut = layers.BatchNormalization(name=f"{name}_shortcut_bn")(shortcut)
    x = _convolution(x, channels, kernel, stride, f"{name}_a")
    x = layers.Conv1D(channels, kernel, padding="same", use_bias=False, name=f"{name}_b_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_b_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))
