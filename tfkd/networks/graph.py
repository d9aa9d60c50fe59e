"""A teacher that sees the skeleton as a graph of joints.

Yan, Xiong and Lin, "Spatial temporal graph convolutional networks for skeleton-based action recognition", AAAI 2018
(ST-GCN), with four units of the paper's nine.
"""

import keras
import numpy as np
from keras import layers, ops

MOMENTUM = 0.9
"""Of moving statistics, as in `images`: a few hundred windows make few steps an epoch."""


def partitions(bones, joints):
    """Adjacency of a skeleton for each group of neighbours, by the paper's spatial configuration partitioning.

    The three groups are the joint itself, the neighbour nearer the centre (centripetal) and those further from it
    (centrifugal); the centre is the root of the tree (in the paper, the joints' mean place). The whole adjacency is
    normalised as in equation 9, D^(-1/2) (A + I) D^(-1/2), and then split, so that the groups add up to it.
    (Normalised by itself, as in equation 10, a group would be divided by the degree 0 of joints that have no neighbour
    in it.)

    Args:
        bones: pairs of joints (nearer the root, further from it), that form one tree over all joints.
        joints: number of joints.

    Returns:
        `(3, joints, joints)` float32; `[group, joint, neighbour]`.

    Raises:
        ValueError: the bones are no such tree; a joint where they fail is named.
    """
    bones = [(int(near), int(far)) for near, far in bones]
    known = set(range(joints))
    if wrong := [bone for bone in bones if not set(bone) <= known]:
        raise ValueError(f"The bone {wrong[0]} names a joint that there is not; there are 0 to {joints - 1}.")
    must = f"the bones must form one tree over all {joints} joints."
    if joints > 1 and (bare := known - {joint for bone in bones for joint in bone}):
        raise ValueError(f"Joint {min(bare)} has no bone; {must}")
    ends = [far for _, far in bones]
    if twice := [far for far in ends if ends.count(far) > 1]:
        raise ValueError(f"Joint {twice[0]} is the far end of {ends.count(twice[0])} bones; {must}")
    if not (roots := known - set(ends)):
        raise ValueError(f"The bones go round in a circle; {must}")
    root = min(roots)
    reached = {root}
    for _ in bones:
        reached |= {far for near, far in bones if near in reached}
    if apart := known - reached:
        raise ValueError(f"No bones lead from joint {root} to joint {min(apart)}; {must}")
    groups = np.zeros((3, joints, joints))
    groups[0] = np.eye(joints)
    for near, far in bones:
        groups[1, far, near] = groups[2, near, far] = 1
    scale = groups.sum(axis=(0, 2)) ** -0.5
    return (scale[:, None] * groups * scale).astype("float32")


@keras.saving.register_keras_serializable("tfkd")
class GraphConvolution(layers.Layer):
    """Each joint from itself and its neighbours, with weights of its own for each group of them.

        y_v = sum over groups k and joints w of M_k[v, w] A_k[v, w] x_w W_k

    (equation 10), where `A` are the `partitions` and `M`, ones at first, learns how important each edge is.

    Args:
        channels: of the output.
        bones: pairs of joints (nearer the root, further from it).

    Input shape:
        `(batch, time, joints, features)`.

    Output shape:
        `(batch, time, joints, channels)`.

    Raises:
        ValueError: the bones do not form one tree over all joints (when it is built).
    """

    def __init__(self, channels, bones, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.bones = [[int(near), int(far)] for near, far in bones]

    def build(self, input_shape):
        joints, features = input_shape[2:]
        self.adjacency = partitions(self.bones, joints)
        self.importance = self.add_weight(shape=(3, joints, joints), initializer="ones", name="importance")
        self.kernel = self.add_weight(shape=(3 * features, self.channels), name="kernel")

    def call(self, inputs):
        _, time, joints, features = inputs.shape
        edges = ops.cast(self.adjacency, self.compute_dtype) * self.importance
        # Plain matrices: in products of arrays of rank 4 and 2, TensorFlow's oneDNN corrupts memory (tensorflow
        # issue 117700) and a training crashes now and then.
        edges = ops.reshape(ops.transpose(edges, (2, 0, 1)), (joints, 3 * joints))
        x = ops.reshape(ops.transpose(inputs, (0, 1, 3, 2)), (-1, joints))
        x = ops.reshape(ops.matmul(x, edges), (-1, features, 3, joints))
        x = ops.reshape(ops.transpose(x, (0, 3, 2, 1)), (-1, 3 * features))
        return ops.reshape(ops.matmul(x, self.kernel), (-1, time, joints, self.channels))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "bones": self.bones}


def graph_teacher(input_shape, bones, classes, width=64, dropout=0.5, name="graph_teacher"):
    """Spatial temporal graph convolutional network, a tenth of the size of ST-GCN.

    A unit is a graph convolution over the joints and a convolution over nine frames, with a shortcut around both. There
    are four, of `width // 2`, `width`, `width` and `2 * width` channels (the paper's nine have 64 to 256); all but the
    third halve the frames.

    Args:
        input_shape: `(time, joints, coordinates)`: positions in space, or in a picture with their confidence.
        bones: pairs of joints (nearer the root, further from it), `Stream.bones` of the skeleton.
        classes: number of classes.
        width: channels of the middle units.
        dropout: share of the embedding dropped in training.

    Input shape:
        `(batch, time, joints, coordinates)`, the input named `"skeleton"`.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, 2 * width)`.

    Raises:
        ValueError: the bones do not form one tree over all joints; a joint without a bone is named.
    """
    time, joints, coordinates = input_shape
    inputs = keras.Input(input_shape, name="skeleton")
    # The weights are shared by all joints, so each joint's coordinates are brought to one scale.
    x = layers.Reshape((time, joints * coordinates), name="coordinates")(inputs)
    x = layers.BatchNormalization(momentum=MOMENTUM, name="coordinates_bn")(x)
    x = layers.Reshape((time, joints, coordinates), name="joints")(x)
    for i, (channels, stride) in enumerate(((width // 2, 2), (width, 2), (width, 1), (2 * width, 2))):
        x = _unit(x, bones, channels, stride, f"unit{i + 1}")
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name=name)


def _unit(x, bones, channels, stride, name, frames=9):
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        # Not a convolution with a stride: of 1 x 1 ones with these, TensorFlow 2.21's oneDNN crashed in training.
        shortcut = x[:, ::stride]
        shortcut = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_shortcut")(shortcut)
        shortcut = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_shortcut_bn")(shortcut)
    x = GraphConvolution(channels, bones, name=f"{name}_graph")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_graph_bn")(x)
    x = layers.ReLU(name=f"{name}_graph_relu")(x)
    x = layers.Conv2D(channels, (frames, 1), (stride, 1), padding="same", use_bias=False, name=f"{name}_time")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_time_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))
