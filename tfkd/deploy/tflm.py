"""Runs an int8 model in TensorFlow Lite Micro on this machine: the same kernels as on the board."""

import numpy as np

from tfkd.deploy.arena import TflmError, measure_arena
from tfkd.deploy.graph import read_graph, variables
from tfkd.deploy.tflite import in_chunks


class TflmModel:
    """A `.tflite` model with int8 input and output in the TFLM interpreter of the `tflite_micro`
    wheel.

    Its outputs were found bit-identical to TFLM on Cortex-M4, M7 and M55, with reference kernels
    and with CMSIS-NN, so accuracy measured here is the board's accuracy. (LiteRT's interpreter
    differs by a few steps.)

    Args:
        model_bytes: the content of the `.tflite` file.

    Attributes:
        input_shape, output_shape: with the batch of 1, e.g. `(1, 128, 6)` and `(1, 27)`.
        input_scale, output_scale: value of one step, a float.
        input_zero_point, output_zero_point: the step that stands for 0.0, in [-128, 127].
        remembers: whether it keeps something between its runs (`tfkd.networks.streaming`).
        arena_bytes: working memory in which the interpreter runs, measured; this object itself runs
            in exactly that much. See `tfkd.deploy.arena.measure_arena` for what it promises on a
            board.

    Raises:
        ValueError: not a `.tflite` file.
        TflmError: not an int8 model with one input and one output, or TFLM cannot run it.

    Example:

    ```python
    model = TflmModel(Path("student.tflite").read_bytes())
    logits = model.predict(windows)          # (n, time, channels) float -> (n, classes) float
    ```
    """

    def __init__(self, model_bytes):
        from tflite_micro import runtime

        self.model_bytes = bytes(model_bytes)
        source, target = int8_ends(self.model_bytes)
        self.input_shape, self.output_shape = source.shape, target.shape
        self.input_scale, self.input_zero_point = source.scale, source.zero_point
        self.output_scale, self.output_zero_point = target.scale, target.zero_point
        self.remembers = variables(self.model_bytes) > 0
        self.arena_bytes = measure_arena(self.model_bytes)
        self._interpreter = runtime.Interpreter.from_bytes(self.model_bytes, arena_size=self.arena_bytes)

    def quantize(self, x):
        """Float to int8: `clip(rint(x / input_scale) + input_zero_point, -128, 127)` in float32.

        `rint` rounds ties to even, as NumPy does and C's `lrintf` in its default mode. (TFLite's
        own QUANTIZE kernel divides the same but rounds ties away from zero; only a value that lies
        exactly between two steps can tell them apart.) Values out of range, infinities too,
        saturate.

        Args:
            x: floats of any shape, standardised as the contract says.

        Returns:
            An int8 array of the same shape.

        Raises:
            ValueError: there is a NaN in `x`.
        """
        x = np.asarray(x, np.float32)
        if np.isnan(x).any():
            raise ValueError(
                f"x has {int(np.isnan(x).sum())} NaN values, which int8 cannot hold. Repair or "
                "leave out these windows first."
            )
        with np.errstate(over="ignore"):  # an overflow to infinity saturates below, as it should
            steps = np.rint(x / np.float32(self.input_scale)) + np.float32(self.input_zero_point)
        return np.clip(steps, -128, 127).astype(np.int8)

    def run(self, windows):
        """Runs quantised windows, one after the other.

        What a model with a memory answers depends on the windows, its chunks, before: those of this call and of
        earlier ones, back to the last `reset`.

        Args:
            windows: int8 `(n, time, channels)`, or whatever `input_shape` has behind the batch.

        Returns:
            int8 `(n, classes)`.

        Raises:
            ValueError: wrong dtype or shape.
        """
        windows = np.asarray(windows)
        if windows.dtype != np.int8 or windows.shape[1:] != self.input_shape[1:]:
            raise ValueError(
                "windows must be int8 of shape (n, "
                f"{', '.join(map(str, self.input_shape[1:]))}), not {windows.dtype} of shape "
                f"{windows.shape}. Floats go through quantize() or predict()."
            )
        outputs = np.empty((len(windows), *self.output_shape[1:]), np.int8)
        for window, output in zip(windows, outputs):
            self._interpreter.set_input(window[None], 0)
            self._interpreter.invoke()
            output[...] = self._interpreter.get_output(0)[0]
        return outputs

    def reset(self):
        """Clears what a model with a memory remembers."""
        self._interpreter.reset()

    def predict(self, windows):
        """Float windows in, float logits out, by way of int8.

        Args:
            windows: floats `(n, time, channels)`, standardised as the contract says. For a model with a memory,
                windows of one or more chunks: each begins with a cleared memory, and its last answer counts.

        Returns:
            float32 `(n, classes)`: `(q - output_zero_point) * output_scale`.
        """
        quantized = self.quantize(windows)
        if self.remembers:
            outputs = [self._last_answer(window[None]) for window in quantized]
            steps = np.array(outputs, np.float32).reshape(-1, *self.output_shape[1:])
        else:
            steps = self.run(quantized).astype(np.float32)
        return (steps - np.float32(self.output_zero_point)) * np.float32(self.output_scale)

    def _last_answer(self, window):
        self.reset()
        return self.run(in_chunks(window, self.input_shape[1]))[-1]


def int8_ends(tflite_bytes):
    """The one int8 input and the one int8 output of a `.tflite` file, `tfkd.deploy.graph.Tensor`s.

    Raises:
        ValueError: not a `.tflite` file.
        TflmError: there are more of them, or they are something else.
    """
    graph = read_graph(tflite_bytes)
    return _only(graph.inputs, "input"), _only(graph.outputs, "output")


def _only(tensors, role):
    if len(tensors) != 1:
        raise TflmError(f"The model has {len(tensors)} {role}s; firmware feeds exactly one.")
    tensor = tensors[0]
    if tensor.dtype != "int8" or tensor.scale is None:
        raise TflmError(
            f"The model's {role} is {tensor.dtype}, not quantised int8. Make it with convert_int8()."
        )
    if tensor.shape[:1] != (1,) or min(tensor.shape) < 1:
        raise TflmError(f"The model's {role} has shape {tensor.shape}; it must have a fixed batch of 1.")
    return tensor
