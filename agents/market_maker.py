"""Market makers."""

import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class MarketMaker(Trader):
    """Leans against displacement and works its inventory off.

    Target notional = -ln(mark / oracle) / width * leverage * equity / m, shrunk when recent volatility exceeds
    `calm_volatility` (makers withdraw in stress), approached by `pace` per decision. Source: H. Stoll, J. Finance 33
    (1978) 1133-1151; M. Avellaneda & S. Stoikov, Quantitative Finance 8 (2008) 217-224.
    """

    kind = "market_maker"
    leverage = Parameter(3.0, 0.0, 200.0, "gross notional over equity at displacement `width`")
    width = Parameter(0.05, 1e-6, 10.0, "log displacement at which the whole budget is used")
    pace = Parameter(0.1, 0.0, 1.0, "share of the way to the target traded at once; a hasty maker overshoots")
    calm_volatility = Parameter(2.0, 1e-3, 100.0, "a year; above it the budget shrinks in proportion")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return part of the change to the target inventory (r, m)."""
        gap = np.log(view.mark_price / view.oracle_price)
        lean = np.clip(-gap / members.width[:, None], -1.0, 1.0)
        nerve = np.minimum(1.0, members.calm_volatility[:, None] / np.maximum(view.volatility, 1e-9))
        budget = np.maximum(members.equity, 0.0) * members.leverage / len(view.names)
        target = lean * nerve * budget[:, None] / view.mark_price
        return members.pace[:, None] * (target - members.position)
