"""Funds that sell as they lose, and buy back as they recover."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class DistressedSeller(Trader):
    """A fund whose investors leave as its portfolio loses value, and return as it recovers.

        order_i = alpha_i (f(V / V0) - f(V' / V0)),    V = sum_i alpha_i p_i,    f(x) = (x - ends) / (begins - ends)

    with f held between 0 and 1, alpha the `units` of the whole portfolio, V0 its value at the opening marks (V / V0 is
    1 + profit over gross notional, so that shorts may be in it), and V' its value at the marks of the last decision
    within the step or, in the first round, of the last step's end. With one trading round a step, then, what its own
    sales cost makes it sell no more; with rounds to rest it does. It opens with alpha f(1), and sells no more than all.
    Source: R. Cont & L. Wagalath, Math. Finance 23 (2013) 718-741.
    """

    kind = "distressed_seller"
    reacts = True
    begins = Parameter(0.95, 0.0, 10.0, "value over the opening value below which it sells")
    ends = Parameter(0.75, 0.0, 10.0, "value over the opening value at which it has sold all; below `begins`")
    units = Setting({}, "by_market", "signed units of each market, alpha")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return alpha f(1) for every member (r, m)."""
        return self.kept(members, view.opening_mark, view)[:, None] * members.units

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return what the change of the value since the last decision makes it trade (r, m)."""
        now, before = (self.kept(members, price, view) for price in (view.mark_price, view.last_mark))
        wanted = members.position + (now - before)[:, None] * members.units
        return np.where(wanted * members.units > 0.0, wanted, 0.0) - members.position

    def kept(self, members: Members, price: Array, view: MarketView) -> Array:
        """Return f (r,), the share of the portfolio that is held when prices are `price` (m,)."""
        first = view.opening_mark
        notional = np.abs(members.units * first).sum()
        value = 1.0 + (members.units * (price - first)).sum() / notional if notional > 0.0 else 1.0
        width = np.maximum(members.begins - members.ends, 1e-12)
        return np.clip((value - members.ends) / width, 0.0, 1.0)
