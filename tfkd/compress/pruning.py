"""Magnitude pruning of a Keras 3 model while it trains, alone or under a Distiller.

TFMOT's own wrapper takes tf_keras models only. Its schedule and its mask engine work on any TensorFlow
variable, so they are used here on the Keras 3 student itself: a constraint on each kernel keeps the
pruned weights at zero inside the compiled step, and a callback lets TFMOT renew the masks. (Zhu and
Gupta, "To prune, or not to prune", 2017.)

Zeros in a dense int8 model save a Cortex-M neither flash nor time by themselves: it takes a runtime that
stores or skips them. What that saves on which engine, `tools/compare_sparsity.py` tells of any student.
"""

import keras
import numpy as np

from tfkd.compress.sparsity_pattern import Pattern

_PRUNED = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Dense)


class Pruning(keras.callbacks.Callback):
    """Prunes a model's kernels in `fit`, to a target sparsity in each.

    Make it before the first `fit`: the training step takes up the masks when it is traced. Depthwise
    kernels are left dense (they hold few weights), and so are biases and normalisation. A constraint that a
    kernel has is obeyed, too, and is what it has again after `strip`.

    Args:
        model: the model to prune; under a Distiller, its student.
        schedule: a TFMOT schedule, for example `polynomial(0.5, steps)`; or a dict of them by layer
            name, where layers that it does not name stay dense. Not used for an m:n pattern, whose
            zeros are all set before the first step.
        pattern: a `Pattern` for zeros that lie m:n or in blocks; else they lie anywhere.

    Raises:
        ValueError: the model is not built, or has no kernel to prune; it has kernels in layers of other kinds, and the
            schedules are not by layer name; they name a layer that it does not have, or has twice; there is no
            schedule, and the pattern needs one; or one of them is something else.

    Example:

    ```python
    pruning = Pruning(student, polynomial(0.5, steps=1000))
    distiller.fit(batches, epochs=50, callbacks=[pruning])
    pruning.strip()
    ```
    """

    def __init__(self, model, schedule=None, pattern=None):
        super().__init__()
        import tensorflow as tf

        from tfkd.compress.mask_engine import MaskEngine

        self.steps_done = tf.Variable(0, dtype=tf.int64, trainable=False)
        pattern = pattern or Pattern()
        self.kernels, engines = [], []
        for its_schedule, kernels in _scheduled(model, schedule, pattern):
            triples = []
            for kernel in kernels:
                mask = tf.Variable(tf.ones(kernel.shape, kernel.dtype), trainable=False)
                threshold = tf.Variable(tf.zeros((), kernel.dtype), trainable=False)
                kernel.constraint = _Masked(mask, _own_constraint(kernel))
                triples.append((kernel.value, mask, threshold))
            engines.append(MaskEngine(lambda: self.steps_done, triples, its_schedule, pattern))
            self.kernels.extend(kernels)

        @tf.function
        def renew():
            self.steps_done.assign_add(1)
            for engine in engines:
                engine.conditional_mask_update()
                engine.weight_mask_op()

        @tf.function
        def apply():
            for engine in engines:
                engine.weight_mask_op()

        self._renew, self._apply = renew, apply

    def on_train_batch_begin(self, batch, logs=None):
        self._renew()

    def on_train_end(self, logs=None):
        # An optimizer that ends by writing its averaged weights has written over the zeros.
        self._apply()

    def strip(self):
        """Takes the masks off: what stays is an ordinary model whose kernels hold zeros."""
        for kernel in self.kernels:
            kernel.constraint = _own_constraint(kernel)


def _own_constraint(kernel):
    """What a kernel is held to besides the masks."""
    constraint = kernel.constraint
    return constraint.before if isinstance(constraint, _Masked) else constraint


class _Masked(keras.constraints.Constraint):
    def __init__(self, mask, before=None):
        self.mask, self.before = mask, before

    def __call__(self, weight):
        return (weight if self.before is None else self.before(weight)) * self.mask


