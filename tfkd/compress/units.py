"""Which channels of a network can leave it only together."""

import keras
import numpy as np
from keras import layers

from tfkd.networks.causal import Newest

MIXING = (layers.Conv1D, layers.Conv2D, layers.Dense)
"""Layers whose every output channel depends on every input channel: they end units and begin others."""
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_JOINING = (layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply, layers.Subtract)
_PASSING = (
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.Dropout,
    layers.GaussianNoise,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.Identity,
    layers.LeakyReLU,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.ReLU,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
    Newest,
)
_ACROSS_CHANNELS = {"glu", "log_softmax", "softmax", "sparsemax"}


class Units:
    """The units of a network: every channel of every tensor belongs to one, and units leave as a whole.

    Args:
        model: Functional or Sequential Keras model, channels last.

    Attributes:
        count: how many units there are.
        reads, writes: layer -> unit of each channel of its input and output; of the layers that are understood.
        makers: unit -> names of the layers that make its channels.
        unknown: names of the layers that are not understood.
        kept: unit -> name of the layer for whose sake it must stay.
        normalised_by: layer -> the BatchNormalization right behind it.
        reader: gives, for an input of the model, what each layer in `read_by` reads, in that order.
        read_by: names of the layers that mix channels.
    """

    def __init__(self, model):
        self._parent, self._known, self._kept = [], {}, {}
        self._made, self._made_by = {}, {}
        self.reads, self.writes, self.normalised_by = {}, {}, {}
        self._inputs_of, self.unknown = {}, []
        clone = keras.models.clone_model(model, call_function=self._called)
        clone.set_weights(model.get_weights())
        for tensor in clone.outputs:
            self._keep(self._channels(tensor), "the output")
        self.read_by = [name for name in self._inputs_of if isinstance(model.get_layer(name), MIXING)]
        self.reader = keras.Model(clone.inputs, [self._inputs_of[name] for name in self.read_by])
        self._number()

    def _called(self, layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        tensors = keras.tree.flatten((args, kwargs))
        tensors = [tensor for tensor in tensors if keras.utils.is_keras_tensor(tensor)]
        read = [self._channels(tensor) for tensor in tensors]
        written = self._written(layer, tensors, read, outputs)
        if written is None:
            self.unknown.append(layer.name)
            for channels in read:
                self._keep(channels, layer.name)
            for tensor in keras.tree.flatten(outputs):
                self._keep(self._channels(tensor), layer.name)
            return outputs
        for known, channels in ((self.reads, np.concatenate(read)), (self.writes, written)):
            if layer.name in known:  # called twice: one set of weights
                self._join(known[layer.name], channels)
            known[layer.name] = channels
        self._known[id(outputs)] = (written, outputs)  # the tensor, too: an id is unique among living objects
        self._inputs_of[layer.name] = tensors[0]
        self._made_by[id(outputs)] = layer.name
        if isinstance(layer, layers.BatchNormalization) and id(tensors[0]) in self._made_by:
            self.normalised_by[self._made_by[id(tensors[0])]] = layer.name
        return outputs

    def _written(self, layer, tensors, read, outputs):
        """Channels of what a layer gives; `None` for a layer that is not understood."""
        if getattr(layer, "data_format", None) == "channels_first":
            return None
        by_channel = getattr(getattr(layer, "activation", None), "__name__", None) not in _ACROSS_CHANNELS
        along_channels = getattr(layer, "axis", None) in (-1, len(getattr(outputs, "shape", ())) - 1)
        if isinstance(layer, MIXING) and getattr(layer, "groups", 1) == 1:
            made = self._new(outputs.shape[-1])
            self._made.update(dict.fromkeys(made, layer.name))
            if not by_channel:
                self._keep(made, layer.name)
            return made
        if isinstance(layer, DEPTHWISE) and by_channel:
            return np.repeat(read[0], layer.depth_multiplier)
        if isinstance(layer, layers.BatchNormalization) and along_channels:
            return read[0]
        if isinstance(layer, _PASSING) or (isinstance(layer, layers.Activation) and by_channel):
            return read[0]
        if isinstance(layer, layers.Flatten):
            return np.tile(read[0], outputs.shape[-1] // len(read[0]))
        if isinstance(layer, layers.Reshape) and outputs.shape[-1] == tensors[0].shape[-1]:
            return read[0]
        if isinstance(layer, layers.Concatenate) and along_channels:
            return np.concatenate(read)
        if isinstance(layer, (*_JOINING, layers.Concatenate)) and len({len(channels) for channels in read}) == 1:
            for channels in read[1:]:
                self._join(read[0], channels)
            return read[0]
        return None

    # ---- Channels that go together ----

    def _new(self, count):
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count)

    def _channels(self, tensor):
        if id(tensor) not in self._known:
            # A network's input, or a part of what an unknown layer gives.
            self._known[id(tensor)] = (self._new(tensor.shape[-1] if tensor.shape else 0), tensor)
            self._keep(self._known[id(tensor)][0], "the input")
        return self._known[id(tensor)][0]

    def _root(self, channel):
        while self._parent[channel] != channel:
            channel = self._parent[channel]
        return channel

    def _join(self, some, others):
        for one, other in zip(some, others, strict=True):
            self._parent[self._root(other)] = self._root(one)

    def _keep(self, channels, name):
        for channel in channels:
            self._kept.setdefault(channel, name)

    def _number(self):
        """Units for channels, counted from 0."""
        roots = [self._root(channel) for channel in range(len(self._parent))]
        found, unit = np.unique(roots, return_inverse=True)
        self.count = len(found)
        self.reads = {name: unit[channels] for name, channels in self.reads.items()}
        self.writes = {name: unit[channels] for name, channels in self.writes.items()}
        self.kept = {int(unit[channel]): name for channel, name in self._kept.items()}
        self.makers = {}
        for channel, name in self._made.items():
            self.makers.setdefault(int(unit[channel]), set()).add(name)
