"""Margin health of accounts: equity and requirements by pool, and an exact way to skip who cannot be in trouble.

A margin rule answers `Health(equity, initial, maintenance)`, each (r, k). Liquidation, order checks and withdrawal
limits read only that.
"""

from dataclasses import dataclass

import numpy as np

from simulation.accounts import BACKSTOP, Accounts
from simulation.arrays import Array, Index, Pools, column_sum
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule
from simulation.market import Market

_FAR = 1e30  # no position, no limit; finite, because a mark that has exactly doubled multiplies it by zero
_FEW = 1024  # rows; with more, going column by column is faster
_SHRINK = 1.0 - 1e-9  # keeps the skipping radius on the safe side of rounding


@dataclass(frozen=True)
class Health:
    """Equity, initial and maintenance requirement of every pool of some accounts, dollars, each (r, k)."""

    equity: Array
    initial: Array
    maintenance: Array


@dataclass(frozen=True)
class Holdings:
    """Positions (r, m) of some accounts and the pools (r, m) they stand in, with their leverage settings (r,)."""

    position: Array
    pool: Pools
    leverage: Array

    def part(self, which: Index) -> "Holdings":
        """Return the holdings of some of the accounts."""
        return Holdings(self.position[which], self.pool[which], self.leverage[which])


class MarginEngine:
    """Equity and requirements of any accounts at any price."""

    def __init__(self, accounts: Accounts, market: Market, rule: MarginRule, tiers: TierSchedule) -> None:
        """Read balances from `accounts`, prices from `market`, requirements from `rule` and `tiers`."""
        self.accounts, self.market, self.rule, self.tiers = accounts, market, rule, tiers

    def holdings(self, rows: Index) -> Holdings:
        """Return the holdings of `rows`."""
        a = self.accounts
        pool = a.pool[rows] if a.pools > 1 else a.pool[: len(rows)]  # with one pool all rows are alike: no copy
        return Holdings(a.position[rows], pool, a.leverage[rows])

    def health(self, rows: Index) -> Health:
        """Return the health of every pool of `rows` at the mark price."""
        held, price = self.holdings(rows), self.market.mark_price
        return Health(self.equity(rows, held, price), self.initial(held, price), self.maintenance(held, price))

    def equity(self, rows: Index, held: Holdings, price: Array) -> Array:
        """Return cash + sum of position * price by pool (r, k)."""
        return self.accounts.cash[rows] + self.by_pool(held.position * price, held.pool)

    def maintenance(self, held: Holdings, price: Array) -> Array:
        """Return the maintenance requirement by pool (r, k)."""
        value = held.position * price
        return self._pooled(np.copysign(self.rule.maintenance(np.abs(value), self.tiers), value), held.pool)

    def initial(self, held: Holdings, price: Array) -> Array:
        """Return the initial requirement by pool (r, k)."""
        return self._pooled(self.signed_initial(held, price), held.pool)

    def signed_initial(self, held: Holdings, price: Array) -> Array:
        """Return the stand-alone initial requirements (r, m), at least notional / leverage setting, signed."""
        value = held.position * price
        notional = np.abs(value)
        alone = self.rule.initial(notional, self.tiers)
        return np.copysign(np.maximum(alone, notional / held.leverage[:, None]), value)

    def by_pool(self, amount: Array, pool: Pools) -> Array:
        """Sum amounts of positions (r, m) over their pools, (r, k); column by column, so bytes never depend on r."""
        if self.accounts.pools == 1:
            return column_sum(amount)[:, None]
        rows, pools = len(amount), self.accounts.pools
        if rows < _FEW:  # one pass in the same order of additions, so with the same bytes; no loop over markets
            place = pool + np.arange(0, rows * pools, pools)[:, None]
            sums = np.bincount(place.ravel(), amount.ravel(), rows * pools)
            return np.asarray(sums, float).reshape(rows, pools)
        total = np.zeros((rows, pools))
        everyone = np.arange(rows)
        for market in range(amount.shape[1]):
            total[everyone, pool[:, market]] += amount[:, market]
        return total

    def _pooled(self, signed: Array, pool: Pools) -> Array:
        if self.accounts.pools == 1:
            return self.rule.pooled(signed)[:, None]
        if self.rule.additive:
            return self.by_pool(np.abs(signed), pool)
        by_pool = [self.rule.pooled(np.where(pool == k, signed, 0.0)) for k in range(self.accounts.pools)]
        return np.stack(by_pool, axis=1)


class Watch:
    """Who could be under maintenance now? An exact lazy check.

    For each account a radius is kept: as long as no market's mark is further than that, relatively, from the watch's
    reference prices, every pool of the account is at or above maintenance. Equity changes by at most the notional, and
    the requirement by at most `steepness` times the notional, per unit of relative price move; so a pool with excess e
    and slope s = sum |notional| * (1 + steepness) at distance d from the reference is safe within
    (e / s) * (1 - d) - d of it. Whoever is skipped is healthy; whoever is not gets the full check.
    """

    def __init__(self, engine: MarginEngine) -> None:
        """Start with everybody suspect but the rows that have no margin: outside market, fund and treasury."""
        self.engine = engine
        self.reference = engine.market.mark_price.copy()
        self.radius = np.full(len(engine.accounts), np.inf)
        self.radius[BACKSTOP:] = -1.0
        self._slope = 1.0 + engine.rule.steepness(engine.tiers)
        self._bounded = bool(np.isfinite(self._slope).all())
        self._misses = 0
        self._measured: Array | None = None
        self._far_off = 0.0

    def touch(self, rows: Index) -> None:
        """Make `rows` suspect again, because their balances or positions changed."""
        self._grow()
        self.radius[rows] = -1.0
        self.radius[:BACKSTOP] = np.inf

    def suspects(self) -> Index:
        """Return the rows that cannot be skipped at the present mark price."""
        self._grow()
        found = np.flatnonzero(self.radius <= self._distance())
        self._misses += np.count_nonzero(self.radius[found] > -1.0)  # -1 exactly: touched, not missed
        if self._misses <= len(self.radius):
            return found
        # So many near misses cost as much as a fresh start: move the reference, everybody gets a new radius.
        self.reference, self._misses, self._measured = self.engine.market.mark_price.copy(), 0, None
        self.radius[BACKSTOP:] = -1.0
        return np.arange(BACKSTOP, len(self.radius))

    def release(self, rows: Index, held: Holdings, excess: Array) -> None:
        """Give `rows` their radius, from the excess (r, k) of equity over maintenance at the present mark price."""
        if not self._bounded:
            return
        notional = np.abs(held.position * self.engine.market.mark_price) * self._slope
        slope = self.engine.by_pool(notional, held.pool)
        with np.errstate(invalid="ignore", divide="ignore"):
            room = np.where(slope > 0.0, excess / slope, np.where(excess >= 0.0, _FAR, -1.0)).min(axis=1)
        distance = self._distance()
        self.radius[rows] = np.maximum(room * (1.0 - distance) - distance, -1.0) * _SHRINK

    def _grow(self) -> None:
        """Accounts that were opened since are suspects."""
        new = len(self.engine.accounts) - len(self.radius)
        if new:
            self.radius = np.concatenate([self.radius, np.full(new, -1.0)])

    def _distance(self) -> float:
        mark = self.engine.market.mark_price  # prices are replaced, never changed in place
        if self._measured is not mark:
            self._measured, self._far_off = mark, float(np.abs(mark / self.reference - 1.0).max())
        return self._far_off
