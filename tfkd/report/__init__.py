"""What a run found, for people: the report of a run and the cards of the zoo."""

from tfkd.report.build import write

__all__ = ["write"]
