"""What a student keeps from run to run: its variables, and the operators around each taken together as one.

Where `tfkd.networks.streaming` needs earlier moments again, the converter writes

    kept = READ_VARIABLE(variable)
    joined = CONCATENATION(kept, new)                       along time
    ASSIGN_VARIABLE(variable, STRIDED_SLICE(joined))        the newest, as many as were kept

and a CALL_ONCE that fills the variables first. In plain C, `joined` stays in its place: the next run moves its newest
moments to the front and puts its own behind them, so that reading, cutting and assigning cost nothing.
"""

import dataclasses

from tfkd.deploy.plain_c.reader import Operator, PlainCError
from tfkd.deploy.plain_c.rearrange import part_of, same_scale

REMEMBER = "(memory)"
OPERATORS = ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE")


@dataclasses.dataclass(frozen=True)
class Memory:
    """The options of a `REMEMBER`: how many moments it keeps, and the int8 value of each once cleared."""

    kept: int
    initial: int


def gathered(model):
    """The model with one `REMEMBER`, which makes the joined moments of the new ones, for each variable.

    Args:
        model: a `Model`.

    Raises:
        PlainCError: a variable is used in any other way.
    """
    names = _variables(model.operators)
    initial = _initial_values(model)
    gone, remembering = set(), {}
    for name in dict.fromkeys(names.values()):
        users = [operator for operator in model.operators if any(names.get(x) == name for x in operator.inputs)]
        if [user.name for user in users] != ["READ_VARIABLE", "ASSIGN_VARIABLE"]:
            found = ", ".join(user.name for user in users) or "nothing"
            raise _refusal(users[0].name if users else "VAR_HANDLE", name, f"is used by {found}")
        if name not in initial:
            raise _refusal("READ_VARIABLE", name, "has no value at first")
        join, cut = _around(model.operators, name, *users)
        new, joined = join.inputs[1], join.outputs[0]
        start = initial[name]
        alike = all(same_scale(joined, x) for x in (*join.inputs, *cut.outputs, start))
        if not alike or start.shape != join.inputs[0].shape:
            raise _refusal("CONCATENATION", name, "has other scales or another shape than what is joined with it")
        if start.data.min() != start.data.max():
            raise _refusal("ASSIGN_VARIABLE", name, "does not begin with one and the same value everywhere")
        memory = Memory(start.shape[1], int(start.data.flat[0]))
        remembering[join] = Operator(REMEMBER, (new,), (joined,), memory)
        gone |= {*users, cut}
    operators = [
        remembering.get(operator, operator)
        for operator in model.operators
        if operator not in gone and operator.name not in ("CALL_ONCE", "VAR_HANDLE")
    ]
    if stray := [operator.name for operator in operators if operator.name in OPERATORS]:
        raise PlainCError(f"{stray[0]}: of a variable that no VAR_HANDLE names. Export the student again.")
    return dataclasses.replace(model, operators=tuple(operators), once=())


def remember(lowering, operator):
    """A `REMEMBER`: the joined moments have a place of their own, to the end of all runs."""
    value, target, memory = lowering.source(operator), operator.outputs[0], operator.options
    lowering.check(target, f"CONCATENATION: its output {target.name!r}")
    operators = lowering.model.operators
    readers = [operators[i].name if i < len(operators) else None for i in lowering.consumers.get(target, [])]
    # A convolution takes whole pieces of what lies as the model's input does; everything else wants planes.
    order = "positions" if value.order != "planes" and set(readers) <= {"CONV_2D"} else "planes"
    value = lowering.ordered(value, order)
    _, width, channels = value.image
    blocks, unit = (channels, width) if order == "planes" else (1, width * channels)
    code = f"tfkd_remember({{in0}}, {{out}}, {blocks}, {memory.kept * unit}, {value.shape[1] * unit});"
    writes = lowering.add_step(operator, "tfkd_remember", [value], {}, code, order=order)
    lowering.keep(writes, memory.initial)


def _variables(operators):
    """The variables' names by their handles."""
    return {
        operator.outputs[0]: (bytes(operator.options.container or b"") + bytes(operator.options.sharedName)).decode()
        for operator in operators
        if operator.name == "VAR_HANDLE"
    }


def _initial_values(model):
    """The constants by the variables' names that the second graph assigns."""
    calls = [i for i, operator in enumerate(model.operators) if operator.name == "CALL_ONCE"]
    if not calls and not model.once:
        return {}
    if calls != [0] or model.operators[0].options.initSubgraphIndex != 1:
        raise PlainCError(
            "CALL_ONCE: plain C takes a second graph only if the first operator calls it, once, to give the student's "
            "variables their first values; other control flow cannot be turned into plain C."
        )
    names, values = _variables(model.once), {}
    for operator in model.once:
        if operator.name == "VAR_HANDLE":
            continue
        variable, value = operator.inputs if operator.name == "ASSIGN_VARIABLE" else (None, None)
        if names.get(variable) in (None, *values) or value is None or value.data is None or value.dtype != "INT8":
            raise PlainCError(
                f"{operator.name} in the graph of CALL_ONCE: there, plain C takes one assignment of an int8 constant "
                "to each variable, and nothing else. Convert with convert_int8, or run the student in TensorFlow Lite "
                "Micro."
            )
        values[names[variable]] = value
    return values


def _around(operators, name, read, assign):
    """The CONCATENATION and the STRIDED_SLICE between reading a variable and assigning it."""
    kept, newest = read.outputs[0], assign.inputs[1]
    if kept.dtype != "INT8":
        raise _refusal("READ_VARIABLE", name, f"is {kept.dtype.lower()}")

    def consumers(tensor):
        return [operator for operator in operators if tensor in operator.inputs]

    join, *others = consumers(kept)
    fits = not others and join.name == "CONCATENATION" and len(join.inputs) == 2 and join.inputs[0] is kept
    if fits:  # along time, which a vector does not have
        rank = len(kept.shape)
        fits = rank > 2 and join.options.axis % rank == 1 and not join.options.fusedActivationFunction
    if not fits:
        raise _refusal("READ_VARIABLE", name, "is not put in front of the new moments, and nowhere else")
    joined = join.outputs[0]
    if (1, kept.shape[1] + join.inputs[1].shape[1], *kept.shape[2:]) != joined.shape:
        raise _refusal("CONCATENATION", name, f"of shape {kept.shape} does not fit into {joined.shape}")
    cut = next((operator for operator in operators if newest in operator.outputs), None)
    fits = cut is not None and cut.name == "STRIDED_SLICE" and cut.inputs[0] is joined and consumers(newest) == [assign]
    whole = [(0, size) for size in joined.shape]
    whole[1] = (joined.shape[1] - kept.shape[1], joined.shape[1])
    if not fits or part_of(cut) != whole:
        raise _refusal("ASSIGN_VARIABLE", name, "is not given the newest of the joined moments, and nothing else")
    return join, cut


def _refusal(operator, name, what):
    return PlainCError(
        f"{operator}: the variable {name!r} {what}. Plain C takes variables as tfkd.networks.streaming makes them: put "
        "before the new moments, given the newest. Build the student with it, or run it in TensorFlow Lite Micro."
    )
