"""The mark price: what margin is computed with."""

from simulation.arrays import Array
from simulation.rule import Rule


class MarkRule(Rule):
    """How the venue sets its mark price from the middle of its own book and the oracle.

    `within_step` says whether forced trades of the present step move the mark before the next round of
    liquidations; a mark that waits for the next step slows a cascade down.
    """

    def price(self, mid: Array, oracle: Array, basis: Array) -> Array:
        """Return the mark (m,) at a new step, given the mid, the oracle price and the previous mark / oracle (m,)."""
        raise NotImplementedError

    def within_step(self, mid: Array, mark: Array) -> Array:
        """Return the mark (m,) after a round of liquidations moved the mid; by default it waits for the next step."""
        return mark
