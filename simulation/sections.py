"""The parts of a scenario: markets, groups of traders, liquidators, fees. Plain, frozen, validated data."""

import math
import re
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, SerializeAsAny, Tag, field_validator, model_validator

from simulation.distribution import Distribution
from simulation.errors import shown
from simulation.instrument.base import Instrument
from simulation.strict import Strict

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def _usable_in_file_names(name: str) -> str:
    if name.endswith(".") or name.split(".", maxsplit=1)[0].lower() in _RESERVED:
        raise ValueError(f"reserved by some file systems (got {shown(name)})")
    return name


def _kind_of(value: Any) -> str:
    """Return which member of the unions below a value is meant to be; the tags never show in messages."""
    if isinstance(value, str):
        return "(text)"
    if isinstance(value, dict):
        return "(law)" if "kind" in value else "(table)"
    return "(law)" if isinstance(value, Distribution) else "(number)"


def _law_or_number(value: Any) -> str:
    return "(law)" if isinstance(value, dict | Distribution) else "(number)"


_LOWEST_PRICE = 1e-12  # dollars; below it a lot of about a cent is more units than can be counted
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Name = Annotated[str, Field(pattern=_NAME), AfterValidator(_usable_in_file_names)]
_Number = Annotated[float, Field(strict=True), Tag("(number)")]
_Law = Annotated[SerializeAsAny[Distribution], Tag("(law)")]
Quantity = Annotated[_Number | _Law, Discriminator(_law_or_number)]
_Table = Annotated[dict[str, Annotated[float, Field(strict=True)]], Tag("(table)")]
ParameterValue = Annotated[_Number | _Law | _Table | Annotated[str, Tag("(text)")], Discriminator(_kind_of)]


class Section(Strict):
    """A part of a scenario."""


class Tier(Section):
    """One leverage tier: from `floor` dollars of notional on, these rates hold at the margin."""

    floor: float = Field(0.0, ge=0.0, description="dollars of notional")
    maintenance_rate: float = Field(gt=0.0, le=1.0, description="fraction of notional")
    initial_rate: float = Field(gt=0.0, le=1.0, description="fraction of notional; 1 / largest leverage")


_ONE_TIER = (Tier(floor=0.0, maintenance_rate=0.05, initial_rate=0.1),)


class MarketSpec(Section):
    """One market."""

    name: Name
    price: float = Field(gt=0.0, le=1e12, description="initial index price, dollars")
    volatility: float = Field(0.8, ge=0.0, le=20.0, description="a year, fraction")
    depth: float = Field(1e9, gt=0.0, le=1e18, description="dollars; the unit in which impact laws measure volume")
    lot: float | None = Field(None, gt=0.0, description="units; a power of two; default about a cent")
    tiers: tuple[Tier, ...] = Field(_ONE_TIER, min_length=1, max_length=20)
    reference_tiers: tuple[Tier, ...] = Field((), max_length=20, description="for equal utilisation, if not `tiers`")
    instrument: SerializeAsAny[Instrument] = Field(default_factory=lambda: Instrument.parse({"kind": "perpetual"}))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.price < _LOWEST_PRICE:
            raise ValueError(f"price: must be at least {_LOWEST_PRICE:g} (got {self.price:g}); count in larger units")
        if self.lot is not None and math.frexp(self.lot)[0] != 0.5:
            raise ValueError(f"lot: must be a power of two (got {self.lot:g})")
        for i, (tier, above) in enumerate(zip(self.tiers, self.tiers[1:], strict=False), 1):
            for field in ("floor", "maintenance_rate", "initial_rate"):
                low, high = getattr(tier, field), getattr(above, field)
                if high < low or (field == "floor" and high == low):
                    raise ValueError(f"tiers[{i}].{field}: must rise from tier to tier (got {high:g} after {low:g})")
        if self.tiers[0].floor != 0.0:
            raise ValueError(f"tiers[0].floor: the first tier must start at 0 (got {self.tiers[0].floor:g})")
        for i, tier in enumerate(self.tiers):
            if tier.maintenance_rate > tier.initial_rate:
                rates = f"(got {tier.maintenance_rate:g} > {tier.initial_rate:g})"
                raise ValueError(f"tiers[{i}].maintenance_rate: must not exceed initial_rate {rates}")
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
    collateral: dict[str, Quantity] = Field({}, description="dollars' worth of each token brought in at the start")
    reserve: Quantity = Field(0.0, description="dollars kept outside, for margin calls")
    posted_share: float = Field(1.0, ge=0.0, le=1.0, description="of the wallet, to isolated pools at the opening")
    isolated: tuple[str, ...] = Field((), description="markets held in pools of their own whatever the margin rule")
    pools: dict[str, int] = Field({}, description="explicit pool number of a market; 0 is the shared pool")
    parameters: dict[str, ParameterValue] = Field({}, description="of the trader type")

    @field_validator("deposit", "reserve")
    @classmethod
    def _not_negative(cls, value: Any) -> Any:
        lowest = value if isinstance(value, float) else float(value.quantile(np.array([0.0])).min())
        if lowest < 0.0:
            raise ValueError(f"must be at least 0 (got {lowest:g})")
        return value

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        own = {key: item for key, item in value.items() if key in cls.model_fields}
        rest = {key: item for key, item in value.items() if key not in cls.model_fields}
        kind = str(own.get("kind"))
        own.setdefault("name", kind if re.fullmatch(_NAME, kind) else "unnamed")
        given = own.get("parameters", {})
        return {**own, "parameters": {**given, **rest} if isinstance(given, dict) else given}


class LiquidatorGroup(Section):
    """Liquidators (keepers): agents who take distressed pools at a discount and unwind them."""

    name: Name = "keeper"
    count: int = Field(1, ge=1, le=1000)
    capital: float = Field(1e6, gt=0.0, description="dollars each")
    discount_rate: float = Field(0.02, ge=0.0, le=0.5, description="reward: discount to the mark at a takeover")
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


class Dislocation(Section):
    """A time in which the venue's own book in one market trades at a multiple of where it would; the index does not."""

    market: str
    start_step: int = Field(ge=0)
    end_step: int = Field(ge=0, description="first step at which it is over")
    factor: float = Field(gt=0.0, le=100.0)


class Wick(Section):
    """A print away from the market: fills of one step happen at a multiple of the book's price, nothing else moves."""

    market: str
    step: int = Field(ge=0)
    factor: float = Field(gt=0.0, le=100.0)
