"""BatchNormalization taken into the kernels in front of it, as an int8 model has it."""

import keras
import numpy as np
from keras import layers

CONVOLVING = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def rebuild(model, make=None, after=None):
    """A model of the same shape as `model`, layer by layer.

    Args:
        model: Functional or Sequential Keras model of one input and one output, each layer called once.
        make: function of a layer that returns the one in its place, or `None` to leave it out. By default a new one
            with the same config.
        after: function `(layer, x)` of a layer of `model` and the tensor in the place of its output; returns the tensor
            to go on with, by default `x`.

    Returns:
        A Functional model with weights of its own, freshly initialised but where `make` returns layers that have some.
    """
    make, after = make or copy_of, after or (lambda layer, x: x)
    inputs = model.inputs[0]
    start = keras.Input(batch_shape=inputs.shape, dtype=inputs.dtype, name=inputs.name)
    tensors = {id(inputs): after(None, start)}
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        x = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], layer.input)
        new = make(layer)
        tensors[id(layer.output)] = after(layer, x if new is None else new(x))
    return keras.Model(start, tensors[id(model.outputs[0])], name=model.name)


def copy_of(layer, kind=None, **changed):
    """A new layer with a layer's config; of another `kind` and with other settings where told."""
    return (kind or type(layer)).from_config({**layer.get_config(), **changed})


def copied(model):
    """A Functional copy of a model, with its weights, of which every layer is called once.

    Raises:
        ValueError: the model is not built, has several inputs or outputs, holds a model as a layer, or calls a layer
            twice.
    """
    if len(getattr(model, "inputs", None) or ()) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"The student {getattr(model, 'name', model)!r} must be a built Functional or Sequential model with one "
            "input and one output."
        )
    copy = keras.models.clone_model(keras.Model(model.inputs[0], model.outputs[0], name=model.name))
    copy.set_weights(model.get_weights())
    for layer in copy.layers:
        if isinstance(layer, keras.Model):
            raise ValueError(
                f"The student {model.name!r} holds the model {layer.name!r} as one layer. Call that model's layers one "
                "by one instead, and copy the weights with set_weights()."
            )
        if len(layer._inbound_nodes) > 1:
            raise ValueError(f"The layer {layer.name!r} is called twice; its tensors would need two ranges.")
    return copy


def consumers(model):
    """The layers that take each layer's output: name -> list of layers."""
    takers = {layer.name: [] for layer in model.layers}
    source = {id(layer.output): layer.name for layer in model.layers}
    for layer in model.layers:
        if not isinstance(layer, layers.InputLayer):
            for tensor in keras.tree.flatten(layer.input):
                takers[source[id(tensor)]].append(layer)
    return takers


def fold(student):
    """The student with each BatchNormalization taken into the layer before it.

    In inference the two compute the same but for rounding. The folded model has neither those layers nor their
    statistics: where it is trained on, those stay as they were.

    Args:
        student: Functional or Sequential Keras model of one input and one output. It is left as it was.

    Returns:
        A Functional model with the same names of input and layers, `BatchNormalization` missing.

    Raises:
        ValueError: a BatchNormalization does not follow a convolution or dense layer without activation, or that
            layer's output goes elsewhere too. The message names it.
    """
    student = copied(student)
    norms = _norms(student)
    folded_into = {norm.name: name for name, norm in norms.items()}

    def make(layer):
        if layer.name in folded_into:
            return None
        return copy_of(layer, use_bias=True) if layer.name in norms else copy_of(layer)

    folded = rebuild(student, make)
    for layer in folded.layers:
        old = student.get_layer(layer.name)
        if layer.name in norms:
            layer.set_weights(_folded_weights(old, norms[layer.name]))
        elif layer.weights:
            layer.set_weights(old.get_weights())
    return folded


def _norms(student):
    """The BatchNormalization behind each layer: name -> layer."""
    takers, norms = consumers(student), {}
    for norm in student.layers:
        if not isinstance(norm, layers.BatchNormalization):
            continue
        before = next(layer for layer in student.layers if layer.output is norm.input)
        alone = takers[before.name] == [norm]
        axis = norm.axis if isinstance(norm.axis, int) else norm.axis[0]
        plain = isinstance(before, CONVOLVING) and before.activation is keras.activations.linear
        if not (alone and plain and axis in (-1, len(norm.input.shape) - 1)):
            raise ValueError(
                f"The BatchNormalization {norm.name!r} cannot be folded into {before.name!r} "
                f"({type(before).__name__}). It must stand right behind a Conv1D, Conv2D, DepthwiseConv2D or Dense "
                "layer without activation, whose output goes nowhere else."
            )
        norms[before.name] = norm
    return norms


def _folded_weights(layer, norm):
    kernel, *bias = layer.get_weights()
    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    factor = 1 / np.sqrt(variance.astype(np.float64) + norm.epsilon)
    if norm.scale:
        factor *= np.asarray(norm.gamma)
    shift = np.asarray(norm.beta) if norm.center else 0.0
    bias = ((bias[0] if bias else 0.0) - mean) * factor + shift
    # A depthwise kernel ends in (channels, multiplier), which together are the output's channels.
    shape = kernel.shape[-2:] if isinstance(layer, layers.DepthwiseConv2D) else kernel.shape[-1:]
    return [(kernel * factor.reshape(shape)).astype(np.float32), bias.astype(np.float32)]
