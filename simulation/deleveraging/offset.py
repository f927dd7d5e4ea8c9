"""Offsetting: a bankrupt account trades with accounts on the other side, one after another, until its position is gone.

Nobody is ranked. A counterparty that the trade would leave worse off than the venue allows is skipped, not filled in
part. Source: dYdX v4, x/clob (deleveraging) and x/subaccounts (state transitions), 2023-2025.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from simulation.arrays import Array, Mask, round_to
from simulation.board import Board, Book, Level

_EXACT = 1e-12  # relative; equal ratios of margin may differ by their last bits
_UNIT = 1e-6  # dollars; accounts are compared in the venue's own smallest amount

Requirement: TypeAlias = Callable[[Book, Board, Level], Array]
"""The requirement (r,) of books at a level, as the venue's margin rule states it."""
Quote: TypeAlias = Callable[[Book, Array], Array]
"""The dollars (r,) books receive for trading some units (r, m), at the price the venue deleverages at."""


@dataclass(frozen=True)
class Terms:
    """What offsetting needs to know of a venue: the board, its margin requirement, and the price it deleverages at."""

    board: Board
    requirement: Requirement
    quote: Quote


def deleveraged_at(net: Array, final_settlement: Array) -> tuple[Mask, Mask]:
    """Tell which accounts may be deleveraged at their bankruptcy price, and which at the oracle price, (r,) each.

    At the bankruptcy price iff net collateral is negative; at the oracle price iff it is not and the market is being
    settled for good.
    """
    bankrupt = net < 0.0
    return bankrupt, ~bankrupt & np.asarray(final_settlement, bool)


def accepted(before: Book, after: Book, terms: Terms) -> Mask:
    """Tell which accounts (r,) may go from `before` to `after`.

    Either the account meets the initial requirement afterwards; or its maintenance requirement M has not grown and net
    collateral over maintenance has not fallen (net' M >= net M'). Without a requirement before and after, net
    collateral must have grown; without one on one side only the account is refused.
    """
    net, net2 = (round_to(book.equity(terms.board.price), _UNIT) for book in (before, after))
    old, new = (round_to(terms.requirement(book, terms.board, "maintenance"), _UNIT) for book in (before, after))
    healthy = net2 >= round_to(terms.requirement(after, terms.board, "initial"), _UNIT)
    slack = _EXACT * (np.abs(net2 * old) + np.abs(net * new))
    improved = (new <= old) & (net2 * old >= net * new - slack)
    bare = (old == 0.0) & (new == 0.0) & (net2 > net)
    return healthy | np.where((old == 0.0) | (new == 0.0), bare, improved)


def offset(pair: Book, column: int, delta: float, terms: Terms) -> Book | None:
    """Return the books of a bankrupt account (row 0) and a counterparty (row 1) after the first has traded `delta`.

    `delta` units of `column` go from row 1 to row 0 at the price the venue deleverages row 0 at; None if either account
    may not be left so, or if the trade would do more than close both positions.
    """
    closing = np.array([delta, -delta])
    held = pair.position[:, column]
    if delta == 0.0 or (held * closing >= 0.0).any() or (np.abs(held) < abs(delta)).any():
        return None
    units = np.zeros_like(pair.position)
    units[:, column] = closing
    paid = float(terms.quote(pair, units)[0])
    position = _without_dust(pair.position + units, delta)
    after = replace(pair, cash=pair.cash + np.array([paid, -paid]), position=position)
    return after if accepted(pair, after, terms).all() else None


def walk(accounts: Book, column: int, delta: float, terms: Terms) -> tuple[list[tuple[int, float]], float, Book]:
    """Offset `delta` units of the account in row 0 against the other rows, in the order they stand.

    Returns the fills (row, units), what is left of |delta|, and the books afterwards. Each counterparty gives the
    smaller of what is left and what it holds.
    """
    left, side, fills = abs(delta), float(np.sign(delta)), []
    cash, position = accounts.cash.copy(), accounts.position.copy()
    for row in range(1, len(cash)):
        size = min(left, max(side * position[row, column], 0.0))
        if size == 0.0:
            continue
        both = [0, row]
        pair = Book(cash[both], position[both], accounts.cost[both])
        after = offset(pair, column, side * size, terms)
        if after is not None:
            cash[both], position[both] = after.cash, after.position
            fills.append((row, size))
            left = float(_without_dust(np.array(left - size), delta))
    position[0, column] = float(_without_dust(position[0, column], delta))
    return fills, left, replace(accounts, cash=cash, position=position)


def _without_dust(units: Array, delta: float) -> Array:
    """Return `units` with what rounding has left of a trade of `delta` set to nothing."""
    return np.where(np.abs(units) <= _EXACT * abs(delta), 0.0, units)
