"""DASK: distance, angle and semantic loss together, on embeddings.

Source: Ni et al., ICASSP 2022 (VSKD). The weights of 1, 1 and 1 are those of the authors' released code;
the paper's own could not be read.
"""

from numbers import Real

import keras

from tfkd.losses.relational import angle_wise, distance_wise
from tfkd.losses.semantic import semantic


def dask(teacher, student, distance_weight=1.0, angle_weight=1.0, semantic_weight=1.0):
    """`distance_weight * L_D + angle_weight * L_A + semantic_weight * L_S`, a value for each sample.

    A term of weight zero is not computed; without the semantic term the widths may differ.

    Args:
        teacher, student: embeddings `(batch, width)`.

    Returns:
        `(batch,)` float32.
    """
    terms = (
        (distance_weight, distance_wise), (angle_weight, angle_wise), (semantic_weight, semantic)
    )  # fmt: skip
    return sum(weight * term(teacher, student) for weight, term in terms if weight)


@keras.saving.register_keras_serializable("tfkd")
class DASK(keras.losses.Loss):
    """DASK as a Keras loss; see `dask`.

    Args:
        distance_weight, angle_weight, semantic_weight: weights of the three terms, not negative and not
            all zero.

    Input shape:
        Two tensors `(batch, width)`: `y_true` the teacher's embedding, `y_pred` the student's.
    """

    def __init__(
        self,
        distance_weight=1.0,
        angle_weight=1.0,
        semantic_weight=1.0,
        reduction="sum_over_batch_size",
        name="dask",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.weights = {
            "distance_weight": distance_weight,
            "angle_weight": angle_weight,
            "semantic_weight": semantic_weight,
        }
        for argument, value in self.weights.items():
            if not (isinstance(value, Real) and 0 <= value < float("inf")):
                raise ValueError(f"{argument} must be a number of at least 0, got {value!r}.")
        self.weights = {argument: float(value) for argument, value in self.weights.items()}
        if not any(self.weights.values()):
            raise ValueError("All weights of DASK are 0: there is nothing to compute.")

    def call(self, y_true, y_pred):
        return dask(y_true, y_pred, **self.weights)

    def get_config(self):
        return {**super().get_config(), **self.weights}
