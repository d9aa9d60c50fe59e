"""Limits as people write them, and what a student takes of them."""

import types

import pytest

from tfkd.deploy.cost import Budget, BudgetError
from tfkd.deploy.cost.budget import parse_bytes, parse_count

COST = types.SimpleNamespace(
    flash_bytes=66 * 1024, ram_bytes=3 * 1024, instructions=400_000, milliseconds=lambda mhz: (480 / mhz, 640 / mhz)
)


@pytest.mark.parametrize(
    "text, size", [("64k", 65536), ("64 KB", 65536), ("64KiB", 65536), ("1.5M", 1572864), ("4096", 4096), ("512b", 512)]
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text, count", [("500k", 500_000), ("1.2M", 1_200_000), ("90000", 90_000)])
def test_counts(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "64 g", "-3k", "many", "1e3"])
def test_what_is_no_number_is_refused(text):
    for parse in (parse_bytes, parse_count):
        with pytest.raises(BudgetError, match="is no"):
            parse(text)


def test_what_a_student_takes_of_a_budget():
    budget = Budget(flash_bytes=64 * 1024, ram_bytes=4 * 1024, milliseconds=12.5, mhz=64)
    assert budget.excess(COST) == {"flash_bytes": 2 / 64, "ram_bytes": -0.25, "milliseconds": pytest.approx(-0.2)}
    assert not budget.fits(COST)
    assert budget.told(COST) == "flash 66.0 KB of 64.0 KB, RAM 3.0 KB of 4.0 KB, time 10.00 ms of 12.50 ms"
    assert Budget(ram_bytes=3 * 1024, instructions=400_000, core="m55").fits(COST)


@pytest.mark.parametrize(
    "limits, told",
    [
        ({}, "needs a limit"),
        ({"ram_bytes": 0}, "ram_bytes must be a number above 0, got 0"),
        ({"milliseconds": 10.0, "core": "m55"}, "for core m4 alone, not for m55: limit the instructions"),
        ({"flash_bytes": "64k"}, "flash_bytes must be a number above 0, got .64k."),
        ({"milliseconds": float("nan")}, "milliseconds must be a number above 0, got nan"),
        ({"milliseconds": 10.0, "mhz": 0}, "mhz must be a number above 0"),
        ({"ram_bytes": 99, "engine": "tflm", "core": "m7"}, "core must be one of m4, m55 for engine 'tflm', not 'm7'"),
        ({"ram_bytes": 99, "engine": "luck"}, "engine must be 'plain_c' or 'tflm', not 'luck'"),
    ],
)
def test_budgets_that_say_nothing_are_refused(limits, told):
    with pytest.raises(BudgetError, match=told):
        Budget(**limits)
