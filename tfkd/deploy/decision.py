"""From int8 logits to activities, in the integer arithmetic of the firmware (`micro/src/tfkd_decision.c`)."""

import numpy as np

ONE = 32768
"""Certainty: confidences and thresholds are integers, shares of this."""


def probabilities(outputs, output_scale):
    """Softmax of int8 outputs in integers, the very numbers that the firmware computes.

    `exp(-d * output_scale)` is `2^-x`, with a cubic for the fraction of `x` that is within 7.4e-5.

    Args:
        outputs: int8 `(classes,)`.
        output_scale: logits of one step.

    Returns:
        int64 `(classes,)`, shares of `ONE`.
    """
    outputs = np.asarray(outputs, np.int64)
    exact = float(np.float32(output_scale)) * 1.4426950408889634 * 65536.0 + 0.5
    x = (outputs.max() - outputs) * int(min(exact, 16777215.0))
    f = (x & 0xFFFF) >> 1
    slope = 7579 - ((f * 1298) >> 15)
    slope = 22665 - ((f * slope) >> 15)
    whole = np.minimum(x >> 16, 31)
    power = ONE - ((f * slope) >> 15)
    power = np.where(whole > 15, 0, (power + ((1 << whole) >> 1)) >> whole)
    return (power * (ONE * ONE // int(power.sum()))) >> 15


class Decision:
    """Smoothing over windows and hysteresis.

    Args:
        settings: `tfkd.deploy.streaming.Settings`.
        output_scale: of the contract.
        send: called with `kind, time_us, label, confidence` for each event.
    """

    def __init__(self, settings, output_scale, send):
        self._settings, self._output_scale, self._send = settings, output_scale, send
        self._smoothed, self._active = None, -1

    def update(self, time_us, outputs):
        """Takes one window's int8 outputs `(classes,)`."""
        settings = self._settings
        p = probabilities(outputs, self._output_scale)
        label = int(np.argmax(outputs))
        if settings.report_windows:
            self._send("decision", time_us, label, int(p[label]))
        before, newest = (p, ONE) if self._smoothed is None else (self._smoothed, settings.smoothing)
        self._smoothed = smoothed = (before * (ONE - newest) + p * newest + ONE // 2) >> 15
        best, active = int(np.argmax(smoothed)), self._active
        enters = best != active and smoothed[best] >= settings.enter
        if active >= 0 and (enters or smoothed[active] < settings.leave):
            self._active = -1
            self._send("ended", time_us, active, int(smoothed[active]))
        if enters:
            self._active = best
            self._send("started", time_us, best, int(smoothed[best]))

    def interrupt(self, time_us):
        """The signal broke off: ends the activity, if there is one, and forgets the past."""
        active, smoothed = self._active, self._smoothed
        self._smoothed, self._active = None, -1
        if active >= 0:
            self._send("ended", time_us, active, int(smoothed[active]))
