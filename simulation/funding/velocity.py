"""Funding whose rate has a velocity: it drifts for as long as the market is one-sided."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.funding.base import Funding, FundingMarket, FundingRule


class VelocityFunding(FundingRule):
    """The skew of the market is not the rate but how fast the rate changes.

    rate_t = rate_{t-1} + clip(skew / skew_scale, -1, 1) largest_velocity days,
    payment = (rate_{t-1} + rate_t) / 2 days   (fraction of notional that longs pay, shorts receive).

    The rate is a day's; it only comes back when the skew has turned. Mark and oracle do not matter. Settled every
    step by the venue, every `interval_steps` here: between settlements the skew counts as what it is at the end.
    Source: Synthetix v3 perps market (funding velocity, SIP-279), 2023-2024.
    """

    kind = "velocity"
    interval_steps: int = Field(60, ge=1, le=10_000_000, description="steps between two settlements")
    skew_scale: float = Field(
        1e5, ge=0.0, le=1e15, description="skew at which velocity is largest, units; 0 = no drift"
    )
    skew_scales: dict[str, float] = Field(
        {}, description="scale by the name of the market, where it has its own, units"
    )
    largest_velocity: float = Field(3.0, ge=0.0, le=1e3, description="change of the daily rate in a day at most")

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return zeros (m,): without skew and past there is nothing to pay."""
        return np.zeros_like(mark)

    def due(self, market: FundingMarket) -> Funding:
        """Return the new daily rate, and the average of old and new over the days passed."""
        rate = market.past_rate + self.velocity(market.names, market.skew) * market.days
        return Funding(rate, (market.past_rate + rate) / 2.0 * market.days)

    def velocity(self, names: tuple[str, ...], skew: Array) -> Array:
        """Return the change (m,) of the daily rate in a day."""
        scale = np.array([self.skew_scales.get(name, self.skew_scale) for name in names])
        share = np.where(scale > 0.0, skew / np.where(scale > 0.0, scale, 1.0), 0.0)
        return np.clip(share, -1.0, 1.0) * self.largest_velocity
