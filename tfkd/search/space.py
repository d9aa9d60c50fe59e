"""Which students are tried."""

import dataclasses

from tfkd.recipe import ChannelPruning

KINDS = ("imu", "causal")
"""Students that can be searched: those for signals."""


@dataclasses.dataclass(frozen=True)
class Space:
    """The values that a student's sizes can have.

    Attributes:
        widths: channels of every layer.
        depths: numbers of blocks.
        kernels: samples that a block's depthwise convolution spans.
        strided: how many of the first blocks halve the rate.
        stem_strides: by how much the stem lowers the rate.
        lengths: samples of a window; of whole trials, that is the rate that they are resampled to. None named is the
            recipe's own. Each has teachers of its own.
        kept: shares of the weights that channel pruning leaves; 1 leaves it out.
    """

    widths: tuple[int, ...] = (8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96)
    depths: tuple[int, ...] = (1, 2, 3, 4, 5)
    kernels: tuple[int, ...] = (3, 5, 9, 15)
    strided: tuple[int, ...] = (0, 1, 2, 3)
    stem_strides: tuple[int, ...] = (1, 2, 4)
    lengths: tuple[int, ...] = ()
    kept: tuple[float, ...] = (1.0, 0.5)

    def suggest(self, trial):
        """One student's sizes, as a dictionary, chosen by an Optuna trial."""
        choices = {"width": self.widths, "depth": self.depths, "strided": self.strided, "length": self.lengths}
        sizes = {name: _ranked(trial, name, values) for name, values in choices.items() if values}
        for name, values in (("kernel", self.kernels), ("stem_stride", self.stem_strides), ("kept", self.kept)):
            sizes[name] = _ranked(trial, name, values)
        return sizes

    def smallest(self):
        """The sizes that take least."""
        fewest = {"width": self.widths, "depth": self.depths, "kernel": self.kernels, "length": self.lengths}
        sizes = {name: min(values) for name, values in fewest.items() if values}
        return {**sizes, "strided": max(self.strided), "stem_stride": max(self.stem_strides), "kept": 1.0}


def _ranked(trial, name, values):
    """A value, chosen by its rank: so the sampler knows that neighbours are alike."""
    return values[trial.suggest_int(name, 0, len(values) - 1)]


def recipe_of(sizes, recipe):
    """The recipe with a student of these sizes; without channel pruning, whose budget needs the student's bytes."""
    strided = min(sizes["strided"], sizes["depth"])
    student = dataclasses.replace(
        recipe.student,
        width=sizes["width"],
        depth=sizes["depth"],
        kernel=sizes["kernel"],
        stem_stride=sizes["stem_stride"],
        strides=(2,) * strided + (1,) * (sizes["depth"] - strided),
    )
    windows = dataclasses.replace(recipe.windows, length=sizes.get("length", recipe.windows.length))
    return dataclasses.replace(recipe, student=student, windows=windows, channels=ChannelPruning())


def pruned_to(recipe, weight_kb, channels, budget):
    """The recipe with channel pruning to so much and to the budget, by the settings of `channels`."""
    limits = {
        "flash_kb": (budget.flash_bytes or 0) / 1024,
        "ram_kb": (budget.ram_bytes or 0) / 1024,
        "instructions": budget.most_instructions() or 0,
        "engine": budget.engine,
        "core": budget.core,
    }
    channels = dataclasses.replace(channels, weight_kb=(weight_kb,), from_scratch=False, **limits)
    return dataclasses.replace(recipe, channels=channels)


def name_of(sizes):
    """A folder's name that tells them: `w32-d4-k15-s2-r2-kept50`."""
    name = "w{width}-d{depth}-k{kernel}-s{strided}-r{stem_stride}".format(**sizes)
    name += f"-n{sizes['length']}" if "length" in sizes else ""
    return name + (f"-kept{100 * sizes['kept']:g}" if sizes["kept"] < 1 else "")
