"""The teachers of a Distiller: none, one, or several by name, and what each says of a batch."""

import keras
from keras import ops

from tfkd.distillers.routing import Routed

STORED = "teacher_"
"""Prefix of stored teacher outputs in a batch: `"teacher_logits"`, of several `"teacher_skeleton_logits"`."""

HAS = "has_"
"""Prefix of what says which samples of a batch have an input: `"has_skeleton"`, 1 or 0 a sample."""

SINGLE = "teacher"
"""What a teacher without a name is called there."""


class Teachers:
    """Trained models that are asked about a batch. No Keras layer, so that what holds it does not count
    their weights as its own.

    Args:
        teacher: a Keras model; `None`, where every batch brings stored outputs; or a dictionary of either
            by name.
        asked: name -> what is read of the teacher, `"logits"` and layers; the name of a single teacher is
            `None`.

    Raises:
        ValueError: what is no model is given as one, or has not the layer asked for.
    """

    def __init__(self, teacher, asked):
        self.several = isinstance(teacher, dict)
        models = teacher if self.several else {None: teacher}
        for name, model in models.items():
            if not (model is None or isinstance(model, keras.Model)):
                role = "teacher" if name is None else f"teacher {name!r}"
                raise ValueError(f"{role} must be a keras.Model or None, got {type(model)}.")
        self.routed = {
            name: model and Routed(model, "teacher", asked.get(name, set()) - {"logits"})
            for name, model in models.items()
        }

    @property
    def models(self):
        """The one model, or the dictionary, as it was given."""
        models = {name: routed and routed.model for name, routed in self.routed.items()}
        return models if self.several else models[None]

    def get_config(self):
        """Something that `restored` makes the teachers of again, without their weights."""
        serialize = keras.saving.serialize_keras_object
        if not self.several:
            return self.models and serialize(self.models)
        return {"several": {name: model and serialize(model) for name, model in self.models.items()}}

    @property
    def variables(self):
        """Those of all teachers."""
        return [v for routed in self.routed.values() if routed for v in routed.model.variables]

    def outputs(self, x, name, wanted):
        """What a teacher says of the batch: `{"logits": ..., layer: ...}` for `wanted`, stored or computed."""
        prefix = STORED if name is None else f"{STORED}{name}_"
        stored = {key: x[prefix + key] for key in wanted if isinstance(x, dict) and prefix + key in x}
        if len(stored) == len(wanted):
            said = stored
        elif self.routed[name] is None:
            missing = sorted(prefix + key for key in wanted - set(stored))
            who = "teacher" if name is None else f"teacher {name!r}"
            raise ValueError(
                f"This Distiller has no live {who}, and the batch does not bring {missing}. Give it a "
                "teacher, or batches with teacher_outputs."
            )
        else:
            said = self.routed[name](x, training=False)
        present = self.available(x, name)
        if present is None:
            return said
        # Whatever fills the place of what was not recorded, NaN say, ends here.
        return {
            key: ops.where(_column(present, value) > 0, value, ops.zeros_like(value)) for key, value in said.items()
        }

    def available(self, x, name):
        """`(batch,)` of 1 and 0: which samples have all that the teacher sees; `None` where the batch does not say.

        Raises:
            ValueError: the batch says it of inputs, but the one teacher's outputs are stored: what it saw is unknown.
        """
        if not isinstance(x, dict):
            return None
        seen = [tensor.name for tensor in self.routed[name].model.inputs or []] if self.routed[name] else []
        keys = [HAS + key for key in (*seen, name or SINGLE)]
        told = [ops.cast(x[key], "float32") for key in keys if key in x]
        if not told:
            others = sorted(key for key in x if key.startswith(HAS))
            if others and not self.several and self.routed[name] is None:
                raise ValueError(
                    f"The batch holds {others}, but what a stored teacher saw is not known. Tell with "
                    f"{HAS + SINGLE!r} which samples it has outputs for."
                )
            return None
        present = ops.reshape(told[0], (-1,))
        for more in told[1:]:
            present = present * ops.reshape(more, (-1,))
        return present


def restored(config):
    """The teacher, or the dictionary of teachers, of which `Teachers.get_config` told."""
    restore = keras.saving.deserialize_keras_object
    if config is None or "several" not in config:
        return config and restore(config)
    return {name: model and restore(model) for name, model in config["several"].items()}


def _column(flags, like):
    return ops.reshape(flags, (-1, *[1] * (len(like.shape) - 1)))
