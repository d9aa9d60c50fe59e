"""An export folder: what belongs in it, read back, checked to belong together, and replayed."""

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

from tfkd.deploy.c_array import golden_header, golden_source, model_header, model_source
from tfkd.deploy.contract import Contract, ContractError
from tfkd.deploy.encoding import encode_for, signal_shape
from tfkd.deploy.graph import kernel_types, macs, read_graph, variables
from tfkd.deploy.resolver import resolver_header
from tfkd.deploy.tflm import TflmModel
from tfkd.deploy.variants import MEANINGS, Variant
from tfkd.encodings import Gaf

MODEL, CONTRACT, GOLDEN, VARIANTS = "student.tflite", "contract.json", "golden.npz", "variants.json"
C_FILES = (
    "tfkd_contract.h",
    "student_model.h",
    "student_model.c",
    "tfkd_resolver.h",
    "golden_windows.h",
    "golden_windows.c",
)
_GOLDEN_ARRAYS = ("ids", "x", "inputs", "outputs", "labels")


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """An export folder.

    Attributes:
        folder: `Path`.
        contract: `Contract`.
        model_bytes: content of `student.tflite`.
        golden: dict of arrays: `ids` text `(n,)`, `x` float32 `(n, time, channels)` standardised,
            `inputs` int8 `(n, ...)`, encoded and quantised as the model takes them, `outputs` int8
            `(n, classes)`, `labels` int16 `(n,)`, -1 unlabelled.
        macs: multiply-accumulates of one inference.
        variants: dict of `Variant`s by name, see `make_variants`; empty for an export of before
            there were any.
    """

    folder: Path
    contract: Contract
    model_bytes: bytes
    golden: dict
    macs: int
    variants: dict = dataclasses.field(default_factory=dict)


def load_export(folder):
    """Reads an export folder back and checks that its files belong together.

    Args:
        folder: as given to `export_student`.

    Returns:
        An `ExportResult`.

    Raises:
        ContractError: a file is missing or unreadable, the model is not the one in the contract, or
            the golden windows do not fit it. The message names the file.
    """
    folder = Path(folder)
    contract = Contract.read(folder / CONTRACT)
    model_bytes = read_model(folder / MODEL, contract)
    golden = _read_golden(folder / GOLDEN, contract)
    variants = _read_variants(folder, contract.model_sha256) if (folder / VARIANTS).exists() else {}
    return ExportResult(folder, contract, model_bytes, golden, macs(model_bytes), variants)


def read_model(path, contract):
    """The content of a `.tflite` file, checked to be the one that the contract was written for.

    Args:
        path: the file.
        contract: the `Contract` beside it.

    Raises:
        ContractError: the file cannot be read, or is another model.
    """
    path = Path(path)
    try:
        model_bytes = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path} could not be read: {error}") from error
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    if sha256 != contract.model_sha256:
        raise ContractError(
            f"{path} has SHA-256 {sha256}, but {CONTRACT} was written for "
            f"{contract.model_sha256}. Take both from the same export, or export the student again."
        )
    try:
        facts = facts_of(model_bytes)
    except ValueError as error:
        raise ContractError(f"{path}: {error}") from error
    for key, value in facts.items():
        if getattr(contract, key) != value:
            raise ContractError(
                f"{path.parent / CONTRACT}: {key}: {getattr(contract, key)!r}, but {path.name} has "
                f"{value!r}. Export the student again."
            )
    kept = variables(model_bytes)
    if (kept > 0) != (contract.memory > 0):
        raise ContractError(
            f"{path.parent / CONTRACT}: memory: {contract.memory}, but {path.name} keeps {kept or 'no'} variables from "
            "run to run. Export the student again."
        )
    return model_bytes


