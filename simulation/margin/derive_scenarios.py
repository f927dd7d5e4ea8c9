"""What Derive's two portfolio margins share: losses over a grid, asset by asset, expiry by expiry."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array, Index, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.scenario_grid import (
    BasisMoves,
    GridScenario,
    Smile,
    VolatilityMove,
    by_expiry,
    by_strike,
    naked_shorts,
    weighted_sum,
)

_BLOCK = 512  # rows at once; their profits fit into the fast part of memory


@dataclass(frozen=True)
class Discount:
    """Factors on the shocked net value of one expiry: `long` where it is positive, `short` where it is negative."""

    long: float
    short: float


class DeriveScenarioMargin(BookMargin):
    """Base of the portfolio margins of Derive. In the loops r rows are the last axis, so that they lie in memory."""

    def grid(self) -> tuple[GridScenario, ...]:
        """Return the scenarios."""
        raise NotImplementedError

    def smile(self) -> Smile:
        """Return how scenarios move volatility."""
        raise NotImplementedError

    def basis_moves(self) -> BasisMoves:
        """Return the moves of the basis contingency."""
        raise NotImplementedError

    def discount(self, years: float, rate: float) -> Discount:
        """Return the discounts of an expiry."""
        raise NotImplementedError

    def moves_with_spot(self, board: Board) -> Array:
        """Return 1 for the tokens (m,) that move with the price in scenarios, 0 for the others."""
        raise NotImplementedError

    def mark_to_market(self, book: Book, board: Board) -> Array:
        """Return cash + everything else at the rule's own values (r,), dollars."""
        model = np.where(board.listed.option, self.smile().values(board, 1.0, "none"), board.price)
        return book.cash + column_sum(book.position * model)

    def scenario_profits(self, book: Book, board: Board) -> Array:
        """Return the profit (r, s) of each scenario, dampened, summed over assets, dollars."""
        total = np.zeros((len(self.grid()), len(book.cash)))
        for asset in np.unique(board.listed.asset):
            total += Sheet(self, board, np.flatnonzero(board.listed.asset == asset)).profits(book.position.T)
        return total.T

    def basis_contingency(self, book: Book, board: Board) -> Array:
        """Return the loss (r,), at most 0, of forwards that move apart from the price, dollars."""
        total = np.zeros(len(book.cash))
        for asset in np.unique(board.listed.asset):
            total += Sheet(self, board, np.flatnonzero(board.listed.asset == asset)).basis(book.position.T)
        return total

    def worst(self, book: Book, board: Board) -> Array:
        """Return the sum over assets of the worst of scenarios and basis contingency (r,), at most 0, dollars."""
        assets = [np.flatnonzero(board.listed.asset == asset) for asset in np.unique(board.listed.asset)]
        sheets = [Sheet(self, board, columns) for columns in assets]
        total = np.zeros(len(book.cash))
        for start in range(0, len(total), _BLOCK):
            rows = slice(start, start + _BLOCK)
            position = np.ascontiguousarray(book.position[rows].T)
            for sheet in sheets:
                total[rows] += np.minimum(sheet.profits(position).min(axis=0), sheet.basis(position))
        return total

    def naked(self, book: Book, board: Board) -> Array:
        """Return the value (r,) of the underlying of options sold uncovered at their strike, dollars."""
        total, position = np.zeros(len(book.cash)), book.position.T
        for asset in np.unique(board.listed.asset):
            columns = np.flatnonzero(board.listed.asset == asset)
            total += naked_shorts(position, by_strike(board, columns)) * board.spot[columns[0]]
        return total

    def off_model(self, book: Book, board: Board) -> Array:
        """Return by how much equity exceeds the rule's own mark to market (r,), dollars."""
        option = np.flatnonzero(board.listed.option)
        if not len(option):
            return np.zeros(len(book.cash))
        excess = board.price[option] - self.smile().values(board, 1.0, "none")[option]
        return column_sum(book.position[:, option] * excess)

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars: equity less the margin balance of `level`."""
        raise NotImplementedError


class Sheet:
    """Everything about one asset's columns that does not depend on who holds them."""

    def __init__(self, rule: DeriveScenarioMargin, board: Board, columns: Index) -> None:
        """Revalue one unit of each of `columns` in every scenario."""
        grid, smile, self.moves = rule.grid(), rule.smile(), rule.basis_moves()
        listed = board.listed
        self.spot_change = np.array([scenario.spot - 1.0 for scenario in grid])[:, None]
        self.weight = np.array([scenario.weight for scenario in grid])[:, None]
        self.skew = np.array([scenario.skew for scenario in grid])
        moving = np.where(listed.spot, rule.moves_with_spot(board), 1.0) * np.where(listed.option, 0.0, board.price)
        self.moving = [(int(j), float(moving[j])) for j in columns if moving[j]]
        self.expiries = by_expiry(board, columns)
        if not self.expiries:
            return
        multiples = np.array([1.0, self.moves.up, self.moves.down, *(scenario.spot for scenario in grid)])
        moves: list[VolatilityMove] = ["none", "none", "none", *(scenario.volatility for scenario in grid)]
        values = smile.revalued(board, multiples, moves)
        self.base, self.apart, self.shocked = values[0], values[1:3] - values[0], values[3:]
        years, rate = ([float(facts[group[0]]) for group in self.expiries] for facts in (board.years, board.rate))
        self.years, self.discounts = years, [rule.discount(*pair) for pair in zip(years, rate, strict=True)]

    def profits(self, position: Array) -> Array:
        """Return the dampened profits (s, r) of `position` (m, r), dollars."""
        delta = np.zeros(position.shape[1])
        for column, value in self.moving:
            delta = delta + position[column] * value
        total = self.spot_change * delta
        for group, discount in zip(self.expiries, self.discounts if self.expiries else [], strict=True):
            held = position[group]
            value = weighted_sum(held, self.shocked[:, group])
            profit = discounted(value, discount)
            profit -= weighted_sum(held, self.base[None, group])
            if self.skew.any():
                profit[self.skew] = -np.abs(profit[self.skew])
            total += profit
        total *= self.weight
        return total

    def basis(self, position: Array) -> Array:
        """Return the basis contingency (r,) of `position` (m, r), at most 0, dollars."""
        total = np.zeros(position.shape[1])
        for place, group in enumerate(self.expiries):
            worse = np.minimum(weighted_sum(position[group], self.apart[:, group]).min(axis=0), 0.0)
            total += worse * (self.moves.share + self.moves.share_per_year * self.years[place])
        return total


def discounted(value: Array, discount: Discount) -> Array:
    """Return value * long where it is positive and value * short where it is negative; overwrites `value`."""
    if discount.long <= discount.short:  # then the smaller of the two products is the right one, whatever the sign
        longs = value * discount.long
        value *= discount.short
        return np.minimum(longs, value, out=value)
    return np.where(value >= 0.0, value * discount.long, value * discount.short)


def averaged_share(seconds: float, window_seconds: float = 1800.0) -> float:
    """Return the share of the settlement average that is known `seconds` before expiry."""
    return max(0.0, 1.0 - seconds / window_seconds)


def in_settlement(value: Array | float, quote_price: float) -> Array:
    """Return a dollar `value` in units of a settlement currency worth `quote_price` dollars."""
    return np.asarray(value) / quote_price
