"""Square-root (power-law) impact with the memory of the whole metaorder."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule, Move


class SquareRootImpact(ImpactRule):
    """Log displacement after Q units of a metaorder: f(Q) = sign(Q) * scale * (|Q| * index price / depth) ** exponent.

    A further volume q moves the price by f(Q + q) - f(Q): without that memory n slices would cost n ** (1 - exponent)
    times one order. The average over the volume is (F(Q + q) - F(Q)) / q - f(Q), where F' = f.
    Sources: B. Toth et al., Phys. Rev. X 1 (2011) 021006; J. Donier et al., Quant. Finance 15 (2015) 1109-1120.
    """

    kind = "square_root"
    scale: float = Field(1.0, ge=0.0, le=1e6, description="displacement when the metaorder equals the depth")
    exponent: float = Field(0.5, gt=0.0, le=2.0, description="0.5 is the square-root law, 1 is linear")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the move (m,) that `volume` adds to a metaorder of `done` units."""
        start, end = done * book.index / book.depth, (done + volume) * book.index / book.depth
        first = self._displacement(start)
        final = self._displacement(end) - first
        with np.errstate(invalid="ignore", divide="ignore"):
            average = (self._area(end) - self._area(start)) / (end - start) - first
        # A volume too small beside the metaorder leaves only rounding in the quotient; the law rises, so its average
        # over the volume lies between nothing and the whole move.
        average = np.clip(average, np.minimum(final, 0.0), np.maximum(final, 0.0))
        return Move(np.where(end == start, 0.0, average), final)

    def _displacement(self, share: Array) -> Array:
        return self.scale * np.sign(share) * np.abs(share) ** self.exponent

    def _area(self, share: Array) -> Array:
        return self.scale * np.abs(share) ** (1.0 + self.exponent) / (1.0 + self.exponent)
