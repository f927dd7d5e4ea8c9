"""A small part of large positions first, everything if that was not enough."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class StagedClose(LiquidationRule):
    """Of pools above `threshold` dollars only `share` is closed at first; for `cooldown_seconds` after, everything.

    fraction = 1 if N <= threshold, or E <= 0, or a part was closed within the cooldown; otherwise the share. Rounds of
    one step follow each other at once, so that an account which the first stage does not heal is closed whole.
    Source: Hyperliquid documentation, Trading, Liquidations (positions above 100,000 dollars: 20 %, then 30 seconds in
    which orders are for the entire position), 2025.
    """

    kind = "staged_notional"
    timed: ClassVar[bool] = True
    threshold: float = Field(100_000.0, ge=0.0, description="dollars of notional; smaller pools are closed whole")
    share: float = Field(0.2, gt=0.0, le=1.0, description="of every position, at the first stage")
    cooldown_seconds: float = Field(30.0, ge=0.0, le=1e9, description="in which the rest is closed whole")

    def fraction(self, pools: Distressed) -> Array:
        """Return the share, or one for small, insolvent and already touched pools (r,)."""
        again = pools.rested_seconds <= self.cooldown_seconds
        whole = (pools.notional <= self.threshold) | (pools.equity <= 0.0) | again
        return np.where(whole, 1.0, self.share)
