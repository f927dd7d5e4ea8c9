"""Liquidation as fast as a market can bear, window after window."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class CapacityWindowClose(LiquidationRule):
    """Pools are closed whole, but in each market no more than a share of its depth within any window of time.

    What may be closed now: max(depth_rate * depth - closed within the last `window` seconds, 0) dollars. Pools come in
    the order of priority; what does not fit any more waits. The shape of Synthetix v3's rate limit, where the capacity
    of a window is (maker fee + taker fee) * skew scale * multiplier * window; here the depth of the market stands for
    the skew scale. Source: Synthetix v3 perps market, liquidation capacity, stored 23585f73.
    """

    kind = "capacity_window"
    timed: ClassVar[bool] = True
    window: float = Field(30.0, ge=0.0, le=1e9, description="seconds over which closes are counted together")
    depth_rate: float = Field(0.01, gt=0.0, le=100.0, description="of a market's depth that may be closed in a window")

    @property
    def window_seconds(self) -> float:  # type: ignore[override]
        """Return the window."""
        return self.window

    def fraction(self, pools: Distressed) -> Array:
        """Return ones (r,)."""
        return np.ones_like(pools.equity)

    def limit(self, depth: Array, used: Array) -> Array:
        """Return what is left of this window (m,), dollars."""
        return np.maximum(self.depth_rate * depth - used, 0.0)
