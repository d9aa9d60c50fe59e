"""Channel pruning: a smaller dense network out of a trained one, by leaving whole channels away.

A channel that two layers add up, or that a depthwise convolution or a normalisation merely passes on, can leave all of
them or none: see `tfkd.compress.units`. What is left is an ordinary network with the other weights as they were. There
are no zeros in it, which would save a Cortex-M nothing: it takes fewer bytes and fewer instructions on any engine.
"""

import keras
import numpy as np
from keras import layers

from tfkd.compress.units import DEPTHWISE, MIXING, Units


class ChannelError(ValueError):
    """A network whose channels cannot be pruned, or not as far as asked."""


class Channels:
    """The channels of a network, in units that leave together or not at all.

    Convolutions, dense and depthwise layers, normalisation, pooling, sums, concatenation and what acts on each channel
    for itself are understood. Any other layer keeps the channels that it sees and gives, as the network's inputs and
    outputs do.

    Args:
        model: Functional or Sequential Keras model, channels last.

    Attributes:
        model: a Functional model with the layers of the one given.
        units: `Units` of it.
        groups: names of the layers that make the channels, joined by ` + ` -> their units that can leave.
        kept: layers that keep channels which another layer makes.

    Raises:
        ChannelError: no channel can leave; names the layers that keep them.

    Example:

    ```python
    channels = tfkd.compress.Channels(student)
    scores = tfkd.compress.gradient_importance(channels, distiller, batches)
    smaller = channels.without(channels.least_important(scores, weight_bytes=16 * 1024))
    ```
    """

    def __init__(self, model):
        if not getattr(model, "inputs", None):
            raise ChannelError(
                f"{getattr(model, 'name', model)!r} must be a Functional or a built Sequential model: one of "
                "keras.Model(inputs, outputs), or a Sequential that begins with keras.Input."
            )
        if isinstance(model, keras.Sequential):
            model = keras.Model(model.inputs, model.outputs, name=model.name)
        try:
            self.units = Units(model)
        except (ValueError, AttributeError) as error:
            raise ChannelError(
                f"{getattr(model, 'name', model)!r} must be a Functional or a built Sequential model: {error}"
            ) from error
        self.model = model
        self.groups = {}
        for unit, makers in sorted(self.units.makers.items()):
            if unit not in self.units.kept:
                self.groups.setdefault(" + ".join(sorted(makers)), []).append(unit)
        self.groups = {name: np.array(units) for name, units in self.groups.items()}
        keeping = {self.units.kept[unit] for unit in self.units.makers if unit in self.units.kept}
        self.kept = sorted(keeping - {"the input", "the output"} - self.units.writes.keys())
        if not self.groups:
            raise ChannelError(f"No channel of {model.name!r} can be pruned{self._because_of_kept()}.")

    def weight_bytes(self, removed=()):
        """Bytes of all weights without the units in `removed`: int8, and int32 for each channel's bias.

        Normalisation is counted as folded into the layer before it. Only layers with kernels that are understood count.
        """
        stays = self._stays(removed)
        total = 0
        for name in self.units.writes:
            layer = self.model.get_layer(name)
            if isinstance(layer, (*MIXING, *DEPTHWISE)):
                written = int(stays[self.units.writes[name]].sum())
                read = int(stays[self.units.reads[name]].sum()) if isinstance(layer, MIXING) else 1
                total += (_span(layer) * read + 4) * written
        return total

    def leaving_order(self, scores, multiple=4, least=8):
        """In which order channels leave: again and again those of least importance for the bytes that they take.

        Args:
            scores: importance by unit, as `weight_importance` and its like give it.
            multiple: so many channels leave a group at once, because kernels work on so many at a time.
            least: channels that each group keeps.

        Returns:
            Units, `(steps, multiple)`, those that leave first in front, and the bytes of weights left after each step,
            `(steps,)`, as `weight_bytes` counts them.
        """
        if np.shape(scores) != (self.units.count,):
            raise ValueError(f"scores must have shape ({self.units.count},), one a unit, not {np.shape(scores)}.")
        if not np.isfinite(scores).all():
            raise ValueError(
                f"scores must be finite, but {int((~np.isfinite(scores)).sum())} of {len(scores)} are not: were the "
                "windows or batches that they come from?"
            )
        if multiple < 1 or least < 1:
            raise ValueError(f"multiple and least must be at least 1, got {multiple} and {least}.")
        left = {name: units[np.argsort(scores[units], kind="stable")] for name, units in self.groups.items()}
        steps, sizes, now = [], [], self.weight_bytes()
        while True:
            offers = []
            for name, units in left.items():
                if len(units) >= least + multiple:
                    after = self.weight_bytes(np.concatenate([*steps, units[:multiple]]))
                    offers.append((scores[units[:multiple]].sum() / (now - after), name, after))
            if not offers:
                return np.reshape(steps, (-1, multiple)).astype(int), np.array(sizes, int)
            _, name, now = min(offers)
            steps.append(left[name][:multiple])
            sizes.append(now)
            left[name] = left[name][multiple:]

    def least_important(self, scores, weight_bytes, multiple=4, least=8):
        """Chooses what leaves, in the order of `leaving_order`.

        Args:
            scores, multiple, least: as there.
            weight_bytes: how many bytes may be left.

        Returns:
            Units, for `without`; none if the network is small enough.

        Raises:
            ChannelError: it does not get that small; says how small it gets.
        """
        steps, sizes = self.leaving_order(scores, multiple, least)
        sizes = np.array([self.weight_bytes(), *sizes])
        if sizes[-1] > weight_bytes:
            raise ChannelError(
                f"{self.model.name!r} cannot be pruned to {weight_bytes} bytes of weights: with at least {least} "
                f"channels of each group {sizes[-1]} are left{self._because_of_kept()}. Allow more bytes or fewer "
                "channels, or begin with a network of fewer or smaller layers."
            )
        return steps[: np.argmax(sizes <= weight_bytes)].ravel()

    def without(self, removed):
        """The network without some units.

        Args:
            removed: units that can leave, of `groups`.

        Returns:
            A new Functional model with copied weights; the old one is left as it was.

        Raises:
            ValueError: a unit cannot leave, or all of a group would.
        """
        self._refuse_what_stays(np.asarray(removed))
        stays = self._stays(removed)

        def smaller(layer):
            config = layer.get_config()
            if layer.name in self.units.writes:
                count = int(stays[self.units.writes[layer.name]].sum())
                if isinstance(layer, layers.Dense):
                    config["units"] = count
                elif isinstance(layer, MIXING):
                    config["filters"] = count
                elif isinstance(layer, layers.Reshape):
                    config["target_shape"] = (*config["target_shape"][:-1], count)
            return type(layer).from_config(config)

        model = keras.models.clone_model(self.model, clone_function=smaller)
        for layer in self.model.layers:
            if layer.weights:
                values = [np.asarray(weight) for weight in layer.weights]
                if layer.name in self.units.reads:
                    read, written = (stays[of[layer.name]] for of in (self.units.reads, self.units.writes))
                    values = [_part(layer, w.name, v, read, written) for w, v in zip(layer.weights, values)]
                model.get_layer(layer.name).set_weights(values)
        return model

    def _refuse_what_stays(self, removed):
        known = np.concatenate([*self.groups.values()])
        if removed.size and not (np.issubdtype(removed.dtype, np.integer) and np.isin(removed, known).all()):
            raise ValueError(f"removed must be units of groups, which can leave, not {removed}.")
        for name, units in self.groups.items():
            if np.isin(units, removed).all():
                raise ValueError(f"removed holds all {len(units)} channels of {name}: some have to stay.")

    def _stays(self, removed):
        stays = np.ones(self.units.count, bool)
        stays[np.asarray(removed, int)] = False
        return stays

    def _because_of_kept(self):
        keeping = self.kept or sorted(set(self.units.unknown))
        return f"; {', '.join(keeping)} cannot be pruned, nor what they see" if keeping else ""


def _span(layer):
    """Weights of a kernel for each pair of a channel that it reads and one that it writes."""
    return int(np.prod(layer.kernel.shape[:-2], initial=1))


def _part(layer, name, values, read, written):
    """What is left of a weight. `read` and `written` tell of each channel of the layer whether it stays."""
    if name != "kernel":  # a bias, or a normalisation's
        return values[written]
    return values[..., read, :] if isinstance(layer, DEPTHWISE) else values[..., read, :][..., written]
