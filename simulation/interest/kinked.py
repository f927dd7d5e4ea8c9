"""A borrow rate that rises with utilisation, and steeply where little is left."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.interest.base import InterestRule


class KinkedInterest(InterestRule):
    """Two straight lines that meet at the optimal utilisation.

    rate(u) = base + slope * u / u*                             for u <= u*,
              base + slope + steep_slope * (u - u*) / (1 - u*)  above.

    Source: Aave v2 and v3, `DefaultReserveInterestRateStrategy`; Derive's cash asset has the same form.
    """

    kind = "kinked"
    base_rate: float = Field(0.0, ge=0.0, le=1e3, description="at utilisation 0, a year")
    slope: float = Field(0.04, ge=0.0, le=1e3, description="rise up to the optimal utilisation, a year")
    steep_slope: float = Field(0.75, ge=0.0, le=1e3, description="rise from there to utilisation 1, a year")
    optimal_utilisation: float = Field(0.8, gt=0.0, lt=1.0, description="u*, share of what is held")

    def rate(self, utilisation: Array) -> Array:
        """Return the borrow rate (m,) a year."""
        u, best = np.clip(utilisation, 0.0, 1.0), self.optimal_utilisation
        above = np.maximum(u - best, 0.0) / (1.0 - best)
        return self.base_rate + self.slope * np.minimum(u, best) / best + self.steep_slope * above
