"""Where accounts stand: the state of every pool, what it bars its owner from, and margin that moves by it."""

import numpy as np

from agents.flags import Flags
from simulation.accounts import SHARED, SYSTEM_ROWS, floor_quanta
from simulation.arrays import Array, Index, Mask
from simulation.health import MarginEngine
from simulation.holdings import Holdings
from simulation.state.base import Standing, State
from simulation.state.search_release import SearchReleaseState
from simulation.watch import Watch


class Standings:
    """Applies the venue's state rule to accounts."""

    def __init__(self, engine: MarginEngine, flags: Flags, watch: Watch) -> None:
        """Judge the accounts of `engine`; `flags` knows which are being closed, `watch` learns whose cash moved."""
        self.engine, self.accounts, self.flags, self.watch = engine, engine.accounts, flags, watch
        self.rule = flags.states
        self._before = np.zeros((0, self.accounts.pools), np.intp)

    def states(self, rows: Index) -> Index:
        """Return the state (r, k) of every pool of `rows`, a `State` as a number."""
        health = self.engine.health(rows)
        equity, initial, maintenance = (np.ravel(x) for x in (health.equity, health.initial, health.maintenance))
        closing, before = self.flags.closing(rows).ravel(), self._known(rows).ravel()
        found = self.rule.state(Standing(equity, initial, maintenance, closing, before))
        return found.reshape(len(rows), self.accounts.pools)

    def barred(self, rows: Index, held: Holdings) -> Mask:
        """Tell in which columns (r, m) `rows`, who hold `held`, may only make positions smaller."""
        states = self.states(rows)
        return states[np.arange(len(rows))[:, None], held.pool] >= int(State.REDUCE_ONLY)

    def update(self) -> None:
        """Remember the states of all traders, and move margin between wallets and isolated pools if the rule does."""
        if self.rule.moves_margin and self.accounts.pools > 1:
            self._move_margin()
        if self.rule.remembers:
            before = np.zeros((len(self.accounts), self.accounts.pools), np.intp)
            rows = np.arange(SYSTEM_ROWS, len(self.accounts))
            before[rows] = self.states(rows)
            self._before = before

    def _known(self, rows: Index) -> Index:
        known = np.zeros((len(rows), self.accounts.pools), np.intp)
        old = rows < len(self._before)
        known[old] = self._before[rows[old]]
        return known

    def _move_margin(self) -> None:
        """Search wallets for margin that is missing, pool after pool, and release what is too much."""
        assert isinstance(self.rule, SearchReleaseState)
        rows = np.arange(SYSTEM_ROWS, len(self.accounts))
        for pool in range(1, self.accounts.pools):
            health = self.engine.health(rows)
            wanted = self.rule.wanted(health.equity, health.maintenance)[:, pool]
            wanted[health.maintenance[:, pool] == 0.0] = 0.0
            wallet = np.maximum(health.equity - health.initial, 0.0)[:, SHARED]
            self._transfer(rows, (SHARED, pool), np.minimum(wanted, wallet), "post")
            self._transfer(rows, (pool, SHARED), -wanted, "release")

    def _transfer(self, rows: Index, between: tuple[int, int], amount: Array, reason: str) -> None:
        moved = floor_quanta(amount) > 0.0
        if moved.any():
            source, target = ((rows[moved], pool) for pool in between)
            self.accounts.transfer(source, target, floor_quanta(amount[moved]), reason)
            self.watch.touch(rows[moved])
