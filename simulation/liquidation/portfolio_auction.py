"""A share of the whole portfolio at a discount that grows with time."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.liquidation.dutch_auction import AuctionTerms


class PortfolioAuction(LiquidationRule):
    """Dutch auction of a share of every position of a pool, in one piece.

    The bidder pays the share d(t) of what its part of the pool is worth at the mark, t the time since the pool was
    first seen below maintenance. For sale is the share f that brings equity E back to (1 + buffer) times maintenance M,

    f = B / (B - d E),  B = E - (1 + buffer) M,

    so the buyer of f gets a concession of f E (1 - d) against the mark: never more than the equity, so no auction makes
    bad debt. Insolvent pools are not auctioned, but closed like all others. The penalty stands for the fee that
    goes to the security module. Source: Derive v2-core `DutchAuction` (solvent auctions), stored 7736900d.
    """

    kind = "dutch_auction"
    timed: ClassVar[bool] = True
    terms: AuctionTerms = Field(default_factory=lambda: AuctionTerms.model_validate({}), description="price and buffer")

    def fraction(self, pools: Distressed) -> Array:
        """Return the share f (r,) for sale; one for insolvent pools."""
        buffer = max(self.terms.buffer, pools.stop - 1.0)  # a sale that ends below the stop level would be no end
        terms = self.terms.model_copy(update={"buffer": buffer})
        discount = terms.discount(pools.waited_seconds)
        share = terms.largest_share(pools.equity, pools.equity - pools.maintenance, discount)
        return np.where(pools.equity > 0.0, share, 1.0)

    def concession(self, pools: Distressed, fraction: Array) -> Array:
        """Return fraction * E (1 - d), (r,) dollars; 0 for insolvent pools."""
        return fraction * np.maximum(pools.equity, 0.0) * (1.0 - self.terms.discount(pools.waited_seconds))
