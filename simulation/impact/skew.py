"""Price impact of a pool that quotes by skew."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.impact.base import Book, ImpactRule, Move

_LOWEST = 1e-9  # the quoted price never falls below this share of the oracle's


def skew_fill_price(oracle: Array, skew: Array, size: Array, scale: Array | float) -> Array:
    """Return the price of trading `size` units at the net position `skew`: oracle (1 + (skew + size / 2) / scale).

    Half way between the quotes before and after, so that one order costs what its slices cost together.
    Source: Synthetix v3 perps market (`AsyncOrder.calculateFillPrice`, SIP-279), 2023-2024.
    """
    return oracle * (1.0 + (skew + size / 2.0) / scale)


class SkewImpact(ImpactRule):
    """A pool quotes oracle (1 + skew / scale): the price moves by a fixed fraction per unit of skew.

    Move of `volume` units after `done`: ln(1 + (done + volume) / scale) - ln(1 + done / scale) with the average fill in
    the middle, see `skew_fill_price`. Skew is what the market has absorbed and not yet forgotten (`half_life_steps` is
    how fast opposite traders close it).
    """

    kind = "skew"
    skew_scale: float = Field(1e5, gt=0.0, le=1e15, description="skew that doubles the price, units")

    def move(self, done: Array, volume: Array, book: Book) -> Move:
        """Return the move (m,)."""
        before = self._quote(done)
        return Move(np.log(self._quote(done + volume / 2.0) / before), np.log(self._quote(done + volume) / before))

    def _quote(self, skew: Array) -> Array:
        """Return the quoted price over the oracle's (m,)."""
        return np.maximum(skew_fill_price(np.ones_like(skew), skew, np.zeros_like(skew), self.skew_scale), _LOWEST)
