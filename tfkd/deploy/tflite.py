"""A trained Keras student to a fully quantised int8 `.tflite` model."""

import contextlib
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

from tfkd.deploy.graph import macs, operators
from tfkd.deploy.interface import refuse_inconvertible
from tfkd.networks.causal import memory_of
from tfkd.networks.quantized import QUANTIZED, FakeQuantize

__all__ = ["balanced_calibration", "convert_int8", "in_chunks", "macs", "operators"]


def convert_int8(student, calibration, work_dir=None):
    """Converts a Keras model to a `.tflite` model that is int8 throughout, with a fixed batch of 1.

    Weights are quantised per channel, activations by the ranges that `calibration` produces, or by those that the
    student holds (`tfkd.compress.strip`).

    Args:
        student: Functional Keras model in float32, one input `(batch, time, channels)`, one output.
            It is left as it was. With a memory (`tfkd.networks.streaming`), the model keeps that between its runs,
            in TFLite's variables.
        calibration: floats `(n, time, channels)`, standardised exactly as in training and on the
            board. Training windows, never test windows; a few hundred are plenty. For a student with a memory,
            windows of several chunks, fed in their order. Checked, but not used, where the student holds its ranges.
        work_dir: folder for temporary files; the system's by default.

    Returns:
        The `.tflite` file's content as bytes.

    Raises:
        ExportError: the student has other inputs and outputs, a shape that is not fixed, another precision, or a
            recurrent layer.
        ValueError: `calibration` is empty, not finite or does not fit the student's input; or the student is a twin in
            training, which `tfkd.compress.strip` has to make an ordinary model of first.
    """
    import keras
    import tensorflow as tf

    refuse_inconvertible(student)
    calibration = np.asarray(calibration, np.float32)
    shape = tuple(student.input_shape[1:])
    remembers = memory_of(student) > 0
    if remembers:
        calibration = in_chunks(calibration, shape[0])
    if calibration.shape[1:] != shape or len(calibration) == 0:
        raise ValueError(
            f"calibration must have shape (n, {', '.join(map(str, shape))}) with n > 0, not "
            f"{calibration.shape}."
        )
    if not np.isfinite(calibration).all():
        raise ValueError(
            f"calibration has {int((~np.isfinite(calibration)).sum())} values that are not "
            "finite; they would make every quantisation range meaningless. Repair or leave out "
            "these windows."
        )
    if any(isinstance(layer, FakeQuantize) for layer in student.layers):
        student, ranges = _with_converter_ranges(student), {}
    else:
        ranges = {
            "representative_dataset": lambda: ([window[None]] for window in calibration),
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        }
    with tempfile.TemporaryDirectory(dir=work_dir) as folder, _quiet():
        path = Path(folder) / "student.tflite"
        student.export(
            path,
            format="litert",
            verbose=False,
            # A dynamic batch would double the number of operators.
            input_signature=[keras.InputSpec(shape=(1, *shape), dtype="float32")],
            optimizations=[tf.lite.Optimize.DEFAULT],
            inference_input_type=tf.int8,
            inference_output_type=tf.int8,
            **ranges,
            **({"experimental_enable_resource_variables": True, **_INT8_VARIABLES} if remembers else {}),
        )
        return path.read_bytes()


_INT8_VARIABLES = {"_experimental_variable_quantization": True}
"""Without it the converter keeps what a student remembers in float32, between DEQUANTIZE and QUANTIZE."""


def _with_converter_ranges(student):
    """A copy in which the ranges that a student holds are the operators by which the converter knows such."""
    import keras
    import tensorflow as tf

    class Range(keras.layers.Layer):
        def __init__(self, low, high, name):
            super().__init__(name=name)
            self.low, self.high = low, high

        def call(self, inputs):
            return tf.quantization.fake_quant_with_min_max_vars(inputs, self.low, self.high)

    def clone(layer):
        if isinstance(layer, FakeQuantize):
            return Range(*layer.range, layer.name)
        return type(layer).from_config(layer.get_config())

    for layer in student.layers:
        if isinstance(layer, tuple(QUANTIZED.values())) or (isinstance(layer, FakeQuantize) and layer.trained):
            raise ValueError(
                f"The student {student.name!r} is still in training to be quantized (layer {layer.name!r}). Convert "
                "what tfkd.compress.strip() makes of it."
            )
    copy = keras.models.clone_model(student, clone_function=clone)
    copy.set_weights(student.get_weights())
    return copy


def in_chunks(windows, samples):
    """Windows `(n, time, channels)` as chunks `(n * time / samples, samples, channels)`, one after the other.

    Raises:
        ValueError: the windows cannot be cut into chunks of so many samples.
    """
    if windows.ndim != 3 or windows.shape[1] % samples:
        raise ValueError(
            f"Windows of shape {windows.shape} cannot be fed to a student that takes chunks of {samples} samples: the "
            "windows' time must be a multiple of that."
        )
    return windows.reshape(-1, samples, windows.shape[2])


def balanced_calibration(x, labels, per_class, seed):
    """Picks the same number of windows of each class, so that no class sets the ranges alone.

    Args:
        x: windows `(n, ...)`.
        labels: class indices `(n,)`; -1 marks an unlabelled window, which is never picked.
        per_class: how many of each class. If the rarest class has fewer, that many of each.
        seed: an integer; the same seed picks the same windows.

    Returns:
        The picked windows in their order in `x`.

    Raises:
        ValueError: lengths differ, `per_class` is not positive, or no window has a label.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(x),):
        raise ValueError(f"labels must have shape ({len(x)},) like x, not {labels.shape}.")
    if per_class < 1:
        raise ValueError(f"per_class must be at least 1, not {per_class}.")
    classes, counts = np.unique(labels[labels >= 0], return_counts=True)
    if len(classes) == 0:
        raise ValueError(f"None of the {len(labels)} windows has a label; pick windows some other way.")
    count = min(per_class, counts.min())
    generator = np.random.default_rng(seed)
    picked = [generator.choice(np.flatnonzero(labels == label), count, replace=False) for label in classes]
    return np.asarray(x)[np.sort(np.concatenate(picked))]


@contextlib.contextmanager
def _quiet():
    """Keeps the converter's C++ from writing to stderr; if it fails, that joins the error."""
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        os.dup2(log.fileno(), 2)
        try:
            yield
        except Exception as error:
            log.seek(0)
            error.add_note(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
