"""Handing each model of a Distiller the inputs it is named for, and reading several of its layers."""

import keras


class Routed:
    """A model together with the layers whose outputs are wanted, read in one forward pass.

    Deliberately not a Keras layer, so that what holds it does not count the model's weights as its own.

    Args:
        model: the Keras model.
        role: `"teacher"` or `"student"`, for messages.
        layer_names: layers wanted besides the output; `None` entries are ignored.
    """

    def __init__(self, model, role, layer_names):
        self.model, self.role = model, role
        self.layer_names = sorted({name for name in layer_names if name is not None})
        self._reader = None
        if getattr(model, "inputs", None):
            outputs = {name: self._layer(name).output for name in self.layer_names}
            self._reader = keras.Model(input_of(model), {**outputs, "logits": model.outputs[0]})
        elif self.layer_names:
            raise ValueError(
                f"The {role} {model.name!r} is a subclassed model: its layers {self.layer_names} "
                "cannot be read. Use a Functional or Sequential model, or losses on logits only."
            )

    def _layer(self, name):
        try:
            return self.model.get_layer(name)
        except ValueError as error:
            names = [layer.name for layer in self.model.layers]
            raise ValueError(
                f"The {self.role} {self.model.name!r} has no layer {name!r}; its layers are {names}."
            ) from error

    def width(self, name):
        """Shape of a layer's output, batch first; of the model's output for `None`."""
        return self.model.output_shape if name is None else self._layer(name).output.shape

    def inputs(self, x):
        """What the model takes out of the batch `x`."""
        if not isinstance(x, dict):
            return x
        names = self._input_names()
        if missing := [name for name in names if name not in x]:
            raise ValueError(
                f"The {self.role} {self.model.name!r} has inputs {names}, but the batch holds "
                f"{sorted(x)}: {missing} missing. Inputs are routed by the names of Input layers."
            )
        return keras.tree.map_structure(lambda tensor: x[tensor.name], input_of(self.model))

    def _input_names(self):
        if not getattr(self.model, "inputs", None):
            raise ValueError(
                f"The {self.role} {self.model.name!r} is a subclassed model: it has no named inputs to "
                "route a dictionary to. Wrap it in a Functional model, or pass a bare array."
            )
        return [tensor.name for tensor in self.model.inputs]

    def __call__(self, x, training):
        """Returns `{"logits": output, layer name: its output, ...}`."""
        inputs = self.inputs(x)
        if self._reader is None:
            return {"logits": self.model(inputs, training=training)}
        return self._reader(inputs, training=training)


def input_of(model):
    """A model's input tensors in the structure that it takes; a Sequential has no `input` before it is called."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def ends_in(model):
    """What a model's answers are, where its last layer tells: `"softmax"` or another activation; else `None`."""
    if not getattr(model, "outputs", None):
        return None
    layer = model.outputs[0]._keras_history.operation
    if isinstance(layer, keras.Model):
        return ends_in(layer)
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)
