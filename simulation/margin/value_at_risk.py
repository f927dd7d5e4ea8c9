"""Value at Risk and Expected Shortfall margin: what the portfolio may lose before it can be closed."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, PrivateAttr, SerializeAsAny

from simulation.arrays import Array
from simulation.board import Board, Book, Level
from simulation.correlation import AssumedCorrelation, correlation_matrix
from simulation.errors import ScenarioError
from simulation.instrument.black_scholes import Vanilla, greeks
from simulation.margin.anti_procyclical import AntiProcyclical
from simulation.margin.base import BookMargin, Opening
from simulation.margin.liquidity import LiquidityAddOn
from simulation.margin.loss_law import LossLaw, NormalLaw
from simulation.margin.risk_estimate import Learning, RiskEstimate, columns, in_order, spread
from simulation.margin.tail import Measure, Tail
from simulation.margin.tiers import TierSchedule
from simulation.margin.volatility_update import FixedVolatility, VolatilityUpdate

_YEAR_OF_MINUTES = 525_600


class ValueAtRiskMargin(BookMargin):
    """Maintenance = sqrt(h) (L(v) + k (s* - s)) + liquidity add-on; initial = initial_ratio * maintenance.

    v (r, m) are exposures in dollars: position * price, for options position * delta * price of the underlying. L is
    VaR or ES of a step's loss under `law`, h the horizon in steps (independent steps). s = sqrt(v' C v), s* the largest
    of s and its values when every correlation r moves by the share x = `correlation_stress` of the way to 1, and to 0:

        s*^2 = max(s^2, (1 - x) s^2 + x (sum_j a_j)^2, (1 - x) s^2 + x sum over assets (sum of their a_j)^2),

    a_j = v_j volatility_j, columns of one asset always moving together; k is the multiple of the standard deviation
    that the law asks for. So a hedge is not believed in wholly, nor is diversification.
    Volatility starts at that of the markets' listing and the given `correlation`. Each step the engine sees the marks;
    each `update_steps` it puts what `update` made of them to use, through the anti-procyclical tools.
    Positions are taken at their delta: convexity and volatility risk of options are not seen, so a scenario grid is the
    rule for option books. Equity less requirement is the margin balance, so tokens count as worth less risk.
    Sources: P. Jorion, "Value at Risk" (2007), chapters 5 and 7; McNeil, Frey & Embrechts, "Quantitative Risk
    Management" (2015), chapter 9; Commission Delegated Regulation (EU) 153/2013, art. 24-28.
    """

    kind = "value_at_risk"
    measure: Measure = "var"
    confidence: float = Field(0.99, ge=0.5, lt=1.0, description="of the maintenance requirement over the horizon")
    horizon_steps: int = Field(1, ge=1, le=_YEAR_OF_MINUTES, description="steps it takes to close a portfolio")
    initial_ratio: float = Field(1.25, ge=1.0, le=100.0, description="initial over maintenance requirement")
    law: Annotated[SerializeAsAny[LossLaw], Field(validate_default=True)] = NormalLaw()
    correlation: AssumedCorrelation = Field(0.6, description="assumed by the margin engine at the start")
    correlation_decay: float = Field(1.0, gt=0.0, le=1.0, description="share of it kept each step; 1 = never learnt")
    correlation_stress: float = Field(0.0, ge=0.0, le=1.0, description="share of the way to 1 and to 0")
    update: Annotated[SerializeAsAny[VolatilityUpdate], Field(validate_default=True)] = FixedVolatility()
    update_steps: int = Field(1, ge=1, le=_YEAR_OF_MINUTES, description="steps between updates of requirements")
    window_steps: int = Field(500, ge=20, le=20_000, description="past returns that historical laws look at")
    anti_procyclical: AntiProcyclical = AntiProcyclical.model_validate({})
    liquidity: LiquidityAddOn = LiquidityAddOn.model_validate({})

    _memory: "Memory | None" = PrivateAttr(None)

    def opened(self, venue: Opening) -> "ValueAtRiskMargin":
        """Return a copy that remembers what it sees, starting from what is known of the `venue`."""
        own, together = self.model_copy(), (venue.listed.asset[:, None] == venue.listed.asset).astype(float)
        assumed = correlation_matrix(self.correlation, len(venue.price))
        if not isinstance(self.correlation, tuple):
            assumed = np.where(together > 0.0, 1.0, assumed)
            if float(np.linalg.eigvalsh(assumed)[0]) < -1e-9:
                raise ScenarioError(
                    f"margin.correlation: {self.correlation:g} is too low for {len(assumed)} columns to have with each "
                    "other; raise it or give the matrix"
                )
        learning = Learning(
            self.update, self.anti_procyclical, self.update_steps, self.correlation_decay, self.window_steps
        )
        known = RiskEstimate(learning, venue.price, np.sqrt(venue.variance), assumed)
        own._memory = Memory(known, venue.depth, together)
        return own

    def observe(self, price: Array) -> bool:
        """Learn from the prices (m,) of this step; tell whether requirements changed."""
        return self.memory.known.observe(price)

    @property
    def memory(self) -> "Memory":
        """Return what has been learnt; only a rule that was `opened` has a memory."""
        assert self._memory is not None, "a margin rule that learns must be opened with the facts of a venue"
        return self._memory

    @property
    def tail(self) -> Tail:
        """Return which losses count."""
        return Tail(self.measure, self.confidence)

    def requirement(self, book: Book, board: Board, level: Level) -> Array:
        """Return the requirement (r,), dollars, of the pools in `book`; at least 0."""
        needed = self.of_exposure(self.exposure(book, board))
        return needed * self.initial_ratio if level == "initial" else needed

    def exposure(self, book: Book, board: Board) -> Array:
        """Return exposures (r, m), dollars gained per unit relative move of each column's risk factor."""
        # Market by market in memory, as everything below goes through it.
        value = np.multiply(book.position.T, board.price[:, None], order="C").T
        option = board.listed.option
        if option.any():
            contract = Vanilla(board.listed.side[option], board.listed.strike[option], board.years[option])
            delta = greeks(contract, board.spot[option], board.volatility[option], board.rate[option]).delta
            value[:, option] = book.position[:, option] * (delta * board.spot[option])
        return value

    def of_exposure(self, exposure: Array) -> Array:
        """Return the maintenance requirement (r,) of `exposure` (r, m), dollars."""
        needed = self.law.loss(exposure, self.memory.known, self.tail)
        if self.correlation_stress:
            needed = needed + self.law.multiplier(self.tail) * self.stress(exposure)
        needed = needed * np.sqrt(self.horizon_steps)
        if self.liquidity.rate:
            needed = needed + self.liquidity.cost(exposure, self.memory.depth)
        return needed

    def stress(self, exposure: Array) -> Array:
        """Return s* - s (r,), dollars: what other correlations would add to the standard deviation of a step."""
        known = self.memory.known
        exposures = columns(exposure)
        usual = spread(exposures, known.covariance(known.correlation))
        apart = spread(exposures, known.covariance(self.memory.together))
        extreme = np.maximum(np.abs(in_order(exposures, known.volatility)), apart)
        share = self.correlation_stress
        return np.maximum(np.sqrt((1.0 - share) * usual**2 + share * extreme**2) - usual, 0.0)

    def steepness(self, tiers: TierSchedule) -> Array:
        """Return a bound (m,) on the growth of maintenance per dollar of exposure, with what is known now.

        A spread changes by at most volatility_j per dollar in market j, under any correlation, so s* - s changes by at
        most twice that.
        """
        if self._memory is None:
            return super().steepness(tiers)
        known = self._memory.known
        rate = self.law.steepness(known, self.tail)
        if self.correlation_stress:
            rate = rate + 2.0 * self.law.multiplier(self.tail) * known.volatility
        return rate * np.sqrt(self.horizon_steps) + self.liquidity.steepness


@dataclass(frozen=True, eq=False)
class Memory:
    """What an opened rule keeps: the estimate, the depth (m,) in dollars, and which columns (m, m) share an asset."""

    known: RiskEstimate
    depth: Array
    together: Array