def polynomial(sparsity, steps, ramp=0.5, frequency=10):
    """TFMOT's polynomial schedule from dense to `sparsity` over the first share `ramp` of `steps`.

    Args:
        sparsity: share of zeros in each kernel at the end, from 0 up to but not 1.
        steps: steps the training has.
        ramp: share of them until the target is reached, at most 1; the rest is for recovering.
        frequency: steps from one renewal of the masks to the next.
    """
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule

    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}.")
    if not 0 <= ramp <= 1:
        raise ValueError(f"ramp must be from 0 to 1, got {ramp}: the target would not be reached.")
    frequency = max(1, min(frequency, int(steps * ramp)))
    # The last renewal must fall on a multiple of the frequency, or it would miss the target.
    end = max(frequency, int(steps * ramp) // frequency * frequency)
    return pruning_schedule.PolynomialDecay(0.0, sparsity, 0, end, power=3, frequency=frequency)


def _scheduled(model, schedule, pattern):
    """Pairs of a schedule and the kernels that follow it."""
    if not isinstance(pattern, Pattern):
        raise ValueError(f"pattern must be a Pattern, as Pattern.parse({pattern!r}) makes one, not {pattern!r}.")
    found = prunable_layers(model)
    if not all(layer.built for layer in found):
        raise ValueError(f"{model.name!r} has no kernels yet: build it, or call it on a batch, before it is pruned.")
    if not found:
        raise ValueError(f"{model.name!r} has no convolution or dense kernel to prune.")
    if schedule is None and pattern.m_by_n is None:
        raise ValueError("Pruning needs a schedule, for example polynomial(0.5, steps); only m:n patterns do without.")
    for one in schedule.values() if isinstance(schedule, dict) else [schedule]:
        if one is not None and not callable(one):
            raise ValueError(f"A schedule is what polynomial(0.5, steps) makes, not {one!r}.")
    if not isinstance(schedule, dict):
        if left := _left_dense(model):
            raise ValueError(
                f"{model.name!r} has kernels that would stay dense, in {', '.join(left)}: only those of Conv1D, Conv2D "
                "and Dense layers are pruned. Say which of them shall be, {layer name: schedule}, to leave the others."
            )
        return [(schedule, [layer.kernel for layer in found])]
    names = [layer.name for layer in found]
    for name in schedule:
        if names.count(name) != 1:
            raise ValueError(
                f"{model.name!r} has {names.count(name)} layers of the name {name!r} to prune; its layers are "
                f"{', '.join(names)}."
            )
    return [(schedule[layer.name], [layer.kernel]) for layer in found if layer.name in schedule]


def prunable_layers(model):
    """Convolution and dense layers, each once, nested models included; depthwise ones left out."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found.extend(prunable_layers(layer))
        elif isinstance(layer, _PRUNED):
            found.append(layer)
    return list({id(layer): layer for layer in found}.values())  # a nested model may share one


def _left_dense(model):
    """Layers with kernels that nobody prunes, `name (kind)`; depthwise ones, which hold few weights, apart."""
    left = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            left.extend(_left_dense(layer))
        elif isinstance(layer, (*_PRUNED, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)):
            continue
        elif any("kernel" in weight.name for weight in layer.trainable_variables):
            left.append(f"{layer.name} ({type(layer).__name__})")
    return list(dict.fromkeys(left))


def sparsity_by_layer(model):
    """Share of zeros in each prunable kernel, by layer name."""
    return {layer.name: float((np.asarray(layer.kernel) == 0).mean()) for layer in prunable_layers(model)}


def sparsity_of(model):
    """Share of zeros over all prunable kernels."""
    kernels = [np.asarray(layer.kernel) for layer in prunable_layers(model)]
    return float(sum((k == 0).sum() for k in kernels) / sum(k.size for k in kernels))
