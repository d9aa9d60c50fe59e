"""What a loss compares: layers of the two models, or a layer of the student and its label's vector."""

import keras
import numpy as np
from keras import ops

from tfkd.distillers.labels import labelled_only, one_hot
from tfkd.distillers.terms import with_partners


@keras.saving.register_keras_serializable("tfkd")
class FeatureDistillation(keras.distillation.FeatureDistillation):
    """A loss between a layer of the teacher and a layer of the student.

    Keras' `FeatureDistillation` with three things more: `sample_weight` reaches the loss, the layers are
    `"embedding"` unless named, and a projector can bring the student's features to the teacher's width.

    Args:
        loss: a `keras.losses.Loss` with `y_true` = teacher, `y_pred` = student, such as
            `tfkd.losses.DASK()`.
        teacher_layer_name, student_layer_name: names of layers; `None` is the model's output.
        projector: a Keras layer applied to the student's features, trained along and left behind:
            the student has no trace of it.
        teacher: name of the teacher, in a Distiller that has several.

    Example:

    ```python
    FeatureDistillation(tfkd.losses.Semantic(), projector=keras.layers.Dense(128))
    ```
    """

    def __init__(
        self,
        loss,
        teacher_layer_name="embedding",
        student_layer_name="embedding",
        projector=None,
        teacher=None,
    ):
        super().__init__(loss, teacher_layer_name, student_layer_name)
        if not isinstance(self.loss, keras.losses.Loss):
            raise ValueError(
                f"loss must be a keras.losses.Loss, such as keras.losses.MeanSquaredError(), got {loss!r}."
            )
        if not (projector is None or isinstance(projector, keras.layers.Layer)):
            raise ValueError(f"projector must be a Keras layer, such as keras.layers.Dense(128), got {projector!r}.")
        self.projector, self.teacher = projector, teacher

    @property
    def name(self):
        """What its value is called in the logs."""
        return self.loss.name if self.teacher is None else f"{self.loss.name}_{self.teacher}"

    def compute_loss(self, teacher_outputs, student_outputs, sample_weight=None):
        """Returns the scalar loss; `sample_weight` `(batch,)` weighs samples."""
        if self.projector is not None:
            student_outputs = self.projector(student_outputs)
        return self.loss(teacher_outputs, student_outputs, sample_weight)

    def listens_to(self, names):
        """Which of the Distiller's teachers, given by name, it listens to."""
        return [self.teacher]

    def teacher_layers(self):
        """What it reads of them."""
        return {self.teacher_layer_name or "logits"}

    def trained_layers(self):
        """Its projectors."""
        return [] if self.projector is None else [self.projector]

    def value(self, step):
        """The scalar loss in a training step (a `tfkd.distillers.terms.Step`), and nothing more to log."""
        told = step.told[self.teacher][self.teacher_layer_name or "logits"]
        said = step.said[self.student_layer_name or "logits"]
        present, weights = step.present[self.teacher], step.sample_weight
        if present is not None:
            told, said = with_partners(present, told, said)
            weights = present if weights is None else present * ops.cast(ops.reshape(weights, (-1,)), "float32")
        return self.compute_loss(told, said, weights), {}

    def get_config(self):
        projector = self.projector and keras.saving.serialize_keras_object(self.projector)
        return {**super().get_config(), "projector": projector, "teacher": self.teacher}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        projector, teacher = config.pop("projector"), config.pop("teacher", None)
        term = super().from_config(config)
        term.projector = projector and keras.saving.deserialize_keras_object(projector)
        term.teacher = teacher
        return term


@keras.saving.register_keras_serializable("tfkd")
class LogitsLoss(FeatureDistillation):
    """A loss between the two models' outputs; what a bare `keras.losses.Loss` becomes in a Distiller.

    Args:
        loss, projector, teacher: as in `FeatureDistillation`.
    """

    def __init__(self, loss, teacher_layer_name=None, student_layer_name=None, projector=None, teacher=None):
        super().__init__(loss, teacher_layer_name, student_layer_name, projector, teacher)


@keras.saving.register_keras_serializable("tfkd")
class LabelDistillation(FeatureDistillation):
    """A loss between a vector that stands for a window's label and a layer of the student.

    The vectors are word vectors of the class names, say (see `tfkd.data.label_vectors`), and take the
    teacher's place: none is asked. A mixed label has the mixture of the vectors; a window without a label
    adds nothing.

    Args:
        loss: a `keras.losses.Loss` with `y_true` = vectors, `y_pred` = student.
        vectors: `(classes, width)`, one a class, in the order of the student's logits.
        student_layer_name, projector: as in `FeatureDistillation`.

    Raises:
        ValueError: `vectors` are not finite numbers of that shape.

    Example:

    ```python
    LabelDistillation(tfkd.losses.Semantic(), vectors, projector=keras.layers.Dense(300))
    ```
    """

    def __init__(self, loss, vectors, student_layer_name="embedding", projector=None):
        super().__init__(loss, None, student_layer_name, projector)
        self.vectors = np.asarray(vectors, "float32")
        if self.vectors.ndim != 2 or not np.isfinite(self.vectors).all():
            raise ValueError(
                f"vectors must be finite and (classes, width), got shape {self.vectors.shape}"
                + ("." if np.isfinite(self.vectors).all() else " with NaN or infinite values.")
            )

    def listens_to(self, names):
        return []

    def value(self, step):
        logits = step.said["logits"]
        if step.y is None:
            raise ValueError(f"The term {self.name!r} compares with the labels' vectors, but the batch has no labels.")
        if logits.shape[-1] != len(self.vectors):
            raise ValueError(f"There are {len(self.vectors)} label vectors for {logits.shape[-1]} classes.")
        y, weights = labelled_only(step.y, logits, step.sample_weight)
        told = ops.matmul(one_hot(y, logits), self.vectors)
        return self.compute_loss(told, step.said[self.student_layer_name or "logits"], weights), {}

    def get_config(self):
        config = super().get_config()
        del config["teacher_layer_name"], config["teacher"]
        return {**config, "vectors": self.vectors.tolist()}
