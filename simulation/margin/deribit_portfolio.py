"""Portfolio margin by a grid of price and volatility moves, after Deribit, OKX and Dederi."""

from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Index, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.revaluation import (
    DAYS_PER_YEAR,
    Shocks,
    book_profits,
    shocked_profits,
    volatility_shock,
    worst_losses,
)

Move: TypeAlias = Annotated[float, Field(gt=-1.0, le=100.0)]
_BLOCK = 1024  # rows at once; their profits fit into the fast part of memory


class DeribitPortfolioMargin(BookMargin):
    """The worst loss over a grid of scenarios, asset by asset, and charges for what a grid does not see.

    maintenance = sum over assets of max over scenarios of (-profit * weight), at least 0, plus contingencies;
    initial = `initial_factor` * maintenance. Scenarios of an asset are
    - moves of `price_range` in `price_steps` equal steps to each side and none, each with volatility up, unchanged and
      down by the relative shock base * (30 / days) ** power, days at least `least_days`, for expiries within 30 days
      `short_power`, else `long_power`;
    - the extended table: moves `extended_moves` with volatility up, of whose profit counts the fraction
      price_range / |move|. So a linear position loses there what it loses at the edge of the grid, and only what is
      convex, such as far options sold, needs more.
    Contingencies: `option_rate` of the underlying value of each net short option, netted over calls and puts of one
    strike and expiry; `future_rate` of the value of offsetting perpetuals and futures; and at least `minimum_rate` of
    the gross value of all contracts. Tokens of the asset are moved with it, so they hedge.

    Sources: Deribit, "Portfolio margin" (legacy documentation and support article 25944756247837, 2025: +-16 % in 9
    buckets, volatility up, same, down, an extended table at volatility up of which a fraction counts; the venue does
    not publish the fractions, the ones here are ours); OKX, parameters of 2 January 2025 (MR1, MR6, MR7; take
    `price_range` .12, `price_steps` 3, `extended_moves` +-.24); Dederi, "Portfolio margin" (+-15 % in 5 steps).
    """

    kind = "deribit_portfolio"
    price_range: float = Field(0.16, gt=0.0, lt=1.0, description="largest move of the grid, simple return")
    price_steps: int = Field(4, ge=1, le=50, description="steps from no move to the largest, on each side")
    volatility_up: float = Field(0.38, ge=0.0, le=5.0, description="relative shock up at 30 days to expiry")
    volatility_down: float = Field(0.38, ge=0.0, lt=1.0, description="relative shock down at 30 days to expiry")
    short_power: float = Field(0.3, ge=0.0, le=2.0, description="exponent of 30 / days, up to 30 days")
    long_power: float = Field(0.3, ge=0.0, le=2.0, description="exponent of 30 / days, beyond 30 days")
    least_days: float = Field(1.0, gt=0.0, le=30.0, description="fewer days to expiry count as this")
    extended_moves: tuple[Move, ...] = Field(
        (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0), description="moves of the extended table, simple returns"
    )
    option_rate: float = Field(0.01, ge=0.0, le=1.0, description="of the underlying value, each net short option")
    future_rate: float = Field(0.01, ge=0.0, le=1.0, description="of the value of offsetting perpetuals and futures")
    minimum_rate: float = Field(0.0, ge=0.0, le=1.0, description="of the gross value of contracts, least requirement")
    initial_factor: float = Field(1.3, ge=1.0, le=10.0, description="initial over maintenance")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        charges = self.option_contingency(book, board) + self.future_contingency(book, board)
        needed = np.maximum(self.worst_loss(book, board) + charges, self._minimum(book, board))
        return needed * (self.initial_factor if level == "initial" else 1.0)

    def shocks(self) -> Shocks:
        """Return the scenarios (s,): the grid first, price move by price move, then the extended table."""
        steps = np.arange(-self.price_steps, self.price_steps + 1) / self.price_steps
        grid = Shocks.grid(self.price_range * steps, np.array([1.0, 0.0, -1.0]))
        tail = np.array(self.extended_moves, float)
        return Shocks(np.append(grid.move, tail), np.append(grid.volatility, np.ones_like(tail)))

    def weights(self, shocks: Shocks) -> Array:
        """Return the fraction (s,) of each scenario's profit that counts."""
        beyond = np.abs(shocks.move) > self.price_range * (1.0 + 1e-9)
        return np.where(beyond, self.price_range / np.where(beyond, np.abs(shocks.move), 1.0), 1.0)

    def volatility_shock(self, days: Array | float, direction: Literal["up", "down"] = "up") -> Array:
        """Return the relative volatility shock by days to expiry."""
        counted = np.maximum(np.asarray(days, float), self.least_days)
        power = np.where(counted <= 30.0, self.short_power, self.long_power)
        base = self.volatility_up if direction == "up" else self.volatility_down
        return volatility_shock(counted, base, power)

    def unit_profits(self, board: Board, shocks: Shocks | None = None) -> Array:
        """Return the profit (s, m) of one unit of each column under each of `shocks` (all of them), dollars."""
        shocks = self.shocks() if shocks is None else shocks
        days = np.where(np.isfinite(board.years), board.years, 1.0) * DAYS_PER_YEAR
        up, down = self.volatility_shock(days, "up"), self.volatility_shock(days, "down")
        direction = shocks.volatility[:, None]
        relative = np.where(direction > 0.0, direction * up, direction * np.minimum(down, 1.0))
        return shocked_profits(board, shocks, board.volatility * (1.0 + relative))

    def scenario_profits(self, book: Book, board: Board, shocks: Shocks | None = None) -> Array:
        """Return the profit (r, s) of whole books under each of `shocks` (all of them), dollars, not weighted."""
        return book_profits(book.position.T, self.unit_profits(board, shocks)).T

    def worst_loss(self, book: Book, board: Board) -> Array:
        """Return the sum over assets of the largest weighted loss (r,), dollars."""
        shocks = self.shocks()
        weighted = self.unit_profits(board, shocks) * self.weights(shocks)[:, None]
        return worst_losses(book, board, weighted)

    def option_contingency(self, book: Book, board: Board) -> Array:
        """Return the charge (r,) for options sold and not bought back at the same strike and expiry, dollars."""
        charge = np.zeros(len(book.cash))
        for columns in _strikes(board):
            net = book.position[:, columns[0]]
            for column in columns[1:]:
                net = net + book.position[:, column]
            charge += self.option_rate * board.spot[columns[0]] * np.maximum(-net, 0.0)
        return charge

    def future_contingency(self, book: Book, board: Board) -> Array:
        """Return the charge (r,) for perpetuals and futures of one asset that offset each other, dollars."""
        charge, listed = np.zeros(len(book.cash)), board.listed
        for asset in np.unique(listed.asset[listed.linear]):
            columns = np.flatnonzero(listed.linear & (listed.asset == asset))
            value = book.position[:, columns] * board.price[columns]
            charge += np.minimum(column_sum(np.maximum(value, 0.0)), column_sum(np.maximum(-value, 0.0)))
        return self.future_rate * charge

    def _minimum(self, book: Book, board: Board) -> Array:
        if self.minimum_rate == 0.0:
            return np.zeros(len(book.cash))
        value = np.where(board.listed.option, board.spot, board.price) * ~board.listed.spot
        return self.minimum_rate * column_sum(np.abs(book.position * value))


def _strikes(board: Board) -> list[Index]:
    """Return the option columns of each asset, expiry and strike."""
    listed = board.listed
    groups: dict[tuple[int, float, float], list[int]] = {}
    for column in np.flatnonzero(listed.option):
        key = int(listed.asset[column]), float(board.years[column]), float(listed.strike[column])
        groups.setdefault(key, []).append(int(column))
    return [np.array(columns) for columns in groups.values()]
