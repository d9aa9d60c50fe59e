"""What plain C refuses of variables: any other use than that of students with a memory, by name."""


import numpy as np
import pytest

from tests.deploy.test_plain_c import signal
from tests.deploy.test_plain_c_memory import MemoryWriter
from tfkd.deploy import PlainCError, plain_c_files


def operator(w, name):
    """The first operator of that name."""
    number = getattr(w.schema.BuiltinOperator, name)
    return next(found for found in w.operators if w.codes[found.opcodeIndex].builtinCode == number)


def read_twice(w, x):
    handle = operator(w, "READ_VARIABLE").inputs[0]
    return w.add(x, w.operator("READ_VARIABLE", [handle], [w.tensor((1, 5, 1, 6), 0.05, 7)]))


def assigned_twice(w, x):
    w.operators.append(operator(w, "ASSIGN_VARIABLE"))
    return x


def never_assigned(w, x):
    w.operators.remove(operator(w, "ASSIGN_VARIABLE"))
    return x


def read_otherwise(w, x):
    return w.mean(operator(w, "READ_VARIABLE").outputs[0])


def put_behind(w, x):
    operator(w, "CONCATENATION").inputs.reverse()
    return x


def joined_along_channels(w, x):
    operator(w, "CONCATENATION").builtinOptions.axis = 3
    return x


def oldest(w, x):
    cut = operator(w, "STRIDED_SLICE")
    cut.inputs[1:3] = [w.tensor((4,), None, data=np.array([0, end, 0, 0], np.int32), dtype="INT32") for end in (0, 5)]
    return x


def new_ones_assigned(w, x):
    operator(w, "ASSIGN_VARIABLE").inputs[1] = operator(w, "CONCATENATION").inputs[1]
    return x


def newest_used(w, x):
    return w.mean(operator(w, "STRIDED_SLICE").outputs[0])


def floats(w, x):
    w.tensors[operator(w, "READ_VARIABLE").outputs[0]].type = w.schema.TensorType.FLOAT32
    return x


def other_scale(w, x):
    w.tensors[operator(w, "STRIDED_SLICE").outputs[0]].quantization.scale = [0.06]
    return x


def uneven_start(w, x):
    w.initial[b"variable0"][0][0, 1] = 8
    return x


def no_start(w, x):
    w.initial.clear()
    return x


def other_length_at_start(w, x):
    w.initial[b"variable0"] = np.zeros((1, 4, 1, 6), np.int8), w.initial[b"variable0"][1]
    return x


def called_late(w, x):
    w.calls_at = 3
    return x


REFUSED = [
    (read_twice, "READ_VARIABLE: the variable 'variable0' is used by READ_VARIABLE, ASSIGN_VARIABLE, READ_VARIABLE"),
    (assigned_twice, "READ_VARIABLE: .* is used by READ_VARIABLE, ASSIGN_VARIABLE, ASSIGN_VARIABLE"),
    (never_assigned, "READ_VARIABLE: .* is used by READ_VARIABLE[.]"),
    (read_otherwise, "READ_VARIABLE: .* is not put in front of the new moments"),
    (put_behind, "READ_VARIABLE: .* is not put in front of the new moments"),
    (joined_along_channels, "READ_VARIABLE: .* is not put in front of the new moments"),
    (oldest, "ASSIGN_VARIABLE: .* is not given the newest"),
    (new_ones_assigned, "ASSIGN_VARIABLE: .* is not given the newest"),
    (newest_used, "ASSIGN_VARIABLE: .* is not given the newest"),
    (floats, "READ_VARIABLE: .* is float32"),
    (other_scale, "CONCATENATION: .* has other scales or another shape"),
    (uneven_start, "ASSIGN_VARIABLE: .* one and the same value"),
    (no_start, "READ_VARIABLE: .* has no value at first"),
    (other_length_at_start, "CONCATENATION: .* has other scales or another shape"),
    (called_late, "CALL_ONCE: .* only if the first operator calls it"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_other_uses_of_variables_are_refused_by_name(change, message):
    w = MemoryWriter()
    source, x = signal(w, time=8)
    with pytest.raises(PlainCError, match=message) as error:
        plain_c_files(w.model(source, change(w, w.remember(x, 5))))
    assert "TensorFlow Lite Micro" in str(error.value) or change is called_late


def test_more_graphs_are_refused():
    w = MemoryWriter()
    source, x = signal(w, time=8)
    w.graphs = lambda main: [main, main, main]
    with pytest.raises(PlainCError, match="3 graphs; control flow"):
        plain_c_files(w.model(source, w.remember(x, 5)))
