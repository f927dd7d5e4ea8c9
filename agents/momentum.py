"""Momentum traders."""

import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class MomentumTrader(Trader):
    """Chases the trend: target notional = tanh(return / threshold) * leverage * equity / m in each market.

    The return is the log return of the mark over the last `lookback` steps. Source: N. Jegadeesh & S. Titman,
    J. Finance 48 (1993) 65-91; saturating demand as in C. Chiarella, R. Dieci & X.-Z. He, Handbook of Financial
    Markets (2009) 277-344.
    """

    kind = "momentum"
    leverage = Parameter(3.0, 0.0, 200.0, "gross notional over equity at full conviction")
    lookback = Parameter(60, 1, 1_000_000, "steps over which the trend is measured", whole=True)
    threshold = Parameter(0.02, 1e-6, 10.0, "log return at which conviction is about three quarters")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the change to the target position (r, m)."""
        conviction = np.tanh(view.log_return(members.lookback) / members.threshold[:, None])
        budget = np.maximum(members.equity, 0.0) * members.leverage / len(view.names)
        return conviction * budget[:, None] / view.mark_price - members.position
