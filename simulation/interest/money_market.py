"""The cash market of a venue: what borrowers pay continuously, and who gets it; numbers or arrays (k,) of lenders."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.strict import Strict


class MoneyMarket(Strict):
    """rate = least_rate + slope min(u, optimal) + steep_slope max(u - optimal, 0) a year, at utilisation u.

    Source: Derive v2-core, `CashAsset` and `InterestRateModel`.
    """

    least_rate: float = Field(0.06, ge=0.0, le=1e3, description="borrow rate at utilisation 0, a year")
    slope: float = Field(0.2, ge=0.0, le=1e3, description="of the rate in utilisation, up to the optimal one")
    steep_slope: float = Field(0.4, ge=0.0, le=1e3, description="of the rate in utilisation, beyond it")
    optimal_utilisation: float = Field(0.6, ge=0.0, le=1.0, description="where the slope changes")
    reserve_share: float = Field(0.0, ge=0.0, le=1.0, description="of the interest, to the fund")

    def borrow_rate(self, utilisation: float) -> float:
        """Return the rate a year."""
        beyond = max(utilisation - self.optimal_utilisation, 0.0)
        return self.least_rate + self.slope * min(utilisation, self.optimal_utilisation) + self.steep_slope * beyond

    def interest(self, borrowed: float, supplied: float, years: float) -> float:
        """Return what `borrowed` dollars owe after `years` at today's rate: borrowed * (exp(rate years) - 1)."""
        return borrowed * float(np.expm1(self.borrow_rate(utilisation(borrowed, supplied)) * years))

    def shared(self, interest: float, supply: Array) -> tuple[Array, float]:
        """Return what lenders of `supply` (k,) receive, pro rata, and what the fund keeps of the `interest`."""
        kept = self.reserve_share * interest
        return (interest - kept) * supply / supply.sum(), kept


def utilisation(borrowed: float, supplied: float, settled: float = 0.0) -> float:
    """Return borrowed / (supplied + max(-settled, 0)); `settled` is cash that profits have created, net."""
    total = supplied + max(-settled, 0.0)
    return borrowed / total if total > 0.0 else 0.0
