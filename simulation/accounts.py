"""Accounts as columns: cash by margin pool, positions by market, conserved to the last bit.

Trading q at price p moves q*p between cash and position, so equity is `cash + position @ price` and no entry
price is needed to margin an account. Cash is held in float64 as whole multiples of a dyadic quantum and
positions as whole multiples of a dyadic lot: every transfer is rounded once and booked with both signs, sums of
such numbers are exact below 2**53 units, so total cash and every column of `position` stay zero with tolerance
zero.
"""

import math

import numpy as np

from simulation.arrays import Array, Index
from simulation.errors import CapacityError, ConservationError
from simulation.journal import Posting, Side, Trades, Transfer

QUANTUM = 2.0**-16  # dollars; dyadic, so that whole multiples add without rounding
OUTSIDE, INSURANCE, TREASURY, BACKSTOP = range(4)  # system rows: the other side of every fill, and the venue's own
SYSTEM_ROWS = 4
SHARED = 0  # pool 0 is the shared pool; an isolated position stands in a pool of its own

_EXACT = 2.0**53  # integers up to here are exact in float64

MARKET = Side(OUTSIDE)  # the outside market, the other side of every fill


def to_quanta(amount: Array) -> Array:
    """Round dollars to the nearest whole multiple of the quantum (ties to even)."""
    return np.rint(amount / QUANTUM) * QUANTUM


def floor_quanta(amount: Array) -> Array:
    """Round dollars down to a whole multiple of the quantum."""
    return np.floor(amount / QUANTUM) * QUANTUM


def exact_quanta(amount: Array) -> Array:
    """Round dollars to whole quanta; raise `CapacityError` where their sum could leave the range of exact counting."""
    flat = amount.ravel(order="K")
    bound = math.sqrt(flat.size * float(flat @ flat))  # at least the sum of absolute values; one pass, no copy
    if not bound < _EXACT * QUANTUM and not (total := float(np.abs(flat).sum())) < _EXACT * QUANTUM:
        raise CapacityError(f"{total:.3g} dollars change hands at once; exact up to {_EXACT * QUANTUM:.3g}")
    return to_quanta(amount)


