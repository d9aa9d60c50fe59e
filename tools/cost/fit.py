"""For fit_cost.py: from counted students to the numbers of `tfkd/deploy/cost/fitted.json`."""

import dataclasses
import statistics

import numpy as np
from absl import logging


@dataclasses.dataclass
class Sample:
    """A student: what its kernels do, what was counted, and its `Program` if it has one."""

    name: str
    works: list
    counted: dict
    program: object = None

    def sums(self, kernel):
        """What one kernel does in all."""
        sums = {}
        for work in self.works:
            if work.kernel == kernel:
                for name, count in work.counts.items():
                    sums[name] = sums.get(name, 0) + count
        return sums


def plain_c(counter, samples):
    """The plain C engine's numbers but for its kernels for four-bit weights."""
    from tfkd.deploy.cost.memory import constants, schedule

    vectors = counter.core == "m55"
    found = _counted(counter, samples)
    fit = found["fitted"]
    flashes = [sample.counted["flash"] for sample in fit]
    own = [flash["student_plain"] for flash in flashes]
    sizes = [constants(sample.program, vectors) for sample in fit]
    structs = fitted([types for _, types in sizes], [o["constants"] - arrays for o, (arrays, _) in zip(own, sizes)])
    code = fitted([schedule(sample.program, vectors) for sample in fit], [o["code"] for o in own])
    table = {
        "instructions": instructions_by_kernel(fit, lambda source: source.removesuffix(".c")),
        "kernels": _kernel_bytes(flashes),
        "schedule": code,
        "structs": {name: round(size) for name, size in structs.items()},
    }
    table["error"] = errors_of(found, table)
    table["error"]["flash_bytes"] = _flash_error(found["held_out"] + found["zoo"], table, vectors)
    return table


def plain_c_int4(counter, samples, table):
    """Puts into the plain C engine's numbers those of its kernels for four-bit weights; nothing else changes."""
    found = _counted(counter, samples)
    fit = found["fitted_int4"]
    for name, pieces in instructions_by_kernel(fit, lambda source: source.removesuffix(".c")).items():
        if name.endswith("_int4"):
            table["instructions"][name] = pieces
    for name, size in _kernel_bytes([sample.counted["flash"] for sample in fit]).items():
        if name.endswith("_int4"):
            table["kernels"][name] = size
    table["error"] |= errors_of(found, table)
    table["error"]["flash_bytes_int4"] = _flash_error(found["held_out_int4"], table, counter.core == "m55")


def _counted(counter, samples):
    from tfkd.deploy.cost.plain_c import plain_c_work
    from tfkd.deploy.plain_c import lower

    found = {}
    for group, students in samples.items():
        found[group] = []
        for index, (name, model_bytes) in enumerate(students.items()):
            program = lower(model_bytes)
            if group.startswith("fitted") and index % 5 == 0:
                _scale_in_general(program)
            counted = counter.count(model_bytes, program)
            found[group].append(Sample(name, plain_c_work(program, counter.core == "m55"), counted, program))
            logging.info("plain C, %s, %s: %d instructions", counter.core, name, counted["instructions"])
    return found


def _kernel_bytes(flashes):
    """The most bytes that each kernel takes anywhere."""
    kernels = {name for flash in flashes for name in flash if name.startswith("tfkd_")}
    return {name: max(sum(flash[name].values()) for flash in flashes if name in flash) for name in sorted(kernels)}


def _flash_error(samples, table, vectors):
    """Bytes that the flash of the samples is off by, at most."""
    from tfkd.deploy.cost.memory import plain_c_flash

    off = [
        plain_c_flash(sample.program, sample.works, table, vectors)
        - sum(sum(sizes.values()) for name, sizes in sample.counted["flash"].items() if name.startswith(_OURS))
        for sample in samples
    ]
    return max(map(abs, off))


_OURS = "tfkd_", "student_plain"


def _scale_in_general(program):
    """Takes the fast scaling away from all layers: what trained students hardly ever need, but may."""
    for step in program.steps:
        for structs, _ in filter(None, ((step.structs, step.code), step.vectors)):
            for _, fields in structs.values():
                if "scaling" in fields:
                    fields["scaling"]["fast"] = 0
                    if step.kernel == "tfkd_multiply_dense_int4":  # which looks at the range itself
                        fields["scaling"]["low"] = -127


def instructions_by_kernel(samples, kernel_of, wanted=None):
    """Instructions of each piece of each kernel, or of those wanted."""
    named = {work.kernel for sample in samples for work in sample.works}
    rest = next(name for name in ("interpreter", "student_plain") if name in named)
    table = {}
    for kernel in sorted(named if wanted is None else named & set(wanted)):
        targets = []
        for sample in samples:
            spent = 0
            for source, count in sample.counted["sources"].items():
                name = kernel_of(source)
                spent += count if (name if name in named else rest) == kernel else 0
            targets.append(spent)
        totals = [sample.counted["instructions"] for sample in samples]
        table[kernel] = fitted([sample.sums(kernel) for sample in samples], targets, totals)
    return table


def fitted(rows, targets, totals=None):
    """Non-negative numbers, one for each thing counted, that add up to the targets as well as can be.

    Args:
        rows: list of dicts of what is counted -> how often.
        targets: list of numbers.
        totals: of which the targets are parts; by default, only the targets' own share counts.
    """
    from scipy.optimize import nnls

    names = [name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) for row in rows)]
    matrix = np.array([[row.get(name, 0) for name in names] for row in rows], np.float64)
    targets = np.asarray(targets, np.float64)
    # Errors count as shares: of what is fitted, but no smaller than a hundredth of the whole.
    floor = np.ones(len(targets)) if totals is None else np.asarray(totals) / 100
    weights = 1 / np.maximum(np.maximum(targets, floor), 1)
    matrix, targets = matrix * weights[:, None], targets * weights
    scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-12)
    solution, _ = nnls(matrix / scale, targets, maxiter=100 * len(names) + 100)
    return {name: round(float(value), 3) for name, value in zip(names, solution / scale)}


def errors_of(found, table):
    from tfkd.deploy.cost.estimate import estimate

    errors = {}
    for group, samples in found.items():
        shares = []
        for sample in samples:
            estimated = sum(instructions for _, instructions in estimate(sample.works, table["instructions"]))
            shares.append(abs(estimated / sample.counted["instructions"] - 1))
            logging.info("%s: %.2f %% off", sample.name, 100 * shares[-1])
        errors[group] = {"students": len(shares)}
        errors[group] |= {"median": round(statistics.median(shares), 5), "worst": round(max(shares), 5)}
    return errors
