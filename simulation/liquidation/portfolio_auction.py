"""A share of the whole portfolio at a discount that grows with time."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class PortfolioAuction(LiquidationRule):
    """Dutch auction of a share of every position of a pool, in one piece.

    The bidder pays the share d of what its part of the pool is worth at the mark: d falls linearly from 1 to `cutoff`
    within `fast_seconds` and from there to 0 within `slow_seconds` of the first sight below maintenance. For sale is
    the share f that brings equity E back to (1 + buffer) times maintenance M,

    f = B / (B - d E),  B = E - (1 + buffer) M,

    so the buyer of f gets a concession of f E (1 - d) against the mark: never more than the equity, so no auction makes
    bad debt. Insolvent pools are not auctioned, but closed like all others. The penalty stands for the fee that
    goes to the security module. Source: Derive v2-core `DutchAuction` (solvent auctions), stored 7736900d.
    """

    kind = "dutch_auction"
    timed: ClassVar[bool] = True
    cutoff: float = Field(0.8, gt=0.0, le=1.0, description="share of the mark value at the end of the fast phase")
    fast_seconds: float = Field(600.0, gt=0.0, le=1e7, description="length of the fast phase")
    slow_seconds: float = Field(7_200.0, gt=0.0, le=1e7, description="length of the slow phase")
    buffer: float = Field(0.15, ge=0.0, le=10.0, description="of maintenance, equity beyond it after the sale")

    def price(self, elapsed: Array) -> Array:
        """Return d, the share of the mark value to be paid after `elapsed` seconds, of any shape."""
        times = [0.0, self.fast_seconds, self.fast_seconds + self.slow_seconds]
        return np.interp(elapsed, times, [1.0, self.cutoff, 0.0])

    def fraction(self, pools: Distressed) -> Array:
        """Return the share f (r,) for sale; one for insolvent pools."""
        missing = pools.equity - (1.0 + max(self.buffer, pools.stop - 1.0)) * pools.maintenance
        paid = self.price(pools.waited_seconds) * pools.equity
        with np.errstate(invalid="ignore", divide="ignore"):
            share = missing / (missing - paid)
        return np.where(pools.equity > 0.0, np.where(missing < 0.0, np.clip(share, 0.0, 1.0), 0.0), 1.0)

    def concession(self, pools: Distressed, fraction: Array) -> Array:
        """Return fraction * E (1 - d), (r,) dollars; 0 for insolvent pools."""
        return fraction * np.maximum(pools.equity, 0.0) * (1.0 - self.price(pools.waited_seconds))
