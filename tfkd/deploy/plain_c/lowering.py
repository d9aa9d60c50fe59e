"""From the model's operators to kernel calls."""

import dataclasses
import math

from tfkd.deploy.plain_c import convolution, elementwise, memory, planner, rearrange
from tfkd.deploy.plain_c.reader import PlainCError, read_model
from tfkd.deploy.plain_c.steps import Piece, Step, Storage, Value

_LARGEST = 65535

_LOWERINGS = {
    "ADD": elementwise.add,
    "AVERAGE_POOL_2D": elementwise.average_pool,
    "CONCATENATION": rearrange.concatenation,
    "CONV_2D": convolution.convolution,
    "DEPTHWISE_CONV_2D": convolution.depthwise,
    "EXPAND_DIMS": rearrange.reshape,
    "FULLY_CONNECTED": convolution.dense,
    "MAX_POOL_2D": elementwise.max_pool,
    "MEAN": elementwise.mean,
    "PAD": rearrange.pad,
    "RESHAPE": rearrange.reshape,
    "SQUEEZE": rearrange.reshape,
    "STRIDED_SLICE": rearrange.strided_slice,
    memory.REMEMBER: memory.remember,
}
_TAKEN = sorted({*_LOWERINGS, *memory.OPERATORS} - {memory.REMEMBER})


@dataclasses.dataclass(frozen=True)
class Program:
    """A model as a static schedule.

    Attributes:
        steps: `Step`s in order.
        storages: `Storage`s, placed.
        input, output: `Value`s.
        memory_bytes: the buffer's size.
        kept: the storages that keep their content from run to run, by their place.
        constant_bytes: of all weights and tables.
    """

    steps: tuple[Step, ...]
    storages: tuple[Storage, ...]
    input: Value
    output: Value
    memory_bytes: int

    @property
    def kept(self):
        return sorted((s for s in self.storages if s.initial is not None), key=lambda storage: storage.offset)

    @property
    def constant_bytes(self):
        return sum(step.constant_bytes for step in self.steps)


def lower(model_bytes, sparse=None):
    """Turns an int8 `.tflite` model into a schedule of kernel calls with a planned buffer.

    Args:
        model_bytes: the file's content.
        sparse: whether pruned layers use sparse kernels; by default each layer as the cost model finds.

    Returns:
        A `Program`.

    Raises:
        PlainCError: an operator, type or size that the plain C kernels do not have.
    """
    model = read_model(model_bytes)
    try:
        return _Lowering(memory.gathered(model), sparse).program()
    except PlainCError:
        raise
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise PlainCError(
            f"This model contradicts itself ({type(error).__name__}: {error}); its file may be damaged. Export the "
            "student again."
        ) from error


