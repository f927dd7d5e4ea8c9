"""The scenario: plain, frozen data. Equal data means equal results; nothing in it can import or execute code."""

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, model_validator

from simulation.arrays import Array
from simulation.claims.base import ClaimsRule
from simulation.collateral.base import CollateralRule
from simulation.contracts import Clock, Contracts
from simulation.deleveraging.base import DeleveragingRule
from simulation.errors import ScenarioError
from simulation.funding.base import FundingRule
from simulation.impact.base import ImpactRule
from simulation.impact.depth import DepthModel
from simulation.interest.base import InterestRule
from simulation.liquidation.base import LiquidationRule
from simulation.loss.base import LossRule
from simulation.loss.insurance import InsuranceLimits
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule
from simulation.mark.base import MarkRule
from simulation.oracle.base import OracleRule
from simulation.price.base import PriceProcess, World
from simulation.problems import problem_lines
from simulation.rule import load_rules
from simulation.scenario_checks import check_references, with_prices
from simulation.sections import Backstop, Dislocation, Fees, Group, LiquidatorGroup, MarketSpec, Name, Section, Wick
from simulation.state.base import StateRule
from simulation.valuation.base import ValuationRule
from simulation.volatility.base import Assets, VolatilityProcess

SECONDS_PER_YEAR = 365.0 * 86_400.0

_FAMILIES = (
    *("price", "impact", "mark", "oracle", "funding", "margin", "liquidation", "deleveraging"),
    *("instrument", "volatility", "collateral", "valuation", "interest", "state", "loss", "claims"),
)
for _family in _FAMILIES:
    load_rules(f"simulation.{_family}")