class Accounts:
    """The columns of all accounts: n rows, m markets, k margin pools.

    Attributes:
        cash: (n, k) quote balance of each pool, dollars.
        position: (n, m) signed quantity, long positive.
        pool: (n, m) the pool each position stands in.
        entry_price: (n, m) average price paid for the open position; for reports and the deleveraging rank only.
        leverage: (n,) the leverage setting of the account: initial margin is at least notional / leverage.
        reference: (n, m) the moment (index into the market's history) the position last changed.
    """

    def __init__(self, lot: Array, pools: int, journal: bool = False) -> None:
        """Start with the system rows only; `lot` (m,) is the dyadic size of one lot of each market."""
        self.lot = lot
        self.markets = len(lot)
        self.pools = pools
        self.journal: list[Posting] | None = [] if journal else None
        self.open_interest = np.zeros(self.markets)  # units held long, by market
        self._allocate(0)
        self.add(SYSTEM_ROWS)

    def __len__(self) -> int:
        """Return the number of rows, system rows included."""
        return self.cash.shape[0]

    def _allocate(self, rows: int) -> None:
        # Column-major: sums down a column and passes over all accounts read memory in order.
        self.cash = np.zeros((rows, self.pools), order="F")
        self.position = np.zeros((rows, self.markets), order="F")
        self.pool = np.zeros((rows, self.markets), np.int16, order="F")
        self.entry_price = np.zeros((rows, self.markets), order="F")
        self.leverage = np.full(rows, np.inf)
        self.reference = np.zeros((rows, self.markets), np.int32, order="F")

    def add(self, count: int) -> Index:
        """Append `count` empty accounts and return their rows."""
        before = self.cash, self.position, self.pool, self.entry_price, self.leverage, self.reference
        first = len(self)
        self._allocate(first + count)
        after = self.cash, self.position, self.pool, self.entry_price, self.leverage, self.reference
        for new, old in zip(after, before, strict=True):
            new[:first] = old
        return np.arange(first, first + count)

    def deposit(self, rows: Index, amount: Array, reason: str = "deposit") -> None:
        """Bring `amount` (r,) dollars from the outside world into the shared pool of `rows`."""
        self.transfer((np.full(len(rows), OUTSIDE), SHARED), (rows, SHARED), amount, reason)

    def transfer(self, source: tuple, target: tuple, amount: Array, reason: str) -> Array:
        """Move `amount` (r,) dollars from `source` to `target`, each a pair (rows, pool or pools).

        Rows may repeat. The amount is rounded to the quantum once; what was moved is returned.
        """
        moved = exact_quanta(np.asarray(amount, float))
        np.subtract.at(self.cash, source, moved)
        np.add.at(self.cash, target, moved)
        if self.journal is not None:
            count = len(moved)
            rows, pools = np.empty((2, 2 * count), np.intp)
            rows[:count], rows[count:] = source[0], target[0]
            pools[:count], pools[count:] = source[1], target[1]
            self.journal.append(Transfer(reason, rows, pools, np.concatenate([-moved, moved])))
        return moved

    def trade(self, rows: Index, quantity: Array, price: Array, against: Side = MARKET, reason: str = "trade") -> Array:
        """Let distinct `rows` (r,) buy `quantity` (r, m) at `price` (m,) or (r, m) from the side `against`.

        Cash and positions move together; the cost of each fill is rounded to the quantum once and booked with
        both signs. Returns the cost (r, m).
        """
        cost = exact_quanta(quantity * price)
        self.book(rows, quantity, cost, against, reason)
        return cost

    def book(self, rows: Index, quantity: Array, cost: Array, against: Side, reason: str) -> None:
        """Move `quantity` (r, m) units to distinct `rows` (r,) for `cost` (r, m) dollars, whole quanta."""
        self._move(rows, quantity, cost)
        self.charge(rows, cost)
        total = quantity.sum(axis=0)
        if against.row == OUTSIDE:
            self._move_outside(-total)
        else:
            self._move(np.array([against.row]), -total[None, :], -cost.sum(axis=0)[None, :])
        self.cash[against.row, against.pool] += cost.sum()
        if not (self.open_interest < _EXACT * self.lot).all():  # nobody holds more than all longs together
            self.check_capacity()
        if self.journal is not None:
            self._record_trade(reason, rows, quantity, cost, against)

    def _move_outside(self, quantity: Array) -> None:
        """Change the position of the outside market, whose entry price nobody asks for."""
        before = self.position[OUTSIDE].copy()
        self.position[OUTSIDE] = after = before + quantity
        self.open_interest += np.maximum(after, 0.0) - np.maximum(before, 0.0)

    def _move(self, rows: Index, quantity: Array, cost: Array) -> None:
        """Change positions, their entry prices and the open interest; the cash leg is the caller's."""
        before = self.position[rows]
        after = before + quantity
        traded = quantity != 0.0
        entry = self.entry_price[rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            price = cost / quantity
            average = (before * entry + cost) / after
        moved = np.where(before * quantity >= 0.0, average, np.where(before * after < 0.0, price, entry))
        moved[after == 0.0] = 0.0
        self.entry_price[rows] = np.where(traded, moved, entry)
        self.position[rows] = after
        self.open_interest += (np.maximum(after, 0.0) - np.maximum(before, 0.0)).sum(axis=0)

    def charge(self, rows: Index, amount: Array) -> None:
        """Take `amount` (r, m), whole quanta, from the pools the positions of `rows` stand in (one leg only)."""
        if self.pools == 1:
            self.cash[rows, 0] -= amount.sum(axis=1)
            return
        flat = self.cash.reshape(-1, order="F")  # a view, because cash is column-major
        np.subtract.at(flat, (self.pool[rows] * np.intp(len(self)) + rows[:, None]).ravel(), amount.ravel())

    def settle(self, rows: Index, amount: Array, against: Side, reason: str) -> None:
        """Charge `amount` (r, m) dollars to the pools of positions and credit the sum to the side `against`."""
        amount = exact_quanta(amount)
        self.charge(rows, amount)
        self.cash[against.row, against.pool] += amount.sum()
        if self.journal is not None:
            self._record_trade(reason, rows, np.zeros_like(amount), amount, against)

    def check(self) -> None:
        """Raise `ConservationError` unless total cash and total position of each market are exactly zero."""
        if self.cash.sum() != 0.0 or self.position.sum(axis=0).any():
            self.check_capacity()
            cash, units = self.cash.sum(), self.position.sum(axis=0)
            raise ConservationError(f"not conserved: cash off by {cash!r} dollars, positions off by {units.tolist()}")

    def check_capacity(self) -> None:
        """Raise `CapacityError` where sums could leave the range in which float64 counts exactly."""
        dollars = np.abs(self.cash).sum()
        if not dollars < _EXACT * QUANTUM:
            raise CapacityError(f"balances add up to {dollars:.3g} dollars; exact up to {_EXACT * QUANTUM:.3g}")
        lots = (np.abs(self.position).sum(axis=0) / self.lot).max(initial=0.0)
        if not lots < _EXACT:
            raise CapacityError(f"positions add up to {lots:.3g} lots; exact up to {_EXACT:.3g}; use a larger lot")

    def fold(self) -> tuple[Array, Array]:
        """Return (cash, position) rebuilt from the journal alone; equal to the live columns at any moment."""
        if self.journal is None:
            raise ValueError("there is no journal; build the accounts with journal=True")
        cash, position = np.zeros_like(self.cash), np.zeros_like(self.position)
        for posting in self.journal:
            np.add.at(cash, (posting.row, posting.pool), posting.cash)
            np.add.at(position, (posting.holder, posting.market), posting.quantity)
        return cash, position

    def _record_trade(self, reason: str, rows: Index, quantity: Array, cost: Array, against: Side) -> None:
        assert self.journal is not None
        # Of thousands asked, most trade nothing.
        kept = np.flatnonzero((quantity != 0.0).any(axis=1) | (cost != 0.0).any(axis=1))
        rows = rows[kept]
        self.journal.append(Trades(reason, rows, self.pool[rows].astype(np.intp), quantity[kept], cost[kept], against))
