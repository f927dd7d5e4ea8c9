"""Partial close down to the requirement, as a broker sells a margin account down."""

import numpy as np

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class RequirementClose(LiquidationRule):
    """Close just enough that equity is the maintenance requirement again, and nothing while it is.

    Closing a fraction x at the mark leaves equity E - c N x (penalty c, notional N) and requirement M (1 - x), so
    x = (M - E) / (M - c N), and all of it where that denominator is not positive. With M = R N and no penalty the
    position that stays is E / R: the target of a maintenance ratio R. Source: US Regulation T style deleveraging as
    described for the portfolio engine bt (pull request 557).
    """

    kind = "to_requirement"

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) that restores the requirement, 0 where it is met."""
        room = pools.maintenance - self.penalty_rate * pools.notional
        missing = np.maximum(pools.maintenance - pools.equity, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(room > 0.0, missing / np.where(room > 0.0, room, 1.0), 1.0)
        return np.where(missing > 0.0, np.minimum(part, 1.0), 0.0)

    def kept(self, pools: Distressed) -> Array:
        """Return the notional (r,) that stays open, dollars."""
        return pools.notional * (1.0 - self.fraction(pools))
