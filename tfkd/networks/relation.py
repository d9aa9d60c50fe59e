"""Temporal relations between the segments of a clip (Zhou, Andonian, Oliva, Torralba, "Temporal
relational reasoning in videos", ECCV 2018)."""

from itertools import combinations

import keras
import numpy as np
from keras import layers, ops

# In evaluation every ordered tuple of eight segments is taken, at most this many of each scale.
EVALUATED = 70


@keras.saving.register_keras_serializable("tfkd")
class MultiScaleRelation(layers.Layer):
    """Logits from ordered tuples of segments, at every scale from all segments down to pairs.

    The multi-scale head of TRN. For a tuple of `s` segments in their order of time

        r_s(i1 < ... < is) = W2_s relu(W1_s relu([f_i1, ..., f_is]) + b1_s) + b2_s

    with weights shared by the tuples of a scale; the logits are the sum of the one full relation and of
    `relations` tuples of every smaller scale. In training those are drawn at random without replacement,
    anew for every batch. The authors' code draws them in evaluation too; here evaluation is
    deterministic and takes the expectation of that sum: the mean over all tuples of a scale, `relations`
    times. (Beyond 70 tuples at a scale, which eight segments do not reach, 70 evenly spread over their
    lexicographic order.)

    Args:
        classes: number of classes.
        hidden: width of `W1`.
        relations: tuples drawn at every smaller scale; where there are fewer, all of them.
        seed: of the draws.

    Input shape:
        `(batch, segments, width)`, features of frames in their order of time; 2 to 16 segments.

    Output shape:
        `(batch, classes)` logits.
    """

    def __init__(self, classes, hidden=256, relations=3, seed=None, **kwargs):
        super().__init__(**kwargs)
        for argument, value in (("classes", classes), ("hidden", hidden), ("relations", relations)):
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"{argument} must be a whole number of at least 1, got {value!r}.")
        self.classes, self.hidden, self.relations, self.seed = classes, hidden, relations, seed
        self.draws = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        _, segments, width = input_shape
        if segments is None or not 2 <= segments <= 16:
            raise ValueError(f"Relations need 2 to 16 segments, got the input shape {tuple(input_shape)}.")
        scales = range(segments, 1, -1)
        self.tuples = [np.array(list(combinations(range(segments), s)), "int32") for s in scales]
        self.first = [layers.Dense(self.hidden, dtype=self.dtype_policy, name=f"hidden{s}") for s in scales]
        self.second = [layers.Dense(self.classes, dtype=self.dtype_policy, name=f"logits{s}") for s in scales]
        for scale, first, second in zip(scales, self.first, self.second):
            first.build((None, None, scale * width))
            second.build((None, self.hidden))

    def call(self, inputs, training=False):
        x = ops.relu(inputs)
        logits = 0.0
        for tuples, first, second in zip(self.tuples, self.first, self.second):
            count = min(self.relations, len(tuples))
            chosen = self._drawn(tuples, count) if training else _spread(tuples)
            number, scale = chosen.shape
            of_tuples = ops.take(x, ops.reshape(chosen, (-1,)), axis=1)
            of_tuples = ops.reshape(of_tuples, (-1, number, scale * x.shape[-1]))
            # The second layer is linear: of the mean over tuples, it is the mean of the tuples' logits.
            logits += count * second(ops.mean(ops.relu(first(of_tuples)), axis=1))
        return logits

    def _drawn(self, tuples, count):
        if count == len(tuples):
            return tuples
        _, chosen = ops.top_k(keras.random.uniform((len(tuples),), dtype="float32", seed=self.draws), count)
        return ops.take(tuples, chosen, axis=0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.classes)

    def get_config(self):
        config = {"classes": self.classes, "hidden": self.hidden, "relations": self.relations, "seed": self.seed}
        return {**super().get_config(), **config}


def _spread(tuples):
    if len(tuples) <= EVALUATED:
        return tuples
    return tuples[np.linspace(0, len(tuples) - 1, EVALUATED).round().astype(int)]
