"""What the firmware in `micro/` is built from: the C files of a student, wherever the student lies."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from tfkd.deploy.contract import Contract, ContractError
from tfkd.deploy.encoding import encode_for, signal_shape
from tfkd.deploy.exported import CONTRACT, GOLDEN, MODEL, ExportResult, c_files, load_export, read_model
from tfkd.deploy.flatbuffer import integers, operator_name, pack, set_integers, unpack, weights_and_biases
from tfkd.deploy.four_bit import in_four_bits
from tfkd.deploy.graph import macs
from tfkd.deploy.plain_c import plain_c_files
from tfkd.deploy.tflm import TflmModel
from tfkd.deploy.variants import VariantError, make_variants
from tfkd.files import write_text

_NOISE, _SMOOTH = 6, 6


def find_student(path):
    """The student in a folder or file: of a run, of an export, of `models/`, or a bare `.tflite`.

    Args:
        path: a run folder (its first seed's student is taken), the folder that `export_student`
            wrote, one that holds `student.tflite` and `contract.json` alone, or a `.tflite` with its
            `contract.json` beside it. Where there are no golden windows, `invented_golden` makes some.

    Returns:
        An `ExportResult`.

    Raises:
        ContractError: there is no student, or its files do not belong together.
        TflmError: the TFLM interpreter cannot run it.
    """
    path = Path(path)
    if path.suffix == ".tflite" and not path.is_dir():
        return _student_of_file(path)
    if not path.exists():
        raise ContractError(f"There is no file or folder {path}.")
    if not (path / CONTRACT).exists():
        exports = sorted(path.glob(f"seed*/export/{CONTRACT}"), key=lambda p: (len(str(p)), str(p)))
        if not exports:
            raise ContractError(
                f"{path} holds no student: neither {CONTRACT}, as in an export or in models/, nor "
                f"seed0/export/{CONTRACT}, as in a finished run."
            )
        path = exports[0].parent
    return load_export(path) if (path / GOLDEN).exists() else _without_golden(path / MODEL)


def _student_of_file(model):
    if not model.is_file():
        raise ContractError(f"There is no file {model}.")
    if not (model.parent / CONTRACT).exists():
        raise ContractError(
            f"{model} has no {CONTRACT} beside it. A .tflite does not tell what its numbers mean: which channels, in "
            "which units, how they are standardised and cut into windows, and what the outputs are called. Name "
            "the export or run folder that the file came from, or write these facts down: models/utd-imu/"
            "contract.json is an example, tfkd.deploy.Contract tells what each key means."
        )
    whole = model.name == MODEL and (model.parent / GOLDEN).exists()
    return load_export(model.parent) if whole else _without_golden(model)


def _without_golden(path):
    contract = Contract.read(path.parent / CONTRACT)
    model_bytes = read_model(path, contract)
    model = TflmModel(model_bytes)
    if len(contract.labels) != model.output_shape[-1]:
        raise ContractError(
            f"{path.parent / CONTRACT}: labels: {len(contract.labels)} names, but {path.name} has "
            f"{model.output_shape[-1]} outputs."
        )
    return ExportResult(path.parent, contract, model_bytes, invented_golden(model, contract), macs(model_bytes))


def invented_golden(model, contract, seed=0):
    """Golden windows where there are no recordings: what `model` gives for invented inputs.

    Noise, over the whole int8 range where nothing is encoded, smooth curves, and constants at both ends of
    the range and at zero. They tell whether an engine computes the same bytes; they say nothing of accuracy. A student
    with a memory is given them as chunks of one signal.

    Args:
        model: a `TflmModel`.
        contract: its `Contract`.
        seed: an integer; the same seed makes the same windows.

    Returns:
        A dict of arrays as in `ExportResult.golden`; nothing is labelled.
    """
    generator = np.random.default_rng(seed)
    shape = signal_shape(contract)
    noise = generator.integers(-128, 128, (_NOISE, *shape), dtype=np.int8)
    curves = generator.normal(0, 12, (_SMOOTH, *shape)).cumsum(axis=1) + model.input_zero_point
    constants = [np.full(shape, value) for value in (-128, 127, model.input_zero_point)]
    smooth = np.clip(np.rint([*curves, *constants]), -128, 127).astype(np.int8)
    steps = np.concatenate([noise, smooth]).astype(np.float32) - np.float32(model.input_zero_point)
    encoded = contract.input_shape[1:] != shape
    x = steps * np.float32(1 / 32 if encoded else model.input_scale)  # up to 4 standard deviations
    inputs = model.quantize(encode_for(contract, x))
    model.reset()
    return {
        "ids": np.array([f"invented{i}" for i in range(len(inputs))], dtype=np.str_),
        "x": x,
        "inputs": inputs,
        "outputs": model.run(inputs),
        "labels": np.full(len(inputs), -1, np.int16),
    }


def with_zeros(student, share):
    """The student with weights set to zero, for measuring what pruning saves on the board.

    It is not trained again, so its answers are worth nothing: a pruned student comes from
    `tfkd.compress`. In each convolution and dense layer the smallest weights go; depthwise layers stay
    as they are, as in pruning.

    Args:
        student: an `ExportResult`.
        share: of each layer's weights, in [0, 1].

    Returns:
        An `ExportResult` with golden windows of its own, invented.
    """
    return _for_costs(student, zeroed(student.model_bytes, share))


def with_four_bits(student):
    """The student with the kernels of all convolutions rounded to four bits, for measuring what that saves.

    It is not trained for it, so its answers are worth nothing: see `tfkd.deploy.in_four_bits`.

    Args:
        student: an `ExportResult`.

    Returns:
        An `ExportResult` with golden windows of its own, invented.
    """
    return _for_costs(student, in_four_bits(student.model_bytes, rounding=True))


def _for_costs(student, model_bytes):
    tflm = TflmModel(model_bytes)
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    contract = dataclasses.replace(student.contract, model_sha256=sha256, arena_bytes=tflm.arena_bytes)
    return ExportResult(student.folder, contract, model_bytes, invented_golden(tflm, contract), student.macs)


def zeroed(model_bytes, share):
    """The bytes of a `.tflite` file with the smallest weights set to zero, as `with_zeros` does it."""
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], not {share!r}.")
    model = unpack(model_bytes)
    for _, operator, weights, _ in weights_and_biases(model):
        if operator_name(model, operator) == "DEPTHWISE_CONV_2D":
            continue
        values = integers(model, weights)
        smallest = np.argsort(np.abs(values.astype(int)), kind="stable")[: round(share * len(values))]
        values[smallest] = 0
        set_integers(model, weights, values)
    return pack(model)


def write_firmware(student, out, variant=None):
    """Writes all that `micro/` reads: the C files it includes, and the contract for its tools.

    Args:
        student: an `ExportResult`.
        out: folder, `micro/generated` for the firmware in this repository.
        variant: name of the variant that TensorFlow Lite Micro is to run, see `make_variants`; the
            plain one by default. Plain C is the same for all.

    Returns:
        The names of the files, sorted.

    Raises:
        PlainCError: the plain C engine has no kernel for an operator of the student.
        VariantError: the student has no such variant.
        OutputError: a file cannot be written.
    """
    if variant is not None:
        variants = student.variants or make_variants(student.model_bytes, student.golden["inputs"])
        if variant not in variants:
            raise VariantError(f"This student has no variant {variant}; it has {', '.join(variants)}.")
        variant = variants[variant]
    files = c_files(student, variant) | plain_c_files(student.model_bytes, student.contract.model_sha256)
    files[CONTRACT] = student.contract.to_json()
    for name, text in files.items():
        write_text(Path(out) / name, text)
    return sorted(files)
