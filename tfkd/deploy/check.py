"""Whether a student can go to a microcontroller at all. To be asked before it is trained."""

import re

import numpy as np

from tfkd.deploy.arena import TflmError
from tfkd.deploy.encoding import split_encoding
from tfkd.deploy.graph import read_graph
from tfkd.deploy.interface import ExportError, refuse_unfit
from tfkd.deploy.operators import unsupported
from tfkd.deploy.tflite import convert_int8
from tfkd.deploy.tflm import TflmModel

_KNOWN_GOOD = (
    "Known to work: Conv1D/2D, DepthwiseConv1D/2D, SeparableConv1D/2D, Dense, "
    "BatchNormalization, pooling, Flatten, Reshape, Add, Concatenate, and the activations relu, "
    "relu6, leaky_relu, hard_swish, swish, sigmoid, tanh, softmax."
)
_WAY_OUT = {
    "GELU": "Use relu, relu6 or hard_swish instead of gelu.",
    "SELECT": "Use relu, relu6 or hard_swish instead of selu and other activations with a branch.",
    "EXP": "Use relu, relu6 or hard_swish instead of softplus or mish: TFLM has no int8 EXP.",
    "TILE": "Use Conv1DTranspose or Conv2DTranspose instead of UpSampling and RepeatVector.",
    "CONV_3D": "Use Conv2D on a reshaped input instead of Conv3D.",
}


def check_exportable(student):
    """Refuses a student that could not be deployed, before any time is spent on training it.

    Converts the student as it stands, with random calibration windows, and runs the result in the
    TFLM interpreter. Takes a few seconds. The student is left as it was.

    Args:
        student: Functional Keras model, one input with a fixed shape behind the batch, one output
            `(batch, classes)`, float32.

    Returns:
        The names of the operators it needs, sorted.

    Raises:
        ExportError: it cannot be converted, uses an operator that TFLM does not have, or does not
            run.
    """
    refuse_unfit(student)
    try:
        student, _ = split_encoding(student)
    except ValueError as error:
        raise ExportError(str(error)) from error
    # The ranges mean nothing, but the operators do not depend on them.
    calibration = np.random.default_rng(0).normal(size=(8, *student.input_shape[1:]))
    try:
        model_bytes = convert_int8(student, calibration)
    except OSError:  # a full disk says nothing about the student
        raise
    except Exception as error:
        raise ExportError(_explain_converter(student, error)) from error
    operators = read_graph(model_bytes).operators
    missing = unsupported(operator.name for operator in operators)
    if missing:
        raise ExportError(
            " ".join(
                f"TensorFlow Lite Micro has no operator {name}"
                f"{_blame(student, [o for o in operators if o.name == name])}. "
                f"{_WAY_OUT.get(name, '')}"
                for name in missing
            ).strip()
            + f" {_KNOWN_GOOD}"
        )
    try:
        TflmModel(model_bytes)
    except TflmError as error:
        raise ExportError(_explain_interpreter(student, operators, error)) from error
    return sorted({operator.name for operator in operators})


def _explain_converter(student, error):
    text = str(error)
    names = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", text)))
    paths = re.findall(r'fused\["\w+:", "([^"@]+)@', text)
    if not names:
        return f"The student {student.name!r} could not be converted to int8: {text}"
    return (
        f"The converter has no int8 operator for TensorFlow's {', '.join(names)}"
        f"{_in_layers(_layers_at(student, paths))}. {_KNOWN_GOOD}"
    )


def _explain_interpreter(student, operators, error):
    node = re.search(r"Node (\w+) \(number (\d+)\) failed", str(error))
    if node is None:
        return f"The student {student.name!r} converts but does not run. {error}"
    name, number = node[1], int(node[2])
    return (
        f"TensorFlow Lite Micro cannot run the operator {name}"
        f"{_blame(student, operators[number : number + 1])} as it is used here. "
        f"{_WAY_OUT.get(name, '')} {_KNOWN_GOOD} {error}"
    )


def _blame(student, operators):
    """' (Keras layer ...)' for the layers named in the names of the operators' outputs."""
    last = student.outputs[0]._keras_history.operation.name
    found = []
    for operator in operators:
        path = operator.outputs[0].name.split(";")[0]
        # The converter renames the graph's output, so its layer's name is lost.
        renamed = path.startswith("StatefulPartitionedCall")
        found += [last] if renamed else _layers_at(student, [path])
    return _in_layers(found)


def _layers_at(student, paths):
    """The innermost layer in each scope path such as `functional_1/activation_1/Gelu/mul_2`.

    Tracing the model once more adds a number to each name, so `activation_1` means `activation`.
    """
    names = {layer.name for layer in student._flatten_layers(include_self=False)}
    found = []
    for path in paths:
        for part in reversed(path.split("/")):
            plain = re.sub(r"_\d+$", "", part)
            match = plain if plain in names else part if part in names else None
            if match:
                found.append(match)
                break
    return found


def _in_layers(names):
    names = list(dict.fromkeys(names))
    if not names:
        return ""
    quoted = ", ".join(repr(name) for name in names)
    return f" (Keras layer{'s' if len(names) > 1 else ''} {quoted})"
