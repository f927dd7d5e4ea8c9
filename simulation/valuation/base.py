"""The valuation rule: the price at which a token counts as collateral."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.arrays import Array
from simulation.rule import Rule


@dataclass(frozen=True)
class Seen:
    """What a valuation rule may read, (m,) each.

    mark: the venue's own mark, from its own book. oracle: price outside the venue, the median of other venues.
    past: price at which the column counted at the last step, `seconds` ago. age: seconds since the oracle last moved.
    confidence: of the oracle, 0 to 1. All prices in dollars.
    """

    names: Sequence[str]
    mark: Array
    oracle: Array
    past: Array
    age: Array
    confidence: Array
    seconds: float


class ValuationRule(Rule):
    """At which price a token counts: who is under margin depends on it, what a sale brings does not."""

    def price(self, seen: Seen) -> Array:
        """Return the price (m,) of every column, dollars; only that of tokens is used."""
        raise NotImplementedError
