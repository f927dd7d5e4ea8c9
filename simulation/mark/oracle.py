"""The oracle price as mark price: no feedback from the venue's own trades."""

from simulation.arrays import Array
from simulation.mark.base import MarkRule


class OracleMark(MarkRule):
    """Mark = oracle price. Liquidations cannot cause liquidations through the price."""

    kind = "oracle"

    def price(self, mid: Array, oracle: Array, basis: Array) -> Array:
        """Return the oracle price (m,)."""
        return oracle
