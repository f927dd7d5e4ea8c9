"""Linear impact, in money (log price) and in units (absolute price)."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule, Move

_LOWEST = 1e-9  # a linear law would pass zero; one volume never takes more than all but this share of the price


class LinearImpact(ImpactRule):
    """Log price moves in proportion to the money traded: move = `scale` * volume * index price / depth.

    `depth` is the dollars that move the log price by 1 at scale 1. Source: A. Kyle, Econometrica 53 (1985)
    1315-1335; in money, R. Greenwood, A. Landier & D. Thesmar, J. Financial Economics 115 (2015) 471-485.
    """

    kind = "linear"
    scale: float = Field(1.0, ge=0.0, le=1e6, description="multiplies every move")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the move (m,); its average over the volume is half of it."""
        final = self.scale * volume * book.index / book.depth
        return Move(final / 2.0, final)


class UnitImpact(ImpactRule):
    """The price itself moves in proportion to the units traded: change = `dollars_per_unit` * volume.

    This is the law of the branching theory of cascades (each liquidation of one unit lowers the price by kappa).
    """

    kind = "linear_units"
    dollars_per_unit: float = Field(0.0, ge=0.0, le=1e12, description="price change per unit traded, dollars")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the log of the relative change (m,); half the change gives the average fill."""
        change = np.maximum(self.dollars_per_unit * volume / book.price, _LOWEST - 1.0)
        return Move(np.log1p(change / 2.0), np.log1p(change))
