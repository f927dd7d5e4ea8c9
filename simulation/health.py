"""Margin health of accounts: equity and requirements by pool.

A margin rule answers `Health(equity, initial, maintenance)`, each (r, k). Liquidation, order checks and withdrawal
limits read only that.
"""

import numpy as np

from simulation.accounts import OUTSIDE, SYSTEM_ROWS, Accounts
from simulation.arrays import Array, Index, Pools, column_sum
from simulation.board import Board, Book, Level
from simulation.collateral.base import CollateralRule
from simulation.holdings import Health, Holdings
from simulation.margin.base import BookMargin, MarginRule, Opening
from simulation.margin.tiers import TierSchedule
from simulation.market import Market

_FEW = 1024  # rows; with more, going column by column is faster


class MarginEngine:
    """Equity and requirements of any accounts at any price.

    Plain margin rules see notionals. Where columns are not all perpetuals the notional of a position is: of an
    inverse contract its face value, which does not move with the price; of a short option the underlying's; a long
    option has been paid for, so it needs its whole value and lends no margin.
    """

    def __init__(self, accounts: Accounts, market: Market, rule: MarginRule, tiers: TierSchedule) -> None:
        """Read balances from `accounts`, prices from `market`, requirements from `rule` and `tiers`."""
        self.accounts, self.market, self.tiers = accounts, market, tiers
        self.collateral: CollateralRule | None = None  # how tokens count; none = by the tiers of their own column
        listed = market.listed
        self._inverse = np.array([kind == "inverse_perpetual" for kind in listed.kind])
        self._plain = bool(listed.linear.all() and not self._inverse.any())
        contracts = market.listing.contracts
        self._factor = np.arange(len(market.names))  # an option's risk is its underlying's
        if contracts is not None:
            self._factor = np.where(listed.option, contracts.source, self._factor)
        own, price = market.listing.variance[self._factor], market.mark_price[self._factor]
        self.rule = rule.opened(Opening(listed, price, market.listing.depth, own))

    @property
    def reads_books(self) -> bool:
        """Tell whether requirements depend on more than positions and prices."""
        return isinstance(self.rule, BookMargin) or self.collateral is not None or not self._plain

    @property
    def steepness(self) -> Array:
        """Return a bound (m,) on the growth of maintenance per dollar of notional; infinity where none is known."""
        known = self.rule.steepness(self.tiers)
        return known if self._plain and self.collateral is None else np.full_like(known, np.inf)

    def observe(self) -> bool:
        """Let the margin rule see the mark prices of this step; tell whether requirements changed by it."""
        return self.rule.observe(self.market.mark_price[self._factor])

    def holdings(self, rows: Index) -> Holdings:
        """Return the holdings of `rows`."""
        a = self.accounts
        pool = a.pool[rows] if a.pools > 1 else a.pool[: len(rows)]  # with one pool all rows are alike: no copy
        position = a.position[rows]
        if not self.reads_books:
            return Holdings(position, pool, a.leverage[rows])
        return Holdings(position, pool, a.leverage[rows], a.cash[rows], position * a.entry_price[rows])

    def board(self, price: Array) -> Board:
        """Return what is public about the markets, with `price` (m,) as the price of each column."""
        a, market = self.accounts, self.market
        tokens = a.position[SYSTEM_ROWS:] if market.listed.spot.any() else a.position[:0]
        return market.board(
            price,
            open_interest=a.open_interest,
            skew=-a.position[OUTSIDE],
            deposits=np.maximum(tokens, 0.0).sum(axis=0),
            borrows=np.maximum(-tokens, 0.0).sum(axis=0),
        )

    def health(self, rows: Index) -> Health:
        """Return the health of every pool of `rows` at the mark price."""
        held, price = self.holdings(rows), self.market.mark_price
        return Health(self.equity(rows, held, price), self.initial(held, price), self.maintenance(held, price))

    def equity(self, rows: Index, held: Holdings, price: Array) -> Array:
        """Return cash + sum of position * price by pool (r, k)."""
        return self.accounts.cash[rows] + self.by_pool(held.position * price, held.pool)

    def maintenance(self, held: Holdings, price: Array) -> Array:
        """Return the maintenance requirement by pool (r, k)."""
        if isinstance(self.rule, BookMargin):
            return self._by_book(self.rule, held, price, "maintenance")
        signed = self.signed_maintenance(held, price)
        return self._with_collateral(self._pooled(signed, held.pool), held, price, "maintenance")

    def initial(self, held: Holdings, price: Array) -> Array:
        """Return the initial requirement by pool (r, k), never less than the maintenance requirement."""
        if isinstance(self.rule, BookMargin):
            setting = self.by_pool(np.abs(self._set_by_leverage(held, price)), held.pool)
            needed = (self._by_book(self.rule, held, price, level) for level in ("initial", "maintenance"))
            return np.maximum(np.maximum(*needed), setting)
        pooled = self._pooled(self.signed_initial(held, price), held.pool)
        if not (self._plain or self.rule.additive):  # a long option needs its value at both levels, a hedge does not
            pooled = np.maximum(pooled, self._pooled(self.signed_maintenance(held, price), held.pool))
        return self._with_collateral(pooled, held, price, "initial")

    def signed_maintenance(self, held: Holdings, price: Array) -> Array:
        """Return the stand-alone maintenance requirements (r, m), signed as the positions."""
        if isinstance(self.rule, BookMargin):
            return np.copysign(self._alone(self.rule, held, price, "maintenance"), held.position)
        value = self._value(held, price)
        alone = self._paid(self.rule.maintenance(np.abs(value), self.tiers), held, price)
        return np.copysign(alone, value)

    def signed_initial(self, held: Holdings, price: Array) -> Array:
        """Return the stand-alone initial requirements (r, m), at least notional / leverage setting, signed."""
        setting = self._set_by_leverage(held, price)
        if isinstance(self.rule, BookMargin):
            alone = self._alone(self.rule, held, price, "initial")
        else:
            alone = self._paid(self.rule.initial(np.abs(self._value(held, price)), self.tiers), held, price)
        return np.copysign(np.maximum(alone, np.abs(setting)), setting)

    def _value(self, held: Holdings, price: Array) -> Array:
        """Return the signed notionals (r, m)."""
        value = held.position * price
        if self._plain:
            return value
        if held.cost is not None and self._inverse.any():
            value = np.where(self._inverse, held.cost, value)
        underlying = self.market.board(price).spot
        return np.where(self.market.listed.option & (held.position < 0.0), held.position * underlying, value)

    def _set_by_leverage(self, held: Holdings, price: Array) -> Array:
        """Return notional / leverage setting (r, m), signed; tokens and options are not leveraged."""
        leveraged = self._value(held, price) / held.leverage[:, None]
        if self._plain:
            return leveraged
        return np.where(self.market.listed.linear, leveraged, np.copysign(0.0, held.position))

    def _paid(self, alone: Array, held: Holdings, price: Array) -> Array:
        """Let long options need their whole value, and tokens nothing here if a collateral rule judges them."""
        if self._plain:
            return alone
        listed = self.market.listed
        alone = np.where(listed.option & (held.position > 0.0), held.position * price, alone)
        return np.where(listed.spot, 0.0, alone) if self.collateral is not None else alone

    def _with_collateral(self, required: Array, held: Holdings, price: Array, level: Level) -> Array:
        if self.collateral is None:
            return required
        board, pools = self.board(price), range(self.accounts.pools)
        return required + np.stack([self.collateral.requirement(held.book(k), board, level) for k in pools], axis=1)

    def _by_book(self, rule: BookMargin, held: Holdings, price: Array, level: Level) -> Array:
        """Return the requirement (r, k) of the pools' books, at least 0: negative equity is under any margin."""
        board, pools = self.board(price), range(self.accounts.pools)
        needed = np.stack([rule.requirement(held.book(k), board, level) for k in pools], axis=1)
        return np.maximum(needed, 0.0)

    def _alone(self, rule: BookMargin, held: Holdings, price: Array, level: Level) -> Array:
        """Return what each position (r, m) would need as the only one of a pool, opened at `price`."""
        board, alone = self.board(price), np.zeros_like(held.position)
        for column in range(held.position.shape[1]):
            only = np.zeros_like(held.position)
            only[:, column] = held.position[:, column]
            if only.any():
                book = Book.of(-only[:, column] * price[column], only, price)
                alone[:, column] = np.maximum(rule.requirement(book, board, level), 0.0)
        return alone

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
