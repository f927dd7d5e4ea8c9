"""What the venue remembers about the pools it is closing: since when, how far, and how much was closed lately."""

from collections import deque

import numpy as np

from agents.seizure import Seizure
from simulation.accounts import Accounts
from simulation.arrays import Array, Index, Mask
from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.state.base import StateRule

Key = tuple[int, int]  # account row and pool


class Flags:
    """The memory of the liquidation desk. Nothing is kept that neither liquidation rule nor state rule asks for."""

    def __init__(self, accounts: Accounts, rule: LiquidationRule, states: StateRule, step_seconds: float) -> None:
        """Remember what `rule` and `states` need."""
        self.accounts, self.rule, self.states, self.step_seconds = accounts, rule, states, step_seconds
        self.since: dict[Key, int] = {}
        self._partly: dict[Key, int] = {}
        self._closed: deque[tuple[int, Array]] = deque()
        self._begun: set[Key] = set()

    @property
    def lasting(self) -> bool:
        """Tell whether liquidation goes on beyond where it began (hysteresis)."""
        return self.states.stop > self.states.trigger

    @property
    def begun(self) -> bool:
        """Tell whether there are pools the venue has begun to close and not let go."""
        return bool(self._begun)

    def closing(self, rows: Index) -> Mask:
        """Return which pools (r, k) of `rows` the venue has begun to close and not let go."""
        mask = np.zeros((len(rows), self.accounts.pools), bool)
        if self._begun:
            place = {int(row): i for i, row in enumerate(rows)}
            for row, pool in sorted(self._begun):
                if row in place:
                    mask[place[row], pool] = True
        return mask

    def looked_at(self, rows: Index, due: Mask) -> None:
        """Note of `rows`, which were all checked, which pools (r, k) are due: the others are let go."""
        if self.lasting:
            seen = {int(row) for row in rows} if self._begun else set()
            self._begun = {key for key in self._begun if key[0] not in seen}
            which, pools = np.nonzero(due)
            self._begun.update(zip(rows[which].tolist(), pools.tolist(), strict=True))

    @property
    def _kept(self) -> bool:
        return self.rule.timed or self.rule.limited

    def see(self, seizure: Seizure, step: int) -> None:
        """Note that the pools of `seizure` are due, and no others."""
        if self._kept:
            self.since = {key: self.since.get(key, step) for key in _keys(seizure)}

    def distressed(self, seizure: Seizure, step: int) -> Distressed:
        """Show some of the pools that were seen to the liquidation rule."""
        since, closed_at = np.zeros(len(seizure)), None
        if self._kept:
            keys = _keys(seizure)
            since = np.array([self.since[key] for key in keys], float)
            closed_at = np.array([self._partly.get(key, -np.inf) for key in keys], float)
        known = seizure.equity, seizure.maintenance, seizure.notional, since
        return Distressed(*known, float(step), self.step_seconds, self.states.stop, closed_at)

    def used(self, step: int) -> Array:
        """Return the dollars (m,) closed within the rule's window."""
        while self._closed and (step - self._closed[0][0]) * self.step_seconds > self.rule.window_seconds:
            self._closed.popleft()
        return np.sum([closed for _, closed in self._closed], axis=0) if self._closed else self._nothing()

    def closed(self, seizure: Seizure, price: Array, step: int) -> None:
        """Note what is being closed of `seizure` at `price` (m,)."""
        if not self.rule.timed:
            return
        self._closed.append((step, np.abs(seizure.closing * price).sum(axis=0)))
        partly = (seizure.closing != seizure.position).any(axis=1)
        self._partly.update(dict.fromkeys(_keys(seizure.part(partly)), step))

    def _nothing(self) -> Array:
        return np.zeros(self.accounts.markets)


def _keys(seizure: Seizure) -> list[Key]:
    return list(zip(seizure.rows.tolist(), seizure.pools.tolist(), strict=True))
