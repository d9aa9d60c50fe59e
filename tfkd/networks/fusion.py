"""Teachers that see several modalities at once."""

import keras
from keras import layers

from tfkd.networks.skeleton import skeleton_features, temporal_features


def fused_teacher(skeleton_shape, imu_shape, classes, width=96, dropout=0.5, name="fused_teacher"):
    """A skeleton branch and an IMU branch, joined before the last layer.

    Args:
        skeleton_shape: `(time, joints, 3)`.
        imu_shape: `(time, channels)`.
        classes: number of classes.
        width: channels of the first stage of both branches.
        dropout: share of the embedding dropped in training.

    Input shape:
        A dictionary: `"skeleton"` `(batch, time, joints, 3)` and `"imu"` `(batch, time, channels)`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, 4 * width)`.
    """
    skeleton = keras.Input(skeleton_shape, name="skeleton")
    imu = keras.Input(imu_shape, name="imu")
    x = layers.Concatenate(name="embedding")(
        [
            skeleton_features(skeleton, width, "skeleton"),
            temporal_features(imu, width, "imu"),
        ]
    )
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model({"skeleton": skeleton, "imu": imu}, logits, name=name)
