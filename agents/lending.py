"""Interest: whoever owes cash or tokens pays those who hold them, and the treasury."""

import numpy as np

from agents.clearing import Clearing
from simulation.accounts import QUANTUM, SHARED, SYSTEM_ROWS, TREASURY, floor_quanta
from simulation.arrays import Array, Index
from simulation.interest.base import InterestRule, utilisation
from simulation.shares import split

_YEAR_SECONDS = 31_536_000.0


class Lending:
    """Settles interest on negative cash and on tokens owed, in dollars, at the mark.

    Cash is the wallet balance of a pool: perpetuals and futures at their cost, so that a position as such owes nothing.
    Every debtor's payment is rounded down to the quantum once; what the treasury does not keep is split over lenders
    in proportion to what they hold, to the last quantum.

    Attributes:
        paid: dollars of interest paid so far.
    """

    def __init__(self, clearing: Clearing, rule: InterestRule, step_seconds: float) -> None:
        """Charge the accounts that `clearing` clears by `rule`, in steps of `step_seconds`."""
        self.clearing, self.rule = clearing, rule
        self.engine, self.accounts, self.market = clearing.engine, clearing.accounts, clearing.market
        self.paid = 0.0
        self._years = rule.interval_steps * step_seconds / _YEAR_SECONDS

    def settle(self, step: int) -> None:
        """Every `interval_steps` let everybody who owes pay for the time since the last settlement."""
        if not self.rule.charges or step % self.rule.interval_steps:
            return
        rows = np.arange(SYSTEM_ROWS, len(self.accounts))
        self._charge(rows, self._cash(rows), QUANTUM, 1.0)
        for column in np.flatnonzero(self.market.listed.spot):
            lot, price = float(self.accounts.lot[column]), float(self.market.mark_price[column])
            self._charge(rows, self._tokens(rows, int(column)), lot, price)

    def _cash(self, rows: Index) -> Array:
        """Return the wallet balances by pool (r, k), dollars."""
        held = self.engine.holdings(rows)
        cost = np.where(self.market.listed.linear, held.position * self.accounts.entry_price[rows], 0.0)
        return self.accounts.cash[rows] + self.engine.by_pool(cost, held.pool)

    def _tokens(self, rows: Index, column: int) -> Array:
        """Return the units of a token by pool (r, k)."""
        units = np.zeros((len(rows), self.accounts.pools))
        pool = self.accounts.pool[rows, column]
        units[np.arange(len(rows)), pool] = self.accounts.position[rows, column]
        return units

    def _charge(self, rows: Index, balance: Array, unit: float, price: float) -> None:
        """Charge the negative of `balance` (r, k) for its value and pay the positive, counted in whole `unit`s."""
        owed, lent = np.maximum(-balance, 0.0), np.floor(np.maximum(balance, 0.0) / unit)
        if not owed.any():
            return
        used = utilisation(np.array([owed.sum()]), np.array([lent.sum() * unit]))
        due = floor_quanta(owed * (price * float(self.rule.rate(used)[0]) * self._years))
        if due.any():
            self._pay(rows, due, lent)

    def _pay(self, rows: Index, due: Array, lent: Array) -> None:
        """Move `due` (r, k) dollars to the treasury and, less its share, on to lenders by `lent` (r, k)."""
        payer, pool = np.nonzero(due)
        treasury = (np.full(len(payer), TREASURY), SHARED)
        self.accounts.transfer((rows[payer], pool), treasury, due[payer, pool], "interest")
        total = float(due.sum())
        earned = floor_quanta(np.array([total * (1.0 - self.rule.reserve_share)]))[0]
        share = split(earned / QUANTUM, lent.ravel()).reshape(lent.shape) * QUANTUM
        lender, place = np.nonzero(share)
        source = (np.full(len(lender), TREASURY), SHARED)
        self.accounts.transfer(source, (rows[lender], place), share[lender, place], "interest")
        self.paid += total
        self.clearing.watch.touch(rows[np.unique(np.concatenate([payer, lender]))])
