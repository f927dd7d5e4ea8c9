"""Who can be deleveraged against: the winners on one side of one market, kept up to date fill by fill."""

import numpy as np

from simulation.accounts import SYSTEM_ROWS
from simulation.arrays import Array, Index
from simulation.deleveraging.base import Winners
from simulation.health import MarginEngine


class WinnerList:
    """The profitable positions of one sign in one market, with what decides whether a fill may touch them.

    It holds as long as the mark does not move: fills only shrink these positions, so no new winner appears, and
    whoever was filled is looked at again by `refresh`.
    """

    def __init__(self, engine: MarginEngine, market: int, sign: float) -> None:
        """List the positions of `sign` in `market` that are in profit at the present mark."""
        self.engine, self.accounts, self.column, self.sign = engine, engine.accounts, market, sign
        self.mark = engine.market.mark_price
        position = self.accounts.position[SYSTEM_ROWS:, market]
        gain = self.mark[market] - self.accounts.entry_price[SYSTEM_ROWS:, market]
        self.rows: Index = np.flatnonzero((position * sign > 0.0) & (position * gain > 0.0)) + SYSTEM_ROWS
        self._place = np.full(len(self.accounts), -1, np.int32)
        self._place[self.rows] = np.arange(len(self.rows))
        self._columns = np.zeros((8, len(self.rows)))
        self.refresh(self.rows)

    def refresh(self, rows: Index) -> None:
        """Look again at those of `rows` that are on the list."""
        rows = rows[self._place[rows] >= 0]
        self._columns[:, self._place[rows]] = self._look(rows)

    def eligible(self, bankrupt: int, rate: float, barred: Index) -> tuple[Index, Winners, int]:
        """Return the winners a fill at a haircut of `rate` leaves no riskier, and how many it would have made so.

        The fill lowers equity by rate * closed notional: leverage does not rise iff equity / gross >= rate. And what
        stays open must be carried: equity less requirement is concave in the fill, so its end decides.
        """
        own, profit, equity, gross, carried, healthy, maintenance, wallet = self._columns
        safe = (healthy > 0.0) & (own > 0.0) & (self.rows != bankrupt)
        pool = self.accounts.pool[self.rows, self.column]
        safe &= ~np.isin(self.rows * self.accounts.pools + pool, barred)  # row and pool in one number
        fit = safe & (equity >= rate * gross) & (equity - rate * own >= carried)
        rows, notional, equity = self.rows[fit], own[fit], equity[fit]
        lots = np.abs(self.accounts.position[rows, self.column]) / self.accounts.lot[self.column]
        leverage = gross[fit] / equity
        winners = Winners(lots, profit[fit], notional, equity, leverage, maintenance[fit], wallet[fit], self.sign)
        return rows, winners, int(np.count_nonzero(safe)) - len(rows)

    def _look(self, rows: Index) -> Array:
        """Return (8, r): own notional and profit; equity and gross notional of the pool, what its rest needs, whether
        it is healthy, what it needs, its balance without unrealised profit.
        """
        mark, market, held = self.mark, self.column, self.engine.holdings(rows)
        this = np.arange(len(rows)), held.pool[:, market]
        equity = self.engine.equity(rows, held, mark)[this]
        gross = self.engine.by_pool(np.abs(held.position * mark), held.pool)[this]
        # An account below maintenance is about to be liquidated itself.
        needed = self.engine.maintenance(held, mark)[this]
        healthy = (equity >= needed) & (equity > 0.0)
        carried = self.engine.maintenance(held.without(market, mark), mark)[this]
        own = held.position[:, market]
        profits = held.position * (mark - self.accounts.entry_price[rows])
        wallet = equity - self.engine.by_pool(profits, held.pool)[this]
        notional, safe = np.abs(own) * mark[market], healthy.astype(float)
        return np.stack([notional, profits[:, market], equity, gross, carried, safe, needed, wallet])
