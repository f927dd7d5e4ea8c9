"""The mid of the venue's own book as mark price."""

from simulation.arrays import Array
from simulation.mark.base import MarkRule


class MidMark(MarkRule):
    """Mark = mid = index * exp(displacement): forced sales move the mark at once."""

    kind = "mid"

    def price(self, mid: Array, oracle: Array, basis: Array) -> Array:
        """Return the mid (m,)."""
        return mid

    def within_step(self, mid: Array, mark: Array) -> Array:
        """Return the mid (m,) as it stands after the round."""
        return mid
