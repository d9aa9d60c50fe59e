"""Cross-fitted teachers: each person is taught by the model that never saw that person.

A teacher is nearly one-hot on its own training data: what its soft targets could tell of which classes look alike is
gone there, and the student learns little more than the labels again. What a teacher really knows shows on people whom
it was not trained on. So one teacher is trained for each person, or group of people, without them, as in
cross-validation, and only that one speaks of them.
"""

import keras
import numpy as np
from keras import ops

from tfkd.distillers.routing import Routed, input_of

FOLD = "fold"
"""Name of the input that says which model is asked."""


@keras.saving.register_keras_serializable("tfkd")
class OfFold(keras.layers.Layer):
    """What the models that a sample asks say, by the share that each has in it.

    Input shape:
        A list of `(batch, folds)`, the shares, and for each fold `(batch, width)`.

    Output shape:
        `(batch, width)`. Where a share is 0, the model counts for nothing, even if it says NaN.
    """

    def call(self, inputs):
        fold, *outputs = inputs
        total = 0.0
        for number, output in enumerate(outputs):
            share = ops.reshape(ops.cast(fold[:, number], output.dtype), (-1, *[1] * (len(output.shape) - 1)))
            total = total + share * ops.where(share > 0, output, ops.zeros_like(output))
        return total


def cross_fitted(models, default):
    """A teacher that asks, for each sample, the model that was trained without that sample's person.

    Its batches hold, besides the models' inputs, `"fold"`, which `fold_of` makes:
    `Batches(..., extras={"fold": fold_of(windows.subjects, models)})`. A sample that mixup made of two people asks
    both models, each by its person's share.

    Terms on logits are what it is for. The embeddings of different folds live in different spaces, with nothing in
    common but their width: relational and semantic terms on its layer `"embedding"` compare what cannot be compared,
    unless a batch holds one fold alone.

    Every model sees every batch, so a step costs as much as all of them.

    Args:
        models: person -> trained Keras model that never saw that person, with a layer `"embedding"` and logits as
            its output; people ascending. The same model may stand for several people.
        default: the model for everybody else, unlabelled or new people, who are in nobody's training.

    Returns:
        A Keras model with the inputs of `models` and `"fold"` `(batch, len(models) + 1)`; its outputs are the layers
        `"logits"` `(batch, classes)` and `"embedding"` `(batch, width)`.

    Raises:
        ValueError: fewer than two models, people not ascending, or models with different inputs, classes or
            embedding widths.
    """
    if not isinstance(models, dict):
        raise ValueError(f"models must be a dictionary, person -> model, got {type(models)}.")
    if len(models) < 2:
        raise ValueError(f"Cross-fitting needs at least two models, got one for each of {list(models)}.")
    _check_order(models)
    # A model that stands for several people is asked once.
    roles = {}
    for person, model in [*models.items(), ("default", default)]:
        roles.setdefault(id(model), (f"model of {person!r}" if model is not default else "default model", model))
    _check_alike([_shapes(role, model) for role, model in roles.values()])
    inputs = {t.name: keras.Input(t.shape[1:], name=t.name, dtype=t.dtype) for t in default.inputs}
    inputs[FOLD] = keras.Input((len(models) + 1,), name=FOLD)
    said = {}
    for number, (key, (_, model)) in enumerate(roles.items()):
        outputs = [model.outputs[0], model.get_layer("embedding").output]
        # Named by hand, since a stored teacher is known again by its configuration.
        reader = keras.Model(input_of(model), outputs, name=f"fold_{number}")
        said[key] = reader(keras.tree.map_structure(lambda tensor: inputs[tensor.name], input_of(model)))
    logits, embeddings = zip(*(said[id(model)] for model in (*models.values(), default)))
    outputs = [
        OfFold(name="logits")([inputs[FOLD], *logits]),
        OfFold(name="embedding")([inputs[FOLD], *embeddings]),
    ]
    return keras.Model(inputs, outputs, name="cross_fitted")


def fold_of(subjects, persons):
    """Which model of `cross_fitted` each sample asks.

    Args:
        subjects: `(windows,)`, the person of each.
        persons: the keys of `cross_fitted`'s `models`, or `models` itself; ascending, so that both have one order.

    Returns:
        float32 `(windows, len(persons) + 1)` one-hot; the last column is everybody else's.

    Raises:
        ValueError: `persons` are not ascending, or numbers where `subjects` are texts.
    """
    persons = list(persons)
    _check_order(persons)
    subjects, known = np.asarray(subjects), np.array(persons)
    if (subjects.dtype.kind in "US") != (known.dtype.kind in "US"):
        raise ValueError(
            f"subjects are like {subjects[:1].tolist()}, persons like {persons[:1]}: numbers are no texts, and nobody "
            "would be known again. Convert one of them."
        )
    one_hot = subjects[:, None] == known
    return np.column_stack([one_hot, ~one_hot.any(axis=1)]).astype("float32")


def _check_order(persons):
    persons = list(persons)
    if persons != sorted(set(persons)):
        raise ValueError(
            f"The people {persons} must be ascending, each once: cross_fitted and fold_of know them by their places. "
            "Sort them."
        )


def _shapes(role, model):
    """`(role, what all models must have alike)`."""
    routed = Routed(model, role, ["embedding"])  # says what is wrong with a model that cannot be read
    if not getattr(model, "inputs", None) or any(tensor.name == FOLD for tensor in model.inputs):
        raise ValueError(f"The {role} {model.name!r} must be a Functional or Sequential model without input {FOLD!r}.")
    return role, {
        "inputs": {t.name: tuple(t.shape[1:]) for t in sorted(model.inputs, key=lambda tensor: tensor.name)},
        "logits of shape": tuple(model.outputs[0].shape[1:]),
        "an embedding of shape": tuple(routed.width("embedding")[1:]),
    }


def _check_alike(described):
    (first, wanted), *others = described
    for role, found in others:
        for what, value in found.items():
            if value != wanted[what]:
                raise ValueError(f"The {first} has {what} {wanted[what]}, but the {role} has {value}.")
