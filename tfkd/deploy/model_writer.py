"""Writes small int8 `.tflite` models operator by operator, with any scales: no training, no converter.

For measuring and testing engines: what such a model answers means nothing.
"""

import numpy as np

from tfkd.deploy.flatbuffer import pack_int4


class ModelWriter:
    """A graph under construction; tensors are numbers, as in the file.

    Args:
        seed: of the random weights.
        bits: of each weight of a convolution, 8 or 4.
    """

    def __init__(self, seed=0, bits=8):
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

        self.schema = schema
        self.random, self.bits = np.random.default_rng(seed), bits
        self.buffers, self.tensors, self.operators, self.codes = [schema.BufferT()], [], [], []

    def tensor(self, shape, scale=0.05, zero_point=0, data=None, dtype="INT8", axis=0):
        """Adds a tensor; `scale` may be a list. Constants have `data`."""
        schema = self.schema
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.tensors)}".encode()
        tensor.shape = list(shape)
        tensor.type = getattr(schema.TensorType, dtype)
        tensor.quantization = schema.QuantizationParametersT()
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization.scale = scales.tolist()
            tensor.quantization.zeroPoint = np.broadcast_to(zero_point, scales.shape).astype(int).tolist()
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            if dtype == "INT4":
                data = pack_int4(data)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        else:
            tensor.buffer = 0
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def shape(self, tensor):
        return tuple(self.tensors[tensor].shape)

    def scale(self, tensor):
        return self.tensors[tensor].quantization.scale[0]

    def operator(self, name, inputs, outputs, options=None, **fields):
        """Adds an operator; `options` is the name of the schema's options, `fields` are set in it."""
        schema = self.schema
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.codes)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, options + "T")()
            for key, value in fields.items():
                assert hasattr(operator.builtinOptions, key), key
                setattr(operator.builtinOptions, key, value)
        self.codes.append(code)
        self.operators.append(operator)
        return outputs[0]

    def model(self, source, target):
        """The file's bytes."""
        import flatbuffers


        schema = self.schema
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [source], [target]
        model = schema.ModelT()
        model.version = 3
        model.subgraphs, model.buffers, model.operatorCodes = self.graphs(graph), self.buffers, self.codes
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def graphs(self, main):
        """All graphs of the file."""
        return [main]

    # Operators by their usual arguments. `out` is (scale, zero point) of the output, `bits` as above.

    def convolution(self, x, rows, kernel, stride=(1, 1), dilation=(1, 1), same=True, activation=0, **weights):
        return self._convolution("CONV_2D", x, rows, kernel, stride, dilation, same, activation, **weights)

    def depthwise(self, x, kernel, multiplier=1, stride=(1, 1), dilation=(1, 1), same=True, activation=0, **weights):
        rows = self.shape(x)[3] * multiplier
        return self._convolution("DEPTHWISE_CONV_2D", x, rows, kernel, stride, dilation, same, activation, **weights)

    def _convolution(
        self,
        name,
        x,
        rows,
        kernel,
        stride,
        dilation,
        same,
        activation,
        out=None,
        scales=None,
        zeros=0.0,
        bias=True,
        weights=None,
        bits=None,
    ):
        _, height, width, channels = self.shape(x)
        depthwise = name == "DEPTHWISE_CONV_2D"
        shape = (1, *kernel, rows) if depthwise else (rows, *kernel, channels)
        bits = bits or self.bits
        low, high, coarse = (-127, 128, 1) if bits == 8 else (-8, 8, 16)
        data = self.random.integers(low, high, shape, dtype=np.int8) if weights is None else weights
        data = np.where(self.random.random(shape) < zeros, 0, data).astype(np.int8)
        scales = coarse * self.random.uniform(0.001, 0.02, rows) if scales is None else scales
        inputs = [x, self.tensor(shape, scales, 0, data, f"INT{bits}", axis=3 if depthwise else 0)]
        inner = kernel[0] * kernel[1] * (1 if depthwise else channels)
        if out is None:
            # Wide enough that a part of the outputs saturates.
            out = (self.scale(x) * float(np.mean(scales)) * 73 / coarse * 60 * np.sqrt(inner) * 2.5 / 127, -3)
        if bias:
            values = self.random.integers(-20000, 20000, rows, dtype=np.int32) // coarse
            inputs.append(self.tensor((rows,), None, data=values, dtype="INT32"))
        sizes = [
            -(-size // step) if same else -(-(size - (k - 1) * d) // step)
            for size, k, step, d in zip((height, width), kernel, stride, dilation)
        ]
        target = self.tensor((1, *sizes, rows), *out)
        fields = {
            "padding": 0 if same else 1,
            "strideH": stride[0],
            "strideW": stride[1],
            "dilationHFactor": dilation[0],
            "dilationWFactor": dilation[1],
            "fusedActivationFunction": activation,
        }
        if depthwise:
            fields["depthMultiplier"] = rows // channels
        return self.operator(
            name, inputs, [target], "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", **fields
        )

    def dense(self, x, rows, scales=0.01, out=(0.4, 5), bias=True, activation=0, zeros=0.0):
        inner = int(np.prod(self.shape(x)))
        data = self.random.integers(-127, 128, (rows, inner), dtype=np.int8)
        data = np.where(self.random.random(data.shape) < zeros, 0, data).astype(np.int8)
        inputs = [x, self.tensor((rows, inner), scales, 0, data)]
        if bias:
            values = self.random.integers(-3000, 3000, rows, dtype=np.int32)
            inputs.append(self.tensor((rows,), None, data=values, dtype="INT32"))
        target = self.tensor((1, rows), *out)
        return self.operator(
            "FULLY_CONNECTED", inputs, [target], "FullyConnectedOptions", fusedActivationFunction=activation
        )

    def add(self, a, b, out=(0.07, 9), activation=0):
        target = self.tensor(self.shape(a), *out)
        return self.operator("ADD", [a, b], [target], "AddOptions", fusedActivationFunction=activation)

    def mean(self, x, axes=(1, 2), out=(0.03, -20), keep=False):
        kept = [size for i, size in enumerate(self.shape(x)) if i not in axes]
        shape = [1 if i in axes else size for i, size in enumerate(self.shape(x))] if keep else kept
        inputs = [x, self.tensor((len(axes),), None, data=np.array(axes, np.int32), dtype="INT32")]
        return self.operator("MEAN", inputs, [self.tensor(shape, *out)], "ReducerOptions", keepDims=keep)

    def pool(self, name, x, size, stride, same=False, activation=0):
        _, height, width, channels = self.shape(x)
        sizes = [-(-n // s) if same else -(-(n - k + 1) // s) for n, k, s in zip((height, width), size, stride)]
        quantization = self.tensors[x].quantization
        target = self.tensor((1, *sizes, channels), quantization.scale[0], quantization.zeroPoint[0])
        return self.operator(
            name,
            [x],
            [target],
            "Pool2DOptions",
            padding=0 if same else 1,
            strideH=stride[0],
            strideW=stride[1],
            filterHeight=size[0],
            filterWidth=size[1],
            fusedActivationFunction=activation,
        )

    def concatenation(self, parts, axis):
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        target = self._like(parts[0], shape)
        return self.operator("CONCATENATION", parts, [target], "ConcatenationOptions", axis=axis)

    def pad(self, x, amounts):
        shape = [size + sum(pair) for size, pair in zip(self.shape(x), amounts)]
        paddings = self.tensor((len(amounts), 2), None, data=np.array(amounts, np.int32), dtype="INT32")
        return self.operator("PAD", [x, paddings], [self._like(x, shape)], "PadOptions")

    def slice(self, x, axis, first, behind):
        """STRIDED_SLICE of a part of one axis; with the masks that the converter writes."""
        shape = list(self.shape(x))
        shape[axis] = len(range(shape[axis])[first:behind])
        bounds = np.zeros((3, len(shape)), np.int32)
        bounds[:, axis], bounds[2] = (first, behind, 1), 1
        settings = [self.tensor((len(shape),), None, data=row, dtype="INT32") for row in bounds]
        masks = 2 ** len(shape) - 1 - 2**axis
        return self.operator(
            "STRIDED_SLICE",
            [x, *settings],
            [self._like(x, shape)],
            "StridedSliceOptions",
            beginMask=masks,
            endMask=masks,
        )

    def reshape(self, x, shape):
        wanted = self.tensor((len(shape),), None, data=np.array(shape, np.int32), dtype="INT32")
        return self.operator("RESHAPE", [x, wanted], [self._like(x, shape)], "ReshapeOptions", newShape=list(shape))

    def _like(self, x, shape):
        quantization = self.tensors[x].quantization
        return self.tensor(shape, quantization.scale[0], quantization.zeroPoint[0])


class MemoryWriter(ModelWriter):
    """A graph with variables, as the converter writes what `tfkd.networks.streaming` makes."""

    def __init__(self, seed=0, bits=8):
        super().__init__(seed, bits)
        self.initial, self.calls_at = {}, 0

    def remember(self, x, kept, initial=None):
        """The newest `kept` moments of the runs before, joined with `x`; `initial` is the zero point by default."""
        quantization = self.tensors[x].quantization
        shape = (1, kept, *self.shape(x)[2:])
        value = quantization.zeroPoint[0] if initial is None else initial
        name = f"variable{len(self.initial)}".encode()
        self.initial[name] = np.full(shape, value, np.int8), quantization
        handle = self.operator(
            "VAR_HANDLE",
            [],
            [self.tensor((), None, dtype="RESOURCE")],
            "VarHandleOptions",
            container=b"",
            sharedName=name,
        )
        read = self.operator("READ_VARIABLE", [handle], [self._like(x, shape)])
        joined = self.concatenation([read, x], 1)
        newest = self.slice(joined, 1, -kept, self.shape(joined)[1])
        self.operator("ASSIGN_VARIABLE", [handle, newest], [None])
        self.operators[-1].outputs = []
        return joined

    def model(self, source, target):
        """The file's bytes, with the graph that gives the variables their first values."""
        main = self.tensors, self.operators
        self.tensors, self.operators = [], []
        for name, (data, quantization) in self.initial.items():
            handle = self.tensor((), None, dtype="RESOURCE")
            self.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", container=b"", sharedName=name)
            value = self.tensor(data.shape, quantization.scale[0], quantization.zeroPoint[0], data)
            self.operator("ASSIGN_VARIABLE", [handle, value], [None])
            self.operators[-1].outputs = []
        self.once = self.tensors, self.operators
        self.tensors, self.operators = main
        self.operator("CALL_ONCE", [], [None], "CallOnceOptions", initSubgraphIndex=1)
        self.operators[-1].outputs = []
        self.operators.insert(self.calls_at, self.operators.pop())
        return super().model(source, target)

    def graphs(self, main):
        once = self.schema.SubGraphT()
        once.tensors, once.operators = self.once
        once.inputs, once.outputs = [], []
        return [main, once]
