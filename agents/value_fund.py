"""Funds that buy what is cheap, on credit up to a limit."""

from functools import cached_property

import numpy as np

from agents.managed_fund import ManagedFund
from agents.parameter import Parameter, Setting
from agents.view import MarketView, Members
from simulation.arrays import Array, Index, column_sum


class ValueFund(ManagedFund):
    """Holds D_i(p) = min(aggression m_i, leverage) W(p) s_i / p_i units, m_i = (1 - p_i / V_i)+, never short.

    V is the `value` it believes in, W(p) its wealth at the prices p, s_i the share of market i in it: the same for all
    that it trades. At the `leverage` limit a falling price makes it sell: the margin call. Where `trading` is
    "schedule" all of D(p) is stated, else it trades towards D at the marks and the wealth it sees when it decides.
    Wealth follows performance, see `agents.investors`; without `flow_sensitivity` and `ruin_share` investors stay
    where they are.
    Source: S. Thurner, J. D. Farmer & J. Geanakoplos, Quantitative Finance 12 (2012) 695-707.
    """

    kind = "value_fund"
    trades = ("perpetual", "future")
    scheduled = True
    aggression = Parameter(10.0, 0.0, 1e6, "leverage wanted per unit of relative mispricing, beta")
    value = Setting({}, "by_market", "price each market is worth, dollars; without one the opening mark")
    markets_each = Setting(0, "number", "markets a member trades, member i from the i-th on, round; 0 = all", 0, 10_000)

    def open(self, members: Members, view: MarketView) -> Array:
        """Return what it wants to hold at the opening marks (r, m)."""
        return self.demand(members, view, view.mark_price)

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the orders (r, m) that lead to what it wants at the marks; before that, let investors move money."""
        self.investors.follow()
        return self.demand(members, view, view.mark_price) - members.position

    def demand(self, members: Members, view: MarketView, price: Array) -> Array:
        """Return the units (r, m) it wants to hold at `price` (m,)."""
        if not self.group.trades.any():
            return np.zeros_like(members.position)
        place = members.rows - self.group.first_row
        traded, one = self.group.agent(0)._traded[place], np.arange(len(place))[:, None]
        at, value = price[traded], np.where(members.value > 0.0, members.value, view.opening_mark)[traded]
        gain = members.position[one, traded] * (at - view.mark_price[traded])
        wealth = np.maximum(members.equity + column_sum(gain), 0.0) * self.investors.active[place]
        wanted = np.minimum(members.aggression[:, None] * np.maximum(1.0 - at / value, 0.0), members.leverage[:, None])
        units = np.zeros_like(members.position)
        units[one, traded] = wanted * wealth[:, None] / (at * traded.shape[1])
        return units

    @cached_property
    def _traded(self) -> Index:
        """Return the columns (count, k) that each member of the group trades."""
        columns, wanted = np.flatnonzero(self.group.trades), int(self.group.settings["markets_each"])
        each = min(wanted or len(columns), len(columns))
        return columns[(np.arange(self.group.count)[:, None] + np.arange(each)) % len(columns)]
