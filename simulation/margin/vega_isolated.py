"""Isolated margin of the Vega protocol: a fixed share of entry value for positions, and of limit value for orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum, floor_to
from simulation.board import Board, Book
from simulation.margin.vega import RestingOrder, VegaLevel, VegaMargin


@dataclass(frozen=True)
class Orders:
    """Resting orders of one account in one market, sizes positive."""

    buys: Sequence[RestingOrder] = ()
    sells: Sequence[RestingOrder] = ()

    @property
    def value(self) -> float:
        """Return the limit value of all orders, dollars."""
        return sum(order.size * order.price for order in (*self.buys, *self.sells))


class VegaIsolatedMargin(VegaMargin):
    """Every position stands alone with `margin_share` of its entry value; orders hold margin of their own.

    position margin = |entry value| margin_share,  order margin = max over sides of margin_share sum_i size_i price_i

    after the first |position| units that would only close it, best price first, need none; in an auction an order
    counts at no less than the auction price. An account is closed out below the maintenance level of its position
    alone. Source: Vega protocol specification 0019-MCAL (isolated margin), 2023-2024.
    """

    kind = "vega_isolated"
    segregated: ClassVar[bool] = True
    margin_share: float = Field(0.5, gt=0.0, le=1.0, description="of entry value; one over the leverage chosen")

    def requirement(self, book: Book, board: Board, level: VegaLevel) -> Array:
        """Return the requirement (r,), dollars: maintenance as in cross margin, all else the position margin.

        No less than maintenance, which a position margin may fall short of once the mark has moved.
        """
        alone = Book(book.cash, book.position, book.cost)
        least = super().requirement(alone, board, "maintenance")
        if level == "maintenance":
            return least
        held = floor_to(np.abs(np.where(board.listed.linear, book.cost, 0.0)) * self.margin_share, self.unit)
        return np.maximum(least, column_sum(held))

    def position_margin(self, position: float, entry_price: float) -> float:
        """Return what a position holds when the mode begins, dollars."""
        return self._cut(abs(position) * entry_price * self.margin_share)

    def order_margin(self, position: float, orders: Orders, auction_price: float = 0.0) -> float:
        """Return the margin of resting orders, dollars: of the costlier side."""
        buys = sorted(orders.buys, key=lambda order: -order.price)
        sells = sorted(orders.sells, key=lambda order: order.price)
        return max(
            self._side_margin(max(-position, 0.0), buys, auction_price),
            self._side_margin(max(position, 0.0), sells, auction_price),
        )

    def switch(self, position: float, entry_price: float, orders: Orders, funds: float) -> tuple[float, float, float]:
        """Return (position margin, order margin, free funds) after an account with `funds` has chosen this mode.

        At the switch every order is margined in full, on both sides and without netting, as the venue does. Free funds
        below 0 mean that the switch is refused.
        """
        held, resting = self.position_margin(position, entry_price), self._cut(orders.value * self.margin_share)
        return held, resting, funds - held - resting

    def released(self, position: float, trades: Sequence[RestingOrder], balance: float, mark: float) -> float:
        """Return what a change of position moves from the position margin to free funds (negative: into it), dollars.

        `trades` have signed sizes, all of one side, and follow each other; without any nothing moves. Growing: -(value
        traded) margin_share. Shrinking: the traded share of balance + (average trade price - mark) |position|; this is
        the sign of a long, and the venue uses it for shorts too. Changing sides: all of the balance, less the margin of
        what was opened.
        """
        traded = sum(trade.size for trade in trades)
        after = position + traded
        if position * after >= 0.0 and abs(after) > abs(position):
            return -self._cut(_value(trades) * self.margin_share)
        if not traded:
            return 0.0
        if position * after >= 0.0:
            average = self._cut(_value(trades) / abs(traded))
            worth = self._cut(max(balance + (average - mark) * abs(position), 0.0))
            return self._cut(worth * abs(traded) / abs(position))
        return balance - self._cut(_value(_beyond(trades, abs(position))) * self.margin_share)

    def _side_margin(self, covered: float, orders: Sequence[RestingOrder], auction_price: float) -> float:
        """Return the margin of one side, best price first, of which `covered` units need none."""
        open_ = _beyond(orders, covered)
        return self._cut(sum(order.size * max(order.price, auction_price) for order in open_) * self.margin_share)

    def _cut(self, amount: float) -> float:
        return float(floor_to(np.array(amount), self.unit))


def _value(trades: Sequence[RestingOrder]) -> float:
    return sum(abs(trade.size) * trade.price for trade in trades)


def _beyond(orders: Sequence[RestingOrder], covered: float) -> list[RestingOrder]:
    """Return what of `orders` is left after the first `covered` units, as positive sizes."""
    left = []
    for order in orders:
        size = max(abs(order.size) - covered, 0.0)
        covered = max(covered - abs(order.size), 0.0)
        if size:
            left.append(RestingOrder(size, order.price))
    return left
