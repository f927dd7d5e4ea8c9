"""Staged close by a fixed fraction."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class FractionClose(LiquidationRule):
    """Close `share` of every position a round; pools smaller than `minimum_notional`, or insolvent, are closed whole.

    The close factor of lending markets and the 20 % first stage of perpetual venues have this form.
    """

    kind = "fraction"
    share: float = Field(0.25, gt=0.0, le=1.0, description="of every position, per round")
    minimum_notional: float = Field(1000.0, ge=0.0, description="dollars; smaller pools are closed whole")

    def fraction(self, pools: Distressed) -> Array:
        """Return `share`, or one for small and insolvent pools (r,)."""
        whole = (pools.notional <= self.minimum_notional) | (pools.equity <= 0.0)
        return np.where(whole, 1.0, self.share)
