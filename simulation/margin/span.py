"""Scanning risk by sixteen scenarios, after CME SPAN."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.revaluation import Shocks, book_profits, shocked_profits, worst_losses

_THIRDS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)  # of a third of the price scan range, in the order of the risk array


class SpanMargin(BookMargin):
    """Scan risk: the largest loss over 16 scenarios, asset by asset; what sold options need at least; initial on top.

    Scenarios 1-14 move the price by 0, +-1/3, +-2/3, +-3/3 of the price scan range, each with volatility up and down by
    the volatility scan range; 15 and 16 move it by +-`extreme_multiple` ranges, of whose profit `extreme_cover` counts.
    scan risk = max(0, -min_s profit_s), profits of an asset's positions added up scenario by scenario;
    maintenance = sum over assets of max(scan risk, short option minimum), the minimum being `short_option_rate` of the
    underlying's price for every option sold; initial = `initial_factor` * maintenance.
    Inter- and intra-commodity charges and credits are left out: assets do not offset, expiries of one asset do fully.
    Source: CME, "Standard Portfolio Analysis of Risk"; L. McMillan, "Options as a Strategic Investment", pp. 668-670.
    """

    kind = "span"
    price_scan_rate: float = Field(0.15, gt=0.0, lt=1.0, description="price scan range over the price")
    volatility_scan_rate: float = Field(0.25, ge=0.0, lt=1.0, description="relative move of implied volatility")
    extreme_multiple: float = Field(2.0, ge=1.0, le=10.0, description="of the price scan range, scenarios 15 and 16")
    extreme_cover: float = Field(0.35, ge=0.0, le=1.0, description="of the profit in scenarios 15 and 16")
    short_option_rate: float = Field(0.0, ge=0.0, le=1.0, description="of the underlying, least for an option sold")
    initial_factor: float = Field(1.1, ge=1.0, le=10.0, description="initial over maintenance")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        least = self.short_option_rate * (board.listed.option * board.spot) if self.short_option_rate else None
        needed = worst_losses(book, board, self.risk_arrays(board), least)
        return needed * (self.initial_factor if level == "initial" else 1.0)

    def shocks(self) -> Shocks:
        """Return the 16 scenarios in units of the scan ranges, in the order of the risk array."""
        grid = Shocks.grid(np.array(_THIRDS) / 3.0, np.array([1.0, -1.0]))
        extremes = self.extreme_multiple * np.array([1.0, -1.0])
        return Shocks(np.append(grid.move, extremes), np.append(grid.volatility, np.zeros(2)))

    def cover(self) -> Array:
        """Return the share (16,) of each scenario's profit that counts."""
        return np.append(np.ones(14), np.full(2, self.extreme_cover))

    def linear_array(self, units: Array, price_scan_range: float) -> Array:
        """Return the risk array (r, 16) of `units` (r,) of a future, for a scan range in currency."""
        return units[:, None] * (self.shocks().move * self.cover() * price_scan_range)

    def risk_arrays(self, board: Board) -> Array:
        """Return the risk array (16, m) of one unit held long of each column, dollars."""
        shocks = self.shocks()
        moved = Shocks(np.maximum(shocks.move * self.price_scan_rate, -1.0), shocks.volatility)
        volatility = board.volatility * (1.0 + self.volatility_scan_rate * shocks.volatility[:, None])
        return shocked_profits(board, moved, volatility) * self.cover()[:, None]

    def scan_risk(self, book: Book, board: Board) -> Array:
        """Return the sum over assets of the scan risk (r,), dollars."""
        return worst_losses(book, board, self.risk_arrays(board))

def combined(position: Array, arrays: Array) -> Array:
    """Return the risk array (r, s) of positions (r, m) from the arrays (s, m) of one unit of each."""
    return book_profits(position.T, arrays).T


def scan_risk(arrays: Array) -> Array:
    """Return max(0, -min) (r,) of risk arrays (r, s)."""
    return np.maximum(-arrays.min(axis=1), 0.0)
