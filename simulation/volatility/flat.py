"""Implied volatility that stays where it is."""

import numpy as np

from simulation.arrays import Array
from simulation.random import Streams
from simulation.volatility.base import Assets, VolatilityProcess


class FlatVolatility(VolatilityProcess):
    """Implied volatility at the money = the volatility of the market, all the time (Black & Scholes 1973).

    Without a smile it is the same at every strike.
    """

    kind = "flat"

    def level(self, index: Array, assets: Assets, streams: Streams) -> Array:
        """Return the markets' volatilities (steps + 1, p)."""
        return np.broadcast_to(assets.volatility, index.shape).copy()
