"""From the bytes of a student to its cost."""

import dataclasses
import functools
import json
import math
from importlib import resources

from tfkd.deploy.arena import measure_arena
from tfkd.deploy.cost.memory import plain_c_flash, tflm_flash, tflm_ram
from tfkd.deploy.cost.plain_c import plain_c_work
from tfkd.deploy.cost.tflm import tflm_code, tflm_work
from tfkd.deploy.plain_c.lowering import lower
from tfkd.deploy.plain_c.reader import read_model
from tfkd.deploy.tflm import int8_ends

CYCLES = 1.2, 1.6
"""Of an instruction, the fewest and the most, on a Cortex-M4 with flash wait states: see micro/README.md."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one student costs.

    Attributes:
        engine, core: as given to `cost_of`.
        flash_bytes: code and constants of engine and student, weights included, without the C library.
        ram_bytes: memory in which an inference runs, without the stack.
        instructions: of one inference, estimated.
        instructions_error: how far off `instructions` was at most, as a share, for students that it was not fitted to.
        by_operator: dict of operator -> instructions, the largest first.
    """

    engine: str
    core: str
    flash_bytes: int
    ram_bytes: int
    instructions: float
    instructions_error: float
    by_operator: dict

    def milliseconds(self, mhz):
        """What an inference takes at a clock of `mhz` MHz, as `(low, high)`.

        With 1.2 to 1.6 cycles an instruction, as published times of other networks on Cortex-M4 come to.

        Raises:
            ValueError: another core than `"m4"`, for which there is nothing to base this on; or `mhz` is not above 0.
        """
        if not 0 < mhz < math.inf:
            raise ValueError(f"mhz must be above 0, got {mhz}.")
        if self.core != "m4":
            raise ValueError(
                f"milliseconds on {self.core}: how many cycles an instruction takes is only known for m4. Compare "
                "instructions, or measure on a board."
            )
        return tuple(self.instructions * cycles / (1000 * mhz) for cycles in CYCLES)


def cost_of(model_bytes, engine="plain_c", core="m4"):
    """What a student costs on a core.

    Args:
        model_bytes: content of an int8 `.tflite` file; for TensorFlow Lite Micro, any variant of it.
        engine: `"plain_c"`, or `"tflm"` for TensorFlow Lite Micro with CMSIS-NN.
        core: `"m4"`, `"m7"` or `"m55"` (with vector instructions); `"tflm"` has no figures for `"m7"`.

    Returns:
        A `Cost`.

    Raises:
        ValueError: no figures for this engine on this core, or for an operator; or this is not a `.tflite` file.
            With `"tflm"`, so for kernels of four bits of which CMSIS-NN answers wrongly.
        TflmError: TensorFlow Lite Micro cannot run the model.
    """
    if not isinstance(model_bytes, (bytes, bytearray, memoryview)):
        raise ValueError(
            f"model_bytes must be the content of a .tflite file, as Path(...).read_bytes() gives it, not "
            f"{type(model_bytes).__name__}. Of a Keras student, tfkd.deploy.cost.int8_for_cost() makes it."
        )
    table = figures(engine, core)
    vectors = core == "m55"
    if engine == "plain_c":
        program = lower(model_bytes)
        works, ram = plain_c_work(program, vectors), program.memory_bytes
        flash = plain_c_flash(program, works, table, vectors)
    else:
        int8_ends(model_bytes)
        model = read_model(model_bytes)
        works = tflm_work(model, vectors)
        operators = {operator.name for operator in model.operators}
        flash = len(model_bytes) + tflm_flash(tflm_code(model), table)
        ram = tflm_ram(operators, measure_arena(model_bytes), vectors)
    spent = {}
    for operator, instructions in estimate(works, table["instructions"]):
        spent[operator] = spent.get(operator, 0) + instructions
    by_operator = dict(sorted(spent.items(), key=lambda item: -item[1]))
    error = max(facts["worst"] for group, facts in table["error"].items() if group.startswith("held_out"))
    return Cost(engine, core, flash, ram, sum(spent.values()), error, by_operator)


def fitted():
    """The content of `fitted.json`: the fitted numbers, how they were made and how far off they are."""
    return _read_fitted()


@functools.lru_cache(maxsize=1)
def _read_fitted():
    return json.loads(resources.files("tfkd.deploy.cost").joinpath("fitted.json").read_text())


def figures(engine, core):
    """What was fitted for an engine on a core.

    Raises:
        ValueError: nothing was.
    """
    tables = fitted()["engines"]
    if engine not in tables:
        raise ValueError(f"engine must be {' or '.join(map(repr, tables))}, not {engine!r}.")
    if core not in tables[engine]:
        raise ValueError(
            f"core must be one of {', '.join(tables[engine])} for engine {engine!r}, not {core!r}: nothing else was "
            "measured. With a library for that core, tools/fit_cost.py measures it."
        )
    return tables[engine][core]


def estimate(works, instructions):
    """Instructions by work.

    Args:
        works: list of `Work`.
        instructions: dict of kernel -> dict of what is counted -> instructions each.

    Returns:
        List of `(operator, instructions)`.

    Raises:
        ValueError: a kernel does what it did for no student that was measured.
    """
    spent = []
    for work in works:
        each = instructions.get(work.kernel, {})
        unknown = [name for name, count in work.counts.items() if count and name not in each]
        if unknown:
            raise ValueError(
                f"{work.operator}: what {work.kernel} takes for {', '.join(unknown)} was not measured. Build the "
                "student of other layers, or measure it: tools/firmware.py."
            )
        spent.append((work.operator, sum(each[name] * count for name, count in work.counts.items() if count)))
    return spent
