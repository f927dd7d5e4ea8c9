"""The scenario: plain, frozen data. Equal data means equal results; nothing in it can import or execute code."""

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule
from simulation.distribution import Distribution
from simulation.errors import ScenarioError
from simulation.funding.base import FundingRule
from simulation.impact.base import ImpactRule
from simulation.impact.depth import DepthModel
from simulation.liquidation.base import LiquidationRule
from simulation.margin.base import MarginRule
from simulation.margin.tiers import TierSchedule
from simulation.mark.base import MarkRule
from simulation.oracle.base import OracleRule
from simulation.price.base import PriceProcess, World
from simulation.problems import problem_lines
from simulation.rule import load_rules

SECONDS_PER_YEAR = 365.0 * 86_400.0
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Quantity = float | SerializeAsAny[Distribution]

for _family in ("price", "impact", "mark", "oracle", "funding", "margin", "liquidation", "deleveraging"):
    load_rules(f"simulation.{_family}")


class Section(BaseModel):
    """A part of a scenario: frozen, closed, finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Tier(Section):
    """One leverage tier: from `floor` dollars of notional on, these rates hold at the margin."""

    floor: float = Field(0.0, ge=0.0, description="dollars of notional")
    maintenance_rate: float = Field(gt=0.0, le=1.0, description="fraction of notional")
    initial_rate: float = Field(gt=0.0, le=1.0, description="fraction of notional; 1 / largest leverage")


class MarketSpec(Section):
    """One market."""

    name: Name
    price: float = Field(gt=0.0, le=1e12, description="initial index price, dollars")
    volatility: float = Field(0.8, ge=0.0, le=20.0, description="a year, fraction")
    depth: float = Field(1e9, gt=0.0, le=1e18, description="dollars; the unit in which impact laws measure volume")
    lot: float | None = Field(None, gt=0.0, description="units; a power of two; default about a cent")
    tiers: tuple[Tier, ...] = Field((Tier(maintenance_rate=0.05, initial_rate=0.1),), min_length=1, max_length=20)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lot is not None and math.frexp(self.lot)[0] != 0.5:  # noqa: PLR2004 - the mantissa of a power of two
            raise ValueError(f"lot must be a power of two (got {self.lot})")
        for tier, following in zip(self.tiers, self.tiers[1:], strict=False):
            if not (tier.floor < following.floor and tier.maintenance_rate <= following.maintenance_rate):
                raise ValueError("tiers must rise in floor and in maintenance_rate")
            if tier.initial_rate > following.initial_rate:
                raise ValueError("tiers must rise in initial_rate")
        if self.tiers[0].floor != 0.0:
            raise ValueError(f"the first tier must start at floor 0 (got {self.tiers[0].floor})")
        for i, tier in enumerate(self.tiers):
            if tier.maintenance_rate > tier.initial_rate:
                rates = f"({tier.maintenance_rate} > {tier.initial_rate})"
                raise ValueError(f"tiers[{i}].maintenance_rate must not exceed initial_rate {rates}")
        return self

    @property
    def lot_size(self) -> float:
        """Return the size of one lot, units."""
        return self.lot or 2.0 ** math.floor(math.log2(0.01 / self.price))


class Fees(Section):
    """Trading fees."""

    taker_rate: float = Field(0.0005, ge=0.0, le=0.1, description="fraction of notional, every fill")
    insurance_share: float = Field(0.1, ge=0.0, le=1.0, description="share of fees that goes to the insurance fund")


class Group(Section):
    """A group of traders of one type. Fields that are not listed here are the parameters of its type."""

    kind: str
    name: Name
    count: int = Field(ge=1, le=10_000_000)
    deposit: Quantity = Field(10_000.0, description="dollars brought in at the start")
    reserve: Quantity = Field(0.0, description="dollars kept outside, for margin calls")
    posted_share: float = Field(1.0, ge=0.0, le=1.0, description="of the wallet, to isolated pools at the opening")
    isolated: tuple[str, ...] = Field((), description="markets held in pools of their own whatever the margin rule")
    pools: dict[str, int] = Field({}, description="explicit pool number of a market; 0 is the shared pool")
    parameters: dict[str, Quantity | dict[str, float] | str] = Field({}, description="of the trader type")

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        own = {key: item for key, item in value.items() if key in cls.model_fields}
        rest = {key: item for key, item in value.items() if key not in cls.model_fields}
        own.setdefault("name", own.get("kind"))
        return {**own, "parameters": {**own.get("parameters", {}), **rest}}


class LiquidatorGroup(Section):
    """Liquidators (keepers): agents who take distressed pools at a discount and unwind them."""

    name: Name = "keeper"
    count: int = Field(1, ge=1, le=1000)
    capital: float = Field(1e6, gt=0.0, description="dollars each")
    discount_rate: float = Field(0.02, ge=0.0, le=0.5, description="reward: discount to the mark at which they take over")
    minimum_profit_rate: float = Field(0.002, ge=0.0, le=0.5, description="of notional, after the cost of unwinding")
    cost: float = Field(10.0, ge=0.0, description="dollars per takeover")
    leverage: float = Field(5.0, gt=0.0, le=200.0, description="largest leverage of their inventory")
    unwind_share: float = Field(0.2, gt=0.0, le=1.0, description="share of the inventory sold each step")


class Backstop(Section):
    """A vault that takes over whole pools, positions and what margin is left, before they are bankrupt."""

    capital: float = Field(0.0, ge=0.0, description="dollars; 0 = no vault")
    trigger: float = Field(0.67, gt=0.0, le=1.0, description="equity over maintenance below which it takes over")
    leverage: float = Field(3.0, gt=0.0, le=200.0, description="largest leverage of its inventory")
    unwind_share: float = Field(0.1, gt=0.0, le=1.0, description="share of the inventory sold each step")


class Wick(Section):
    """A print away from the market: fills of one step happen at a multiple of the book's price, nothing else moves."""

    market: str
    step: int = Field(ge=0)
    factor: float = Field(gt=0.0, le=100.0)


