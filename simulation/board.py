"""What a venue's margin rules may read: what is listed, the public board of prices, and the books of accounts.

Letters: r pools (of one account each), m columns. A column is one listed instrument: a spot market, a perpetual, a
dated future, an option. Columns with the same `asset` number have the same underlying.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from simulation.arrays import Array, Index, Mask, column_sum

Level: TypeAlias = Literal["initial", "maintenance"]
InstrumentKind: TypeAlias = Literal["spot", "perpetual", "inverse_perpetual", "future", "option"]


@dataclass(frozen=True)
class Listed:
    """What is fixed about the columns, one entry each.

    kind: what the column is. asset: (m,) number of the underlying. strike: (m,) dollars, nan where there is none.
    side: (m,) +1 call, -1 put, 0 no option.
    """

    names: tuple[str, ...]
    kind: tuple[InstrumentKind, ...]
    asset: Index
    strike: Array
    side: Array

    @classmethod
    def plain(cls, names: tuple[str, ...], kind: InstrumentKind = "perpetual") -> "Listed":
        """Return columns of one kind without expiry, each on an asset of its own."""
        m = len(names)
        return cls(names, (kind,) * m, np.arange(m), np.full(m, np.nan), np.zeros(m))

    def of_kind(self, *kinds: InstrumentKind) -> Mask:
        """Return which columns (m,) are of one of `kinds`."""
        return np.array([kind in kinds for kind in self.kind], bool)

    @cached_property
    def spot(self) -> Mask:
        """Return which columns (m,) are spot: tokens that are held, that is collateral or debt."""
        return self.of_kind("spot")

    @cached_property
    def option(self) -> Mask:
        """Return which columns (m,) are options."""
        return self.of_kind("option")

    @cached_property
    def linear(self) -> Mask:
        """Return which columns (m,) are perpetuals or futures."""
        return self.of_kind("perpetual", "inverse_perpetual", "future")


@dataclass(frozen=True)
class Board:
    """What is public about the columns now, (m,) each unless said otherwise.

    price: mark of one unit, dollars. spot: oracle price of the underlying, dollars. forward: forward price of the
    underlying at the column's expiry, dollars. volatility: implied, a year. years: to expiry, inf without one. rate:
    interest a year to expiry. confidence: of the oracle, 0 to 1. slow: manipulation-resistant price of the unit (stable
    price, time average), dollars. average: average of the underlying over the settlement window so far, dollars,
    and averaged: the share of that window that has passed. open_interest: units held long by everybody. skew: net
    units held by traders. deposits, borrows: units of spot columns lent to and borrowed from the venue by everybody.
    quote_price: dollars per unit of the settlement currency; quote_slow: its slow price.
    """

    listed: Listed
    price: Array
    spot: Array
    forward: Array
    volatility: Array
    years: Array
    rate: Array
    confidence: Array
    slow: Array
    average: Array
    averaged: Array
    open_interest: Array
    skew: Array
    deposits: Array
    borrows: Array
    quote_price: float = 1.0
    quote_slow: float = 1.0

    @classmethod
    def at(cls, listed: Listed, price: Array, **known: Array | float) -> "Board":
        """Return the board of markets about which little is known beyond their `price` (m,)."""
        m, price = len(price), np.asarray(price, float)
        none, ones = np.zeros(m), np.ones(m)
        board = cls(
            listed, price, spot=price, forward=price, volatility=none, years=np.full(m, np.inf), rate=none,
            confidence=ones, slow=price, average=price, averaged=none, open_interest=none, skew=none, deposits=none,
            borrows=none,
        )  # fmt: skip
        return replace(board, **known)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Resting:
    """Resting orders of pools: units to buy and to sell (r, m) each, at least 0, and how many orders (r,)."""

    bids: Array
    asks: Array
    count: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Book:
    """The balances of some pools, one row each.

    cash: (r,) quote balance, dollars; trading q at p moved q * p out of it. position: (r, m) signed units. cost: (r, m)
    dollars paid for the open position (entry price times position; reports and profit haircuts only). resting: orders.
    """

    cash: Array
    position: Array
    cost: Array
    resting: Resting | None = None

    @classmethod
    def of(cls, cash: Array, position: Array, price: Array) -> "Book":
        """Return books whose positions were opened at `price` (m,), so that nothing is unrealised."""
        return cls(cash, position, position * price)

    @classmethod
    def opened(cls, balance: Array, position: Array, price: Array) -> "Book":
        """Return books that had `balance` (r,) dollars and then traded `position` (r, m) at `price` (m,) each."""
        cost = position * price
        return cls(balance - column_sum(cost), position, cost)

    def notional(self, price: Array) -> Array:
        """Return sum_j |position_j| price_j (r,), dollars."""
        return column_sum(np.abs(self.position) * price)

    def balance(self, listed: Listed) -> Array:
        """Return the wallet balance (r,), dollars: cash with perpetuals and futures booked at their cost.

        Tokens and options are paid for when they are bought, so their cost has left the balance.
        """
        return self.cash + column_sum(np.where(listed.linear, self.cost, 0.0))

    def profit(self, price: Array) -> Array:
        """Return the unrealised profit (r, m) of each position, dollars."""
        return self.position * price - self.cost

    def equity(self, price: Array) -> Array:
        """Return cash + sum_j position_j price_j (r,), dollars."""
        return self.cash + column_sum(self.position * price)

    def only(self, columns: Mask) -> "Book":
        """Return the books with nothing but the positions of `columns` (m,)."""
        return Book(self.cash, np.where(columns, self.position, 0.0), np.where(columns, self.cost, 0.0), self.resting)
