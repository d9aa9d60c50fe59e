"""Teachers that see frames: RGB video, or depth encoded to three channels."""

import keras
from keras import layers, ops

from tfkd.networks.bn_inception import bn_inception
from tfkd.networks.relation import MultiScaleRelation


@keras.saving.register_keras_serializable("tfkd")
class Alongside(layers.Layer):
    """Returns the first of its inputs, and so keeps the layers behind the others in the model.

    A Functional model holds the layers on the way to its output alone; a Distiller reads layers beside it.
    """

    def call(self, inputs):
        return inputs[0]

    def compute_output_shape(self, input_shape):
        return input_shape[0]


def trn_teacher(
    input_shape,
    classes,
    frame_network="light",
    embedding=300,
    relations=3,
    dropout=0.5,
    input_name="depth",
    name="trn_teacher",
):
    """Multi-scale temporal relation network over the frames of a clip.

    Every frame goes through the frame network (all frames of a batch of clips as one batch, over which
    its BatchNormalization runs too), dropout and a dense layer of `embedding` units; `MultiScaleRelation`
    turns the frames' features into logits. After Zhou, Andonian, Oliva, Torralba, "Temporal relational
    reasoning in videos", ECCV 2018, with eight segments, 300-unit frame features and dropout 0.5 as in
    the released code of VSKD (Ni et al., ICASSP 2022).

    A training step costs, on CPU, 0.3 s of two cores for 16 clips of 8 x 56 x 56 with the light frame network, and
    about 2 s of one core for each clip of 8 x 224 x 224 with BN-Inception, in 2.4 GB for two clips: a GPU's work.

    Args:
        input_shape: `(segments, height, width, channels)`, 2 to 16 segments; three channels as a rule.
        classes: number of classes.
        frame_network: `"light"` (`light_frames`, trained from nothing on a few hundred clips on a CPU),
            `"bn_inception"` (the papers' network, for a GPU), or what turns frames `(batch, height, width,
            channels)` into features `(batch, features)`: a Keras model, such as a `bn_inception` with
            pretrained weights, or a function.
        embedding: width of a frame's features.
        relations: tuples drawn in training at every scale below the full one.
        dropout: share of the frame network's output dropped in training.
        input_name: name of the input, by which a Distiller routes.

    Input shape:
        `(batch, segments, height, width, channels)`, pixel values 0 to 255; the frame network scales them.

    Output shape:
        `(batch, classes)` logits. The layer `"embedding"` gives `(batch, embedding)`, the mean of the
        frames' features over the segments.

    Raises:
        ValueError: `input_shape` or `frame_network` is none of the above.
    """
    if len(input_shape) != 4 or None in tuple(input_shape):
        raise ValueError(f"input_shape must be (segments, height, width, channels), got {input_shape!r}.")
    segments, *frame_shape = input_shape
    if isinstance(frame_network, str):
        if frame_network not in FRAME_NETWORKS:
            raise ValueError(
                f"frame_network must be one of {sorted(FRAME_NETWORKS)}, a Keras model or a function, "
                f"got {frame_network!r}."
            )
        frame_network = FRAME_NETWORKS[frame_network](frame_shape)
    inputs = keras.Input(input_shape, name=input_name)
    x = frame_network(ops.reshape(inputs, (-1, *frame_shape)))
    if len(x.shape) != 2:
        raise ValueError(f"frame_network must give features (batch, features), got the shape {tuple(x.shape)}.")
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(embedding, name="frame_features")(x)
    x = ops.reshape(x, (-1, segments, embedding))
    mean = layers.GlobalAveragePooling1D(name="embedding")(x)
    x = Alongside(name="beside_embedding")([x, mean])
    logits = MultiScaleRelation(classes, relations=relations, name="logits")(x)
    return keras.Model(inputs, logits, name=name)


def light_frames(input_shape, widths=(16, 32, 64, 96, 128), name="light_frames"):
    """A small convolutional network for one frame; with TRN's head it trains on two CPU cores.

    Five convolutions with BatchNormalization and ReLU, three of stride 2, then the mean over positions.
    For 56 x 56 frames: 190,000 parameters, 14 million multiplications a frame.

    Args:
        input_shape: `(height, width, channels)`.
        widths: channels of the five convolutions.

    Input shape:
        `(batch, height, width, channels)`, pixel values 0 to 255.

    Output shape:
        `(batch, widths[-1])`.
    """
    inputs = keras.Input(input_shape, name="frames")
    x = layers.Rescaling(1 / 127.5, -1.0, name="scaled")(inputs)
    for i, (width, kernel, stride) in enumerate(zip(widths, (5, 3, 3, 3, 3), (2, 2, 1, 2, 1))):
        x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, name=f"conv{i + 1}")(x)
        # A few hundred clips are few steps an epoch: statistics over the last ten, not a hundred.
        x = layers.BatchNormalization(momentum=0.9, name=f"bn{i + 1}")(x)
        x = layers.ReLU(name=f"relu{i + 1}")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D(name="mean")(x), name=name)


FRAME_NETWORKS = {"light": light_frames, "bn_inception": bn_inception}
