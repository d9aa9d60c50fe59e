"""The most accurate student that fits a budget."""

from tfkd.search.budget import Budget, BudgetError, parse_bytes, parse_count
from tfkd.search.search import Search, held_out
from tfkd.search.space import Space

__all__ = ["Budget", "BudgetError", "Search", "Space", "held_out", "parse_bytes", "parse_count"]
