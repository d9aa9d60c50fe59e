"""Signals with everything that goes wrong on a wrist."""

import numpy as np


def clean(samples, channels=3, seed=0, period_us=20_000, jitter_us=0, start_us=0):
    """A wandering signal: integer times and `(samples, channels)` float32."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples)[:, None] * period_us / 1e6
    wave = np.sin(2 * np.pi * (time * generator.uniform(0.3, 4, channels) + generator.uniform(0, 1, channels)))
    values = wave * np.linspace(0.2, 3, samples)[:, None] + generator.normal(0, 0.1, wave.shape)
    times = start_us + np.arange(samples) * period_us + generator.integers(-jitter_us, jitter_us + 1, samples)
    return [int(t) for t in times], values.astype(np.float32)


def commands(times, values, run=True):
    """A push a sample, and after each a run."""
    played = []
    for time_us, sample in zip(times, values, strict=True):
        played.append(("push", time_us, sample))
        if run:
            played.append(("run", 0, None))
    return played


def faulty(samples, channels=3, seed=0, period_us=20_000):
    """A long recording with faults of every kind, at random places and of random lengths."""
    generator = np.random.default_rng(seed)
    times, values = clean(samples, channels, seed, period_us, jitter_us=period_us // 4)
    times, values = np.array(times), values.copy()
    played, shift = [], int(generator.integers(0, 2**32))
    i = 0
    while i < samples:
        stretch = int(generator.integers(5, 200))
        some = slice(i, min(i + stretch, samples))
        length = int(generator.integers(1, 90))
        hit = slice(some.stop - min(length, some.stop - i), some.stop)
        fault = generator.integers(0, 13)
        if fault == 0:
            values[hit, generator.integers(channels)] = generator.choice([np.nan, np.inf, -np.inf])
        elif fault == 1:
            values[hit] = values[hit.start]
        elif fault == 2:
            values[hit, generator.integers(channels)] = 8.0
        elif fault == 3:
            times[hit] = times[hit.start]
        elif fault == 4:
            times[hit] = times[hit][::-1]
        elif fault == 5:
            shift += int(generator.integers(0, 1_000_000))
        elif fault == 6:
            shift -= int(generator.integers(0, 2_000_000))
        elif fault == 7:
            shift += int(generator.integers(0, 2**33))
        elif fault == 8:
            values[hit] *= np.float32(1e38)
        elif fault == 12:
            values[hit, generator.integers(channels)] = 0.25
        rarely = 40 if fault == 9 else 1
        for time_us, sample in zip(times[some], values[some], strict=True):
            played.append(("push", int(time_us) + shift, sample))
            if generator.integers(rarely) == 0:
                played.append(("run", 0, None))
        if fault == 10:
            played.append(("tick", int(times[some.stop - 1]) + shift + int(generator.integers(0, 2_000_000)), None))
        if fault == 11:
            played.append(("reset", 0, None))
        i = some.stop
    return played


def bits(count, channels=3, seed=0):
    """Random bit patterns as samples and times, among quieter ones so that windows come about."""
    generator = np.random.default_rng(seed)
    samples = generator.integers(0, 2**32, (count, channels), dtype=np.uint32).view(np.float32)
    tame = generator.random(count) < 0.97
    samples[tame] = generator.normal(0, 2, (int(tame.sum()), channels)).astype(np.float32)
    wild = generator.random(count) < 0.1
    with np.errstate(over="ignore", invalid="ignore"):
        samples[wild] *= np.float32(1e37)
    steps, shares = [0, 1, 19_999, 20_000, 20_001, 300_000], [0.01, 0.04, 0.3, 0.4, 0.2, 0.05]
    times = np.cumsum(generator.choice(steps, count, p=shares))
    times = np.where(generator.random(count) < 0.005, generator.integers(0, 2**32, count), times)
    whats = generator.choice(["push", "run", "tick", "reset"], count, p=[0.6, 0.39, 0.008, 0.002])
    return [(str(what), int(t), sample) for what, t, sample in zip(whats, times, samples, strict=True)]
