"""Settlement: contracts that end are paid out, and realised profit of inverse contracts is paid in their coin."""

import numpy as np

from agents.clearing import Clearing
from simulation.accounts import OUTSIDE
from simulation.arrays import Array, Index


class Settlement:
    """Pays out what ends. Every position of an ended column is closed at one price against the outside market."""

    def __init__(self, clearing: Clearing) -> None:
        """Settle the accounts that `clearing` clears."""
        self.clearing = clearing
        self.accounts, self.market, self.engine = clearing.accounts, clearing.market, clearing.engine

    def expire(self) -> None:
        """Close the columns that end at this step at their settlement price."""
        contracts = self.market.listing.contracts
        if contracts is None:
            return
        columns, price = contracts.settlement(self.market.step)
        held = self.accounts.position[:, columns].any(axis=1)
        rows = np.flatnonzero(held)
        rows = rows[rows != OUTSIDE]
        if len(rows):
            self._close(rows, columns, price)

    def _close(self, rows: Index, columns: Index, price: Array) -> None:
        before = self.engine.holdings(rows)
        orders, prices = np.zeros_like(before.position), self.market.mark_price.copy()
        orders[:, columns] = -before.position[:, columns]
        prices[columns] = price
        self.accounts.trade(rows, orders, prices, reason="expiry")
        self.clearing.follow(rows, orders, before)
