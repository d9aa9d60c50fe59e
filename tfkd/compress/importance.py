"""How important each channel of a network is: by its weights, by what it does on windows, by the loss's gradient.

Scores are arrays with a value for each unit of `Channels`, to be compared within one network; units that cannot leave
have some value, too.
"""

import keras
import numpy as np


def weight_importance(channels):
    """Norm of the filters that make a channel, with the normalisation behind them folded in.

    After Li et al., "Pruning filters for efficient ConvNets" (2017), with the Euclidean norm; relative to the mean of
    the layer, so that layers can be compared.

    Args:
        channels: `Channels`.

    Returns:
        Scores `(units,)`.
    """
    scores = np.zeros(channels.units.count)
    for name in channels.units.read_by:
        layer = channels.model.get_layer(name)
        kernel = np.asarray(layer.kernel)
        norms = np.sqrt((kernel**2).reshape(-1, kernel.shape[-1]).sum(axis=0))
        if name in channels.units.normalised_by:
            norms *= _gains(channels.model.get_layer(channels.units.normalised_by[name]))
        np.add.at(scores, channels.units.writes[name], norms / max(norms.mean(), 1e-12))
    return scores


def activation_importance(channels, windows):
    """Mean absolute value of a channel where layers read it.

    After Hu et al., "Network trimming" (2016), who count zeros; relative to the mean of what the layer reads.

    Args:
        channels: `Channels`.
        windows: inputs of the network, of training data: `(n, ...)`.

    Returns:
        Scores `(units,)`.
    """
    scores = np.zeros(channels.units.count)
    seen = channels.units.reader.predict(windows, verbose=0)
    for name, values in zip(channels.units.read_by, seen if isinstance(seen, list) else [seen]):
        sizes = np.abs(values).reshape(-1, values.shape[-1]).mean(axis=0)
        np.add.at(scores, channels.units.reads[name], sizes / max(sizes.mean(), 1e-12))
    return scores


def gradient_importance(channels, trained, batches):
    """How much the loss would change without a channel, to first order.

    After Molchanov et al., "Importance estimation for neural network pruning" (2019): the square of the loss's
    derivative by a factor on the channel, averaged over batches. A factor on a channel acts where layers mix it into
    others, so that the derivative is the sum over those kernels' weights of weight times gradient.

    Args:
        channels: `Channels` of the student.
        trained: the compiled model that trains the student, so that its loss is the one of the distillation: a
            `Distiller` (of a `Progressive`, a stage's) or the student itself.
        batches: `(x, y)` or `(x, y, sample_weight)`, as `fit` takes them: a `keras.utils.PyDataset` or any iterable.

    Returns:
        Scores `(units,)`.

    Raises:
        RuntimeError: Keras runs on another backend than TensorFlow.
        ValueError: there is no batch, or `trained` trains another network.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"gradient_importance needs Keras on TensorFlow, not on {keras.backend.backend()}. Use weight_importance "
            "or activation_importance, or set KERAS_BACKEND=tensorflow."
        )
    kernels = [channels.model.get_layer(name).kernel for name in channels.units.read_by]
    if not {id(kernel) for kernel in kernels} <= {id(weight) for weight in trained.trainable_variables}:
        raise ValueError(f"{trained.name!r} does not train the network whose channels are asked for.")
    state = [np.array(variable) for variable in trained.non_trainable_variables]
    try:
        scores, count = _squared_slopes(channels, kernels, trained, batches)
    finally:  # training mode moved the statistics of normalisation
        for variable, value in zip(trained.non_trainable_variables, state):
            variable.assign(value)
    if not count:
        raise ValueError("batches holds no batch.")
    return scores / count


def _squared_slopes(channels, kernels, trained, batches):
    """Sums over batches, and how many these were."""
    import tensorflow as tf

    scores, count = np.zeros(channels.units.count), 0
    for batch in _each(batches):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        with tf.GradientTape() as tape:
            loss = trained.compute_loss(x, y, trained(x, training=True), sample_weight)
        gradients = tape.gradient(loss, [kernel.value for kernel in kernels])
        slopes = np.zeros(channels.units.count)
        for name, kernel, gradient in zip(channels.units.read_by, kernels, gradients):
            by_channel = np.moveaxis(np.asarray(kernel) * np.asarray(gradient), -2, 0)
            np.add.at(slopes, channels.units.reads[name], by_channel.reshape(len(by_channel), -1).sum(axis=1))
        scores, count = scores + slopes**2, count + 1
    return scores, count


def _gains(normalisation):
    spread = np.sqrt(np.asarray(normalisation.moving_variance) + normalisation.epsilon)
    return np.abs(np.asarray(normalisation.gamma)) / spread if normalisation.scale else 1 / spread


def _each(batches):
    if isinstance(batches, keras.utils.PyDataset):
        return (batches[i] for i in range(batches.num_batches))
    return batches
