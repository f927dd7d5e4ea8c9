"""Cross margin of dYdX v4: initial margin that grows with the open interest of the whole market."""

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array, ceil_to, column_sum, floor_to, trunc_to
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict

_PART = 1e-6  # the venue counts rates in parts per million


class DydxTerms(Strict):
    """Terms of one market (a liquidity tier of the venue)."""

    initial_rate: float = Field(0.05, ge=0.0, le=1.0, description="base initial margin, fraction of notional")
    maintenance_share: float = Field(0.6, ge=0.0, le=1.0, description="maintenance over base initial margin")
    lower_cap: float = Field(0.0, ge=0.0, le=1e15, description="open interest above which the rate rises, dollars")
    upper_cap: float = Field(0.0, ge=0.0, le=1e15, description="open interest at which it is 1, dollars; 0 = never")

    @model_validator(mode="after")
    def _caps_in_order(self) -> "DydxTerms":
        if self.upper_cap and self.upper_cap < self.lower_cap:
            raise ValueError(f"upper_cap: must be 0 or at least lower_cap {self.lower_cap} (got {self.upper_cap})")
        return self


class DydxMargin(BookMargin):
    """Initial margin scaled by open interest; maintenance margin that open interest never moves.

    With notional N_j = |q_j| p_j (cut to whole units), open interest O_j p_j in dollars and caps L_j < U_j:

        scaled_j = base_j + (1 - base_j) clip((O_j p_j - L_j) / (U_j - L_j), 0, 1), cut to parts per million,
        initial = sum_j ceil(N_j scaled_j),  maintenance = sum_j ceil(ceil(N_j base_j) maintenance_share_j),

    rounded up to the venue's `unit` market by market; U_j = 0 switches the scaling off. What is held besides
    perpetuals and futures is no collateral and what is owed counts in full. Source: dYdX v4 protocol,
    x/perpetuals/lib and liquidity tiers, 2024-2025.
    """

    kind = "dydx"
    default: DydxTerms = Field(
        DydxTerms.model_validate({}), description="terms of every market that has none of its own"
    )
    markets: dict[str, DydxTerms] = Field({}, description="terms by the name of the market")
    unit: float = Field(1e-6, ge=0.0, le=1.0, description="smallest amount the venue books, dollars; 0 = no rounding")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        owed = column_sum(self.requirements(book, board, level))
        if board.listed.linear.all():
            return owed
        other = np.where(board.listed.linear, 0.0, book.position * board.price)
        return owed + column_sum(np.maximum(other, 0.0))

    def requirements(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r, m) of each position, dollars."""
        notional = np.abs(self.notional(book, board))
        if level == "initial":
            return ceil_to(notional * self.initial_rate(board), self.unit)
        base = ceil_to(notional * self._terms(board, "initial_rate"), self.unit)
        return ceil_to(base * self._terms(board, "maintenance_share"), self.unit)

    def notional(self, book: Book, board: Board) -> Array:
        """Return the signed value (r, m) of the perpetuals and futures, cut to whole units, dollars."""
        return trunc_to(np.where(board.listed.linear, book.position * board.price, 0.0), self.unit)

    def initial_rate(self, board: Board) -> Array:
        """Return the initial margin rates (m,) at the board's open interest."""
        base, low, high = (self._terms(board, name) for name in ("initial_rate", "lower_cap", "upper_cap"))
        above = floor_to(board.open_interest * board.price, self.unit) - low
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(high > low, np.clip(above / (high - low), 0.0, 1.0), above >= 0.0)
        return floor_to(np.where((high == 0.0) | (above <= 0.0), base, base + (1.0 - base) * share), _PART)

    def _terms(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)
