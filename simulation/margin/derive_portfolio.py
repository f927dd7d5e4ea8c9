"""The first portfolio margin of Derive (PMRM)."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.derive_scenarios import DeriveScenarioMargin, Discount
from simulation.margin.scenario_grid import BasisMoves, GridScenario, Smile, VolatilityMoves
from simulation.strict import Strict

_MOST = 1e3  # parameters are fractions and factors; the bound only keeps them finite


class StaticTerms(Strict):
    """Charges outside the scenarios, of the underlying's value, and what a lack of oracle confidence costs."""

    token_rate: float = Field(0.02, ge=0.0, le=_MOST, description="of tokens")
    perpetual_rate: float = Field(0.02, ge=0.0, le=_MOST, description="of perpetuals")
    option_rate: float = Field(0.01, ge=0.0, le=_MOST, description="of naked short options, per strike")
    confidence_threshold: float = Field(0.6, ge=0.0, le=_MOST, description="oracles below it cost initial margin")
    confidence_rate: float = Field(0.5, ge=0.0, le=_MOST, description="of the value, times the lack of confidence")


class StaticDiscount(Strict):
    """Factor on a shocked net value that is positive: factor * exp(-T (max(rate, 0) multiple + add))."""

    factor: float = Field(0.95, ge=0.0, le=_MOST, description="at expiry")
    multiple: float = Field(4.0, ge=0.0, le=_MOST, description="of the interest rate")
    add: float = Field(0.05, ge=0.0, le=_MOST, description="a year")


def _default_grid() -> tuple[GridScenario, ...]:
    """Return 21 scenarios: +-15 %, +-10 %, +-5 % and none, each with volatility up, unchanged and down."""
    spots, moves = (1.15, 1.1, 1.05, 1.0, 0.95, 0.9, 0.85), ("up", "none", "down")
    tables = [{"spot": spot, "volatility": move} for spot in spots for move in moves]
    return tuple(GridScenario.model_validate(table) for table in tables)


class DerivePortfolioMargin(DeriveScenarioMargin):
    """Worst loss over 21 scenarios and a basis contingency, and static charges.

    maintenance balance = mark to market + worst - static,
    initial balance     = mark to market + (worst - static) (initial_factor + peg_factor max(0, threshold - stable))
                          - lack of oracle confidence,
    worst = min(scenario profits, basis contingency). A scenario's profit is the change of tokens and perpetuals with
    the price, and of each expiry: D V - V0 with V0 and V the net value of its options, Black-76 without discount,
    and D the static discount where V is positive. Assets are margined one by one. Source: Derive v2-core, `PMRM.sol`,
    `PMRMLib.sol` (rules as described in its documentation, parameters of its tests, 2023-2024).
    """

    kind = "derive_portfolio"
    scenarios: tuple[GridScenario, ...] = Field(_default_grid(), description="price and volatility moves")
    volatility: VolatilityMoves = Field(
        VolatilityMoves.model_validate({"up": 0.45, "down": 0.3, "floor": 0.0}), description="moves of volatility"
    )
    basis: BasisMoves = Field(
        BasisMoves.model_validate({"up": 1.05, "down": 0.95, "share": 0.25, "share_per_year": 0.01}),
        description="moves of forwards apart from the price",
    )
    static: StaticTerms = Field(StaticTerms.model_validate({}), description="charges outside the scenarios")
    discounts: StaticDiscount = Field(StaticDiscount.model_validate({}), description="of positive values")
    initial_factor: float = Field(1.3, ge=0.0, le=_MOST, description="initial over maintenance loss")
    peg_threshold: float = Field(0.98, ge=0.0, le=_MOST, description="price of the settlement currency, dollars")
    peg_factor: float = Field(2.0, ge=0.0, le=_MOST, description="added to the initial factor per dollar below it")

    def grid(self) -> tuple[GridScenario, ...]:
        """Return the scenarios."""
        return self.scenarios

    def smile(self) -> Smile:
        """Return how scenarios move volatility."""
        return Smile(self.volatility, None, discounted=False)

    def basis_moves(self) -> BasisMoves:
        """Return the moves of the basis contingency."""
        return self.basis

    def discount(self, years: float, rate: float) -> Discount:
        """Return the discounts of an expiry in `years` at a `rate` a year."""
        terms = self.discounts
        return Discount(float(terms.factor * np.exp(-years * (max(rate, 0.0) * terms.multiple + terms.add))), 1.0)

    def moves_with_spot(self, board: Board) -> Array:
        """Return 1 (m,): the tokens of an asset move with its price."""
        return np.ones(len(board.price))

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        loss = self.static_charges(book, board) - self.worst(book, board)
        if level == "initial":
            below = max(0.0, self.peg_threshold - board.quote_price)
            factor = self.initial_factor + below * self.peg_factor
            loss = loss * factor + self.lack_of_confidence(book, board)
        return self.off_model(book, board) + loss

    def static_charges(self, book: Book, board: Board) -> Array:
        """Return the static charges (r,), dollars."""
        listed, terms = board.listed, self.static
        rate = np.where(listed.spot, terms.token_rate, terms.perpetual_rate * listed.linear) * board.spot
        return column_sum(np.abs(book.position) * rate) + terms.option_rate * self.naked(book, board)

    def lack_of_confidence(self, book: Book, board: Board) -> Array:
        """Return (1 - confidence) of everything whose oracle is below the threshold (r,), dollars."""
        terms = self.static
        lack = np.where(board.confidence < terms.confidence_threshold, 1.0 - board.confidence, 0.0)
        return terms.confidence_rate * column_sum(np.abs(book.position) * (board.spot * lack))
