"""Relational losses: the student keeps the teacher's distances and angles between samples.

Source: Park, Kim, Lu, Cho, "Relational knowledge distillation", CVPR 2019. Teacher and student
embeddings may have different widths. Both losses give a value for each sample (the anchor), whose mean
over the batch is the paper's mean over all pairs or triplets, so that `sample_weight` has a meaning:
it weighs anchors.
"""

import keras
from keras import ops

from tfkd.losses.shapes import check_alike

# Above this many anchors at once the N x N x N table of angles no longer fits a cache.
ANGLE_BLOCK = 128


def distance_wise(teacher, student):
    """Huber loss between the mean-normalised pairwise distances, a value for each anchor.

        psi(i, j) = ||f_i - f_j|| / mu,  mu = mean of the distances above zero
        L_i = mean_j huber(psi_student(i, j) - psi_teacher(i, j))

    Each side has its own mu, and the student's is differentiated through. The mean runs over all N
    samples, the anchor itself (which adds zero) included. Duplicate samples have distance 0 and no
    gradient; a batch of one gives 0.

    Args:
        teacher, student: embeddings `(batch, width)`; widths may differ.

    Returns:
        `(batch,)` float32.

    Raises:
        ValueError: what is given is no `(batch, width)`, or of different batches.
    """
    teacher, student = _pair(teacher, student)
    return ops.mean(_huber(_relative_distances(student) - _relative_distances(teacher)), axis=-1)


def angle_wise(teacher, student, block=ANGLE_BLOCK):
    """Huber loss between the cosines of the angles of all triplets, a value for each vertex.

        psi(j; i, k) = cos of the angle at j between i and k
        L_j = mean_{i,k} huber(psi_student(j; i, k) - psi_teacher(j; i, k))

    The cosines come from the Gram matrix G of the centred embeddings:
    `(G_ik - G_ij - G_kj + G_jj) / (d_ij d_kj)`, without the `(batch, batch, width)` table of differences.
    A triplet with two equal samples counts as angle 0 on that side and has no gradient there.

    Args:
        teacher, student: embeddings `(batch, width)`; widths may differ.
        block: vertices handled at once; bounds the memory to `block * batch * batch` cosines.

    Returns:
        `(batch,)` float32.

    Raises:
        ValueError: as of `distance_wise`.
    """
    teacher, student = _pair(teacher, student)
    sides = _gram_and_inverse(teacher), _gram_and_inverse(student)

    def rows(vertices, compute=_angle_rows):
        return compute(*_at(vertices, *sides[0]), *_at(vertices, *sides[1]))

    size = sides[1][0].shape[0]
    if size is not None and size <= block:
        return rows(ops.arange(size))
    # Each block's cosines are made again for the gradient instead of being kept.
    again = keras.remat(_angle_rows)
    if size is not None:
        starts = range(0, size, block)
        blocks = [rows(ops.arange(s, min(s + block, size)), again) for s in starts]
        return ops.concatenate(blocks)
    count = ops.shape(student)[0]
    block = ops.minimum(block, count)
    # Vertices past the end repeat the last one and are cut off.
    blocks = ops.map(
        lambda start: rows(ops.minimum(start + ops.arange(block), count - 1), again),
        ops.arange(0, count, block),
    )
    return ops.reshape(blocks, (-1,))[:count]


def _at(vertices, gram, inverse):
    """What the cosines at `vertices` are made of: the Gram matrix, and the vertices' own rows."""
    return (
        gram,
        ops.take(gram, vertices, axis=0),
        ops.take(inverse, vertices, axis=0),
        ops.take(ops.diagonal(gram), vertices),
    )


def _angle_rows(*tables):
    teacher, student = _cosines(*tables[:4]), _cosines(*tables[4:])
    return ops.mean(_huber(student - teacher), axis=(-2, -1))


def _cosines(gram, rows, inverse, squares):
    """Cosines `(vertices, batch, batch)` of the angles at the vertices."""
    # Small tables first: each operation on (vertices, batch, batch) counts.
    inner = gram[None] - (rows - squares[:, None])[:, :, None] - rows[:, None, :]
    return inner * inverse[:, :, None] * inverse[:, None, :]


def _pair(*sides):
    """Teacher's and student's embeddings as float32."""
    sides = [ops.cast(ops.convert_to_tensor(side), "float32") for side in sides]
    for side in sides:
        if len(side.shape) != 2:
            raise ValueError(
                f"Relational losses compare embeddings (batch, width), got shape {tuple(side.shape)}. Name a layer "
                "after the pooling, or flatten it."
            )
    check_alike("Relational losses compare embeddings of the same samples", *sides, axes=slice(1))
    return sides


def _centred(embeddings):
    return embeddings - ops.mean(embeddings, axis=0, keepdims=True)


def _gram_and_inverse(embeddings):
    """Gram matrix of the centred embeddings and the inverse distances (0 where the distance is 0)."""
    embeddings = _centred(embeddings)
    gram = ops.matmul(embeddings, ops.transpose(embeddings))
    squared, apart = _squared_distances(gram)
    return gram, ops.where(apart, ops.rsqrt(squared), 0.0)


def _relative_distances(embeddings):
    embeddings = _centred(embeddings)
    squared, apart = _squared_distances(ops.matmul(embeddings, ops.transpose(embeddings)))
    distances = ops.where(apart, ops.sqrt(squared), 0.0)
    pairs = ops.maximum(ops.sum(ops.cast(apart, "float32")), 1.0)
    mean = ops.sum(distances) / pairs
    return distances / ops.where(mean > 0, mean, 1.0)


def _squared_distances(gram):
    """Squared distances, 1 where they vanish so that their root has a gradient; and where they don't.

    What the subtraction leaves of two equal samples is rounding error of the Gram matrix's size, so
    "vanish" means relative to that.
    """
    squares = ops.diagonal(gram)
    sums = squares[:, None] + squares[None, :]
    squared = sums - 2.0 * gram
    apart = squared > 1e-6 * sums
    return ops.where(apart, squared, 1.0), apart


@ops.custom_gradient
def _huber(difference):
    """Huber loss with delta 1; its slope, the clipped difference, is all the gradient needs to keep."""
    slope = ops.clip(difference, -1.0, 1.0)

    def gradient(*arguments, upstream=None):
        return (arguments[0] if upstream is None else upstream) * slope

    return slope * (difference - 0.5 * slope), gradient


@keras.saving.register_keras_serializable("tfkd")
class DistanceWise(keras.losses.Loss):
    """Distance-wise relational loss as a Keras loss; see `distance_wise`.

    Input shape:
        `y_true`: the teacher's embeddings `(batch, width)`; `y_pred`: the student's, of any width.
    """

    def __init__(self, reduction="sum_over_batch_size", name="distance_wise", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        return distance_wise(y_true, y_pred)


@keras.saving.register_keras_serializable("tfkd")
class AngleWise(keras.losses.Loss):
    """Angle-wise relational loss as a Keras loss; see `angle_wise`.

    Input shape:
        `y_true`: the teacher's embeddings `(batch, width)`; `y_pred`: the student's, of any width.
    """

    def __init__(self, reduction="sum_over_batch_size", name="angle_wise", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        return angle_wise(y_true, y_pred)
