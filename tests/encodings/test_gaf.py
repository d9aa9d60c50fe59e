"""Gramian angular fields against hand-computed vectors and against their definition with arccos."""

import itertools

import numpy as np
import pytest

from tfkd.encodings import Gaf, gramian_angular_field

# x = [0, 1, 4, 2] scaled to [-1, -0.5, 1, 0]
S = 0.8660254037844386
GASF = np.array([[1, 0.5, -1, 0], [0.5, -0.5, -0.5, -S], [-1, -0.5, 1, 0], [0, -S, 0, -1]])
GADF = -np.array([[0, -S, 0, -1], [S, 0, -S, -0.5], [0, S, 0, 1], [1, 0.5, -1, 0]])


def by_definition(x, kind, low=None, high=None):
    """In float64, with arccos: `(batch, points, channels)` to images."""
    x = x.astype(np.float64)
    low = x.min(axis=1, keepdims=True) if low is None else low
    high = x.max(axis=1, keepdims=True) if high is None else high
    phi = np.arccos(np.clip((2 * x - high - low) / (high - low), -1, 1))
    row, column = phi[:, :, None], phi[:, None]
    return np.cos(row + column) if kind == "gasf" else np.sin(row - column)


@pytest.mark.parametrize(("kind", "expected"), [("gasf", GASF), ("gadf", GADF)])
def test_hand_computed(kind, expected):
    x = np.array([0, 1, 4, 2], np.float32)[None, :, None]
    found = gramian_angular_field(np.concatenate([x, 5 - 3 * x[:, ::-1]], axis=2), 4, kind)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=1e-7)


@pytest.mark.parametrize("kind", ["gasf", "gadf"])
@pytest.mark.parametrize("offset", [0, 100])
def test_agrees_with_the_definition(kind, offset):
    x = np.random.default_rng(0).normal(offset, 2, (50, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(gramian_angular_field(x, 64, kind), by_definition(x, kind), atol=1e-5)


@pytest.mark.parametrize("kind", ["gasf", "gadf"])
def test_a_fixed_range_clips(kind):
    x = np.random.default_rng(1).normal(0, 2, (20, 32, 2)).astype(np.float32)
    found = gramian_angular_field(x, 32, kind, low=-1.5, high=2.5)
    np.testing.assert_allclose(found, by_definition(x.clip(-1.5, 2.5), kind, -1.5, 2.5), atol=1e-5)


def test_one_wild_sample_does_not_blur_a_fixed_range():
    x = np.random.default_rng(1).normal(0, 1, (1, 32, 1)).astype(np.float32)
    x[:, 0] = 1e9
    np.testing.assert_allclose(gramian_angular_field(x, 32, low=-2, high=2), by_definition(x, "gasf", -2, 2), atol=1e-5)


@pytest.mark.parametrize(("time", "size"), [(12, 4), (10, 4), (7, 7), (128, 32), (5, 1)])
def test_piecewise_aggregation(time, size):
    x = np.random.default_rng(2).normal(size=(3, time, 2)).astype(np.float32)
    edges = [i * time // size for i in range(size + 1)]
    means = np.stack([x[:, a:b].mean(axis=1) for a, b in itertools.pairwise(edges)], axis=1)
    np.testing.assert_allclose(gramian_angular_field(x, size), gramian_angular_field(means, size), atol=1e-5)


def test_amplitude_and_offset_do_not_matter_without_a_fixed_range():
    x = np.random.default_rng(3).normal(size=(4, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(gramian_angular_field(x * 50 - 7, 16), gramian_angular_field(x, 16), atol=1e-5)


@pytest.mark.parametrize(("kind", "value"), [("gasf", 1), ("gadf", 0)])
@pytest.mark.parametrize("constant", [0.0, 3.0, 1e9, -1e-40])
def test_a_constant_channel_is_at_the_lower_end(kind, value, constant):
    x = np.full((1, 16, 2), constant, np.float32)
    x[..., 1] = np.arange(16)
    found = gramian_angular_field(x, 8, kind)
    np.testing.assert_array_equal(found[..., 0], value)
    assert np.ptp(found[..., 1]) > 0.9


def test_encodings_are_read_from_their_names():
    assert Gaf.parse("gasf", 32) == Gaf("gasf", 32)
    assert Gaf.parse("gadf -3 2.5", 32) == Gaf("gadf", 32, -3.0, 2.5)
    assert Gaf.parse("gadf arcsin", 32) == Gaf("gadf", 32, convention="arcsin")
    for gaf in (Gaf("gadf", 8), Gaf("gasf", 8, -0.1, 1e-3, "arcsin")):
        assert Gaf.parse(str(gaf), 8) == gaf
    for other in ("none", "mtf", "gasf 3", "gasf a b", "gasf  1 2", "gasf -inf inf", "gasf nan 1", "gasf arccos"):
        assert Gaf.parse(other, 32) is None
    with pytest.raises(ValueError, match="low must be below high"):
        Gaf.parse("gasf 3 3", 32)
    with pytest.raises(ValueError, match="low must be below high"):
        Gaf("gasf", 32, -np.inf, 0.0)


def test_what_makes_no_sense_is_refused():
    x = np.zeros((1, 8, 1), np.float32)
    with pytest.raises(ValueError, match="size must be in"):
        gramian_angular_field(x, 9)
    with pytest.raises(ValueError, match="kind must be one of"):
        gramian_angular_field(x, 4, "gaf")
    with pytest.raises(ValueError, match="go together"):
        gramian_angular_field(x, 4, low=1.0)
    with pytest.raises(ValueError, match="finite"):
        gramian_angular_field(x + np.inf, 4)
