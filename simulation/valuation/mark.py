"""Tokens valued by the venue's own book."""

from simulation.arrays import Array
from simulation.valuation.base import Seen, ValuationRule


class MarkValuation(ValuationRule):
    """Price = the venue's own mark: cheap to state, and wrong whenever the venue's own book is.

    On 10 October 2025 one venue's thin books of USDe, wBETH and BNSOL closed accounts whose tokens were sound.
    """

    kind = "mark"

    def price(self, seen: Seen) -> Array:
        """Return the mark (m,)."""
        return seen.mark
