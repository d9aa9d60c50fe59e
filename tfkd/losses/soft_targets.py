"""Soft targets (Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015)."""

from numbers import Real

import keras
from keras import ops

from tfkd.losses.shapes import check_alike


def soft_targets(teacher_logits, student_logits, temperature=4.0):
    """Kullback-Leibler divergence between softened outputs, a value for each sample.

        T^2 * sum_c p_t(c) * (log p_t(c) - log p_s(c)),   p = softmax(logits / T)

    T^2 keeps the gradient's size independent of the temperature. Computed from log-softmax in float32,
    so that opposed logits of any size still have a gradient.

    Args:
        teacher_logits, student_logits: `(batch, classes)`.
        temperature: T above zero.

    Returns:
        `(batch,)` float32.

    Raises:
        ValueError: the shapes differ, or the temperature is not above zero.
    """
    if isinstance(temperature, Real):  # a schedule may give a tensor
        _check(temperature)
    teacher, student = ops.cast(teacher_logits, "float32"), ops.cast(student_logits, "float32")
    check_alike("Soft targets compare logits of the same samples and classes", teacher, student)
    teacher = ops.log_softmax(teacher / temperature, axis=-1)
    student = ops.log_softmax(student / temperature, axis=-1)
    return temperature**2 * ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)


def _check(temperature):
    if not (isinstance(temperature, Real) and 0 < temperature < float("inf")):
        raise ValueError(f"temperature must be a number above 0, got {temperature!r}.")


@keras.saving.register_keras_serializable("tfkd")
class SoftTargets(keras.losses.Loss):
    """Soft targets as a Keras loss: `y_true` are the teacher's logits, `y_pred` the student's.

    Args:
        temperature: softens both distributions; above zero.

    Input shape:
        Two tensors `(batch, classes)` of logits.

    Example:

    >>> loss = SoftTargets(temperature=4.0)
    >>> float(loss([[4.0, 1.0, 0.0]], [[2.0, 2.0, 0.0]])) > 0
    True
    """

    def __init__(self, temperature=4.0, reduction="sum_over_batch_size", name="soft_targets", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check(temperature)
        self.temperature = float(temperature)

    def call(self, y_true, y_pred):
        return soft_targets(y_true, y_pred, self.temperature)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
