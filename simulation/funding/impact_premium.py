"""Funding by the premium at which a sizeable order would trade."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.funding.base import Funding, FundingMarket, FundingRule

_HOURS = 24.0


class ImpactPremiumFunding(FundingRule):
    """Hourly rate = clip(premium / convergence_hours + static, lowest, highest).

    premium = (max(0, impact bid - index) - max(0, index - impact ask)) / index: zero as long as the index lies
    between the prices at which a sizeable order would sell and buy. The live market has one price, the mark, for both.
    Source: Derive (Lyra) v2-core `PerpAsset`, stored 7736900d.
    """

    kind = "impact_premium"
    interval_steps: int = Field(60, ge=1, le=10_000_000, description="steps between two settlements")
    static_rate: float = Field(0.0000125, ge=-0.01, le=0.01, description="an hour; the default is 1 bp in 8 hours")
    convergence_hours: float = Field(8.0, gt=0.0, le=1e4, description="hours in which the premium is paid once")
    lowest_rate: float = Field(-0.004, ge=-1.0, le=0.0, description="an hour")
    highest_rate: float = Field(0.004, ge=0.0, le=1.0, description="an hour")

    def premium(self, bid: Array, ask: Array, index: Array) -> Array:
        """Return the premium (m,) of impact prices over the index, fraction."""
        return (np.maximum(bid - index, 0.0) - np.maximum(index - ask, 0.0)) / index

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return the hourly rate (m,), the mark being the impact price of both sides."""
        hourly = self.premium(mark, mark, oracle) / self.convergence_hours + self.static_rate
        return np.clip(hourly, self.lowest_rate, self.highest_rate)

    def due(self, market: FundingMarket) -> Funding:
        """Return the hourly rate, and what it comes to over the time passed."""
        rate = self.rate(market.mark, market.oracle)
        return Funding(rate, rate * market.days * _HOURS)
