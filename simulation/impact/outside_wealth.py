"""Price impact on outsiders who keep a fixed sum of money in the asset."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule, Move

_LEFT = 1e-9  # outsiders never part with more than all but this share of what they hold


class OutsideWealth(ImpactRule):
    """Outsiders hold whatever units their money buys: demand xi / p, so that all others together hold N - xi / p.

    N is `supply`, xi = N * index price the outsiders' money. Without traders the price is the index; with X units in
    their hands it is p = index N / (N - X). Of the q = N - X units of the outsiders, `volume` v moves the log price by
    -ln(1 - v / q); the average fill is (p q / v) times that. It depends on the price alone, not on what was done
    before, and is permanent. With `fill_at` "after" and `trading` "schedule" the fill is the market-clearing price.
    Source: S. Thurner, J. D. Farmer & J. Geanakoplos, Quantitative Finance 12 (2012) 695-707, noise traders.
    """

    kind = "outside_wealth"
    supply: float = Field(1e6, gt=0.0, le=1e15, description="units of each market that exist, N")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the log move (m,), averaged over the volume and at its end."""
        outside = self.supply * book.index / book.price
        share = np.minimum(volume / outside, 1.0 - _LEFT)
        final = -np.log1p(-share)
        with np.errstate(invalid="ignore", divide="ignore"):
            average = np.where(np.abs(share) > 1e-6, np.log(final / share), share / 2.0)
        return Move(average, final)
