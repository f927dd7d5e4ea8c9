"""Traders with a given book."""

from agents.parameter import Setting
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array


class BookTrader(Trader):
    """Opens with the given units of each market and never trades again: a book, not a behaviour.

    Deposits decide at which price each member is liquidated: with one long unit opened at P0 and maintenance rate m
    the liquidation price is P when the deposit is P0 - (1 - m) P.
    """

    kind = "book"
    trades = ("spot", "perpetual", "inverse_perpetual", "future", "option")
    units = Setting({}, "by_market", "signed units of each market at the start")

    def open(self, members: Members, view: MarketView) -> Array:
        """Return the given units for every member (r, m)."""
        return members.position * 0.0 + members.units

    def decide(self, members: Members, view: MarketView) -> Array:
        """Hold (r, m)."""
        return members.position * 0.0