def replay(export):
    """Runs the golden windows again in the TFLM interpreter, floats and all.

    Args:
        export: an `ExportResult`.

    Returns:
        How many windows give the recorded int8 input and the recorded int8 output, bit for bit.

    Raises:
        ContractError: the contract grants less memory than the interpreter needs.
        TflmError: the interpreter cannot run the model.
    """
    model = TflmModel(export.model_bytes)
    if model.arena_bytes > export.contract.arena_bytes:
        raise ContractError(
            f"{export.folder / CONTRACT}: arena_bytes: {export.contract.arena_bytes}, but the "
            f"model needs {model.arena_bytes}. Export the student again."
        )
    inputs = model.quantize(encode_for(export.contract, export.golden["x"]))
    outputs = model.run(export.golden["inputs"])
    same_in = (inputs == export.golden["inputs"]).reshape(len(inputs), -1).all(axis=1)
    same_out = (outputs == export.golden["outputs"]).all(axis=1)
    return int((same_in & same_out).sum())


def c_files(export, variant=None):
    """The C files of an export: name -> text, for the names in `C_FILES`.

    Args:
        export: an `ExportResult`.
        variant: the `Variant` of the student that TensorFlow Lite Micro is to run; the plain one by
            default. Contract and golden windows are the same for all of them.
    """
    sha256 = export.contract.model_sha256
    encoded = Gaf.parse(export.contract.encoding, export.contract.input_shape[1]) is not None
    if variant is None:
        variant = Variant.of("plain", export.model_bytes, export.contract.arena_bytes)
    texts = (
        export.contract.c_header(),
        model_header(variant, sha256),
        model_source(variant.model_bytes),
        resolver_header(variant.operators, kernel_types(variant.model_bytes)),
        golden_header(export.golden, sha256, encoded),
        golden_source(export.golden, encoded),
    )
    return dict(zip(C_FILES, texts, strict=True))


def facts_of(model_bytes):
    """The part of the contract that the model's file itself tells."""
    graph = read_graph(model_bytes)
    source, target = graph.inputs[0], graph.outputs[0]
    return {
        "input_shape": source.shape,
        "input_scale": source.scale,
        "input_zero_point": source.zero_point,
        "output_scale": target.scale,
        "output_zero_point": target.zero_point,
        "operators": tuple(sorted({operator.name for operator in graph.operators})),
        "model_sha256": hashlib.sha256(model_bytes).hexdigest(),
    }


def _read_variants(folder, student_sha256):
    path = folder / VARIANTS
    try:
        facts = json.loads(path.read_bytes())
        variants = {}
        for name in MEANINGS:
            if name in facts:
                content = (folder / facts[name]["file"]).read_bytes()
                variants[name] = Variant.of(name, content, facts[name]["arena_bytes"])
        described = {name: variant.facts() for name, variant in variants.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContractError(f"{path} or a file that it names could not be read: {error}") from error
    if described != facts or "plain" not in variants or variants["plain"].sha256 != student_sha256:
        raise ContractError(
            f"{path} does not describe the files beside it, or is of another student than {CONTRACT}. "
            "Export the student again."
        )
    return variants


def _read_golden(path, contract):
    try:
        with np.load(path, allow_pickle=False) as archive:
            golden = {name: archive[name] for name in _GOLDEN_ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ContractError(f"{path} could not be read: {error}") from error
    count = len(golden["x"])
    expected = {
        "ids": (count,),
        "x": (count, *signal_shape(contract)),
        "inputs": (count, *contract.input_shape[1:]),
        "outputs": (count, len(contract.labels)),
        "labels": (count,),
    }
    kinds = {"ids": "<U", "x": "<f4", "inputs": "|i1", "outputs": "|i1", "labels": "<i2"}
    for name, shape in expected.items():
        array = golden[name]
        if array.shape != shape or count == 0 or not array.dtype.str.startswith(kinds[name]):
            raise ContractError(
                f"{path}: {name} is {array.dtype} of shape {array.shape}, expected {kinds[name]} "
                f"of shape {shape}. Export the student again."
            )
    return golden
