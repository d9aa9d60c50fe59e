"""What a run found, for people: the report of a run or of a search, and the cards of the zoo."""

from tfkd.report.build import write
from tfkd.report.search import write_search

__all__ = ["write", "write_search"]
