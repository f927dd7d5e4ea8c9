"""Funding by time averages, with interest and a clamp in price."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.funding.base import Funding, FundingMarket, FundingRule

_DAYS = 365.0


class AverageFunding(FundingRule):
    """Longs pay the difference of the averages of mark and spot, moved towards interest within a clamp.

    payment = F - S + clip((1 + t interest) S - F, lowest S, highest S) dollars per unit, for averages F of the mark
    and S of the spot price over a period of t years. Source: Vega protocol specification 0053-PERP (perpetual
    futures), 2023-2024. The live market takes mark and oracle at the settlement for the averages.
    """

    kind = "average"
    interest_rate: float = Field(0.0, ge=-1.0, le=1.0, description="a year")
    lowest_rate: float = Field(-0.0005, ge=-1.0, le=0.0, description="least the interest leg adds, fraction of spot")
    highest_rate: float = Field(0.0005, ge=0.0, le=1.0, description="most the interest leg adds, fraction of spot")

    def payment(self, mark: Array, spot: Array, years: float) -> Array:
        """Return what a long pays per unit (m,), dollars, for a period of `years`."""
        interest = (1.0 + years * self.interest_rate) * spot - mark
        return mark - spot + np.clip(interest, self.lowest_rate * spot, self.highest_rate * spot)

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return the payment of no time, fraction of mark (m,): what the difference of prices alone brings."""
        return self.payment(mark, oracle, 0.0) / mark

    def due(self, market: FundingMarket) -> Funding:
        """Return the payment as a fraction of the mark."""
        payment = self.payment(market.mark, market.oracle, market.days / _DAYS) / market.mark
        return Funding(payment, payment)
