"""Streams with clocks of their own, on one grid."""

import numpy as np
import pytest

from tfkd.data import clocks
from tfkd.data.recordings import DataError


def test_samples_are_put_in_order_and_counted():
    times, values, counts = clocks.in_order([3.0, 1.0, 2.0, 2.0, 4.0], np.array([[30], [10], [20], [21], [40]]))
    assert times.tolist() == [1, 2, 3, 4] and values[:, 0].tolist() == [10, 20, 30, 40]
    assert counts == {"out of order": 1, "repeated": 1}
    assert clocks.in_order([1.0, 2.0], np.zeros((2, 1)))[2] == {"out of order": 0, "repeated": 0}
    assert len(clocks.in_order([], np.zeros((0, 3)))[0]) == 0


def test_the_common_span_is_what_all_cover():
    assert clocks.common_span({"imu": np.array([0.0, 9]), "skeleton": np.array([1.0, 12])}, "a") == (1, 9)
    with pytest.raises(DataError, match="walk_3: imu ends at 9.000 s and skeleton begins at 20.000 s"):
        clocks.common_span({"imu": np.array([0.0, 9]), "skeleton": np.array([20.0, 30])}, "walk_3")


def test_a_grid_keeps_its_last_sample_in_spite_of_rounding():
    grid = clocks.grid_over(0.1, 0.1 + 29 / 30, 30)
    assert len(grid) == 30 and grid[-1] == pytest.approx(0.1 + 29 / 30)
    assert len(clocks.grid_over(0, 0.99, 1)) == 1
    begin = 1539664425.17  # unix seconds, a rounding of 1e-7
    assert len(clocks.grid_over(begin, begin + 0.4, 50)) == len(clocks.grid_over(begin, begin + 0.41, 50)) == 21


def test_values_between_samples_are_interpolated_and_held_at_the_ends():
    times, values = np.array([0.0, 1.0, 3.0]), np.array([[0.0, 1], [10, 1], [30, 1]])
    found = clocks.on_grid(times, values, np.array([-1.0, 0.5, 2.0, 5.0]))
    assert found.dtype == "float32" and found[:, 0].tolist() == [0, 5, 20, 30] and (found[:, 1] == 1).all()
    assert clocks.on_grid(np.array([1.0]), np.array([[7.0]]), np.arange(3)).tolist() == [[7], [7], [7]]


def test_gaps_are_found():
    assert clocks.gaps(np.array([0, 0.03, 0.06, 1.0, 1.03, 2.5]), 0.2).tolist() == [[0.06, 1.0], [1.03, 2.5]]
    assert clocks.gaps(np.array([0.0, 0.1]), 0.2).shape == (0, 2)


def test_what_is_between_gaps():
    holes = np.array([[7.0, 12], [1, 2], [1.5, 4], [-3, -2]])
    assert list(clocks.between(0, 10, holes)) == [(0, 1), (4, 7)]
    assert list(clocks.between(1.5, 20, holes)) == [(4, 7), (12, 20)]
    assert list(clocks.between(0, 1, np.zeros((0, 2)))) == [(0, 1)]
