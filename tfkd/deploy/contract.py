"""The deployment contract: everything that firmware needs to know of training, and nothing else."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from tfkd.deploy.contract_values import CHECKS, FORMAT, ContractError
from tfkd.encodings import Gaf
from tfkd.files import write_text


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a student expects and gives. Checked when it is made; lists become tuples.

    A sensor window `x` of shape `(window, channels)` becomes the model's int8 input by

        clip(rint(((x - mean) / scale) / input_scale) + input_zero_point, -128, 127)

    in float32, ties to even, and an int8 output `q` is the logit `(q - output_zero_point) *
    output_scale`. The firmware computes `rint((x - origin) * factor)` with the constants of
    `int8_line`, which is the same up to the last digit of float32: one value in a million comes out
    a step off. With `whole_trial`, each channel of the trial is first resampled linearly over the
    index 0..n-1 to `window` points.

    Attributes:
        dataset, split: what the student was trained on, and by which division of the people.
        windowing: `"whole_trial"` (one window a trial, resampled) or `"stream"` (windows of
            `window` samples, one every `hop` samples; `hop` is at most `window`, so that every sample is seen).
        sample_rate_hz: rate that the sensor must deliver. `None` for `whole_trial` only.
        window, hop: samples.
        channels, units: name and unit of each channel, in order.
        mean, scale: of each channel, in its unit: the network sees `(x - mean) / scale`.
        encoding: what turns the standardised window into the model's input: `"none"`, a Gramian
            angular field as `tfkd.encodings.Gaf` names it (`"gasf"`, `"gadf -3 3"`), or something of
            your own, which the firmware in `micro/` then refuses.
        input_shape: of the model, with the batch of 1.
        input_scale, input_zero_point, output_scale, output_zero_point: int8 quantisation.
        labels: class names, in the order of the logits.
        arena_bytes: working memory of the TFLM interpreter, measured on x86-64 with reference
            kernels. See `tfkd.deploy.arena.measure_arena`.
        operators: names of the operators in the model, sorted.
        model_sha256: of the `.tflite` file, 64 lower-case hexadecimal digits.
        memory: samples before those of a run that the model itself keeps: 0 where each run sees its window and no
            more. With a memory, windows do not overlap (`hop` is `window`), runs must follow each other without a gap,
            and outputs mean something once `memory + window` samples were seen.
        format: version of this list of keys, 2. Format 1 had no `memory`; it is read as 0.

    Raises:
        ContractError: a value is missing or makes no sense.
    """

    dataset: str
    split: str
    windowing: str
    sample_rate_hz: float | None
    window: int
    hop: int
    channels: tuple[str, ...]
    units: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    encoding: str
    input_shape: tuple[int, ...]
    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    labels: tuple[str, ...]
    arena_bytes: int
    operators: tuple[str, ...]
    model_sha256: str
    memory: int = 0
    format: int = FORMAT

    def __post_init__(self):
        for key, check in CHECKS.items():
            try:
                object.__setattr__(self, key, check(getattr(self, key)))
            except ContractError as error:
                raise ContractError(f"{key}: {error}") from None
        for key in ("units", "mean", "scale"):
            if len(getattr(self, key)) != len(self.channels):
                raise ContractError(
                    f"{key}: {len(getattr(self, key))} values for {len(self.channels)} channels "
                    f"({', '.join(self.channels)}): {list(getattr(self, key))}"
                )
        if self.sample_rate_hz is None and self.windowing != "whole_trial":
            raise ContractError(
                f"sample_rate_hz: null, but windowing is {self.windowing!r}. Only a whole trial, "
                "which is resampled, has no rate."
            )
        if self.windowing == "stream" and self.hop > self.window:
            raise ContractError(
                f"hop: {self.hop}, but a window is {self.window} samples: those between two windows would never be "
                "seen. Take a hop of at most the window."
            )
        if self.memory and (self.windowing != "stream" or self.hop != self.window):
            raise ContractError(
                f"memory: {self.memory}, but windowing is {self.windowing!r} with window {self.window} and hop "
                f"{self.hop}. A model with a memory takes a stream chunk by chunk: hop and window are the same."
            )
        signal = (1, self.window, len(self.channels))
        if len(self.input_shape) == 3 and self.input_shape != signal:
            raise ContractError(
                f"input_shape: {list(self.input_shape)}, but batch, window and channels are {list(signal)}"
            )
        self._check_image()

    def _check_image(self):
        side = self.input_shape[1]
        try:
            gaf = Gaf.parse(self.encoding, side)
        except ValueError as error:
            raise ContractError(f"encoding: {self.encoding!r}: {error}") from None
        if gaf is not None and (self.input_shape != (1, side, side, len(self.channels)) or side > self.window):
            raise ContractError(
                f"input_shape: {list(self.input_shape)}, but {self.encoding!r} makes square images of at most "
                f"{self.window} points a side and {len(self.channels)} channels"
            )

    def to_dict(self):
        """The contract as plain Python values, in the order in which they are written."""
        values = {"format": self.format} | dataclasses.asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

    def to_json(self):
        """The contract as indented JSON text. Floats are written so that they read back exactly."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, path):
        """Writes `contract.json`, whole or not at all.

        Raises:
            OutputError: the file cannot be written.
        """
        write_text(path, self.to_json())

    @classmethod
    def read(cls, path):
        """Reads and checks a `contract.json`.

        Raises:
            ContractError: the file is missing, is not JSON, lacks a key, has one too many or a
                wrong value.
        """
        try:
            values = json.loads(Path(path).read_bytes(), object_pairs_hook=_unique)
        except (OSError, ValueError) as error:
            raise ContractError(f"{path} could not be read: {error}") from error
        if not isinstance(values, dict):
            raise ContractError(f"{path} must hold a JSON object, not {values!r}")
        keys = {field.name for field in dataclasses.fields(cls)}
        if values.get("format") == 1:
            values |= {"format": FORMAT, "memory": values.get("memory", 0)}
        if values.get("format", FORMAT) != FORMAT:
            raise ContractError(
                f"{path}: format: {values['format']!r}; this tfkd reads formats 1 and {FORMAT}. Export "
                "the student again, or use the tfkd that wrote it."
            )
        if keys != values.keys():
            raise ContractError(
                f"{path}: missing keys {sorted(keys - values.keys())}, unknown keys {sorted(values.keys() - keys)}"
            )
        try:
            return cls(**values)
        except ContractError as error:
            raise ContractError(f"{path}: {error}") from None

    def int8_line(self):
        """The way from a sensor value straight to int8, `rint((x - origin) * factor)`, clamped.

        Returns:
            `(origin, factor)`, float32 of shape `(channels,)`: in the channel's unit, and steps for each unit.

        Raises:
            ContractError: `scale * input_scale` or its inverse does not fit float32.
        """
        mean, scale = (np.array(values, np.float32).astype(np.float64) for values in (self.mean, self.scale))
        unit = scale * np.float64(np.float32(self.input_scale))
        with np.errstate(over="ignore", divide="ignore"):
            origin, factor = (mean - self.input_zero_point * unit).astype(np.float32), (1 / unit).astype(np.float32)
        smallest = np.finfo(np.float32).tiny
        for channel, line in zip(self.channels, zip(origin, factor, strict=True), strict=True):
            if not (np.isfinite(line).all() and line[1] >= smallest):
                raise ContractError(
                    f"scale: that of {channel!r} times input_scale {self.input_scale!r} is beyond float32. Take "
                    "another unit for this channel."
                )
        return origin, factor

    def c_header(self):
        """The same facts as a header for C11 and C++, `tfkd_contract.h`."""
        from tfkd.deploy.c_header import contract_header

        return contract_header(self)


def _unique(pairs):
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"the keys {twice} stand there twice")
    return values
