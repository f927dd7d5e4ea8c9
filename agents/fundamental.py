"""Fundamental (mean-reversion) traders."""

import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class FundamentalTrader(Trader):
    """Buys below and sells above value: target notional = clip(-gap / threshold, -1, 1) * leverage * equity / m.

    The gap is ln(mark / value); value is the oracle price shifted by the member's own log error, drawn once with
    standard deviation `disagreement`. Source: W. Brock & C. Hommes, J. Economic Dynamics & Control 22 (1998)
    1235-1274 (fundamentalists).
    """

    kind = "fundamental"
    leverage = Parameter(2.0, 0.0, 200.0, "gross notional over equity at full conviction")
    threshold = Parameter(0.03, 1e-6, 10.0, "log gap at which the whole budget is used")
    disagreement = Parameter(0.02, 0.0, 10.0, "standard deviation of members' errors about value, log")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the change to the target position (r, m)."""
        error = members.disagreement[:, None] * members.constant_normal("error", len(view.names))
        gap = np.log(view.mark_price / view.oracle_price) - error
        budget = np.maximum(members.equity, 0.0) * members.leverage / len(view.names)
        conviction = np.clip(-gap / members.threshold[:, None], -1.0, 1.0)
        return conviction * budget[:, None] / view.mark_price - members.position
