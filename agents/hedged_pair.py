"""Hedged pairs."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class HedgedPair(Trader):
    """Long one market, short another, in equal dollars: gross notional = leverage * equity, net zero.

    Members take the long side in `long_market` or in `short_market` with equal probability if `both_ways` is 1.
    The pair is rebalanced when a leg drifts by more than `band` of its target. Source: E. Gatev, W. Goetzmann & K.
    Rouwenhorst, Review of Financial Studies 19 (2006) 797-827.
    """

    kind = "hedged_pair"
    leverage = Parameter(10.0, 0.0, 200.0, "gross notional over equity")
    band = Parameter(0.1, 0.0, 10.0, "drift of a leg that triggers rebalancing, share of its target")
    both_ways = Parameter(1, 0, 1, "1: half of the members hold the pair the other way round", whole=True)
    long_market = Setting(0, "market", "market bought")
    short_market = Setting(1, "market", "market sold")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return both legs (r, m)."""
        return self._target(members, view, members.deposited)

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the change that restores the pair where a leg has drifted out of the band (r, m)."""
        target = self._target(members, view, np.maximum(members.equity, 0.0))
        change = target - members.position
        drifted = (np.abs(change) > members.band[:, None] * np.abs(target)).any(axis=1)
        return np.where(drifted[:, None], change, 0.0)

    def _target(self, members: Members, view: MarketView, equity: Array) -> Array:
        side = np.where((members.both_ways == 1) & (members.constant_uniform("side")[:, 0] < 0.5), -1.0, 1.0)
        target = np.zeros((len(members), len(view.names)))
        target[:, members.long_market] += 1.0
        target[:, members.short_market] -= 1.0
        leg = side * equity * members.leverage / 2.0
        return target * leg[:, None] / view.mark_price