class Scenario(Section):
    """Everything a run depends on: rules, population and seed."""

    name: Name = "scenario"
    about: str = Field("", max_length=2000)
    seed: int = Field(1, ge=0, lt=2**128)
    steps: int = Field(100, ge=1, le=10_000_000)
    step_seconds: float = Field(60.0, gt=0.0, le=1e7)
    rounds_per_step: int = Field(0, ge=0, le=10_000, description="liquidation rounds a step; 0 = to rest")
    fill_at: Literal["before", "average", "after"] = "average"
    markets: tuple[MarketSpec, ...] = Field(min_length=1, max_length=200)
    price: SerializeAsAny[PriceProcess]
    impact: SerializeAsAny[ImpactRule] = Field(default_factory=lambda: ImpactRule.parse({"kind": "square_root"}))
    depth: DepthModel = DepthModel()
    mark: SerializeAsAny[MarkRule] = Field(default_factory=lambda: MarkRule.parse({"kind": "mid"}))
    oracle: SerializeAsAny[OracleRule] = Field(default_factory=lambda: OracleRule.parse({"kind": "lagged"}))
    funding: SerializeAsAny[FundingRule] = Field(default_factory=lambda: FundingRule.parse({"kind": "none"}))
    margin: SerializeAsAny[MarginRule] = Field(default_factory=lambda: MarginRule.parse({"kind": "cross"}))
    liquidation: SerializeAsAny[LiquidationRule] = Field(default_factory=lambda: LiquidationRule.parse({"kind": "full"}))
    deleveraging: SerializeAsAny[DeleveragingRule] = Field(
        default_factory=lambda: DeleveragingRule.parse({"kind": "queue"})
    )
    insurance_fund: float = Field(0.0, ge=0.0, description="dollars at the start")
    fees: Fees = Fees()
    population: tuple[Group, ...] = Field(min_length=1, max_length=200)
    liquidators: tuple[LiquidatorGroup, ...] = ()
    backstop: Backstop = Backstop()
    reuse_share: float = Field(0.0, ge=0.0, le=1.0, description="share phi of freed margin spent on larger positions")
    wicks: tuple[Wick, ...] = ()

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

    @model_validator(mode="after")
    def _references(self) -> Self:
        from simulation.scenario_checks import check_references  # noqa: PLC0415 - it reads this module's types

        check_references(self)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Return the market names."""
        return tuple(market.name for market in self.markets)

    def column(self, field: str) -> Array:
        """Return one numeric field of all markets, (m,)."""
        return np.array([getattr(market, field) for market in self.markets], dtype=float)

    def world(self) -> World:
        """Return what a price process may know."""
        return World(self.names, self.column("price"), self.column("volatility"), self.steps, self.step_seconds)

    def tiers(self) -> TierSchedule:
        """Return the leverage tiers of all markets."""
        columns = [
            [[getattr(tier, field) for tier in market.tiers] for market in self.markets]
            for field in ("floor", "initial_rate", "maintenance_rate")
        ]
        return TierSchedule(*columns)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
