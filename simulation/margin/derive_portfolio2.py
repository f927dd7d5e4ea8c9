"""The second portfolio margin of Derive (PMRM_2)."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array, column_sum
from simulation.board import Board, Book, Level
from simulation.margin.derive_scenarios import DeriveScenarioMargin, Discount
from simulation.margin.scenario_grid import BasisMoves, GridScenario, SkewMoves, Smile, VolatilityMoves
from simulation.margin.terms import by_column
from simulation.strict import Strict


def _default_grid() -> tuple[GridScenario, ...]:
    """Return the 31 scenarios of the venue: +-18 % in steps of 4.5 %, tails, skews."""
    tables = [
        {"spot": 1.18, "volatility": "up"},
        *({"spot": spot, "volatility": move} for spot in _STEPS for move in ("down", "none", "up")),
        {"spot": 0.82, "volatility": "up"},
        *({"spot": spot, "volatility": "up", "weight": weight} for spot, weight in _TAILS),
        {"volatility": "linear"},
        {"volatility": "abs"},
    ]
    return tuple(GridScenario.model_validate(table) for table in tables)


_STEPS = (1.135, 1.09, 1.045, 1.0, 0.955, 0.91, 0.865)
_TAILS = ((0.34, 0.6 / 11.0), (0.67, 1.2 / 11.0), (1.5, 0.072), (2.0, 0.036), (3.0, 0.018), (4.0, 0.012))


class Collateral(Strict):
    """Terms of a token as collateral."""

    shocked: bool = Field(True, description="moves with the price of its asset in scenarios")
    maintenance_haircut: float = Field(0.015, ge=0.0, le=1e3, description="of its value")
    initial_haircut: float = Field(0.005, ge=0.0, le=1e3, description="of its value, on top of maintenance")


class DiscountTerms(Strict):
    """Discounts of shocked values: long * exp(-T (rate long_rate + long_add)) of what is positive; of what is negative
    min(exp(rate T), short / exp(-T (rate short_rate + short_add))).
    """

    long: float = Field(0.95, ge=0.0, le=1e3, description="factor on positive values")
    short: float = Field(1.04, ge=0.0, le=1e3, description="factor on negative values")
    long_rate: float = Field(1.0, ge=0.0, le=1e3, description="multiple of the interest rate")
    short_rate: float = Field(0.5, ge=0.0, le=1e3, description="multiple of the interest rate")
    long_add: float = Field(0.08, ge=0.0, le=1e3, description="a year")
    short_add: float = Field(0.08, ge=0.0, le=1e3, description="a year")


class Charges(Strict):
    """Contingencies outside the scenarios, initial ones on top of maintenance ones."""

    maintenance_perpetual_rate: float = Field(0.015, ge=0.0, le=1e3, description="of the value of perpetuals")
    initial_perpetual_rate: float = Field(0.005, ge=0.0, le=1e3, description="of the value of perpetuals")
    maintenance_option_rate: float = Field(0.003, ge=0.0, le=1e3, description="of the underlying, naked shorts")
    initial_option_rate: float = Field(0.002, ge=0.0, le=1e3, description="of the underlying, naked shorts")
    confidence_threshold: float = Field(0.55, ge=0.0, le=1e3, description="oracles below it cost initial margin")
    confidence_rate: float = Field(1.0, ge=0.0, le=1e3, description="of the value, times the lack of confidence")
    peg_threshold: float = Field(0.98, ge=0.0, le=1e3, description="price of the settlement currency, dollars")
    peg_factor: float = Field(2.0, ge=0.0, le=1e3, description="added to the initial factor per dollar below it")


class DerivePortfolio2Margin(DeriveScenarioMargin):
    """Worst loss over scenarios and a basis contingency, with charges outside of the grid.

    maintenance balance = mark to market + worst * maintenance_factor - charges,
    initial balance     = mark to market + worst * (initial_factor + peg_factor max(0, peg_threshold - stable price))
                          - maintenance charges - initial charges - lack of oracle confidence,
    worst = min(scenario profits, basis contingency) <= 0. A scenario's profit is its `weight` times the sum of
    - perpetuals, futures and shocked tokens: value * (spot - 1);
    - each expiry: D(V) - V0, V0 and V the net value of its options before and after by Black-76 discounted at the
      rate, D the static discounts; in skew scenarios minus the absolute value of that.
    Charges: a share of perpetuals and of naked shorts per strike, haircuts of tokens. Assets are margined one by one.
    Source: Derive v2-core, `PMRM_2.sol`, `PMRMLib_2.sol` (rules as described in its documentation, parameters of the
    venue in 2025).
    """

    kind = "derive_portfolio2"
    scenarios: tuple[GridScenario, ...] = Field(_default_grid(), description="price and volatility moves")
    volatility: VolatilityMoves = Field(VolatilityMoves.model_validate({}), description="moves of volatility")
    skew: SkewMoves = Field(SkewMoves.model_validate({}), description="moves of the skew")
    basis: BasisMoves = Field(BasisMoves.model_validate({}), description="moves of forwards apart from the price")
    discounts: DiscountTerms = Field(DiscountTerms.model_validate({}), description="static discounts")
    charges: Charges = Field(Charges.model_validate({}), description="contingencies outside the scenarios")
    default: Collateral = Field(Collateral.model_validate({}), description="terms of tokens without their own")
    markets: dict[str, Collateral] = Field({}, description="terms of tokens by the name of their market")
    maintenance_factor: float = Field(0.8, ge=0.0, le=1e3, description="of the worst loss")
    initial_factor: float = Field(1.0, ge=0.0, le=1e3, description="of the worst loss")

    def grid(self) -> tuple[GridScenario, ...]:
        """Return the scenarios."""
        return self.scenarios

    def smile(self) -> Smile:
        """Return how scenarios move volatility."""
        return Smile(self.volatility, self.skew, discounted=True)

    def basis_moves(self) -> BasisMoves:
        """Return the moves of the basis contingency."""
        return self.basis

    def discount(self, years: float, rate: float) -> Discount:
        """Return the discounts of an expiry in `years` at a `rate` a year."""
        terms = self.discounts
        long = terms.long * np.exp(-years * (rate * terms.long_rate + terms.long_add))
        short = terms.short / np.exp(-years * (rate * terms.short_rate + terms.short_add))
        return Discount(float(long), float(min(np.exp(max(rate, 0.0) * years), short)))

    def moves_with_spot(self, board: Board) -> Array:
        """Return 1 for the tokens (m,) that move with the price in scenarios."""
        return self._token(board, "shocked")

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, at `level`."""
        worst, charges = self.worst(book, board), self.contingency(book, board, "maintenance")
        factor = self.maintenance_factor
        if level == "initial":
            charges = charges + self.contingency(book, board, "initial") + self.lack_of_confidence(book, board)
            below = max(0.0, self.charges.peg_threshold - board.quote_price)
            factor = self.initial_factor + below * self.charges.peg_factor
        return self.off_model(book, board) + charges - worst * factor

    def contingency(self, book: Book, board: Board, level: Level) -> Array:
        """Return the charges (r,) of one level alone, dollars."""
        perpetual, option = (getattr(self.charges, f"{level}_{kind}_rate") for kind in ("perpetual", "option"))
        haircut = self._token(board, f"{level}_haircut")
        rate = np.where(board.listed.spot, haircut * board.price, perpetual * board.spot * board.listed.linear)
        return column_sum(np.abs(book.position) * rate) + option * self.naked(book, board)

    def lack_of_confidence(self, book: Book, board: Board) -> Array:
        """Return (1 - confidence) of everything whose oracle is below the threshold (r,), dollars."""
        terms = self.charges
        lack = np.where(board.confidence < terms.confidence_threshold, 1.0 - board.confidence, 0.0)
        value = np.where(board.listed.spot, board.price, board.spot)
        return terms.confidence_rate * column_sum(np.abs(book.position) * (value * lack))

    def _token(self, board: Board, field: str) -> Array:
        return by_column(board.listed.names, self.default, self.markets, field)
