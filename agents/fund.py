"""The insurance fund: one for all, and one of their own for markets that are isolated from the others."""

from collections import deque

import numpy as np

from simulation.accounts import INSURANCE, QUANTUM, SHARED, Accounts
from simulation.arrays import Array, Index, Mask
from simulation.loss.insurance import InsuranceLimits


class InsuranceFund:
    """Balances and limits of the funds. The fund of market j is pool 1 + j of the insurance account.

    A loss that stands in one market with a fund of its own is paid by that fund and no other; all others are paid by
    the shared one.
    """

    def __init__(self, accounts: Accounts, limits: InsuranceLimits, own: Mask | None = None) -> None:
        """Guard the insurance row of `accounts`; `own` (m,) tells which markets have funds of their own."""
        self.accounts, self.limits = accounts, limits
        self.own = np.zeros(accounts.markets, bool) if own is None else own
        self._separate = bool(self.own.any())
        self._limited = limits.step_limit is not None or limits.drawdown_limit is not None
        self._paid = np.zeros(accounts.pools)
        self._floor = np.zeros(accounts.pools)
        self._past: deque[Array] = deque(maxlen=limits.drawdown_window_steps)

    @property
    def balance(self) -> float:
        """Return what all funds hold together, dollars; never below 0."""
        return float(self.accounts.cash[INSURANCE].sum())

    def begin(self) -> None:
        """Open a step: nothing is paid yet, and the highest balance of the window says how far a fund may fall."""
        if not self._limited:
            return
        self._paid[:] = 0.0
        self._past.append(self.accounts.cash[INSURANCE].copy())
        if self.limits.drawdown_limit is not None:
            highest = np.max(self._past, axis=0)
            self._floor = np.ceil((1.0 - self.limits.drawdown_limit) * highest / QUANTUM) * QUANTUM

    def available(self, place: int = SHARED) -> float:
        """Return what the fund `place` may still pay in this step, dollars, whole quanta, at least 0."""
        balance = float(self.accounts.cash[INSURANCE, place])
        if not self._limited:
            return balance
        room = balance - self._floor[place]
        if self.limits.step_limit is not None:
            room = min(room, np.floor(self.limits.step_limit / QUANTUM) * QUANTUM - self._paid[place])
        return max(float(room), 0.0)

    def paid(self, place: int, amount: float) -> None:
        """Note that `amount` dollars of this step's limit are used up."""
        if self._limited:
            self._paid[place] += amount

    def places(self, units: Array) -> Index:
        """Return which fund (r,) answers for pools with `units` (r, m): that of their only market if it has one."""
        if not self._separate:
            return np.zeros(len(units), np.intp)
        held = units != 0.0
        market = held.argmax(axis=1)
        return np.where((held.sum(axis=1) == 1) & self.own[market], market + 1, SHARED)

    def exceeded(self, deficit: Array, places: Index) -> Mask:
        """Tell from where on (r,) the deficits of pools, in order, add up to more than their fund may pay."""
        if not self._separate:
            return np.cumsum(deficit) > self.available()
        beyond = np.zeros(len(deficit), bool)
        for place in np.unique(places):
            mine = places == place
            beyond[mine] = np.cumsum(deficit[mine]) > self.available(int(place))
        return beyond
