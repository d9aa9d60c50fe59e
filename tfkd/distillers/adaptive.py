"""Several teachers at once: each sample follows the one that knows it best."""

import keras
from keras import ops

from tfkd.distillers.labels import one_hot
from tfkd.losses.adaptive import AdaptiveConfidence


@keras.saving.register_keras_serializable("tfkd")
class AdaptiveDistillation(keras.distillation.DistillationLoss):
    """The term of a Distiller in which each sample follows one of several teachers, or its label.

    Samples that lack what a teacher sees are never its pupils. The logs show as `chosen_<teacher>` and
    `chosen_label` what share of the samples followed whom.

    Args:
        loss: `tfkd.losses.AdaptiveConfidence`; `None` is one with its defaults.
        teachers: names of the teachers among the Distiller's, or `None` for all of them.
        teacher_layer_name, student_layer_name: layers that the semantic term compares.
        projectors: for the semantic term, teacher -> Keras layer that brings the student's embedding to the
            teacher's width; teachers of the student's width need none. Trained along and left behind.

    Example:

    ```python
    Distiller(
        {"imu": imu_teacher, "skeleton": skeleton_teacher},
        student,
        AdaptiveDistillation(tfkd.losses.AdaptiveConfidence(temperature=2.0)),
        student_loss_weight=0.1,
    )
    ```
    """

    def __init__(
        self,
        loss=None,
        teachers=None,
        teacher_layer_name="embedding",
        student_layer_name="embedding",
        projectors=None,
        name="adaptive_confidence",
    ):
        self.loss = AdaptiveConfidence() if loss is None else loss
        if not isinstance(self.loss, AdaptiveConfidence):
            raise ValueError(f"loss must be a tfkd.losses.AdaptiveConfidence, got {loss!r}.")
        self.teachers = None if teachers is None else list(teachers)
        if self.teachers is not None and (isinstance(teachers, str) or not self.teachers):
            raise ValueError(f"teachers must be a list of names, or None for all, got {teachers!r}.")
        self.projectors = dict(projectors or {})
        self.name = name
        # Without the semantic term no layers are read, so the models need not have them.
        self.teacher_layer_name = teacher_layer_name if self.loss.semantic else None
        self.student_layer_name = student_layer_name if self.loss.semantic else None

    def listens_to(self, names):
        """Which of the Distiller's teachers, given by name, it listens to."""
        return self.teachers or names

    def teacher_layers(self):
        """What it reads of each of them."""
        return {"logits", self.teacher_layer_name or "logits"}

    def trained_layers(self):
        """Its projectors."""
        return list(self.projectors.values())

    def metric_names(self, names):
        """What it logs besides its value."""
        return [f"chosen_{name or 'teacher'}" for name in (*self.listens_to(names), "label")]

    def value(self, step):
        """The scalar loss in a training step (a `tfkd.distillers.terms.Step`), and who was followed how often."""
        logits = step.said["logits"]
        names = self.listens_to(list(step.told))
        spoken = [ops.cast(step.told[name]["logits"], "float32") for name in names]  # whatever precision each has
        classes = {name: said.shape[-1] for name, said in zip((*names, "student"), (*spoken, logits))}
        if len(set(classes.values())) > 1:
            raise ValueError(f"Teachers and student have different numbers of classes: {classes}.")
        y = ops.zeros_like(logits) if step.y is None else one_hot(step.y, logits)
        told = {"labels": y, "logits": ops.stack(spoken, axis=1), "embeddings": []}
        said = {"logits": logits, "embeddings": []}
        if any(step.present[name] is not None for name in names):
            everyone = ops.ones_like(ops.cast(logits[:, 0], "float32"))
            present = [everyone if step.present[name] is None else step.present[name] for name in names]
            told["available"] = ops.stack(present, axis=1)
        if self.loss.semantic:
            told["embeddings"] = [step.told[name][self.teacher_layer_name] for name in names]
            said["embeddings"] = [self._projected(name, step.said[self.student_layer_name]) for name in names]
        shares = ops.mean(self.loss.shares(told), axis=0)
        followed = {name: shares[k] for k, name in enumerate(self.metric_names(names))}
        return self.loss(told, said, step.sample_weight), followed

    def _projected(self, name, embedding):
        projector = self.projectors.get(name)
        return embedding if projector is None else projector(embedding)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "loss": serialize(self.loss),
            "teachers": self.teachers,
            "teacher_layer_name": self.teacher_layer_name or "embedding",
            "student_layer_name": self.student_layer_name or "embedding",
            "projectors": {name: serialize(layer) for name, layer in self.projectors.items()},
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        restore = keras.saving.deserialize_keras_object
        projectors = {name: restore(layer) for name, layer in config["projectors"].items()}
        return cls(**{**config, "loss": restore(config["loss"]), "projectors": projectors})
