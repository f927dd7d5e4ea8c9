"""What some accounts hold, and how healthy their pools are."""

from dataclasses import dataclass, replace

import numpy as np

from simulation.arrays import Array, Index, Mask, Pools
from simulation.board import Book


@dataclass(frozen=True)
class Health:
    """Equity, initial and maintenance requirement of every pool of some accounts, dollars, each (r, k)."""

    equity: Array
    initial: Array
    maintenance: Array


@dataclass(frozen=True)
class Holdings:
    """Positions (r, m) of some accounts and the pools (r, m) they stand in, with their leverage settings (r,).

    `cash` (r, k) and `cost` (r, m), dollars paid for the open positions, are there only where requirements depend on
    whole books; copying them for everybody else would cost a third of a margin check.
    """

    position: Array
    pool: Pools
    leverage: Array
    cash: Array | None = None
    cost: Array | None = None

    def part(self, which: Index) -> "Holdings":
        """Return the holdings of some of the accounts."""
        cash, cost = (None if column is None else column[which] for column in (self.cash, self.cost))
        return Holdings(self.position[which], self.pool[which], self.leverage[which], cash, cost)

    def after(self, orders: Array, price: Array) -> "Holdings":
        """Return the holdings once `orders` (r, m) are filled at `price` (m,)."""
        position = self.position + orders
        if self.cash is None or self.cost is None:
            return replace(self, position=position)
        paid, cash = orders * price, self.cash.copy()
        np.subtract.at(cash, (np.arange(len(cash))[:, None], self.pool), paid)
        return replace(self, position=position, cash=cash, cost=self._cost(position, price))

    def without(self, market: int, price: Array) -> "Holdings":
        """Return the holdings once everything in `market` is closed at `price` (m,)."""
        orders = np.zeros_like(self.position)
        orders[:, market] = -self.position[:, market]
        return self.after(orders, price)

    def book(self, pool: int) -> Book:
        """Return the books (r pools) of one pool number; needs `cash` and `cost`."""
        assert self.cash is not None and self.cost is not None
        here: Mask = self.pool == pool
        return Book(self.cash[:, pool], np.where(here, self.position, 0.0), np.where(here, self.cost, 0.0))

    def _cost(self, position: Array, price: Array) -> Array:
        """Return the cost (r, m) of `position`: what shrank keeps its entry price, what grew adds at `price`."""
        assert self.cost is not None
        same = self.position * position > 0.0
        shrunk = same & (np.abs(position) < np.abs(self.position))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(shrunk, position / self.position, 1.0)
        grown = self.cost + (position - self.position) * price
        return np.where(shrunk, self.cost * share, np.where(same | (self.position == 0.0), grown, position * price))
