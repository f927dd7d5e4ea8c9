"""Liquidation orders of dYdX v4: who comes first, how much, at what price, and what the insurance fund gets or pays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index, Mask, column_sum, floor_to, round_to, trunc_to
from simulation.board import Board, Book
from simulation.liquidation.base import Distressed, LiquidationRule

Requirements: TypeAlias = Callable[[Book], Array]
"""Maintenance requirement (r, m) of each position of books, as the venue's margin rule states it."""

_EXACT = 10**6  # net collateral and requirements are compared in whole millionths of a dollar


@dataclass(frozen=True)
class Risk:
    """Net collateral and maintenance requirement of one account, dollars."""

    net: float
    maintenance: float


def riskier(one: Risk, other: Risk) -> int:
    """Return +1 if `one` is riskier than `other`, -1 if it is safer, 0 if neither.

    The smaller ratio of net collateral to maintenance is riskier; ratios are compared by multiplying crosswise, in
    whole numbers, so that a requirement of nothing needs no exception. Equal ratios: the larger requirement is
    riskier, then the smaller net collateral. Source: dYdX v4, lib/margin (account risk).
    """
    (net, need), (net2, need2) = _millionths(one), _millionths(other)
    if net * need2 != net2 * need:
        return 1 if net * need2 < net2 * need else -1
    if need != need2:
        return 1 if need > need2 else -1
    return (net2 > net) - (net2 < net)


