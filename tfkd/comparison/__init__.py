"""Runs side by side: which is better, by how much, how surely, and for whom."""

from tfkd.comparison.compare import compare
from tfkd.comparison.entries import ComparisonError

__all__ = ["ComparisonError", "compare"]
