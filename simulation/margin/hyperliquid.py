"""Margin of Hyperliquid: maintenance is half of the initial margin at the largest leverage of the tier."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule


class HyperliquidMargin(MarginRule):
    """Cross margin whose maintenance follows the largest leverage a market allows, not the leverage chosen.

    With the tiers' initial rates being 1 / largest leverage of each tier,
    initial = notional / leverage, at least the tiers' initial requirement;
    maintenance = `maintenance_share` * the tiers' initial requirement, deductions included.
    A withdrawal must leave max(initial margin, `transfer_rate` * notional) behind (since March 2025). Source:
    Hyperliquid documentation, "Margining" and "Margin tiers".
    """

    kind = "hyperliquid"
    maintenance_share: float = Field(0.5, gt=0.0, le=1.0, description="maintenance over initial at largest leverage")
    transfer_rate: float = Field(0.1, ge=0.0, le=1.0, description="of notional, what a withdrawal must leave at least")

    def maintenance(self, notional: Array, tiers: TierSchedule) -> Array:
        """Return the stand-alone maintenance requirement (r, m), dollars."""
        return self.maintenance_share * tiers.initial(notional)

    def initial_at(self, notional: Array, leverage: Array | float, tiers: TierSchedule) -> Array:
        """Return the initial requirement (r, m) at a chosen `leverage`, dollars."""
        return np.maximum(notional / leverage, tiers.initial(notional))

    def transfer_requirement(self, notional: Array, initial: Array) -> Array:
        """Return what must be left (r, m) after a withdrawal, dollars, where `initial` (r, m) is used as margin."""
        return np.maximum(initial, self.transfer_rate * notional)

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return the share of the steepest initial rate (m,)."""
        return self.maintenance_share * np.max([rate for rate, _ in tiers.initial_lines], axis=0)
