"""Charging losses: everybody who may be charged is shown to the loss rule, and pays what it says."""

import numpy as np

from agents.clearing import Clearing
from simulation.accounts import INSURANCE, QUANTUM, SHARED, SYSTEM_ROWS
from simulation.arrays import Array, Index
from simulation.loss.base import LossRule, Payers
from simulation.shares import split


class LossSharing:
    """Collects from traders what fund and deleveraging have left, by the venue's loss rule.

    Attributes:
        charged: (n,) dollars each account has been charged so far; the journal has every single charge.
    """

    def __init__(self, clearing: Clearing, rule: LossRule) -> None:
        """Charge the accounts that `clearing` clears by `rule`."""
        self.clearing, self.rule = clearing, rule
        self.engine, self.accounts, self.market = clearing.engine, clearing.accounts, clearing.market
        self.charged = np.zeros(0)

    def collect(self, loss: float, closed: Array) -> tuple[float, Index]:
        """Take `loss` dollars, or all the rule finds, and return what was taken and from which rows.

        The money is with the insurance account afterwards. `closed` (m,) dollars of closed notional say which markets
        caused the loss.
        """
        if not self.rule.active:
            return 0.0, np.empty(0, np.intp)
        rows = np.arange(SYSTEM_ROWS, len(self.accounts))
        share = self.rule.charge(self._by_market(loss / QUANTUM, closed), self._payers(rows)) * QUANTUM
        payers = np.flatnonzero(share)
        source = (rows[payers // self.accounts.pools], payers % self.accounts.pools)
        self.accounts.transfer(source, (np.full(len(payers), INSURANCE), SHARED), share[payers], "socialised")
        self._note(source[0], share[payers])
        return float(share.sum()), source[0]

    def _note(self, rows: Index, amount: Array) -> None:
        self.clearing.watch.touch(rows)
        if new := len(self.accounts) - len(self.charged):
            self.charged = np.concatenate([self.charged, np.zeros(new)])
        np.add.at(self.charged, rows, amount)

    def _by_market(self, loss: float, closed: Array) -> Array:
        """Split whole quanta by the notional that was closed in each market."""
        weight = np.rint(closed)
        return split(loss, weight if weight.any() else np.ones_like(weight))

    def _payers(self, rows: Index) -> Payers:
        """Show every pool of `rows`, in order of account and pool, in quanta."""
        a, mark, pools = self.accounts, self.market.mark_price, self.accounts.pools
        held = self.engine.holdings(rows)
        equity = self.engine.equity(rows, held, mark)
        size, markets = equity.size, a.markets
        value = mark * a.lot / QUANTUM
        gain, cash, lots = np.zeros_like(equity), a.cash[rows], np.broadcast_to(0.0, (size, markets))
        if self.rule.by_position:
            before = self.market.history["mark"][max(self.market.step - 1, 0)]
            gain = self.engine.by_pool(held.position * (mark - np.where(np.isnan(before), mark, before)), held.pool)
            linear = self.market.listed.linear
            cash = cash + self.engine.by_pool(np.where(linear, held.position * a.entry_price[rows], 0.0), held.pool)
            whole = held.position / a.lot
            lots = np.stack([np.where(held.pool == k, whole, 0.0) for k in range(pools)], axis=1).reshape(size, markets)
        equity, gain, cash = (np.ravel(column / QUANTUM) for column in (equity, gain, cash))
        return Payers(equity, gain, cash, lots, value, self.market.listed.spot)
