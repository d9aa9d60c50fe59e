"""Labels that may be missing."""

from keras import ops


def labelled_only(y, logits, sample_weight):
    """Labels that every loss can take, with weight 0 (or the labelled share) where they are missing.

    Args:
        y: `(batch,)` or `(batch, 1)` class numbers, -1 where unlabelled; or `(batch, classes)`, zeros (or less)
            where unlabelled.
        logits: `(batch, classes)`, whose width tells the two apart.
        sample_weight: `(batch,)` or `None`.

    Returns:
        `(y, sample_weight)`.
    """
    if _is_one_hot(y, logits):
        y = one_hot(y, logits)
        share = ops.sum(y, axis=-1)
        y = y / ops.where(share > 0, share, 1.0)[:, None]
    else:
        share = ops.cast(ops.reshape(y, (-1,)) >= 0, "float32")
        y = ops.maximum(y, 0)
    if sample_weight is None:
        return y, share
    return y, share * ops.cast(ops.reshape(sample_weight, (-1,)), "float32")


def weighted_by_class(y, logits, sample_weight, weights):
    """Sample weights times the weights of the classes; what has no label keeps its own.

    Args:
        y, logits, sample_weight: as of `labelled_only`; `y` may be `None`.
        weights: one for each class, or `None`.

    Returns:
        `(batch,)` or `None`.
    """
    if weights is None or y is None:
        return sample_weight
    y = one_hot(y, logits)
    factor = 1.0 + ops.matmul(y, ops.convert_to_tensor(weights, "float32")[:, None] - 1.0)[:, 0]
    return factor if sample_weight is None else factor * ops.cast(ops.reshape(sample_weight, (-1,)), "float32")


def one_hot(y, logits):
    """Labels as float32 `(batch, classes)`, rows of zeros where missing (class number -1)."""
    if _is_one_hot(y, logits):
        return ops.maximum(ops.cast(y, "float32"), 0.0)
    y = ops.cast(ops.reshape(y, (-1,)), "int32")
    return ops.one_hot(ops.maximum(y, 0), logits.shape[-1]) * ops.cast(y >= 0, "float32")[:, None]


def _is_one_hot(y, logits):
    return len(y.shape) == 2 and y.shape[-1] == logits.shape[-1]
