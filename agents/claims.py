"""Claims between accounts: lent at the start, cleared on the day they fall due, every quantum accounted for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.clearing import Clearing
from simulation.accounts import OUTSIDE, QUANTUM, SHARED, floor_quanta, to_quanta
from simulation.arrays import Array, Index
from simulation.claims.base import ClaimsRule
from simulation.claims.clearing import Cleared, Debts, clear, totals
from simulation.shares import split


@dataclass(frozen=True)
class Default:
    """One account that could not pay what it owed, dollars: owed = paid + unpaid, `cost` went to the outside.

    round: 1 = could not although everybody paid it, g + 1 = because of those of round g; cause: the row among them
    that left most unpaid to it, -1 in round 1.
    """

    step: int
    row: int
    round: int
    owed: float
    received: float
    paid: float
    cost: float
    cause: int

    @property
    def unpaid(self) -> float:
        """Return what its creditors lost, dollars."""
        return self.owed - self.paid


class ClaimsHouse:
    """Books the claims of a scenario among the rows of its traders.

    debts: among `rows`, in whole quanta. defaults: who could not pay, by round and row. unpaid: dollars of each debt
    that were not paid (q,), zeros before the day.
    """

    def __init__(self, clearing: Clearing, rule: ClaimsRule) -> None:
        """Book through `clearing` what `rule` says."""
        self.clearing, self.rule = clearing, rule
        self.accounts, self.engine, self.market = clearing.accounts, clearing.engine, clearing.market
        nobody = np.empty(0, np.intp)
        self.rows, self.debts = nobody, Debts(0, nobody, nobody, np.empty(0))
        self.unpaid: Array = np.empty(0)
        self.defaults: list[Default] = []

    def open(self, model: Any) -> None:
        """Find out who owes whom, and let the lenders' cash go to the borrowers."""
        if not self.rule.exists:
            return
        groups = sorted(model.groups, key=lambda group: group.first_row)
        self.rows = np.concatenate([group.rows for group in groups])
        found = self.rule.debts({group.name: group.count for group in groups}, model.streams)
        dollars = to_quanta(found.dollars)
        self.debts = Debts(found.parties, found.debtor, found.creditor, dollars)
        self.unpaid = np.zeros(len(dollars))
        if self.rule.funded:
            self._pay(found.creditor, found.debtor, dollars)

    def settle(self) -> None:
        """On the day, let everybody pay what it can."""
        if not self.rule.exists or self.market.step != self.rule.due_step:
            return
        debts, outside = self.debts, self._outside()
        cleared = clear(debts, outside, self.rule.recovery)
        paid = self._parts(np.minimum(floor_quanta(cleared.paid), debts.owed), cleared)
        self.unpaid = debts.dollars - paid
        self._pay(debts.debtor, debts.creditor, paid)
        received = totals(debts.creditor, paid, debts.parties)
        given = totals(debts.debtor, paid, debts.parties)
        cost = self._cost(cleared, outside, received, given)
        self.accounts.transfer((self.rows, SHARED), (np.full(len(cost), OUTSIDE), SHARED), cost, "default cost")
        self.clearing.watch.touch(self.rows)
        self._record(cleared, received, given, cost)

    def _outside(self) -> Array:
        """Return the equity of the shared pools (n,), dollars."""
        held = self.engine.holdings(self.rows)
        return self.engine.equity(self.rows, held, self.market.mark_price)[:, SHARED]

    def _parts(self, total: Array, cleared: Cleared) -> Array:
        """Return what is paid of each debt (q,): all of it, or of a defaulter's `total` (n,) its share, in quanta."""
        debts = self.debts
        paid = np.where(cleared.round[debts.debtor] == 0, debts.dollars, 0.0)
        of = np.argsort(debts.debtor, kind="stable")
        ends = np.searchsorted(debts.debtor[of], np.arange(debts.parties + 1))
        for i in np.flatnonzero((cleared.round > 0) & (total > 0.0)):
            mine = of[ends[i] : ends[i + 1]]
            paid[mine] = split(total[i] / QUANTUM, debts.dollars[mine] / QUANTUM) * QUANTUM
        return paid

    def _cost(self, cleared: Cleared, outside: Array, received: Array, given: Array) -> Array:
        """Return what each default destroys (n,): what recovery takes away, no more than is there."""
        rule = self.rule
        gone = (1.0 - rule.outside_recovery_rate) * np.maximum(outside, 0.0)
        gone += (1.0 - rule.claims_recovery_rate) * received
        left = np.maximum(outside + received - given, 0.0)
        return np.where(cleared.round > 0, floor_quanta(np.minimum(gone, left)), 0.0)

    def _pay(self, source: Index, target: Index, dollars: Array) -> None:
        if len(dollars):
            self.accounts.transfer((self.rows[source], SHARED), (self.rows[target], SHARED), dollars, "claims")

    def _record(self, cleared: Cleared, received: Array, given: Array, cost: Array) -> None:
        cause = self._causes(cleared.round)
        failed = np.flatnonzero(cleared.round)
        for i in failed[np.argsort(cleared.round[failed], kind="stable")]:
            self.defaults.append(
                Default(
                    step=self.market.step,
                    row=int(self.rows[i]),
                    round=int(cleared.round[i]),
                    owed=float(self.debts.owed[i]),
                    received=float(received[i]),
                    paid=float(given[i]),
                    cost=float(cost[i]),
                    cause=int(self.rows[cause[i]]) if cause[i] >= 0 else -1,
                )
            )

    def _causes(self, found: Index) -> Index:
        """Return for every party (n,) who of the round before left most unpaid to it, -1 if nobody did."""
        debts, cause = self.debts, np.full(self.debts.parties, -1)
        before = found[debts.debtor]
        hit = np.flatnonzero((self.unpaid > 0.0) & (before > 0) & (found[debts.creditor] == before + 1))
        order = hit[np.lexsort((-debts.debtor[hit], self.unpaid[hit]))]  # the largest is written last
        cause[debts.creditor[order]] = debts.debtor[order]
        return cause
