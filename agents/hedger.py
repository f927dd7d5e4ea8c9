"""Hedgers."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class Hedger(Trader):
    """Holds one market and offsets its risk with another one, by the minimum-variance ratio.

        hedge notional = -h * exposure notional,    h = Cov(r_e, r_h) / Var(r_h)

    over the mark's last `window` log returns, weighted 2^(-age / `half_life`), or all the same if that is 0. Until the
    window is full, where the hedge market has not moved, or without a window, h is `prior_ratio`. The hedge is
    rebalanced where it is off by more than `band` of what it should be: a narrow band hedges better and pays more fees.
    Of the variance 1 - rho^2 stays; a ratio set at rho_0 leaves 1 + rho_0^2 - 2 rho_0 rho_1 of it at equal volatilities
    when the correlation is rho_1. An exposure that is gone (liquidated) is hedged no more.
    Source: L. Ederington, J. Finance 34 (1979) 157-170.
    """

    kind = "hedger"
    leverage = Parameter(3.0, 0.0, 200.0, "notional of the exposure over equity at the start, without the hedge")
    long_share = Parameter(1.0, 0.0, 1.0, "probability that a member is long what it hedges")
    prior_ratio = Parameter(1.0, -100.0, 100.0, "hedge notional per exposure notional before there is an estimate")
    band = Parameter(0.1, 0.0, 10.0, "deviation of the hedge that triggers rebalancing, share of what it should be")
    window = Setting(0, "number", "steps that the ratio is estimated from; 0: the prior ratio for good", 0, 1_000_000)
    half_life = Setting(0, "number", "steps after which a return counts half; 0: all count the same", 0.0, 1e9)
    exposure_market = Setting(0, "market", "market held")
    hedge_market = Setting(1, "market", "market that hedges it")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the exposure, and its hedge by the prior ratio (r, m)."""
        side = np.where(members.constant_uniform("side")[:, 0] < members.long_share, 1.0, -1.0)
        exposure = side * members.deposited * members.leverage
        orders = np.zeros((len(members), len(view.names)))
        orders[:, members.exposure_market] += exposure
        orders[:, members.hedge_market] -= members.prior_ratio * exposure
        return orders / view.mark_price

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return what brings the hedge back to the ratio where it has left its band (r, m)."""
        exposure, hedge = members.exposure_market, members.hedge_market
        orders = np.zeros((len(members), len(view.names)))
        if exposure == hedge:
            return orders
        wanted = -self._ratio(members, view) * members.position[:, exposure] * view.mark_price[exposure]
        change = wanted - members.position[:, hedge] * view.mark_price[hedge]
        drifted = np.abs(change) > members.band * np.abs(wanted)
        orders[:, hedge] = np.where(drifted, change, 0.0) / view.mark_price[hedge]
        return orders

    def _ratio(self, members: Members, view: MarketView) -> Array:
        """Return the hedge ratio (r,)."""
        window = int(members.window)
        if window == 0 or view.step < window:
            return members.prior_ratio
        moves = view.past_returns(window)[:, [members.exposure_market, members.hedge_market]]
        age = np.arange(window)[::-1]
        weight = 0.5 ** (age / members.half_life) if members.half_life > 0.0 else np.ones(window)
        centred = moves - np.average(moves, axis=0, weights=weight)
        covariance = (weight[:, None] * centred * centred[:, 1:]).sum(axis=0)
        return members.prior_ratio if covariance[1] == 0.0 else np.full(len(members), covariance[0] / covariance[1])
