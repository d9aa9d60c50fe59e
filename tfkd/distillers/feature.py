"""What a loss compares: layers of the two models, or a layer of the student and its label's vector."""

import keras
import numpy as np
from keras import ops


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
    ):
        super().__init__(loss, teacher_layer_name, student_layer_name)
        if not isinstance(self.loss, keras.losses.Loss):
            raise ValueError(
                f"loss must be a keras.losses.Loss, such as keras.losses.MeanSquaredError(), got {loss!r}."
            )
        self.projector = projector

    @property
    def name(self):
        """What its value is called in the logs."""
        return self.loss.name

    def compute_loss(self, teacher_outputs, student_outputs, sample_weight=None):
        """Returns the scalar loss; `sample_weight` `(batch,)` weighs samples."""
        if self.projector is not None:
            student_outputs = self.projector(student_outputs)
        return self.loss(teacher_outputs, student_outputs, sample_weight)

    def get_config(self):
        projector = self.projector and keras.saving.serialize_keras_object(self.projector)
        return {**super().get_config(), "projector": projector}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        projector = config.pop("projector")
        term = super().from_config(config)
        term.projector = projector and keras.saving.deserialize_keras_object(projector)
        return term


@keras.saving.register_keras_serializable("tfkd")
class LogitsLoss(FeatureDistillation):
    """A loss between the two models' outputs; what a bare `keras.losses.Loss` becomes in a Distiller."""

    def __init__(self, loss, teacher_layer_name=None, student_layer_name=None, projector=None):
        super().__init__(loss, teacher_layer_name, student_layer_name, projector)


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

    def targets(self, one_hot):
        """Vectors `(batch, width)` of labels `(batch, classes)`.

        Raises:
            ValueError: there are more or fewer classes than vectors.
        """
        if one_hot.shape[-1] != len(self.vectors):
            raise ValueError(f"There are {len(self.vectors)} label vectors for {one_hot.shape[-1]} classes.")
        return ops.matmul(ops.cast(one_hot, "float32"), self.vectors)

    def get_config(self):
        config = super().get_config()
        del config["teacher_layer_name"]
        return {**config, "vectors": self.vectors.tolist()}
