"""What a student may take of a microcontroller."""

import dataclasses
import math
import numbers
import re

from tfkd.deploy.cost.estimate import CYCLES, figures


class BudgetError(ValueError):
    """A budget that cannot be read, or that nothing meets; the message says by how much, and what came nearest."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """Limits of what `tfkd.deploy.cost_of` tells of a student; `None` is no limit.

    Attributes:
        flash_bytes: code and constants of engine and student.
        ram_bytes: memory in which an inference runs.
        milliseconds: that an inference may take at `mhz`, by the higher of the two estimates.
        instructions: that an inference may take.
        engine, core: as for `cost_of`.
        mhz: clock of the core.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    milliseconds: float | None = None
    instructions: int | None = None
    engine: str = "plain_c"
    core: str = "m4"
    mhz: float = 64.0

    def __post_init__(self):
        if not self.limits():
            raise BudgetError("A budget needs a limit: flash, RAM, milliseconds or instructions.")
        for name, limit in {**self.limits(), "mhz": self.mhz}.items():
            number = isinstance(limit, numbers.Real) and not isinstance(limit, bool)
            if not number or not 0 < limit < math.inf:  # nothing is above NaN, and all would fit
                raise BudgetError(f"The budget's {name} must be a number above 0, got {limit!r}.")
        try:
            figures(self.engine, self.core)
        except ValueError as error:
            raise BudgetError(str(error)) from error
        if self.milliseconds is not None and self.core != "m4":
            raise BudgetError(
                f"Milliseconds are estimated for core m4 alone, not for {self.core}: limit the instructions instead."
            )

    def limits(self):
        """Limit -> its value, of those that are set."""
        names = ("flash_bytes", "ram_bytes", "milliseconds", "instructions")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def most_instructions(self):
        """How many instructions an inference may take by both limits of time; `None` where neither is set."""
        in_time = [] if self.milliseconds is None else [int(1000 * self.mhz * self.milliseconds / max(CYCLES))]
        return min([*in_time, *([] if self.instructions is None else [self.instructions])], default=None)

    def taken(self, cost):
        """Limit -> what a student takes of it, of those that are set."""
        known = {"flash_bytes": cost.flash_bytes, "ram_bytes": cost.ram_bytes, "instructions": cost.instructions}
        if self.milliseconds is not None:
            known["milliseconds"] = max(cost.milliseconds(self.mhz))
        return {name: known[name] for name in self.limits()}

    def excess(self, cost):
        """Limit -> by what share of it a student is above; 0 or less where it fits."""
        return {name: self.taken(cost)[name] / limit - 1 for name, limit in self.limits().items()}

    def fits(self, cost):
        """Whether a student is within every limit."""
        return max(self.excess(cost).values()) <= 0

    def told(self, cost):
        """`flash 70.1 KB of 64.0 KB, RAM 3.0 KB of 16.0 KB`: what a student takes of each limit."""
        taken = self.taken(cost)
        return ", ".join(
            f"{_NAMES[name]} {amount(name, taken[name])} of {amount(name, limit)}"
            for name, limit in self.limits().items()
        )


_NAMES = {"flash_bytes": "flash", "ram_bytes": "RAM", "milliseconds": "time", "instructions": "instructions"}


def amount(name, value):
    """A value of one of the limits, in words."""
    if name.endswith("_bytes"):
        return f"{value / 1024:.1f} KB"
    return f"{value:.2f} ms" if name == "milliseconds" else f"{value:,.0f}"


def parse_bytes(text):
    """`64k`, `64 KB` or `1.5M` as bytes, of 1024 and 1024 x 1024; a bare number is bytes.

    Raises:
        BudgetError: it is neither.
    """
    return int(_scaled(text, r"(?:i?[bB])?", 1024, "size: write bytes, or 64k, or 1M"))


def parse_count(text):
    """`500k` or `1.2M` as a number, of thousands and millions; a bare number is itself.

    Raises:
        BudgetError: it is neither.
    """
    return round(_scaled(text, "", 1000, "number: write it out, or 500k, or 1.2M"))


def _scaled(text, unit, thousand, wanted):
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*([kKmM]?){unit}", text.strip())
    if not found:
        raise BudgetError(f"{text!r} is no {wanted}.")
    return float(found[1]) * thousand ** ["", "k", "m"].index(found[2].lower())