class _Lowering:
    """Goes through the operators once and gathers steps and storages."""

    def __init__(self, model, sparse):
        self.model, self.sparse = model, sparse
        self.steps, self.storages, self.values = [], [], {}
        # Padding that its convolution takes over: tensor -> (source value, amounts for height and width).
        self.absorbed = {}
        self.consumers = {}
        for index, operator in enumerate(model.operators):
            for tensor in operator.inputs:
                if tensor is not None:
                    self.consumers.setdefault(tensor, []).append(index)
        self.consumers.setdefault(model.output, []).append(len(model.operators))

    def program(self):
        model = self.model
        self.index = -1
        source = self.new_value(model.input, "positions")
        self.check(model.input, "The model's input")
        for self.index, operator in enumerate(model.operators):
            if operator.name not in _LOWERINGS:
                raise PlainCError(
                    f"{operator.name}: plain C has no kernel for this operator, only for "
                    f"{', '.join(_TAKEN)}. Build the student of those, or run it in TensorFlow Lite Micro."
                )
            if len(operator.outputs) != 1 or operator.outputs[0] is None:
                raise PlainCError(f"{operator.name}: {len(operator.outputs)} outputs instead of one.")
            if operator.outputs[0].data is not None or operator.outputs[0] in self.values:
                raise PlainCError(f"{operator.name}: its output {operator.outputs[0].name!r} has a value already.")
            _LOWERINGS[operator.name](self, operator)
        if model.output not in self.values:
            raise PlainCError(f"No operator makes the model's output {model.output.name!r}.")
        target = self.ordered(self.values[model.output], "positions")
        # The input is filled before the first step and the output read after the last.
        source.storage.pieces[0].first = -1
        target.storage.pieces[-1].last = len(self.steps)
        for storage in self.storages:
            if storage.initial is not None:
                storage.pieces = [Piece(-1, len(self.steps), storage.size)]
        scratches = [
            Storage(f"scratch of step {i}", [Piece(i, i, step.scratch)])
            for i, step in enumerate(self.steps)
            if step.scratch
        ]
        memory_bytes = planner.place(self.storages + scratches)
        for storage in scratches:
            self.steps[storage.first].scratch_offset = storage.offset
        return Program(tuple(self.steps), tuple(self.storages + scratches), source, target, memory_bytes)

    def check(self, tensor, what, shape=None):
        """Refuses what is no int8 tensor of batch 1 with one scale; `shape` is the tensor's by default."""
        shape = tensor.shape if shape is None else shape
        if tensor.dtype != "INT8":
            raise PlainCError(
                f"{what} is {tensor.dtype.lower()}; plain C runs int8 students: convert with convert_int8."
            )
        if len(tensor.scales) != 1 or not 1e-30 < float(tensor.scales[0]) < 1e30:
            raise PlainCError(f"{what} has scales {tensor.scales.tolist()} instead of a single positive one.")
        if not -128 <= int(tensor.zero_points[0]) <= 127:
            raise PlainCError(f"{what} has zero point {tensor.zero_points[0]}, which is no int8 value.")
        if not 2 <= len(shape) <= 4 or shape[0] != 1:
            raise PlainCError(f"{what} has shape {shape}; plain C takes a batch of 1 and 2 to 4 dimensions.")
        if max(shape) > _LARGEST or tensor.size > 2**24:
            raise PlainCError(f"{what} has shape {shape}; plain C takes up to {_LARGEST} along each dimension.")

    def source(self, operator, position=0):
        """The value that an operator reads."""
        tensor = self.tensor(operator, position)
        if tensor.data is not None:
            raise PlainCError(f"{operator.name}: its input {tensor.name!r} is a constant; only weights may be.")
        if tensor not in self.values:
            raise PlainCError(f"{operator.name}: its input {tensor.name!r} has no value yet.")
        return self.values[tensor]

    def tensor(self, operator, position):
        if position >= len(operator.inputs) or operator.inputs[position] is None:
            raise PlainCError(f"{operator.name}: input {position} is missing.")
        return operator.inputs[position]

    def constant(self, operator, position, dtype):
        """A constant input's array."""
        tensor = self.tensor(operator, position)
        if tensor.data is None or tensor.dtype != dtype:
            kind = "computed" if tensor.data is None else tensor.dtype.lower()
            raise PlainCError(
                f"{operator.name}: {tensor.name!r} is {kind}; plain C needs an {dtype.lower()} constant there."
            )
        return tensor.data

    def last_use(self, tensor):
        return max(self.consumers.get(tensor, [self.index]))

    def new_value(self, tensor, order, storage=None, shape=None):
        """A value for `tensor`; without `storage`, in a new one."""
        value = Value(tensor.shape if shape is None else shape, tensor, order, storage)
        height, width, channels = value.image
        if height * width == 1 or channels == 1:
            value.order = "both"
        if storage is None:
            value.storage = self.new_storage(tensor.name, tensor.size)
        value.storage.last_use = max(value.storage.last_use, self.last_use(tensor))
        self.values[tensor] = value
        return value

    def new_storage(self, name, size):
        storage = Storage(name, [Piece(len(self.steps), len(self.steps), size)])
        self.storages.append(storage)
        return storage

    def add_step(self, operator, kernel, reads, structs, code, *, in_place=(), order="planes", **fields):
        """Appends a `Step` that makes the operator's output, where its input lies if that may be."""
        target = operator.outputs[0]
        self.check(target, f"{operator.name}: its output {target.name!r}")
        storage = next((reads[i].storage for i in in_place if reads[i].storage.last_use == self.index), None)
        if storage is not None:
            storage.pieces[-1].last = len(self.steps)
            storage.pieces.append(Piece(len(self.steps), len(self.steps), target.size))
        writes = self.new_value(target, order, storage)
        self.append(Step(operator.name, kernel, tuple(reads), writes, structs, code, **fields))
        return writes

    def keep(self, value, initial):
        """Leaves a value in its place from run to run: no step may work in place there."""
        value.storage.initial, value.storage.last_use = initial, math.inf

    def append(self, step):
        now = len(self.steps)
        for value in (*step.reads, step.writes):
            value.storage.pieces[-1].last = now
        self.steps.append(step)

    def ordered(self, value, order):
        """The value in `"planes"` or `"positions"`; copied over if it lies the other way."""
        if value.order in (order, "both"):
            return value
        height, width, channels = value.image
        rows, columns = (height * width, channels) if order == "planes" else (channels, height * width)
        storage = self.new_storage(f"{value.tensor.name} in {order}", value.tensor.size)
        storage.last_use = value.storage.last_use
        copy = Value(value.shape, value.tensor, order, storage)
        code = f"tfkd_transpose({{in0}}, {{out}}, {rows}, {columns});"
        self.append(Step("(order)", "tfkd_transpose", (value,), copy, {}, code))
        if value.tensor in self.values:
            self.values[value.tensor] = copy
        return copy
