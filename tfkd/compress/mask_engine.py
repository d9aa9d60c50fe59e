"""TFMOT's engine for masks, on kernels of any rank. Loads TensorFlow and TFMOT."""

import tensorflow as tf
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl


class MaskEngine(pruning_impl.Pruning):
    """Renews masks and applies them, each kernel being taken for the matrix that `tfkd.compress.Pattern` tells of.

    TFMOT's own takes blocks in matrices alone, and where they do not fit evenly it pools them from another corner
    than it masks them.

    Args:
        step: callable that returns the step of the training, an int64 tensor.
        triples: list of `(kernel, mask, threshold)`, TensorFlow variables.
        schedule: a TFMOT schedule.
        pattern: a `Pattern`.
    """

    def __init__(self, step, triples, schedule, pattern):
        super().__init__(step, triples, schedule, pattern.block, "AVG", pattern.m_by_n)

    def _validate_block(self):
        pass  # kernels of any rank are welcome

    def _maybe_update_block_mask(self, weights):
        matrix = tf.reshape(weights, (-1, weights.shape[-1]))
        if self._sparsity_m_by_n or self._block_size == [1, 1]:
            threshold, mask = super()._maybe_update_block_mask(matrix)
            return threshold, tf.cast(tf.reshape(mask, weights.shape), weights.dtype)
        (rows, columns), (height, width) = matrix.shape, self._block_size
        blocks = tf.pad(tf.abs(matrix), [(0, -rows % height), (0, -columns % width)])
        blocks = tf.reshape(blocks, (len(blocks) // height, height, -1, width))
        threshold, mask = self._update_mask(tf.reduce_mean(blocks, axis=(1, 3)))
        mask = tf.repeat(tf.repeat(mask, height, axis=0), width, axis=1)[:rows, :columns]
        return threshold, tf.reshape(mask, weights.shape)
