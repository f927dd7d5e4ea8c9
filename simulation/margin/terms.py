"""Terms of a margin rule that differ by market, under the name margin rules know them by."""

from simulation.instrument.terms import by_column

__all__ = ["by_column"]
