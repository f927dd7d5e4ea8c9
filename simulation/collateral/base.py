"""The collateral rule: what tokens, debts and unrealised profit of a pool count for."""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.instrument.terms import by_column
from simulation.rule import Rule
from simulation.strict import Strict

UNLIMITED = 1e18  # dollars; more than the engine can count
Sale: TypeAlias = Literal["together", "derivatives_first", "largest_haircut_first", "deepest_first"]


class CollateralRule(Rule):
    """How much of a pool's equity does not count as collateral.

    collateral value = equity - requirement, equity = cash + sum_j position_j price_j. A plain margin rule adds this
    requirement to that of the pool's derivatives; `by_tiers` rules leave tokens to the rates of their own market.
    """

    by_tiers: ClassVar[bool] = False
    sale: Sale = Field("together", description="what a liquidation closes first")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the dollars (r,) of equity that do not count, of the pools in `book`."""
        raise NotImplementedError

    def value(self, book: Book, board: Board, level: Level) -> Array:
        """Return the collateral value (r,), dollars."""
        return book.equity(board.price) - self.requirement(book, board, level)

    def haircuts(self, board: Board) -> Array:
        """Return the share (m,) of the first dollar of each token that does not count for maintenance."""
        units = np.diag(1.0 / board.price)
        return self.requirement(Book.of(np.zeros(len(units)), units, board.price), board, "maintenance")

    def ranks(self, board: Board, depth: Array) -> Array:
        """Return the place (m,) of each column in the order of a liquidation; equal places are closed together.

        Derivatives first, then all tokens; or tokens first, by largest haircut (a dollar sold frees most margin) or by
        the depth (m,) dollars of their books (a dollar sold moves the price least), and derivatives last.
        """
        spot, last = board.listed.spot, np.zeros(len(board.price))
        if self.sale == "derivatives_first":
            return np.where(spot, 1.0, last)
        if self.sale == "together":
            return last
        merit = self.haircuts(board) if self.sale == "largest_haircut_first" else depth
        return np.where(spot, -merit, np.inf)


class TokenTerms(Strict):
    """What a token counts for."""

    haircut: float = Field(0.1, ge=0.0, le=1.0, description="share of its value that does not count")
    initial_extra: float = Field(0.0, ge=0.0, le=1.0, description="added to the haircut where initial margin is asked")
    debt_premium: float = Field(0.0, ge=0.0, le=10.0, description="share of a debt that is required on top of it")
    cap: float = Field(UNLIMITED, ge=0.0, le=UNLIMITED, description="dollars of it that count at most, by pool")


class HaircutCollateral(CollateralRule):
    """What rules with haircuts share: a debt counts whole, caps by token, less or no unrealised profit.

    With v_j = position_j price_j the value of token j and c_j(v_j) <= v_j what the rule counts of it,

        value = cash + sum over tokens of min(c_j, cap_j) + value of other columns - uncounted profit,
        uncounted profit = P - min((1 - profit_haircut) P, profit_cap),  P = max(0, unrealised profit of the contracts).

    Options are not contracts in this sense: their value is paid for, so it is their margin rule's business. Sources:
    Binance, "Portfolio margin: uniMMR" (haircut on assets, none on debts); Drift v2 and Mango v4 (profit weights,
    which followed losses on profits that could not be realised).
    """

    profit_haircut: float = Field(0.0, ge=0.0, le=1.0, description="share of unrealised profit that does not count")
    profit_cap: float = Field(UNLIMITED, ge=0.0, le=UNLIMITED, description="dollars of profit that count at most")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the dollars (r,) of equity that do not count."""
        value = np.where(board.listed.spot, book.position * board.price, 0.0)
        uncounted = value - np.minimum(self.counted(value, book, board, level), self.caps(board))
        return column_sum(uncounted) + self.uncounted_profit(book, board)

    def counted(self, value: Array, book: Book, board: Board, level: Level) -> Array:
        """Return what tokens worth `value` (r, m) dollars count for (r, m), before caps; negative for debts."""
        raise NotImplementedError

    def caps(self, board: Board) -> Array:
        """Return the dollars (m,) each token counts for at most."""
        return np.full(len(board.price), UNLIMITED)

    def uncounted_profit(self, book: Book, board: Board) -> Array:
        """Return the dollars (r,) of unrealised profit that do not count."""
        open_ = np.where(board.listed.linear, book.profit(board.price), 0.0)
        profit = np.maximum(column_sum(open_), 0.0)
        return profit - np.minimum((1.0 - self.profit_haircut) * profit, self.profit_cap)


def weighted(value: Array, asset: Array, debt: Array) -> Array:
    """Return value * asset weight where there is a token, value * debt weight where one is owed (r, m)."""
    return np.where(value > 0.0, value * asset, value * debt)


def token_terms(board: Board, default: Strict, markets: Mapping[str, Strict], level: Level) -> tuple[Array, Array]:
    """Return asset and debt weights (m,): 1 - haircut of the level, at least 0, and 1 + debt premium."""
    names = board.listed.names
    haircut, extra, premium = (
        by_column(names, default, markets, field) for field in ("haircut", "initial_extra", "debt_premium")
    )
    taken = haircut + extra if level == "initial" else haircut
    return np.maximum(1.0 - taken, 0.0), 1.0 + premium
