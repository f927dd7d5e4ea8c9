"""What closing a position of its size would cost, on top of what the market may do meanwhile."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.strict import Strict


class LiquidityAddOn(Strict):
    """Cost of closing: |v| * min(rate * (|v| / depth) ** power, cap_rate), summed over markets.

    v is the exposure and `depth` the dollars of the impact law: with power 1/2 and rate = impact scale / 1.5 this is
    the average cost of a metaorder of size v under the square-root law. It grows faster than the position and never
    nets. Source: B. Toth et al., Phys. Rev. X 1 (2011) 021006 for the law; add-ons for concentrated positions after
    CPMI-IOSCO, "Resilience of central counterparties" (2017), 5.2.
    """

    rate: float = Field(0.0, ge=0.0, le=10.0, description="cost rate of a position as large as the depth")
    power: float = Field(0.5, ge=0.0, le=2.0, description="0.5 = square-root law")
    cap_rate: float = Field(0.5, ge=0.0, le=1.0, description="largest cost, fraction of the exposure")

    def cost(self, exposure: Array, depth: Array) -> Array:
        """Return the add-on (r,), dollars, of `exposure` (r, m) against `depth` (m,), both dollars."""
        total = np.zeros(len(exposure))
        for market, deep in enumerate(depth):
            size = np.abs(exposure[:, market])
            total += size * np.minimum(self.rate * self._grown(size / deep), self.cap_rate)
        return total

    def _grown(self, share: Array) -> Array:
        return np.sqrt(share) if self.power == 0.5 else share**self.power

    @property
    def steepness(self) -> float:
        """Return a bound on the growth of the cost per dollar of exposure: below the cap (1 + power) times its rate."""
        return (1.0 + self.power) * self.cap_rate if self.rate else 0.0
