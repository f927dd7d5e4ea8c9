"""Tokens valued by a slow price that moves by a bounded rate."""

import math

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.valuation.base import Seen, ValuationRule


class AverageValuation(ValuationRule):
    """Price = a moving average of the venue's mark whose moves are bounded by time.

    p = past * (1 + clip(w * (mark / past - 1), -b, b)),
    w = 1 - 2 ** (-seconds / half_life),  b = 1 - exp(-growth_rate * hours).

    With `within_rate` above 0 the price is kept within that of the oracle. Short spikes of a thin book hardly count,
    in either direction; a lasting fall is seen late. Source: Mango v4, stable price model (delay of an hour, growth
    limits per second).
    """

    kind = "average"
    half_life_seconds: float = Field(3600.0, gt=0.0, le=1e9, description="half-life of the average")
    growth_rate: float = Field(1.0, gt=0.0, le=1e6, description="largest relative move, per hour")
    within_rate: float = Field(0.0, ge=0.0, lt=1.0, description="largest distance from the oracle; 0 = no bound")

    def price(self, seen: Seen) -> Array:
        """Return the slow price (m,), dollars."""
        weight = 1.0 - 0.5 ** (seen.seconds / self.half_life_seconds)
        bound = -math.expm1(-self.growth_rate * seen.seconds / 3600.0)
        price = seen.past * (1.0 + np.clip(weight * (seen.mark / seen.past - 1.0), -bound, bound))
        if self.within_rate == 0.0:
            return price
        return np.clip(price, seen.oracle * (1.0 - self.within_rate), seen.oracle * (1.0 + self.within_rate))
