"""Traders who keep their leverage, and those who hold as much as their capital margins."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array, column_sum

_CENT = 0.01  # dollars of equity; less than that apart is the rounding of money, not a distance from the target


class LeverageTargeter(Trader):
    """Keeps gross notional over equity at `leverage` = 1 + debt / equity: sells after a loss, buys after a gain.

        order = leverage * equity - notional, dollars, where they are more than `band` of the target apart

    so a return r on assets A makes it trade (leverage - 1) A r dollars, in proportion to `weights`, or to what it
    holds. `buy_share` 1 is symmetric targeting, 0 a trader who only ever sells. Without equity it sells all.
    Source: R. Greenwood, A. Landier & D. Thesmar, J. Financial Economics 115 (2015) 471-485; the evidence is T. Adrian
    & H. S. Shin, J. Financial Intermediation 19 (2010) 418-437.
    """

    kind = "leverage_targeter"
    reacts = True
    band = Parameter(0.0, 0.0, 10.0, "distance from the target, over the target, up to which it does nothing")
    buy_share = Parameter(1.0, 0.0, 1.0, "share of a purchase that is made; 0 = it only sells")
    weights = Setting({}, "by_market", "share of each market in every order; empty = as held, at first in equal parts")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the positions (r, m) at the target."""
        share, rate = self._shares(members, view), self.capital_rate(members, view)
        notional = np.maximum(members.equity, 0.0) / column_sum(np.abs(share) * rate)
        return notional[:, None] * share / view.mark_price

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the orders (r, m) that lead back to the target; no position changes its side by a sale."""
        share, rate = self._shares(members, view), self.capital_rate(members, view)
        tied, equity = column_sum(self._held(members, view) * rate), np.maximum(members.equity, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            dollars = np.nan_to_num((equity - tied) / column_sum(np.abs(share) * rate))
        dollars = np.where(np.abs(equity - tied) > np.maximum(members.band * equity, _CENT), dollars, 0.0)
        dollars = np.where(dollars > 0.0, members.buy_share * dollars, dollars)
        units, position = dollars[:, None] * share / view.mark_price, members.position
        most = np.where(units * position < 0.0, np.abs(position), np.inf)
        return np.copysign(np.minimum(np.abs(units), most), units)

    def capital_rate(self, members: Members, view: MarketView) -> Array:
        """Return the equity (r, m) that it wants behind a dollar of notional: 1 / leverage."""
        return np.broadcast_to(1.0 / np.maximum(members.leverage, 1e-12)[:, None], members.position.shape)

    def _held(self, members: Members, view: MarketView) -> Array:
        return np.where(self.group.trades, np.abs(members.position) * view.mark_price, 0.0)

    def _shares(self, members: Members, view: MarketView) -> Array:
        """Return the signed share (r, m) of each market in an order, absolute values adding up to 1 (or all 0)."""
        if members.weights.any():
            return np.broadcast_to(members.weights / np.abs(members.weights).sum(), members.position.shape)
        held = self._held(members, view)
        if not view.step and not held.any():
            return np.broadcast_to(self.group.trades / max(int(self.group.trades.sum()), 1), held.shape)
        total = column_sum(held)[:, None]
        return np.sign(members.position) * np.divide(held, total, out=np.zeros_like(held), where=total > 0.0)


class MarginConstrained(LeverageTargeter):
    """Holds all that its capital margins, and sells what it no longer does.

        sum_k m_k |x_k| = equity,    m_k = margin_rate p_k(0) + sensitivity (reference p_k(0) - p_k)+, dollars a unit

    p_k(0) is the opening mark. A fall of the price costs equity (loss spiral) and, with `sensitivity`, raises margins
    (margin spiral); both make it sell into the fall.
    Source: M. Brunnermeier & L. Pedersen, Review of Financial Studies 22 (2009) 2201-2238.
    """

    kind = "margin_constrained"
    margin_rate = Parameter(0.1, 1e-6, 1e3, "margin a unit over the opening mark, as long as the price has not fallen")
    sensitivity = Parameter(0.0, 0.0, 1e6, "dollars by which the margin rises per dollar by which the price has fallen")
    reference = Parameter(1.0, 0.0, 10.0, "price over the opening mark from where on a fall counts")
    start = Parameter(1.0, 0.0, 1e3, "opening position over what capital margins; it then trades to its limit")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the positions (r, m) it comes in with."""
        return members.start[:, None] * super().open(members, view)

    def capital_rate(self, members: Members, view: MarketView) -> Array:
        """Return the margin (r, m) per dollar of notional."""
        first, price = view.opening_mark, view.mark_price
        fallen = np.maximum(members.reference[:, None] * first - price, 0.0)
        return (members.margin_rate[:, None] * first + members.sensitivity[:, None] * fallen) / price
