"""The same student in files of different size, each proven to give the same bytes."""

import dataclasses
import hashlib

import numpy as np

from tfkd.deploy.decode import OPERATOR, decode_pruned
from tfkd.deploy.graph import operators
from tfkd.deploy.slim import slim
from tfkd.deploy.tflm import TflmModel

MEANINGS = {
    "plain": "as the converter wrote it",
    "slim": "without what the kernels do not read; loads in LiteRT too",
    "tflm": "the same with one zero point a tensor; TensorFlow Lite Micro only",
    "decode": f"pruned weights without their zeros, unpacked by {OPERATOR}; TensorFlow Lite Micro only",
}
RANDOM_WINDOWS = 32


class VariantError(RuntimeError):
    """A student has no such variant; or one does not give the student's outputs: a defect, nothing to be shipped."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A student's model in one file.

    Attributes:
        name: a key of `MEANINGS`.
        model_bytes: content of the `.tflite` file.
        arena_bytes: working memory of the TFLM interpreter for it; see `tfkd.deploy.arena`.
        operators: names of its operators, sorted.
        sha256: of the file.
    """

    name: str
    model_bytes: bytes
    arena_bytes: int
    operators: tuple[str, ...]
    sha256: str

    @classmethod
    def of(cls, name, model_bytes, arena_bytes):
        """The variant with what the file itself tells."""
        sha256 = hashlib.sha256(model_bytes).hexdigest()
        return cls(name, bytes(model_bytes), arena_bytes, tuple(operators(model_bytes)), sha256)

    @property
    def file(self):
        """Its name in an export folder."""
        return file_name(self.name)

    def facts(self):
        """What a record or a report says of it, as plain Python values."""
        return {
            "file": self.file,
            "bytes": len(self.model_bytes),
            "arena_bytes": self.arena_bytes,
            "operators": list(self.operators),
            "sha256": self.sha256,
        }


def file_name(name):
    """A variant's file in an export folder: `student.tflite` for `"plain"`."""
    return "student.tflite" if name == "plain" else f"student_{name}.tflite"


def make_variants(model_bytes, windows=None):
    """Makes every variant of a student, and proves that it gives the same outputs.

    Each runs in the TFLM interpreter of the `tflite_micro` wheel, over `windows` and over
    `RANDOM_WINDOWS` random ones. Takes a second or two a variant.

    Args:
        model_bytes: content of an int8 `.tflite` file as the converter wrote it.
        windows: int8 `(n, ...)` in the model's input shape, e.g. the golden inputs.

    Returns:
        Dict of `Variant`s by name, in the order of `MEANINGS`. `"decode"` is missing where leaving
        out zeros saves nothing.

    Raises:
        ValueError: `windows` do not fit the model, or this is not a `.tflite` file.
        TflmError: the TFLM interpreter cannot run the model, or cannot run a variant of it.
        VariantError: a variant gives other outputs.
    """
    tflm = slim(model_bytes, for_litert=False)
    files = {"plain": model_bytes, "slim": slim(model_bytes), "tflm": tflm}
    decode = decode_pruned(tflm)
    if len(decode) < len(tflm):
        files["decode"] = decode
    variants, expected = {}, None
    for name, content in files.items():
        model = TflmModel(content)
        if expected is None:
            shape = (RANDOM_WINDOWS, *model.input_shape[1:])
            every = np.random.default_rng(0).integers(-128, 128, shape, np.int8)
            if windows is not None:
                every = np.concatenate([np.asarray(windows), every])
            expected = model.run(every)
            model.reset()
        different = int((model.run(every) != expected).any(axis=1).sum())
        if different:
            raise VariantError(
                f"The variant {name!r} of the model with SHA-256 {hashlib.sha256(model_bytes).hexdigest()} "
                f"differs from it in {different} of {len(every)} windows. It must not be used; "
                "please report the model."
            )
        variants[name] = Variant.of(name, content, model.arena_bytes)
    return variants
