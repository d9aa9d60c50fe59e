"""Everything that a firmware project and a check on the host need of a student, written to one folder."""

import json
import os
from pathlib import Path

import numpy as np

from tfkd.deploy.contract import Contract, ContractError
from tfkd.deploy.encoding import encode, encode_for, signal_shape, split_encoding
from tfkd.deploy.exported import C_FILES, CONTRACT, GOLDEN, VARIANTS, ExportResult, c_files, facts_of
from tfkd.deploy.folder import replacing_folder
from tfkd.deploy.four_bit import in_four_bits
from tfkd.deploy.graph import macs
from tfkd.deploy.interface import refuse_unfit
from tfkd.deploy.tflite import convert_int8, in_chunks
from tfkd.deploy.tflm import TflmModel
from tfkd.deploy.variants import MEANINGS, file_name, make_variants
from tfkd.files import OutputError
from tfkd.networks.causal import memory_of

_PLAIN_C = ("student_plain.h", "student_plain.c")  # which tools/export.py puts beside them, where it is told to


def export_student(student, folder, *, calibration, contract_facts, golden, weight_bits=8):
    """Converts a trained student to int8, runs it in TFLM and writes the export folder.

    A Gramian angular field right behind the student's input is left to the firmware: the model that is converted
    begins behind it, and the contract names it.

    The folder holds `student.tflite`, `contract.json`, `golden.npz`, the C files of `C_FILES`, and the
    student's smaller variants with `variants.json`, which has size, arena, operators and SHA-256 of
    each. The contract is that of `student.tflite`; as the variants give the same outputs, all of it
    but arena, operators and SHA-256 holds for them too. The folder appears whole or not at all; an
    earlier export of that name is replaced only then.

    Args:
        student: Functional Keras model in float32: one input, logits `(batch, classes)`. For a causal student, what
            `tfkd.networks.streaming` makes of it.
        folder: where to write. Must not exist, or hold nothing but an earlier export.
        calibration: standardised training windows `(n, time, channels)`; see `convert_int8`. With a memory, the
            windows that it was trained on: those of `golden`, too, are cut into chunks and follow each other.
        contract_facts: what the model's file does not tell, by `Contract`'s names: `dataset`,
            `split`, `windowing`, `sample_rate_hz`, `window`, `hop`, `channels`, `units`, `mean`,
            `scale`, `encoding`, `labels`. `encoding` may be left out, or `"none"`, where the student itself holds
            it; a student that takes images says here what they are made by.
        golden: dict of `ids` (texts), `x` (standardised windows `(n, time, channels)`) and `labels`
            (class indices, -1 unlabelled): windows whose int8 outputs go along, to be replayed on
            host and device. A handful: each costs `time * channels` bytes of flash in a test image.
        weight_bits: 8, or 4 for a student whose convolutions were trained so
            (`tfkd.compress.quantization_aware(..., weight_bits=4)`): their kernels are then stored in half the bytes.

    Returns:
        An `ExportResult`.

    Raises:
        ExportError: the student has not one input of fixed shape and logits, ends in softmax, is not in float32 or
            holds a recurrent layer.
        ValueError: `calibration` or `golden` does not fit the student, it has a Gramian angular field elsewhere
            than behind its input, or `weight_bits` is neither 8 nor 4.
        FourBitError: the kernel of a convolution was not trained for four bits, or there is none.
        ContractError: a fact is missing, unknown or wrong.
        TflmError: the TFLM interpreter cannot run the student (`check_exportable` says so earlier).
        VariantError: a variant does not give the student's outputs.
        OutputError: the folder cannot be written, or holds files of another kind. What was there
            before is unchanged.
    """
    if weight_bits not in (8, 4):
        raise ValueError(f"weight_bits must be 8 or 4, not {weight_bits!r}.")
    refuse_unfit(student)
    folder = Path(folder).resolve()
    _refuse_foreign_files(folder)
    _check_golden(golden)
    network, contract_facts = _encoding_apart(student, contract_facts)
    memory = memory_of(network)
    if contract_facts.get("memory", memory) != memory:
        raise ContractError(
            f"memory: {contract_facts['memory']!r}, but the student keeps {memory} samples. Leave it out."
        )
    if memory:
        contract_facts = contract_facts | {"memory": memory}
        calibration, golden = in_chunks(np.asarray(calibration), network.input_shape[1]), _in_chunks(golden, network)
    model_bytes = convert_int8(network, encode(contract_facts["encoding"], network.input_shape[1], calibration))
    if weight_bits == 4:
        model_bytes = in_four_bits(model_bytes)
    model = TflmModel(model_bytes)
    facts = facts_of(model_bytes) | {"arena_bytes": model.arena_bytes}
    try:
        contract = Contract(**contract_facts, **facts)
    except TypeError as error:  # Python's own words for a missing, unknown or doubled key
        raise ContractError(f"contract_facts do not fit: {error}") from error
    if len(contract.labels) != model.output_shape[-1]:
        raise ContractError(
            f"labels: {len(contract.labels)} names, but the student has {model.output_shape[-1]} outputs."
        )
    for name, x in (("calibration", calibration), ("golden x", golden.get("x"))):
        if x is not None and np.shape(x)[1:] != signal_shape(contract):
            raise ValueError(f"{name} must be windows of shape {signal_shape(contract)}, not {np.shape(x)[1:]}.")
    recorded = _record(model, golden, contract)
    variants = make_variants(model_bytes, recorded["inputs"])
    result = ExportResult(folder, contract, model_bytes, recorded, macs(model_bytes), variants)
    with replacing_folder(folder) as temporary:
        for variant in variants.values():
            (temporary / variant.file).write_bytes(variant.model_bytes)
        facts = {name: variant.facts() for name, variant in variants.items()}
        (temporary / VARIANTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        np.savez(temporary / GOLDEN, **result.golden)
        for name, text in c_files(result).items():
            (temporary / name).write_text(text, encoding="ascii")
        (temporary / CONTRACT).write_text(contract.to_json(), encoding="utf-8")
    return result


def _encoding_apart(student, facts):
    """The network to convert, and the facts with the encoding before it."""
    network, inside = split_encoding(student)
    named = facts.get("encoding", "none")
    if inside != "none" and named not in ("none", inside):
        raise ContractError(f"encoding: {named!r}, but the student {student.name!r} holds {inside!r} itself.")
    return network, facts | {"encoding": named if inside == "none" else inside}


def _in_chunks(golden, network):
    """Golden windows cut into chunks, each with its window's id and label."""
    x = in_chunks(np.asarray(golden["x"]), network.input_shape[1])
    each = len(x) // max(len(golden["x"]), 1)
    return {"ids": np.repeat(golden["ids"], each), "x": x, "labels": np.repeat(golden["labels"], each)}


def _check_golden(golden):
    if not isinstance(golden, dict) or golden.keys() != {"ids", "x", "labels"}:
        found = sorted(golden) if isinstance(golden, dict) else type(golden).__name__
        raise ValueError(f"golden must be a dict of ids, x and labels, not {found}.")
    labels = np.asarray(golden["labels"])
    if labels.ndim != 1 or (len(labels) and not np.issubdtype(labels.dtype, np.integer)):
        raise ValueError(
            f"golden labels must be class indices, integers of shape (n,), -1 for unlabelled, not {labels.dtype} of "
            f"shape {labels.shape}."
        )


def _record(model, golden, contract):
    x = np.asarray(golden["x"], np.float32)
    ids, labels = [str(identity) for identity in golden["ids"]], np.asarray(golden["labels"])
    if len(x) == 0 or not len(ids) == len(x) == len(labels):
        raise ValueError(
            f"golden needs as many ids as windows and labels, at least one; it has {len(ids)} ids, "
            f"{len(x)} windows and {len(labels)} labels."
        )
    classes = model.output_shape[-1]
    if labels.min() < -1 or labels.max() >= classes:
        raise ValueError(f"golden labels must be in [-1, {classes - 1}], not {labels.tolist()}.")
    inputs = model.quantize(encode_for(contract, x))
    return {
        "ids": np.array(ids, dtype=np.str_),  # not objects: those would be pickled
        "x": x,
        "inputs": inputs,
        "outputs": model.run(inputs),
        "labels": labels.astype(np.int16),
    }


def _refuse_foreign_files(folder):
    """Replacing the folder deletes what is in it: nothing there may be anyone else's."""
    ours = {CONTRACT, GOLDEN, VARIANTS, *map(file_name, MEANINGS), *C_FILES, *_PLAIN_C}
    try:
        foreign = sorted(set(os.listdir(folder)) - ours) if folder.exists() else []
    except OSError as error:
        raise OutputError(f"Could not look into {folder}: {error.strerror or error}.") from error
    if foreign:
        raise OutputError(f"{folder} holds {foreign[0]!r}, which is not part of an export. Choose a folder of its own.")
