"""Values of listed columns after a shock to the underlying price and to implied volatility."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book
from simulation.instrument.black_scholes import Vanilla, black76

DAYS_PER_YEAR = 365.0
_BLOCK = 512  # rows at once; their profits fit into the fast part of memory
_REFERENCE_DAYS = 30.0  # the term at which volatility shocks are quoted


@dataclass(frozen=True)
class Shocks:
    """Scenarios (s,): relative moves of the underlying price, and shocks of volatility in units of the full shock
    (+1 up, 0 none, -1 down).
    """

    move: Array
    volatility: Array

    @classmethod
    def grid(cls, moves: Array, volatility: Array) -> "Shocks":
        """Return every move with every volatility shock."""
        return cls(np.repeat(moves, len(volatility)), np.tile(volatility, len(moves)))


def volatility_shock(days: Array | float, base: float, power: Array | float) -> Array:
    """Return the relative shock of implied volatility by days to expiry: base * (30 / days) ** power.

    Short expiries are shocked more. Sources: Deribit, portfolio margin (power .30, base .38; earlier 1/2 and .40);
    Dederi, portfolio margin rules.
    """
    return base * (_REFERENCE_DAYS / np.asarray(days, float)) ** power


def shocked_profits(board: Board, shocks: Shocks, volatility: Array) -> Array:
    """Return the profit (s, m) of one unit held long of each column under each scenario, dollars.

    `volatility` (s, m) is the implied volatility in each scenario. Tokens, perpetuals and futures move in proportion;
    options are revalued by Black-76 at forward * (1 + move). What is averaged of a settlement price no longer moves:
    F = a average + (1 - a) forward (1 + move), with the volatility of the floating part. The profit is measured against
    the value by the same formula without a shock, so an option whose price is off the model has no profit for that.
    """
    listed = board.listed
    profits = shocks.move[:, None] * _floating(board) * np.ones(len(board.price))
    columns = np.flatnonzero(listed.option)
    if len(columns):
        calm = _option_values(board, np.zeros(1), board.volatility[None, :])
        profits[:, columns] = (_option_values(board, shocks.move, volatility) - calm)[:, columns]
    return profits


def book_profits(position: Array, unit: Array) -> Array:
    """Return the profits (s, r) of positions (m, r) from unit profits (s, m), column after column."""
    total = position[0] * unit[:, :1]
    product = np.empty_like(total)
    for column in range(1, len(position)):
        np.multiply(position[column], unit[:, column, None], out=product)
        total += product
    return total


def worst_losses(book: Book, board: Board, unit: Array, sold: Array | None = None) -> Array:
    """Return the sum over assets of the largest loss (r,), at least 0, from unit profits (s, m), dollars.

    `sold` (m,) are dollars that a unit sold of each column needs at least: an asset's loss counts as no less.
    """
    assets = [np.flatnonzero(board.listed.asset == asset) for asset in np.unique(board.listed.asset)]
    units = [_extremes(unit[:, columns], bool(board.listed.option[columns].any())) for columns in assets]
    total = np.zeros(len(book.cash))
    for start in range(0, len(total), _BLOCK):
        rows = slice(start, start + _BLOCK)
        position = np.ascontiguousarray(book.position[rows].T)
        for columns, values in zip(assets, units, strict=True):
            loss = np.maximum(-_worst_profit(position[columns], values), 0.0)
            total[rows] += loss if sold is None else np.maximum(loss, _sold(position[columns], sold[columns]))
    return total


def _sold(position: Array, dollars: Array) -> Array:
    """Return the dollars (r,) of what is sold of `position` (m, r)."""
    return column_sum(np.maximum(-position, 0.0).T * dollars)


def _extremes(unit: Array, options: bool) -> Array:
    """Return the scenarios of `unit` (s, m) that can be the worst: without options all columns move in proportion."""
    if options:
        return unit
    widest = unit[:, int(np.ptp(unit, axis=0).argmax())]
    return unit[[int(widest.argmin()), int(widest.argmax())]]


def _worst_profit(position: Array, unit: Array) -> Array:
    """Return the least profit (r,) of `position` (m, r); of one column the most extreme scenarios decide alone."""
    if len(position) == 1:  # rounding keeps the order of products with one number, so the bytes are the same
        return np.minimum(position[0] * unit.min(), position[0] * unit.max())
    return book_profits(position, unit).min(axis=0)


def _floating(board: Board) -> Array:
    """Return the part (m,) of each price that moves with the underlying, dollars."""
    window = board.listed.of_kind("future") & (board.averaged > 0.0)
    return np.where(window, (1.0 - board.averaged) * board.forward, board.price)


def _option_values(board: Board, move: Array, volatility: Array) -> Array:
    """Return values (s, m); what is no option comes out as nan."""
    option = Vanilla(board.listed.side, board.listed.strike, np.where(board.listed.option, board.years, 0.0))
    floating = (1.0 - board.averaged) * board.forward * (1.0 + move[:, None])
    expected = board.averaged * board.average + floating
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(expected > 0.0, volatility * floating / expected, 0.0)
        return black76(option, expected, scaled, np.exp(-board.rate * option.years))
