"""What the firmware's core does between sample and event, in NumPy float32 and integers: same samples in,
same events out.

The reference for `micro/src/`: a recording streamed through `Stream` (or `Trial`, for a student of whole
trials) gives the events that the board sends, with the same classes, times and confidences. What happens
to bad input is said once, in `micro/src/tfkd_stream.h` and `tfkd_trial.h`.
"""

import math

import numpy as np

from tfkd.deploy.decision import Decision, probabilities
from tfkd.deploy.recogniser import BACKWARDS, CLOCK, Event, Recogniser, Settings

__all__ = ["Event", "Settings", "Stream", "Trial"]


class Stream(Recogniser):
    """A student of sliding windows, fed sample by sample: the twin of `tfkd_stream`.

    Args:
        contract: `Contract` with windowing `"stream"`.
        run: int8 `(1, ...)` -> int8 `(1, classes)`, for example `TflmModel(...).run`.
        settings: `Settings`; the defaults if `None`.
        reset: of a student with a memory (`contract.memory` above 0): called without arguments where a window does not
            join on what it remembers, for example `TflmModel(...).reset`. Needed for such a student, without meaning
            for others.

    Attributes:
        events: the `Event`s so far.

    Raises:
        ValueError: the contract is of another kind, the settings do not fit it, or a student with a memory cannot be
            reset.

    Example:

    ```python
    stream = Stream(contract, TflmModel(model_bytes).run)
    for i, sample in enumerate(recording):
        stream.push(20_000 * i, sample)
        stream.run()
    print(stream.events)
    ```
    """

    def __init__(self, contract, run, settings=None, reset=None):
        super().__init__(contract, run, settings)
        if contract.windowing != "stream":
            raise ValueError(f"The contract must be of sliding windows, not of windowing {contract.windowing!r}.")
        if contract.memory and reset is None:
            raise ValueError(
                f"The contract is of a student with a memory of {contract.memory} samples, which has to be cleared "
                "after a break: give reset, for example the reset of the TflmModel whose run this is."
            )
        self._reset, self._broken, self._unsure = reset, True, 0
        rate = round(contract.sample_rate_hz * 1000)
        divisor = math.gcd(10**9, rate)
        self._rate, self._period = rate // divisor, 10**9 // divisor
        self._decision = Decision(self.settings, contract.output_scale, self._decide)
        self._running, self._due, self._grid = False, None, []

    def push(self, time_us, sample):
        """Takes one sample.

        Args:
            time_us: integer, microseconds; taken modulo 2^32.
            sample: `(channels,)`, in the contract's units.

        Raises:
            ValueError: `time_us` is no integer, or the sample has not one value a channel.
        """
        time_us, sample = self._time(time_us), self._sample(sample)
        good = self._good(time_us, sample)
        if (self._running and not self._advance(time_us)) or not good:
            return
        first = not self._running
        was_stuck = self._stuck and not first
        stuck = not first and self._is_stuck(time_us, sample, first=False)
        if first or (was_stuck and not stuck):
            self._start(time_us, sample)
        elif not stuck:
            self._resample(time_us, sample)
            self._look(sample)
            if (time_us - self._watched_us) % CLOCK >= self.settings.stuck_us:
                self._find_dead(time_us)
                self._watch(time_us, sample)
        elif not was_stuck:
            self._clear()
            self._running = True
        self._keep(time_us, sample)

    def run(self):
        """If a window is due: runs the student and decides."""
        if self._due is None:
            return
        (time_us, window), self._due = self._due, None
        if self.contract.memory and self._broken:
            self._reset()
            self._broken, self._unsure = False, -(-self.contract.memory // self.contract.hop)
        outputs = self._outputs(window)
        if self._unsure:
            self._unsure -= 1
        else:
            self._decision.update(time_us, outputs)

    def tick(self, time_us):
        """Tells the time where no sample came."""
        time_us = self._time(time_us)
        step = (time_us - self._last_us) % CLOCK
        if self._running and self.settings.max_gap_us < step < BACKWARDS:
            self._advance(time_us)

    def reset(self):
        """Forgets window, smoothing and clock."""
        if self._running:
            self._clear()

    def _clear(self):
        if self._due is not None:
            self._report("overrun", self._due[0], 1)
        self._due, self._running = None, False
        self._interrupt(self._last_us)

    def _interrupt(self, time_us):
        self._broken = True
        self._decision.interrupt(time_us)

    def _advance(self, time_us):
        step = (time_us - self._last_us) % CLOCK
        if step == 0:
            self._report("time_still", time_us)
            return False
        if step >= BACKWARDS:
            self._report("time_back", time_us, CLOCK - step)
            if CLOCK - step <= self.settings.max_gap_us:
                return False
            self._clear()
        elif step > self.settings.max_gap_us:
            self._report("gap", time_us, step)
            self._clear()
        return True

    def _start(self, time_us, sample):
        self._running, self._to_grid, self._grid = True, self._period, []
        self._is_stuck(time_us, sample, first=True)
        self._watch(time_us, sample)
        self._keep_point(time_us, sample)

    def _resample(self, time_us, sample):
        span = ((time_us - self._last_us) % CLOCK) * self._rate
        while self._to_grid <= span:
            point = sample
            if self._to_grid < span:
                shift = max(span.bit_length() - 32, 0)
                part, whole = np.array([self._to_grid >> shift, span >> shift], np.uint32).astype(np.float32)
                weight = part / whole
                with np.errstate(over="ignore"):
                    point = self._last * (np.float32(1) - weight) + sample * weight
            self._keep_point(time_us, point)
            self._to_grid += self._period
        self._to_grid -= span

    def _keep_point(self, time_us, point):
        self._grid.append(point)
        if len(self._grid) == self.contract.window:
            if self._due is not None:
                self._report("overrun", self._due[0], 1)
                if self.contract.memory:
                    self._interrupt(self._due[0])
            self._due = (time_us, np.stack(self._grid))
            del self._grid[: self.contract.hop]


class Trial(Recogniser):
    """A student of whole trials: the twin of `tfkd_trial`.

    Args:
        contract: `Contract` with windowing `"whole_trial"`.
        run: int8 `(1, ...)` -> int8 `(1, classes)`, for example `TflmModel(...).run`.
        settings: `Settings`; the defaults if `None`.
        capacity: samples that a trial may have; `None`: four windows.

    Attributes:
        events: the `Event`s so far.

    Raises:
        ValueError: the contract is of another kind, or the settings do not fit it.
    """

    def __init__(self, contract, run, settings=None, capacity=None):
        super().__init__(contract, run, settings)
        if contract.windowing != "whole_trial":
            raise ValueError(f"The contract must be of whole trials, not of windowing {contract.windowing!r}.")
        self._capacity = 4 * contract.window if capacity is None else capacity
        self._samples = None

    def begin(self):
        """Begins a trial; one that was not finished is forgotten."""
        self._samples, self._too_long = [], False

    def push(self, time_us, sample):
        """Takes one sample `(channels,)` at an integer time in microseconds, modulo 2^32."""
        self._check_begun()
        time_us, sample = self._time(time_us), self._sample(sample)
        if not self._good(time_us, sample):
            return
        first = not self._samples
        if first:
            self._watch(time_us, sample)
        else:
            self._report_time(time_us)
        self._is_stuck(time_us, sample, first)
        self._keep(time_us, sample)
        if len(self._samples) < self._capacity:
            self._samples.append(sample)
        elif not self._too_long:
            self._too_long = True
            self._report("trial_too_long", time_us, self._capacity)

    def finish(self):
        """Ends the trial and decides."""
        self._check_begun()
        samples, self._samples = self._samples, None
        if self._too_long:
            return
        if len(samples) < 2:
            self._report("trial_too_short", self._last_us, len(samples))
            return
        for sample in samples:
            self._look(sample)
        self._find_dead(self._last_us)
        outputs = self._outputs(self._resampled(np.stack(samples)))
        label = int(np.argmax(outputs))
        p = probabilities(outputs, self.contract.output_scale)
        self._decide("decision", self._last_us, label, int(p[label]))

    def _check_begun(self):
        if self._samples is None:
            raise ValueError("No trial has begun: begin() comes before push() and finish().")

    def _report_time(self, time_us):
        step = (time_us - self._last_us) % CLOCK
        if step == 0:
            self._report("time_still", time_us)
        elif step >= BACKWARDS:
            self._report("time_back", time_us, CLOCK - step)
        elif step > self.settings.max_gap_us:
            self._report("gap", time_us, step)

    def _resampled(self, samples):
        intervals = self.contract.window - 1
        position = np.arange(intervals + 1) * (len(samples) - 1)
        low = np.minimum(position // intervals, len(samples) - 2)
        weight = (position - low * intervals).astype(np.float32) / np.float32(intervals)
        weight = weight[:, None]
        with np.errstate(over="ignore"):
            return samples[low] * (1 - weight) + samples[low + 1] * weight
