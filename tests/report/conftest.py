"""Plots of the same numbers are drawn once for all pages: what is said of a run hardly changes them."""

import functools

import pytest

from tfkd.report import plots

DRAWINGS = ("seed_dots", "curves")


def drawn_once(draw):
    drawn = {}

    @functools.wraps(draw)
    def remembered(*arguments):
        key = repr(arguments)  # lists of names and numbers
        if key not in drawn:
            drawn[key] = draw(*arguments)
        return drawn[key]

    return remembered


@pytest.fixture(scope="package", autouse=True)
def remembered():
    with pytest.MonkeyPatch.context() as patch:
        for name in DRAWINGS:
            patch.setattr(plots, name, drawn_once(getattr(plots, name)))
        yield


@pytest.fixture
def drawn_anew(remembered, monkeypatch):
    """For a test that asks whether drawing again gives the same."""
    for name in DRAWINGS:
        monkeypatch.setattr(plots, name, getattr(plots, name).__wrapped__)
