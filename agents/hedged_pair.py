"""Hedged pairs."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class HedgedPair(Trader):
    """Long one market, short another, in equal dollars: gross notional = leverage * equity at the start, net zero.

    Members take the long side in `long_market` or in `short_market` with equal probability if `both_ways` is 1.
    When the legs differ by more than `band` of their mean, both are brought back to it; a leg whose other leg is gone
    (liquidated) is closed. The pair is never grown nor shrunk as a whole. Source: E. Gatev, W. Goetzmann & K.
    Rouwenhorst, Review of Financial Studies 19 (2006) 797-827.
    """

    kind = "hedged_pair"
    leverage = Parameter(10.0, 0.0, 200.0, "gross notional over equity at the start")
    band = Parameter(0.1, 0.0, 10.0, "difference of the legs that triggers rebalancing, share of their mean")
    both_ways = Parameter(1, 0, 1, "1: half of the members hold the pair the other way round", whole=True)
    long_market = Setting(0, "market", "market bought")
    short_market = Setting(1, "market", "market sold")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return both legs (r, m)."""
        side = np.where((members.both_ways == 1) & (members.constant_uniform("side")[:, 0] < 0.5), -1.0, 1.0)
        legs = np.zeros((len(members), len(view.names)))
        legs[:, members.long_market] += 1.0
        legs[:, members.short_market] -= 1.0
        size = side * members.deposited * members.leverage / 2.0
        return legs * size[:, None] / view.mark_price

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the change that makes the legs equal again where they differ too much (r, m)."""
        pair = [members.long_market, members.short_market]
        legs = members.position[:, pair] * view.mark_price[pair]
        size = np.abs(legs)
        mean = np.where(size.min(axis=1) > 0.0, size.mean(axis=1), 0.0)
        drifted = np.abs(size[:, 0] - size[:, 1]) > members.band * size.mean(axis=1)
        change = np.where(drifted[:, None], np.sign(legs) * mean[:, None] - legs, 0.0)
        orders = np.zeros((len(members), len(view.names)))
        orders[:, pair] = change / view.mark_price[pair]
        return orders
