"""Arbitrageurs."""

import numpy as np

from agents.managed_fund import ManagedFund
from agents.parameter import Parameter, Setting
from agents.view import MarketView, Members
from simulation.arrays import Array


class Arbitrageur(ManagedFund):
    """Trades two markets against each other until their prices agree, as far as its capital goes.

        gap = ln(mark_1 / oracle_1) - ln(mark_2 / oracle_2)
        notional a leg = min(1, (|gap| - band) / reach)+ * leverage * equity / 2

    short the dear market and long the cheap one: spot against perpetual, two venues of one asset, wrapped against
    native. Inside the `band`, which should cover the fees of both ways, it opens nothing; what it holds it keeps, never
    grows, and gives back when the gap has turned. At once it trades at most

        pace * |gap| * d_1 d_2 / (d_1 + d_2)

    dollars, a share of what would bring both prices together in linear books of depth d. Of n that see the same gap,
    each with pace 2 / n or more, the price swings ever wider. What exceeds its capital it gives up whatever the gap
    is, and legs that differ by more than `leg_band` of the larger one (one was liquidated or deleveraged) it cuts to
    the smaller; a late decision (`decision_steps`) leaves the book directional until then. Investors who judge by
    performance recall capital when the gap widens.
    Source: A. Shleifer & R. Vishny, J. Finance 52 (1997) 35-55; D. Gromb & D. Vayanos, J. Financial Economics 66 (2002)
    361-407.
    """

    kind = "arbitrageur"
    trades = ("spot", "perpetual", "inverse_perpetual", "future")
    leverage = Parameter(5.0, 0.0, 200.0, "gross notional of both legs over equity when all capital is at work")
    band = Parameter(0.002, 0.0, 1.0, "gap up to which nothing is opened, log")
    reach = Parameter(0.01, 1e-6, 10.0, "gap beyond the band at which all capital is at work, log")
    pace = Parameter(0.02, 0.0, 1.0, "share of what would close the gap that one member trades at once")
    leg_band = Parameter(0.05, 0.0, 1.0, "difference of the legs that is evened out, share of the larger one")
    first_market = Setting(0, "market", "one market")
    second_market = Setting(1, "market", "the other one")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return nothing (r, m): at the start prices agree."""
        return np.zeros((len(members), len(view.names)))

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the way to evened legs, and from there to what the gap is worth (r, m)."""
        self.investors.follow()
        pair = [members.first_market, members.second_market]
        orders = np.zeros((len(members), len(view.names)))
        if pair[0] == pair[1]:
            return orders
        legs = members.position[:, pair] * view.mark_price[pair]
        largest, smallest = np.abs(legs).max(axis=1), np.abs(legs).min(axis=1)
        paired = np.where(legs[:, 0] * legs[:, 1] < 0.0, np.sign(legs[:, 0]) * smallest, 0.0)
        uneven = largest - np.abs(paired) > members.leg_band * largest
        both_ways = np.array([1.0, -1.0])
        orders[:, pair] = np.where(uneven[:, None], paired[:, None] * both_ways - legs, 0.0)
        orders[:, pair] += self._change(members, view, paired)[:, None] * both_ways
        return orders / view.mark_price

    def _change(self, members: Members, view: MarketView, paired: Array) -> Array:
        """Return the dollars (r,) to buy in the first market and sell in the second; `paired` are held there now."""
        basis, pair = np.log(view.mark_price / view.oracle_price), [members.first_market, members.second_market]
        gap, depth = basis[pair[0]] - basis[pair[1]], 1.0 / (1.0 / view.depth[pair]).sum()
        capital = self._capital(members)
        side = -np.sign(gap)
        kept = np.clip(paired, -capital, capital)
        wanted = np.clip((np.abs(gap) - members.band) / members.reach, 0.0, 1.0) * capital
        target = side * np.maximum(side * kept, wanted)
        most = members.pace * np.abs(gap) * depth
        return kept - paired + np.clip(target - kept, -most, most)

    def _capital(self, members: Members) -> Array:
        """Return the dollars (r,) a leg when all capital is at work; none where the fund is closed."""
        active = self.investors.active[members.rows - self.group.first_row]
        return np.where(active, members.leverage * np.maximum(members.equity, 0.0) / 2.0, 0.0)
