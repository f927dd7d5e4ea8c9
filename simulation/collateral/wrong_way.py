"""Haircuts that know whether a token falls when the rest of the book loses."""

import math

import numpy as np
from pydantic import Field
from scipy.special import ndtri

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.collateral.base import HaircutCollateral
from simulation.correlation import AssumedCorrelation, correlation_matrix
from simulation.instrument.exposure import deltas
from simulation.instrument.terms import by_column
from simulation.strict import Strict


class RiskTerms(Strict):
    """What is assumed about one market."""

    volatility: float = Field(0.8, ge=0.0, le=20.0, description="of the underlying, a year")


class WrongWayCollateral(HaircutCollateral):
    """Tokens and positions are one risk: the haircut is what the token adds to it, in its direction.

    With x (dollars of exposure by column, tokens included), d (the same without tokens), S_ij = s_i s_j rho_ij over
    the horizon and z the normal quantile,

        haircut = z (sqrt(x' S x) - sqrt(d' S d)), at least `least_haircut` of the tokens' value.

    A token that falls when the book loses (rho > 0 beside a long) is cut by up to z s v, one that rises less than that,
    or not at all. The margin rule asks z sqrt(d' S d) or its own number for d. Debts are exposures with their sign;
    options enter by their delta. Columns on one underlying have correlation 1.
    Source: M. Pykhtin and A. Sokol, "Exposure under systemic impact", Risk (2013), on wrong-way risk; the closed form
    is the normal quantile of the change of equity.
    """

    kind = "wrong_way"
    default: RiskTerms = Field(RiskTerms.model_validate({}), description="terms of markets without their own")
    markets: dict[str, RiskTerms] = Field({}, description="terms by the name of the market")
    correlation: AssumedCorrelation = Field(0.8, description="of underlyings; one number or a matrix by column")
    horizon_days: float = Field(1.0, gt=0.0, le=365.0, description="time to sell")
    confidence: float = Field(0.99, gt=0.5, lt=1.0, description="probability that the haircut suffices")
    least_haircut: float = Field(
        0.0, ge=-1.0, le=1.0, description="share of tokens that never counts; below 0, hedging tokens may add margin"
    )

    def counted(self, value: Array, book: Book, board: Board, level: Level) -> Array:
        """Return what tokens count for (r, m): the haircut is shared in proportion to their size; levels alike."""
        size = np.abs(value)
        gross = column_sum(size)
        least = self.least_haircut * column_sum(np.maximum(value, 0.0))
        taken = np.maximum(self.haircut(book, board), least)
        share = size / np.where(gross > 0.0, gross, 1.0)[:, None]
        return value - share * taken[:, None]

    def haircut(self, book: Book, board: Board) -> Array:
        """Return what tokens add to the risk of the other columns (r,), dollars; negative where they hedge them."""
        exposure = book.position * board.spot * deltas(board)
        apart = np.where(board.listed.spot, 0.0, exposure)
        return self.risk(exposure, board) - self.risk(apart, board)

    def risk(self, exposure: Array, board: Board) -> Array:
        """Return z sqrt(x' S x) (r,), dollars, of exposures x (r, m)."""
        scale = exposure * self._deviation(board)
        rho = correlation_matrix(self.correlation, len(board.price))[np.ix_(board.listed.asset, board.listed.asset)]
        rho = np.where(board.listed.asset[:, None] == board.listed.asset, 1.0, rho)
        total = np.zeros(len(exposure))
        for column in range(exposure.shape[1]):  # no matrix product: bytes must not depend on the number of rows
            total += scale[:, column] * column_sum(scale * rho[column])
        return float(ndtri(self.confidence)) * np.sqrt(np.maximum(total, 0.0))

    def _deviation(self, board: Board) -> Array:
        names = tuple(board.listed.names[asset] for asset in board.listed.asset)
        yearly = by_column(names, self.default, self.markets, "volatility")
        return yearly * math.sqrt(self.horizon_days / 365.0)
