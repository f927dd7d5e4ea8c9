"""One margin for everything an account holds, lends and owes, after Binance's portfolio margin."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict


class UnifiedTerms(Strict):
    """Terms of one market."""

    collateral_rate: float = Field(0.95, ge=0.0, le=1.0, description="share of the value of a token that counts")
    initial_rate: float = Field(0.1, ge=0.0, le=1.0, description="of the value of contracts")
    maintenance_rate: float = Field(0.05, ge=0.0, le=1.0, description="of the value of contracts")


class UnifiedMargin(BookMargin):
    """Adjusted equity over maintenance, with loans that need maintenance of their own.

    adjusted equity = cash + unrealised profit + sum over tokens of min(x p collateral_rate, x p): a debt counts whole;
    maintenance = sum over contracts of |q| p maintenance_rate + sum over loans of x p loan_rate (cash owed as well);
    ratio (uniMMR) = adjusted equity / maintenance. The venue warns at 1.5, allows reductions only below 1.2,
    liquidates at 1.05 and claims the account at 1, inclusive: thresholds of a state rule. Of options, those sold need
    the rate of their underlying's value and those held are worth nothing. Source: Binance, "Portfolio margin: uniMMR"
    and its worked example.
    """

    kind = "unified"
    default: UnifiedTerms = Field(
        UnifiedTerms.model_validate({}), description="terms of every market that has none of its own"
    )
    markets: dict[str, UnifiedTerms] = Field({}, description="terms by the name of the market")
    loan_rate: float = Field(0.1, ge=0.0, le=1.0, description="maintenance of what is borrowed, of its value")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars: what does not count as collateral, and the margin of `level`."""
        uncounted = book.equity(board.price) - self.adjusted_equity(book, board)
        return uncounted + self.margin(book, board, level)

    def adjusted_equity(self, book: Book, board: Board) -> Array:
        """Return what counts (r,), dollars."""
        value = book.position * board.price
        tokens = np.minimum(value * self._terms(board, "collateral_rate"), value)
        options = np.minimum(value, 0.0)
        counted = np.where(board.listed.spot, tokens, np.where(board.listed.option, options, value))
        return book.cash + column_sum(counted)

    def margin(self, book: Book, board: Board, level: Level) -> Array:
        """Return the margin (r,) of contracts and loans, dollars; the loans of both levels are the same."""
        rate, listed = self._terms(board, f"{level}_rate"), board.listed
        contracts = np.abs(book.position) * np.where(listed.option, board.spot, board.price) * ~listed.spot
        contracts = np.where(listed.option & (book.position > 0.0), 0.0, contracts)
        cash = self.loan_rate * np.maximum(-book.balance(listed), 0.0)
        return column_sum(contracts * rate) + column_sum(self.loan_maintenance(book, board)) + cash

    def loan_maintenance(self, book: Book, board: Board) -> Array:
        """Return the maintenance (r, m) of tokens owed, dollars."""
        owed = np.where(board.listed.spot, np.maximum(-book.position, 0.0), 0.0)
        return self.loan_rate * owed * board.price

    def ratio(self, book: Book, board: Board) -> Array:
        """Return adjusted equity over maintenance (r,), uniMMR; infinity where nothing needs margin."""
        needed = self.margin(book, board, "maintenance")
        counted = self.adjusted_equity(book, board)
        return np.where(needed > 0.0, counted / np.where(needed > 0.0, needed, 1.0), np.inf)

    def _terms(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)
