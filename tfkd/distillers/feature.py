"""Which layers a loss compares."""

import keras


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
