"""An oracle that reads the index with a delay and posts only moves that are large enough."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.oracle.base import OracleRule


class LaggedOracle(OracleRule):
    """Oracle price = index price `delay_steps` ago, posted when it differs by more than `deviation_rate`.

    With both at zero the oracle is the index. The threshold is the usual push rule of on-chain price feeds.
    """

    kind = "lagged"
    delay_steps: int = Field(0, ge=0, le=100_000, description="age of the index price when it arrives, steps")
    deviation_rate: float = Field(0.0, ge=0.0, lt=1.0, description="relative change below which nothing is posted")

    def read(self, index: Array, step: int, last: Array) -> Array:
        """Return the posted price (m,)."""
        seen = index[max(0, step - self.delay_steps)]
        if self.deviation_rate == 0.0:
            return seen
        return np.where(np.abs(seen / last - 1.0) > self.deviation_rate, seen, last)
