"""The close factor of lending markets."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class CloseFactor(LiquidationRule):
    """Close `share` of a pool that is slightly under, all of it below a health of `whole_below`, or if it is small.

    Health is equity over the maintenance requirement, as everywhere on this venue; the lending markets measure debt
    against weighted collateral. Source: Aave v3, liquidation logic (close factor .5, 1 at a health factor of .95 or
    less; v3.3: also where less than 2,000 dollars stand), stored 782f5191.
    """

    kind = "close_factor"
    share: float = Field(0.5, gt=0.0, le=1.0, description="of every position, per round")
    whole_below: float = Field(0.95, ge=0.0, le=1.0, description="equity over maintenance; from there on all is closed")
    dust: float = Field(2_000.0, ge=0.0, description="dollars of notional; smaller pools are closed whole")

    def fraction(self, pools: Distressed) -> Array:
        """Return the share, or one (r,)."""
        whole = (pools.equity <= self.whole_below * pools.maintenance) | (pools.notional < self.dust)
        return np.where(whole, 1.0, self.share)