def riskiest_first(net: Array, maintenance: Array) -> Index:
    """Return the order (r,) in which accounts come: by the ratio of net collateral to maintenance, see `riskier`.

    An account that needs no margin comes last if it has something, first if it owes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(maintenance > 0.0, net / maintenance, np.where(net < 0.0, -np.inf, np.inf))
    return np.lexsort((net, -maintenance, ratio))


def _millionths(risk: Risk) -> tuple[int, int]:
    return round(risk.net * _EXACT), round(risk.maintenance * _EXACT)


class DydxClose(LiquidationRule):
    """Close at most `largest_share` of a pool a round, the riskiest pool first.

    An order may cost at most the limit price, which worsens as the account deteriorates; what a fill brings above the
    bankruptcy price goes to the insurance fund, up to `fee_rate` of the fill, and what it lacks the fund pays.
    The collateral of an account is attributed to its positions in proportion to their maintenance requirements.
    Source: dYdX v4, x/clob (liquidations), 2023-2025.
    """

    kind = "dydx"
    penalty_rate: float = Field(0.015, ge=0.0, le=1.0, description="most the fund gets, of the value of a fill")
    smallest_notional: float = Field(1000.0, ge=0.0, le=1e18, description="smaller positions are closed whole, dollars")
    largest_share: float = Field(1.0, gt=0.0, le=1.0, description="of a position, per round")
    bankruptcy_adjustment: float = Field(1.0, ge=1.0, le=1e4, description="how fast the limit price moves away")
    spread_share: float = Field(0.1, ge=0.0, le=1.0, description="farthest limit price, in maintenance requirements")
    unit: float = Field(1e-6, ge=0.0, le=1.0, description="smallest amount the venue books, dollars; 0 = no rounding")

    def net(self, book: Book, board: Board) -> Array:
        """Return the net collateral (r,), dollars: cash and the value of each position cut to whole units."""
        return round_to(book.cash + self._value(book, board), self.unit)  # the last bits of sums must not cost a unit

    def liquidatable(self, net: Array, maintenance: Array) -> Mask:
        """Tell which accounts may be liquidated: 0 < maintenance and net collateral strictly below it."""
        need, has = round_to(maintenance, self.unit), round_to(net, self.unit)
        return (need > 0.0) & (need > has)

    def fraction(self, pools: Distressed) -> Array:
        """Return the fraction (r,) to close: the largest share, at least the smallest notional, all of an insolvent."""
        _, most = self.size_limits(pools.notional)
        part = np.minimum(most / np.maximum(pools.notional, 1e-300), 1.0)
        return np.where((pools.equity <= 0.0) | (part <= 0.0), 1.0, part)

    def order(self, pools: Distressed) -> Index:
        """Return the pools, the riskiest first."""
        return riskiest_first(pools.equity, pools.maintenance)

    def size_limits(self, notional: Array) -> tuple[Array, Array]:
        """Return the least and the most notional that one order closes of a position of `notional`, dollars.

        least = min(smallest, |notional|), most = max(least, |notional| largest_share cut to whole units).
        """
        size = np.abs(notional)
        least = np.minimum(self.smallest_notional, size)
        return least, np.maximum(least, floor_to(size * self.largest_share, self.unit))

    def limit_price(self, book: Book, board: Board, requirements: Requirements) -> Array:
        """Return the worst price (r, m) an order to close each position may fill at, dollars; nan without a position.

        price = (V - a s M) / q with the position's value V, maintenance M and size q, the spread share s, and
        a = clip(adjustment (1 - net / total maintenance), 0, 1).
        """
        need = requirements(book)
        total = column_sum(need)
        with np.errstate(divide="ignore", invalid="ignore"):
            worn = np.clip(self.bankruptcy_adjustment * (1.0 - self.net(book, board) / total), 0.0, 1.0)
            spread = worn[:, None] * self.spread_share * need
            return (trunc_to(book.position * board.price, self.unit) - spread) / book.position

    def bankruptcy_quote(self, book: Book, board: Board, delta: Array, requirements: Requirements) -> Array:
        """Return the dollars (r,) that leave an account with its share of collateral used up when it trades `delta`.

        `delta` (r, m) closes positions, in full or in part; the result is positive for what a seller receives:
        quote = -change of value - floor(net |change of maintenance| / total maintenance), so rounded in favour of the
        fund. An account without a maintenance requirement trades at the mark.
        """
        after = replace(book, position=book.position + delta)
        old, new = requirements(book), requirements(after)
        total, change = (round_to(np.abs(column_sum(part)), self.unit) for part in (old, new - old))
        net = self.net(book, board)
        value = self._value(after, board) - self._value(book, board)
        return round_to(-value - self._attributed(net, change, total), self.unit)

    def price_of(self, quote: Array, delta: Array) -> Array:
        """Return the price (r,) at which trading `delta` (r, m), one non-zero entry a row, brings `quote` (r,)."""
        return -quote / column_sum(delta)

    def fill_quote(self, delta: Array, price: Array) -> Array:
        """Return the dollars (r,) received for trading `delta` (r, m) at `price` (m,), cut to whole units."""
        return trunc_to(-column_sum(delta * price), self.unit)

    def fund_delta(self, fill_quote: Array, bankruptcy_quote: Array) -> Array:
        """Return what the insurance fund receives of a fill (negative: pays), dollars.

        x = fill - bankruptcy; the fund pays -x, or receives min(|fill| fee rate cut to whole units, x).
        """
        surplus = round_to(fill_quote - bankruptcy_quote, self.unit)
        most = floor_to(np.abs(fill_quote) * self.penalty_rate, self.unit)
        return np.where(surplus <= 0.0, surplus, np.minimum(most, surplus))

    def _attributed(self, net: Array, change: Array, total: Array) -> Array:
        """Return floor(net change / total) (r,) in whole units, exactly: products of units exceed 64 bits."""
        if self.unit == 0.0:
            return np.where(total > 0.0, net * change / np.where(total > 0.0, total, 1.0), 0.0)
        units = (np.rint(amount / self.unit).astype(np.int64).tolist() for amount in (net, change, total))
        shares = [has * part // all_ if all_ else 0 for has, part, all_ in zip(*units, strict=True)]
        return round_to(np.array(shares, float) * self.unit, self.unit)

    def _value(self, book: Book, board: Board) -> Array:
        return column_sum(trunc_to(book.position * board.price, self.unit))
