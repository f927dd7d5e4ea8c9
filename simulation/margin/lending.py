"""Margin of lending markets: weighted collateral against debt."""

import numpy as np
from pydantic import Field, model_validator

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.base import BookMargin
from simulation.margin.terms import by_column
from simulation.strict import Strict


class LendingTerms(Strict):
    """Terms of one asset."""

    loan_to_value: float = Field(0.75, ge=0.0, le=1.0, description="share of its value that can be borrowed against")
    liquidation_threshold: float = Field(0.8, ge=0.0, le=1.0, description="share of its value that debt may reach")

    @model_validator(mode="after")
    def _in_order(self) -> "LendingTerms":
        if self.loan_to_value > self.liquidation_threshold:
            raise ValueError(
                f"loan_to_value: must be at most the liquidation_threshold {self.liquidation_threshold} "
                f"(got {self.loan_to_value})"
            )
        return self


class LendingMargin(BookMargin):
    """Debt may reach a share of the collateral's value: health factor = sum_j collateral_j threshold_j / debt.

    What is held, tokens, contracts bought and cash, is collateral; what is owed, tokens, contracts sold and cash, is
    debt in full. The balance is sum collateral_j weight_j - debt with the liquidation threshold as weight for
    maintenance and the loan-to-value for new debt, so an account can be liquidated exactly when its health factor is
    below 1, and it can be unable to borrow without being liquidatable. Options held are no collateral. Sources: Aave
    v3, `GenericLogic.calculateUserAccountData`; Euler v2, `LiquidityUtils` (health score at mid prices); Morpho Blue.
    """

    kind = "lending"
    default: LendingTerms = Field(LendingTerms.model_validate({}), description="terms of assets without their own")
    markets: dict[str, LendingTerms] = Field({}, description="terms by the name of the market")
    cash: LendingTerms = Field(
        LendingTerms.model_validate({"loan_to_value": 0.75, "liquidation_threshold": 0.78}),
        description="terms of the settlement currency as collateral",
    )

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the share of the collateral that does not count (r,), dollars."""
        return book.equity(board.price) - self.counted(book, board, level) + self.debt(book, board)

    def counted(self, book: Book, board: Board, level: Level) -> Array:
        """Return what the collateral counts (r,), dollars: loan-to-value initially, threshold for maintenance."""
        field = "loan_to_value" if level == "initial" else "liquidation_threshold"
        weight = by_column(board.listed.names, self.default, self.markets, field)
        tokens = column_sum(self.collateral(book, board) * np.where(board.listed.option, 0.0, weight))
        return tokens + getattr(self.cash, field) * np.maximum(book.cash, 0.0)

    def debt(self, book: Book, board: Board) -> Array:
        """Return what is owed (r,), dollars."""
        return column_sum(self.loans(book, board)) + np.maximum(-book.cash, 0.0)

    def collateral(self, book: Book, board: Board) -> Array:
        """Return the value (r, m) of what is held, dollars."""
        return np.maximum(book.position * board.price, 0.0)

    def loans(self, book: Book, board: Board) -> Array:
        """Return the value (r, m) of what is owed besides cash, dollars."""
        return np.maximum(-book.position * board.price, 0.0)

    def health_factor(self, book: Book, board: Board) -> Array:
        """Return the health factor (r,); infinity without debt."""
        debt = self.debt(book, board)
        counted = self.counted(book, board, "maintenance")
        return np.where(debt > 0.0, counted / np.where(debt > 0.0, debt, 1.0), np.inf)


def ramped_threshold(
    initial: Array | float, target: Array | float, duration_seconds: float, elapsed_seconds: Array | float
) -> Array:
    """Return a liquidation threshold on its way down, linear in time: target + (initial - target) * time left / whole.

    A threshold that is raised is raised at once, so nobody's account gets worse by waiting. Borrowing follows the
    target from the beginning. Source: Euler v2, `LTVConfig.getLTV`.
    """
    left = np.clip(1.0 - np.asarray(elapsed_seconds) / duration_seconds, 0.0, 1.0) if duration_seconds > 0.0 else 0.0
    return target + np.maximum(np.asarray(initial) - target, 0.0) * left
