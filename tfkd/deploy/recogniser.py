"""What streams and trials share in the Python twin of the firmware's core: settings, events, the look at each
sample (`micro/src/tfkd_monitor.c`) and the way to the student (`tfkd_quantise.h`)."""

import dataclasses
import math
import numbers
import operator
from typing import NamedTuple

import numpy as np

from tfkd.deploy.decision import ONE
from tfkd.deploy.gaf_int8 import gaf_int8
from tfkd.encodings import Gaf

CLOCK = 2**32
"""Times are microseconds modulo this."""
BACKWARDS = 2**31
"""A step of this or more is one back."""
_LASTING = {"bad_sample", "time_still", "time_back", "overrun", "saturated", "dead_channel"}
_EACH_CHANNEL = {"saturated", "dead_channel"}


class Event(NamedTuple):
    """An event as `micro/src/tfkd_event.h` has it: kind by name, `time_us` in the samples' clock, `label` an
    index into the contract's labels (-1 for a fault), `confidence` a share of 32768, `value` of a fault."""

    kind: str
    time_us: int
    label: int = -1
    confidence: int = 0
    value: int = 0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What may be chosen on the device; meaning and bounds as in `micro/src/tfkd_settings.h`.

    Attributes:
        max_gap_us: a longer pause empties the window; a shorter one is bridged by a straight line.
        stuck_us: a sensor that repeats itself for so long is stuck, and a channel that does so alone is
            dead; 0: never.
        range: of each channel, in its unit: at or beyond it the channel is saturated; 0: unknown.
            `None`: unknown for all.
        quiet_samples: a lasting fault is reported again only after more samples than these without
            it. `None`: the window's samples.
        smoothing: weight of the newest window, in shares of 32768.
        enter, leave: smoothed probabilities at which activities start and end, in shares of 32768.
        report_windows: send a `decision` for every window of a stream.

    Raises:
        ValueError: a setting is outside its bounds.
    """

    max_gap_us: int = 500_000
    stuck_us: int = 1_000_000
    range: tuple[float, ...] | None = None
    quiet_samples: int | None = None
    smoothing: int = ONE // 2
    enter: int = 19661
    leave: int = 13107
    report_windows: bool = False

    def __post_init__(self):
        bounds = {
            "max_gap_us": (1, 60_000_000),
            "stuck_us": (0, CLOCK - 1),
            "smoothing": (1, ONE),
            "enter": (0, ONE),
            "leave": (0, self.enter),
            "quiet_samples": (0, 65535),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if value is None and name == "quiet_samples":
                continue
            if not isinstance(value, numbers.Integral) or not low <= value <= high:
                raise ValueError(f"{name} must be an integer in [{low}, {high}], not {value!r}.")
        if self.range is None:
            return
        try:
            object.__setattr__(self, "range", tuple(map(float, self.range)))
        except (TypeError, ValueError):
            raise ValueError(f"range must be numbers, one a channel, not {self.range!r}.") from None
        if not all(value >= 0 for value in self.range):
            raise ValueError(f"range must not be negative, not {self.range!r}.")


class Recogniser:
    """What streams and trials share: the look at every sample, and the way to the student."""

    def __init__(self, contract, run, settings=None):
        self.contract, self.settings, self.events = contract, settings or Settings(), []
        channels = len(contract.channels)
        if self.settings.range is not None and len(self.settings.range) != channels:
            raise ValueError(f"range must have {channels} values, one a channel, not {self.settings.range!r}.")
        if contract.encoding != "none" and Gaf.parse(contract.encoding, contract.input_shape[1]) is None:
            raise ValueError(f"The firmware has no encoding {contract.encoding!r}.")
        self._run = run
        self._mean = np.array(contract.mean, np.float32)
        self._scale = np.array(contract.scale, np.float32)
        self._origin, self._factor = contract.int8_line()
        self._range = np.array(self.settings.range or [0.0] * channels, np.float32)
        quiet = self.settings.quiet_samples
        self._quiet = contract.window if quiet is None else quiet
        self._pushes, self._seen = 0, {}
        self._last, self._last_us, self._same_since_us, self._stuck = None, 0, 0, False

    def _time(self, time_us):
        try:
            return operator.index(time_us) % CLOCK  # NumPy's integers would overflow, and stay in the events
        except TypeError:
            raise ValueError(f"time_us must be an integer, in microseconds, not {time_us!r}.") from None

    def _sample(self, sample):
        sample = np.array(sample, np.float32)
        if sample.shape != self._mean.shape:
            raise ValueError(f"sample must be of shape {self._mean.shape}, one value a channel, not {sample.shape}.")
        return sample

    def _report(self, kind, time_us, value=0):
        if kind in _LASTING:
            which = (kind, value if kind in _EACH_CHANNEL else 0)
            quiet = self._pushes - self._seen.get(which, -math.inf)
            self._seen[which] = self._pushes
            if quiet <= self._quiet:
                return
        self.events.append(Event(kind, time_us, value=value))

    def _decide(self, kind, time_us, label, confidence):
        self.events.append(Event(kind, time_us, label, confidence))

    def _good(self, time_us, sample):
        self._pushes += 1
        bad = np.flatnonzero(~np.isfinite(sample))
        if bad.size:
            self._report("bad_sample", time_us, int(bad[0]))
            return False
        for channel in np.flatnonzero((self._range > 0) & (np.abs(sample) >= self._range)):
            self._report("saturated", time_us, int(channel))
        return True

    def _is_stuck(self, time_us, sample, first):
        if first or sample.tobytes() != self._last.tobytes():
            self._same_since_us, self._stuck = time_us, False
        elif self.settings.stuck_us and not self._stuck:
            same = (time_us - self._same_since_us) % CLOCK
            if same >= self.settings.stuck_us:
                self._stuck = True
                self._report("stuck", time_us, same)
        return self._stuck

    def _watch(self, time_us, sample):
        """Begins to look which channels move."""
        self._watched, self._watched_us = sample, time_us
        self._moved = np.zeros(sample.shape, bool)

    def _look(self, sample):
        self._moved |= sample.view(np.uint32) != self._watched.view(np.uint32)

    def _find_dead(self, time_us):
        """Reports the channels that did not move while others did, if that was for long enough."""
        limit = self.settings.stuck_us
        if limit and self._moved.any() and (time_us - self._watched_us) % CLOCK >= limit:
            for channel in np.flatnonzero(~self._moved):
                self._report("dead_channel", time_us, int(channel))

    def _keep(self, time_us, sample):
        self._last, self._last_us = sample, time_us

    def _outputs(self, window):
        """The student's int8 outputs for a window `(time, channels)` in the sensor's units."""
        contract = self.contract
        with np.errstate(over="ignore"):  # what overflows saturates, as it should
            if contract.encoding == "none":
                quantised = np.clip(np.rint((window - self._origin) * self._factor), -128, 127).astype(np.int8)
            else:
                quantised = gaf_int8(contract, np.clip((window - self._mean) / self._scale, -1e9, 1e9)[None])
        return self._run(quantised.reshape(contract.input_shape))[0]
