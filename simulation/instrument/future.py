"""A dated future."""

from simulation.arrays import Array
from simulation.instrument.base import Dated, State


class Future(Dated):
    """A dated future: value = a * average + (1 - a) * S * exp(r T), with the share a of the settlement window passed.

    Cost of carry: J. Hull, "Options, Futures and Other Derivatives", ch. 5.
    """

    kind = "future"
    derived = True

    def value(self, spot: Array, state: State) -> Array:
        """Return the futures price (s,), dollars."""
        return self.fixed(spot, state)
