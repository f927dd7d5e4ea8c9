"""One haircut a token, whatever its size."""

from pydantic import Field

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.collateral.base import HaircutCollateral, TokenTerms, token_terms, weighted
from simulation.instrument.terms import by_column


class FlatCollateral(HaircutCollateral):
    """Every token has a haircut, every debt a premium: c = v (1 - h) of a token, v (1 + premium) of a debt.

    Source: Binance, "Portfolio margin: uniMMR", sum of min(x p collateral_rate, x p).
    """

    kind = "flat"
    default: TokenTerms = Field(TokenTerms.model_validate({}), description="terms of tokens without their own")
    markets: dict[str, TokenTerms] = Field({}, description="terms by the name of the token's market")

    def counted(self, value: Array, book: Book, board: Board, level: Level) -> Array:
        """Return what tokens count for (r, m), dollars."""
        return weighted(value, *token_terms(board, self.default, self.markets, level))

    def caps(self, board: Board) -> Array:
        """Return the dollars (m,) each token counts for at most."""
        return by_column(board.listed.names, self.default, self.markets, "cap")
