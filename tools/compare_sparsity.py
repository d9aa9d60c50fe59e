"""What zeros among a student's weights buy on each engine: bytes and instructions, by where the zeros lie.

    python tools/compare_sparsity.py --model models/utd-imu-small
    python tools/compare_sparsity.py --model runs/x/seed0/distilled.keras

Takes a folder of models/, a run or export folder, a `.tflite`, or a Keras student. Sets the smallest weights of each
convolution and dense layer to zero as they are, WITHOUT training, and tells what the result costs (`tfkd.deploy.cost`).
Accuracy is not in it: what a student still knows with so many zeros only training tells, as a recipe with [pruning]
does it.
"""

import sys
from pathlib import Path

import clusters
from absl import app, flags
from quiet import without_start_up_messages

_MODEL = flags.DEFINE_string("model", None, "The student.", required=True)
_SHARES = flags.DEFINE_list("shares", ["0.5", "0.75", "0.9"], "Shares of zeros, the same in every kernel.")
_BY_COST = flags.DEFINE_float(
    "by_cost", 0.75, "Share of zeros in every kernel whose cost is spent layer by layer instead.", 0, 0.99
)
_COSTS = "plain C, m4: flash", "instructions", "m55: flash", "instructions", "TFLM, m4: flash", "instructions"
_HEAD = "weights", "zeros", "energy left", "`.tflite`", "for TFLM", *_COSTS


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {' '.join(argv[1:])}")
    try:
        shares = [float(share) for share in _SHARES.value]
    except ValueError as error:
        raise app.UsageError(f"--shares must be numbers with commas between, not {_SHARES.value}.") from error
    if not all(0 <= share < 1 for share in shares):
        raise app.UsageError(f"--shares must be at least 0 and below 1, not {shares}.")
    with without_start_up_messages():
        import tfkd  # noqa: F401
    from tfkd.deploy import ContractError, TflmError

    print(f"Zeros set without training: what {_MODEL.value} would cost. Accuracy is not in it.\n")
    try:
        model_bytes = _bytes_of(Path(_MODEL.value))
        for number, row in enumerate(_rows(model_bytes, shares, _BY_COST.value)):
            if number == 0:
                print(_line(_HEAD) + "\n" + _line(["---"] + ["---:"] * (len(_HEAD) - 1)))
            print(_line(row), flush=True)
    except (ContractError, TflmError, ValueError, OSError) as error:
        sys.exit(f"\n{error}")


def _bytes_of(path):
    from tfkd.deploy.cost import int8_for_cost
    from tfkd.deploy.firmware import find_student

    if path.suffix == ".keras" and path.is_file():
        from tfkd.teaching import load

        return int8_for_cost(load(path))
    if path.suffix == ".tflite" and path.is_file():
        return path.read_bytes()
    return find_student(path).model_bytes


def _rows(model_bytes, shares, by_cost):
    from tfkd.compress import Pattern, sparsity_per_layer
    from tfkd.deploy import in_four_bits
    from tfkd.deploy.cost import zeros
    from tfkd.deploy.graph import kernel_types

    if "int4" in set().union(*kernel_types(model_bytes).values()):
        raise ValueError(
            f"{_MODEL.value} has weights of 4 bits already. What zeros buy is told of int8 weights: give the student "
            "that it was made of, for example its run's distilled.keras."
        )
    kernels = zeros.kernels_of(model_bytes)
    if not kernels:
        raise ValueError(f"{_MODEL.value} holds no convolution and no dense layer with int8 weights.")

    def row(name, found):
        return _row(name, kernels, found, zeros.replaced(model_bytes, found))

    yield row("as they are", kernels)
    free, blocks = Pattern(), Pattern.parse("4x1")
    for pattern, words in ((free, "anywhere"), (blocks, "in blocks 4x1")):
        for share in shares:
            yield row(f"{share:.0%} {words}", {n: pattern.zeroed(kernel, share) for n, kernel in kernels.items()})
    for text in ("2:4", "3:4"):
        pattern = Pattern.parse(text)
        yield row(text, {name: pattern.zeroed(kernel) for name, kernel in kernels.items()})
    for engine, words, kind in (("plain_c", "plain C", "flash"), ("plain_c", "plain C", "instructions"),
                                ("tflm", "TFLM", "flash")):  # fmt: skip
        cost = zeros.CostOfZeros(model_bytes, kernels, engine, "m4", kind)
        found = sparsity_per_layer(kernels, cost, by_cost)
        name = f"{by_cost:.0%} by {kind}, {words} m4: {', '.join(f'{100 * share:.0f}' for share in found.values())} %"
        yield row(name, {n: free.zeroed(kernel, found[n]) for n, kernel in kernels.items()})
    rounded = {n: clusters.in_even_steps(k) if n.startswith("CONV_2D") else k for n, k in kernels.items()}
    yield _row("4 bits in convolutions", kernels, rounded, in_four_bits(model_bytes, rounding=True))
    clustered = {name: clusters.clustered(kernel) for name, kernel in kernels.items()}
    with_clusters = zeros.replaced(model_bytes, clustered)
    yield _row("16 values an output channel (k-means)", kernels, clustered, with_clusters, clusters.with_tables)


def _row(name, kernels, found, model_bytes, smallest=None):
    import numpy as np

    from tfkd.deploy import cost_of
    from tfkd.deploy.cost import zeros

    energy = [np.sum(k.astype(float) ** 2) for k in kernels.values()]
    gone = [np.sum((k.astype(float) - found[n]) ** 2) for n, k in kernels.items()]
    left = 1 - np.mean(np.divide(gone, energy))
    share = sum((k == 0).sum() for k in found.values()) / sum(k.size for k in found.values())
    plain = [cost_of(model_bytes, "plain_c", core) for core in ("m4", "m55")]
    for_tflm = (smallest or zeros.smallest)(model_bytes)
    # What a decoder of tables takes was not measured.
    tables = smallest and len(for_tflm) < len(zeros.smallest(model_bytes))
    tflm = [("–", "–")] if tables else [_costs(cost_of(for_tflm, "tflm", "m4"))]
    costs = [value for pair in [*map(_costs, plain), *tflm] for value in pair]
    return [name, f"{share:.0%}", f"{left:.1%}", f"{len(model_bytes):,}", f"{len(for_tflm):,}", *costs]


def _costs(cost):
    return f"{cost.flash_bytes:,}", f"{cost.instructions:,.0f}"


def _line(cells):
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    app.run(main)
