"""Holders who buy insurance."""

import numpy as np

from agents.parameter import Parameter, Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array
from simulation.board import Board


class InsuredHolder(Trader):
    """Holds a perpetual with leverage and a put on each unit, and buys the next put when one has expired.

    The put is the listed one whose strike is nearest to `floor` times the price of the underlying. Where none is
    listed the position is held bare; what is liquidated is not bought back. Source: H. Leland, J. Finance 35 (1980)
    581-594 (portfolio insurance).
    """

    kind = "insured_holder"
    trades = ("perpetual", "option")
    leverage = Parameter(3.0, 0.0, 200.0, "notional over equity at the start")
    floor = Parameter(0.9, 0.01, 2.0, "strike wanted, over the price of the underlying")
    market = Setting(0, "market", "perpetual held")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the perpetual and its puts (r, m)."""
        orders = np.zeros((len(members), len(view.names)))
        orders[:, members.market] = members.deposited * members.leverage / view.mark_price[members.market]
        return orders + self._puts(members, view.board, orders)

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return the puts (r, m) that those without one buy."""
        return self._puts(members, view.board, members.position)

    def _puts(self, members: Members, board: Board, position: Array) -> Array:
        """Return the puts (r, m) that insure the perpetual in `position` (r, m), where there is none yet."""
        listed = board.listed
        puts = np.flatnonzero(
            (listed.asset == listed.asset[members.market]) & (listed.side < 0.0) & (board.years > 0.0)
        )
        orders = np.zeros_like(position)
        if len(puts):
            wanted = members.floor * board.spot[members.market]
            nearest = puts[np.abs(listed.strike[puts] - wanted[:, None]).argmin(axis=1)]
            bare = ~np.any(position[:, puts], axis=1)
            units = np.where(bare, np.maximum(position[:, members.market], 0.0), 0.0)
            orders[np.arange(len(orders)), nearest] = units
        return orders
