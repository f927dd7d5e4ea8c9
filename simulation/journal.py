"""The journal: every movement of cash and positions, kept as it was booked and unrolled when somebody reads it."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulation.arrays import Array, Index


@dataclass(frozen=True)
class Side:
    """One pool of one account."""

    row: int
    pool: int = 0  # the shared pool


def _none() -> Index:
    return np.empty(0, np.intp)


@dataclass(frozen=True)
class Transfer:
    """Cash that moved for one reason: `cash` (l,) dollars into pool `pool` (l,) of account `row` (l,); sums to zero."""

    reason: str
    row: Index
    pool: Index
    cash: Array
    holder: Index = field(default_factory=_none)  # no positions moved
    market: Index = field(default_factory=_none)
    quantity: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Trades:
    """Cash and positions that moved together for one reason, against one side; either may be zero.

    `bought` (r, m) units of all markets went to the accounts `rows` (r,), who paid `paid` (r, m) dollars from `pools`
    (r, m). Unrolled like a transfer: `cash` (l,) went into pool `pool` (l,) of account `row` (l,); `quantity` (q,) of
    `market` (q,) into `holder` (q,). Both columns sum to zero.
    """

    reason: str
    rows: Index
    pools: Index
    bought: Array
    paid: Array
    against: Side

    @cached_property
    def row(self) -> Index:
        """Return whose cash moved (l,)."""
        return np.append(np.repeat(self.rows, self.paid.shape[1]), self.against.row)

    @cached_property
    def pool(self) -> Index:
        """Return the pool of each movement of cash (l,)."""
        return np.append(self.pools.ravel(), self.against.pool)

    @cached_property
    def cash(self) -> Array:
        """Return the dollars that each pool got (l,)."""
        return np.append(-self.paid.ravel(), self.paid.sum())

    @cached_property
    def holder(self) -> Index:
        """Return whose position moved (q,)."""
        return np.append(np.repeat(self.rows, self.bought.shape[1]), np.full(self.bought.shape[1], self.against.row))

    @cached_property
    def market(self) -> Index:
        """Return the market of each movement of units (q,)."""
        return np.tile(np.arange(self.bought.shape[1]), len(self.rows) + 1)

    @cached_property
    def quantity(self) -> Array:
        """Return the units that each holder got (q,)."""
        return np.append(self.bought.ravel(), -self.bought.sum(axis=0))


Posting = Transfer | Trades
