"""Noise traders."""

import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class NoiseTrader(Trader):
    """Trades for reasons of its own: a normally distributed target of notional, held with persistence.

    Target notional = z * leverage * equity / m with z standard normal, new in each decision; the position moves
    `pace` of the way. Source: F. Black, J. Finance 41 (1986) 529-543.
    """

    kind = "noise"
    leverage = Parameter(2.0, 0.0, 200.0, "standard deviation of gross notional over equity")
    pace = Parameter(0.5, 0.0, 1.0, "share of the way to the new target traded at once")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return part of the change to the random target (r, m)."""
        m = len(view.names)
        budget = np.maximum(members.equity, 0.0) * members.leverage / m
        target = members.normal("target", m) * budget[:, None] / view.mark_price
        return members.pace[:, None] * (target - members.position)
