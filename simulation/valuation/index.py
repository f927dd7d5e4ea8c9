"""Tokens valued by what other venues pay."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.valuation.base import Seen, ValuationRule


class IndexValuation(ValuationRule):
    """Price = oracle price, cut where the oracle is unsure or silent.

    price = oracle * (1 - confidence_haircut * shortfall) * (1 - min(stale_rate * overdue hours, largest_cut)),
    shortfall = max(0, least_confidence - confidence) / least_confidence, overdue = max(0, age - stale_after_seconds).
    Source: Derive, standard and portfolio margin (oracle contingency below a confidence threshold); the cut for
    silence is the same idea in time, because on-chain feeds post only moves that are large enough.
    """

    kind = "index"
    least_confidence: float = Field(0.5, gt=0.0, le=1.0, description="of the oracle; below it the price is cut")
    confidence_haircut: float = Field(1.0, ge=0.0, le=1.0, description="cut at confidence 0, share of the price")
    stale_after_seconds: float = Field(3600.0, ge=0.0, le=1e9, description="silence that means nothing")
    stale_rate: float = Field(0.0, ge=0.0, le=10.0, description="cut per hour of further silence, share of the price")
    largest_cut: float = Field(0.5, ge=0.0, lt=1.0, description="cut for silence at most, share of the price")

    def price(self, seen: Seen) -> Array:
        """Return the shaded oracle price (m,)."""
        shortfall = np.maximum(self.least_confidence - seen.confidence, 0.0) / self.least_confidence
        overdue = np.maximum(seen.age - self.stale_after_seconds, 0.0) / 3600.0
        silence = np.minimum(self.stale_rate * overdue, self.largest_cut)
        # a price of zero would end all arithmetic of returns: the least confidence leaves a millionth
        return seen.oracle * np.maximum(1.0 - self.confidence_haircut * shortfall, 1e-6) * (1.0 - silence)
