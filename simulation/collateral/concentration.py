"""Weights that fall with the size of a holding and with what everybody has pledged."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.collateral.base import UNLIMITED, HaircutCollateral, TokenTerms, token_terms, weighted
from simulation.instrument.terms import by_column
from simulation.instrument.weights import pool_discount, pool_premium, size_discount, size_premium


class ConcentrationTerms(TokenTerms):
    """What a token counts for, by size."""

    size_factor: float = Field(0.001, ge=0.0, le=1e3, description="fall of the weight, per square root of a token")
    deposit_start: float = Field(UNLIMITED, gt=0.0, le=UNLIMITED, description="dollars pledged by all; beyond, less")
    borrow_start: float = Field(UNLIMITED, gt=0.0, le=UNLIMITED, description="dollars owed by all; beyond, dearer")


class ConcentrationCollateral(HaircutCollateral):
    """The weight of a token falls with the square root of its size, and once too much of it is pledged by everybody.

    With w = 1 - haircut, x tokens, D dollars of it pledged by all accounts:

        asset weight = min(w, 1.1 / (1 + f sqrt(x))) * min(1, deposit_start / D),
        debt weight  = max(u, 0.8 u + f sqrt(x)) * max(1, borrows / borrow_start),  u = 1 + debt premium.

    The factors of the pool touch initial margin alone, so that nobody is liquidated by what others pledge. Sources:
    Drift v2 (imf factor, asset weight scale), Mango v4 (deposit and borrow weight scale start).
    """

    kind = "concentration"
    default: ConcentrationTerms = Field(
        ConcentrationTerms.model_validate({}), description="terms of tokens without their own"
    )
    markets: dict[str, ConcentrationTerms] = Field({}, description="terms by the name of the token's market")

    def counted(self, value: Array, book: Book, board: Board, level: Level) -> Array:
        """Return what tokens count for (r, m), dollars."""
        asset, debt = token_terms(board, self.default, self.markets, level)
        factor, units = self._of(board, "size_factor"), np.abs(book.position)
        asset, debt = size_discount(asset, factor, units), size_premium(debt, factor, units)
        if level == "initial":
            asset = pool_discount(asset, board.deposits * board.price, self._of(board, "deposit_start"))
            debt = pool_premium(debt, board.borrows * board.price, self._of(board, "borrow_start"))
        return weighted(value, asset, debt)

    def caps(self, board: Board) -> Array:
        """Return the dollars (m,) each token counts for at most."""
        return self._of(board, "cap")

    def _of(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)