class Scenario(Section):
    """Everything a run depends on: rules, population and seed."""

    name: Name = "scenario"
    about: str = Field("", max_length=2000)
    seed: int = Field(1, ge=0, lt=2**128)
    steps: int = Field(100, ge=1, le=10_000_000)
    step_seconds: float = Field(60.0, gt=0.0, le=1e7)
    rounds_per_step: int = Field(0, ge=0, le=10_000, description="liquidation rounds a step; 0 = to rest")
    fill_at: Literal["before", "average", "after"] = "average"
    trading: Literal["continuous", "call", "schedule"] = Field(
        "continuous", description="call: a step's orders fill at one price; schedule: at the one that clears demand"
    )
    trading_rounds: int = Field(1, ge=0, le=1_000, description="rounds of decisions and fills a step; 0 = to rest")
    markets: tuple[MarketSpec, ...] = Field(min_length=1, max_length=10_000)
    price: SerializeAsAny[PriceProcess]
    impact: SerializeAsAny[ImpactRule] = Field(default_factory=lambda: ImpactRule.parse({"kind": "square_root"}))
    depth: DepthModel = Field(default_factory=lambda: DepthModel.model_validate({}))
    mark: SerializeAsAny[MarkRule] = Field(default_factory=lambda: MarkRule.parse({"kind": "mid"}))
    oracle: SerializeAsAny[OracleRule] = Field(default_factory=lambda: OracleRule.parse({"kind": "lagged"}))
    implied_volatility: SerializeAsAny[VolatilityProcess] = Field(
        default_factory=lambda: VolatilityProcess.parse({"kind": "flat"})
    )
    funding: SerializeAsAny[FundingRule] = Field(default_factory=lambda: FundingRule.parse({"kind": "none"}))
    margin: SerializeAsAny[MarginRule] = Field(default_factory=lambda: MarginRule.parse({"kind": "cross"}))
    collateral: SerializeAsAny[CollateralRule] = Field(default_factory=lambda: CollateralRule.parse({"kind": "tiers"}))
    valuation: SerializeAsAny[ValuationRule] = Field(default_factory=lambda: ValuationRule.parse({"kind": "mark"}))
    interest: SerializeAsAny[InterestRule] = Field(default_factory=lambda: InterestRule.parse({"kind": "none"}))
    claims: SerializeAsAny[ClaimsRule] = Field(default_factory=lambda: ClaimsRule.parse({"kind": "none"}))
    liquidation: SerializeAsAny[LiquidationRule] = Field(
        default_factory=lambda: LiquidationRule.parse({"kind": "full"})
    )
    deleveraging: SerializeAsAny[DeleveragingRule] = Field(
        default_factory=lambda: DeleveragingRule.parse({"kind": "queue"})
    )
    insurance_fund: float = Field(0.0, ge=0.0, description="dollars at the start")
    insurance_funds: dict[str, Annotated[float, Field(ge=0.0)]] = Field(
        {}, description="dollars in the funds of markets that have one of their own"
    )
    insurance: InsuranceLimits = Field(default_factory=lambda: InsuranceLimits.model_validate({}))
    loss: SerializeAsAny[LossRule] = Field(default_factory=lambda: LossRule.parse({"kind": "equity"}))
    socialise_losses: bool = Field(True, description="false: what fund and ADL leave stays unpaid, as by loss none")
    state: SerializeAsAny[StateRule] = Field(default_factory=lambda: StateRule.parse({"kind": "simple"}))
    fees: Fees = Field(default_factory=lambda: Fees.model_validate({}))
    population: tuple[Group, ...] = Field(min_length=1, max_length=200)
    liquidators: tuple[LiquidatorGroup, ...] = ()
    backstop: Backstop = Field(default_factory=lambda: Backstop.model_validate({}))
    reuse_share: float = Field(0.0, ge=0.0, le=1.0, description="share phi of freed margin spent on larger positions")
    wicks: tuple[Wick, ...] = ()
    dislocations: tuple[Dislocation, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _price_by_underlying(cls, value: Any) -> Any:
        """A market that follows another one starts where that one does: its price need not be written."""
        return with_prices(value)

    @classmethod
    def from_dict(cls, value: dict[str, Any], source: str = "") -> Self:
        """Build a scenario from plain data; raise `ScenarioError` with one line per problem."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise ScenarioError(problem_lines(error, cls), source) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as plain data, every default filled in; `from_dict` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)

    def with_(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again; a rule may be given as a table with its kind."""
        return self.from_dict({**self.to_dict(), **{key: _plain(value) for key, value in changes.items()}})

    def seeded(self, seed: int) -> Self:
        """Return a copy under another seed; nothing else changes, so nothing is checked again."""
        return self.model_copy(update={"seed": seed})

    @model_validator(mode="after")
    def _references(self) -> Self:
        check_references(self)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Return the market names."""
        return tuple(market.name for market in self.markets)

    def column(self, field: str) -> Array:
        """Return one numeric field of all markets, (m,)."""
        return np.array([getattr(market, field) for market in self.markets], dtype=float)

    def contracts(self) -> Contracts:
        """Return the listed contracts."""
        clock = Clock(self.steps, self.step_seconds / SECONDS_PER_YEAR)
        instruments = tuple(market.instrument for market in self.markets)
        return Contracts(self.names, instruments, clock, self.implied_volatility)

    def world(self) -> World:
        """Return what a price process may know: the markets that follow no other one."""
        own = [i for i, market in enumerate(self.markets) if not market.instrument.underlying]
        names = tuple(self.names[i] for i in own)
        return World(names, self.column("price")[own], self.column("volatility")[own], self.steps, self.step_seconds)

    def assets(self) -> Assets:
        """Return what a process of implied volatility may know."""
        world = self.world()
        return Assets(world.names, world.volatility, world.step_years)

    def tiers(self, reference: bool = False) -> TierSchedule:
        """Return the leverage tiers of all markets; `reference`: those that equal utilisation refers to."""
        ladders = [(reference and market.reference_tiers) or market.tiers for market in self.markets]
        fields = ("floor", "initial_rate", "maintenance_rate")
        return TierSchedule(*([[getattr(tier, field) for tier in tiers] for tiers in ladders] for field in fields))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
