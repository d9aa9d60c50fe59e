"""Semantic loss: the student's embedding follows the teacher's.

After Ni, Sarbajna, Liu, Ngu, Yan, "Cross-modal knowledge distillation for vision-to-sensor action
recognition", ICASSP 2022 (VSKD), where it joins the 300-unit layers of teacher and student; the form, a
mean squared error, is that of the authors' released code.
"""

import keras
from keras import ops

from tfkd.losses.shapes import check_alike


def semantic(teacher, student):
    """Mean squared error between embeddings, a value for each sample.

    Args:
        teacher, student: embeddings `(batch, width)` of equal width. Where the widths differ, a
            projector brings the student's to the teacher's: see `tfkd.distillers.FeatureDistillation`.

    Returns:
        `(batch,)` float32.

    Raises:
        ValueError: the shapes differ.
    """
    teacher, student = ops.cast(teacher, "float32"), ops.cast(student, "float32")
    if teacher.shape[-1] != student.shape[-1]:
        raise ValueError(
            f"The semantic loss needs embeddings of equal width, got teacher {tuple(teacher.shape)} and "
            f"student {tuple(student.shape)}. Give FeatureDistillation a projector, for example "
            f"projector=keras.layers.Dense({teacher.shape[-1]})."
        )
    check_alike("The semantic loss compares embeddings of the same samples", teacher, student)
    return ops.mean(ops.square(teacher - student), axis=-1)


@keras.saving.register_keras_serializable("tfkd")
class Semantic(keras.losses.Loss):
    """Semantic loss as a Keras loss; see `semantic`.

    Input shape:
        Two tensors `(batch, width)`: `y_true` the teacher's embedding, `y_pred` the student's.
    """

    def __init__(self, reduction="sum_over_batch_size", name="semantic", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        return semantic(y_true, y_pred)
