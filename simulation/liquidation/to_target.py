"""Partial close down to a target health."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class TargetClose(LiquidationRule):
    """Close just enough that equity is `target_health` times the maintenance requirement again.

    Closing a fraction x at the mark leaves equity E - c N x (penalty c, notional N) and requirement M (1 - x), so
    x = (h M - E) / (h M - c N). A denominator that is not positive means no partial close helps: close all. Where the
    venue lets go only at a higher health than h, that is the target.
    Source: partial liquidation of the public lending and perpetual engines (margin-ratio restoring close).
    """

    kind = "to_target"
    target_health: float = Field(1.25, gt=1.0, le=100.0, description="equity over maintenance after the close")

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) that restores the target, one where nothing less does."""
        wanted = max(self.target_health, pools.stop) * pools.maintenance
        room = wanted - self.penalty_rate * pools.notional
        with np.errstate(invalid="ignore", divide="ignore"):
            part = (wanted - pools.equity) / room
        return np.where((room > 0.0) & (part > 0.0) & (part < 1.0), part, 1.0)
