"""Against pyts, in the one file that imports it: Gramian angular fields of every kind of window agree, Markov
transition fields and recurrence plots are what their definitions say."""

import os

import numpy as np
import pytest

from tfkd.encodings import GramianAngularField, gramian_angular_field, markov_transition_field, recurrence_plot

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # pyts would compile for half a minute; read when it is imported


def rows(x):
    return x.transpose(0, 2, 1).reshape(-1, x.shape[1]).astype(np.float64)


def windows(kind, batch=30, time=40, channels=6):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (batch, time, channels))
    match kind:
        case "smooth":  # many points close to an end, where the sine is steep
            x = np.sin(np.linspace(0, 5, time)[:, None] + x[:, :1]) + 0.01 * x
        case "offset":
            x = 9.81 + 0.3 * x.cumsum(axis=1)
        case "constant":
            x = x * (np.arange(channels) % 2) + 3
        case "tiny range":
            x = x * np.logspace(-17, -3, channels)
        case "tiny range beside an offset":
            x = 1 + x * 1e-4
        case "saturated":
            x = np.clip(3 * x, -2, 2)
        case "huge":
            x = x * 1e12
    return x.astype(np.float32)


KINDS = ["random", "smooth", "offset", "constant", "tiny range", "tiny range beside an offset", "saturated", "huge"]


@pytest.mark.parametrize("method", ["summation", "difference"])
@pytest.mark.parametrize("kind", KINDS)
def test_gramian_angular_fields_agree(kind, method):
    from pyts.image import GramianAngularField as Theirs

    x = windows(kind)
    gaf = {"summation": "gasf", "difference": "gadf"}[method]
    for size in (40, 20, 7):
        theirs = Theirs(size, method=method).transform(rows(x)).reshape(30, 6, size, size).transpose(0, 2, 3, 1)
        np.testing.assert_allclose(gramian_angular_field(x, size, gaf), theirs, atol=5e-6)
        np.testing.assert_allclose(GramianAngularField(size, gaf)(x), theirs, atol=5e-6)
        clipped = np.clip(x, -1, 1)
        theirs = Theirs(size, sample_range=None, method=method).transform(rows(clipped))
        theirs = theirs.reshape(30, 6, size, size).transpose(0, 2, 3, 1)
        fixed = gramian_angular_field(clipped, size, gaf, -1, 1)
        np.testing.assert_allclose(fixed, theirs, atol=5e-6)


def test_markov_transition_field_by_definition():
    x = np.random.default_rng(1).normal(size=(2, 12, 2)).astype(np.float32)
    found = markov_transition_field(x, 6, bins=3)
    assert found.dtype == np.float32 and found.shape == (2, 6, 6, 2)
    signal = x[1, :, 0].astype(np.float64)
    bins = np.digitize(signal, np.quantile(signal, [1 / 3, 2 / 3]))
    counts = np.zeros((3, 3))
    np.add.at(counts, (bins[:-1], bins[1:]), 1)
    field = (counts / counts.sum(axis=1, keepdims=True))[bins[:, None], bins]
    np.testing.assert_allclose(found[1, :, :, 0], field.reshape(6, 2, 6, 2).mean(axis=(1, 3)), atol=1e-6)
    np.testing.assert_array_equal(markov_transition_field(np.ones((1, 8, 1)), 4), 1)


def test_recurrence_plot_by_definition():
    x = np.random.default_rng(2).normal(size=(3, 20, 2)).astype(np.float32)
    points = x.reshape(3, 10, 2, 2).mean(axis=2)
    distances = np.abs(points[:, :, None] - points[:, None])
    np.testing.assert_allclose(recurrence_plot(x, 10), distances, atol=1e-6)
    for threshold in (0.5, np.float32(0.5)):
        np.testing.assert_array_equal(recurrence_plot(x, 10, threshold=threshold), distances < 0.5)
    stretches = np.stack([x[:, :18], x[:, 2:]], axis=2)
    distances = np.sqrt(((stretches[:, :, None] - stretches[:, None]) ** 2).sum(axis=3))
    np.testing.assert_allclose(recurrence_plot(x, 18, dimension=2, delay=2), distances, atol=1e-5)
    share = recurrence_plot(x, 20, threshold="point", percentage=25).mean(axis=(1, 2))
    np.testing.assert_allclose(share, 0.25, atol=0.01)


def test_what_makes_no_sense_is_refused_before_pyts_is_loaded(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyts.image", None)
    x = np.zeros((1, 8, 2), np.float32)
    for call, words in [
        (lambda: markov_transition_field(x, 9), r"size must be an integer in \[1, 8\]"),
        (lambda: markov_transition_field(x, 4, bins=1), r"bins must be an integer in \[2, 8\]"),
        (lambda: markov_transition_field(x, 4, bins=4, strategy="equal"), "strategy must be"),
        (lambda: markov_transition_field(x[0], 4), "x must be finite and"),
        (lambda: recurrence_plot(x, 8, dimension=2), r"size must be an integer in \[1, 7\]"),
        (lambda: recurrence_plot(x, 1, dimension=4, delay=3), "stretches longer than the window's 8 samples"),
        (lambda: recurrence_plot(x, 4, threshold=-1), "threshold must be"),
        (lambda: recurrence_plot(x, 4, threshold=np.ones(2)), "threshold must be"),
        (lambda: recurrence_plot(x, 4, threshold="point", percentage=0), "percentage must be"),
        (lambda: recurrence_plot(x, 4, threshold="point", percentage="10"), "percentage must be"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
