"""The most accurate student that fits a budget."""

from tfkd.search.search import Search, held_out
from tfkd.search.space import Space

__all__ = ["Search", "Space", "held_out"]
