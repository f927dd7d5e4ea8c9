"""Random whole scenarios of every rule and every trader there is.

Kinds are discovered from the rule families and the trader types, and their parameters from their declared bounds,
so a new rule or trader is covered without a change here, unless it has a required field that is no number.
"""

from collections.abc import Callable
from typing import Any, get_args

import annotated_types as bounds
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.cast import trader_types
from agents.parameter import Parameter, Setting, declared
from simulation.claims.base import ClaimsRule
from simulation.collateral.base import CollateralRule
from simulation.deleveraging.base import DeleveragingRule
from simulation.distribution import Distribution
from simulation.funding.base import FundingRule
from simulation.impact.base import ImpactRule
from simulation.impact.depth import DepthModel
from simulation.interest.base import InterestRule
from simulation.liquidation.base import LiquidationRule
from simulation.loss.base import LossRule
from simulation.loss.insurance import InsuranceLimits
from simulation.margin.base import MarginRule
from simulation.mark.base import MarkRule
from simulation.oracle.base import OracleRule
from simulation.price.base import PriceProcess
from simulation.rule import Rule
from simulation.sections import Backstop, Fees, LiquidatorGroup
from simulation.state.base import StateRule
from simulation.valuation.base import ValuationRule
from simulation.volatility.base import VolatilityProcess

FAMILIES: dict[str, type[Rule]] = {
    "price": PriceProcess,
    "impact": ImpactRule,
    "mark": MarkRule,
    "oracle": OracleRule,
    "funding": FundingRule,
    "margin": MarginRule,
    "liquidation": LiquidationRule,
    "deleveraging": DeleveragingRule,
    "loss": LossRule,
    "state": StateRule,
    "implied_volatility": VolatilityProcess,
    "collateral": CollateralRule,
    "valuation": ValuationRule,
    "interest": InterestRule,
    "claims": ClaimsRule,
}
MOST_STEPS = 8
PRICES = (100.0, 1.0, 2500.0)
STATE = {"volatility_scale": 1.0, "correlation": 0.3, "mean_duration_hours": 5.0}
# Required fields that are no numbers, and fields whose size must fit the markets (m of them).
SPECIAL: dict[str, Callable[[int], dict[str, Any]]] = {
    "replay": lambda m: {
        "prices": [[p * (1 - 0.06 * t) for p in PRICES[:m]] for t in range(MOST_STEPS + 1)],
    },
    "bridge": lambda m: {"waypoints": {"A": [[2, 80.0], [MOST_STEPS, 70.0]]}, "correlation": 0.3},
    "scripted": lambda m: {
        "base": {"kind": "gbm"},
        "shocks": [{"step": 1, "size": -0.15}, {"step": 3, "size": 0.4, "shape": "recovers", "half_life_steps": 2}],
    },
    "regime": lambda m: {"calm": STATE, "stress": {**STATE, "volatility_scale": 4.0}},
    "garch": lambda m: {"reaction": 0.3, "persistence": 0.6, "correlation": 0.3},
    "dcc": lambda m: {"correlation": 0.3, "correlation_reaction": 0.2, "correlation_persistence": 0.6},
    "jump_diffusion": lambda m: {"jumps": {"own_rate": 900.0, "own_std": 0.1}},
}


def number(low: float, high: float, default: Any, whole: bool) -> st.SearchStrategy[Any]:
    """The default, its neighbourhood, and the ends of the bounds as far as they are near."""
    size = abs(default) if isinstance(default, int | float) and default else 1.0
    low, high = max(low, -4 * size), min(high, 4 * size)
    if whole:
        return st.integers(int(max(low, 0)), int(max(high, low, 1)))
    near = st.floats(low, high, allow_nan=False)
    return st.just(float(default)) | near if isinstance(default, int | float) else near


def field_values(model: type[BaseModel], name: str) -> st.SearchStrategy[Any] | None:
    """What a numeric or literal field may hold, or None if it is something else."""
    info = model.model_fields[name]
    kinds = get_args(info.annotation) or (info.annotation,)
    default = info.get_default(call_default_factory=True) if not info.is_required() else None
    if all(isinstance(kind, str) for kind in kinds):
        return st.sampled_from(kinds)
    if getattr(info.annotation, "__origin__", None) is dict:
        return None
    if not {float, int} & set(kinds) or tuple in {getattr(kind, "__origin__", None) for kind in kinds}:
        return None
    low, high = -1.0, 1e6
    for limit in info.metadata:
        if isinstance(limit, bounds.Ge | bounds.Gt):
            low = float(limit.ge if isinstance(limit, bounds.Ge) else limit.gt + 1e-6)
        if isinstance(limit, bounds.Le | bounds.Lt):
            high = float(limit.le if isinstance(limit, bounds.Le) else limit.lt * (1 - 1e-9))
    values = number(low, high, default, int in kinds and float not in kinds)
    return st.none() | values if type(None) in kinds else values


@st.composite
def fields_of(draw: st.DrawFn, model: type[BaseModel], most: int = 2) -> dict[str, Any]:
    """A few fields changed from their defaults, and all that are required."""
    found: dict[str, Any] = {}
    optional = [
        n for n, info in model.model_fields.items() if not info.is_required() and field_values(model, n) is not None
    ]
    changed = draw(st.lists(st.sampled_from(optional), max_size=most, unique=True)) if optional else []
    for name, info in model.model_fields.items():
        values = field_values(model, name)
        if values is not None and (name in changed or info.is_required()):
            found[name] = draw(values)
    return {name: value for name, value in found.items() if value is not None}


@st.composite
def rule(draw: st.DrawFn, family: type[Rule], markets: int) -> dict[str, Any]:
    """A table that a scenario could hold for `family`: any kind, some parameters."""
    kind = draw(st.sampled_from(sorted(family.kinds())))
    if kind in SPECIAL:
        return {"kind": kind, **SPECIAL[kind](markets)}
    table = {"kind": kind, **draw(fields_of(family.kinds()[kind]))}
    correlation = table.get("correlation")
    if correlation is not None:
        table["correlation"] = min(max(correlation, -0.45), 1.0)
    return table


@st.composite
def amount(draw: st.DrawFn, typical: float) -> Any:
    """A number of dollars, or a distribution of them."""
    if draw(st.booleans()):
        return typical * draw(st.sampled_from((0.5, 1.0, 2.0)))
    laws = {
        "uniform": {"low": typical / 4, "high": typical},
        "lognormal": {"median": typical, "sigma": 1.0},
        "pareto": {"minimum": typical / 4, "tail_index": 1.5},
        "choice": {"values": [typical / 2, typical]},
    }
    kind = draw(st.sampled_from(sorted(Distribution.kinds().keys() & laws.keys())))
    return {"kind": kind, **laws[kind]}


@st.composite
def group(draw: st.DrawFn, number_: int, names: list[str]) -> dict[str, Any]:
    """One population entry of any trader type."""
    traders = trader_types()
    kind = draw(st.sampled_from(sorted(traders)))
    entry: dict[str, Any] = {"kind": kind, "name": f"g{number_}", "count": draw(st.integers(1, 12))}
    entry["deposit"] = draw(amount(1000.0))
    entry["reserve"] = draw(st.sampled_from((0.0, 500.0)))
    entry["isolated"] = draw(st.lists(st.sampled_from(names), max_size=1))
    if draw(st.integers(0, 3)) == 0:
        entry["pools"] = {name: draw(st.integers(0, len(names))) for name in names}
    for name, item in declared(traders[kind], Parameter).items():
        if draw(st.integers(0, 2)) == 0:
            entry[name] = draw(number(item.low, item.high, item.default, item.whole))
            if not item.whole:
                entry[name] = min(max(float(entry[name]), item.low), item.high)
    if "leverage" not in entry:
        entry["leverage"] = draw(st.sampled_from((3.0, 8.0, 14.0, 19.0)))
    for name, item in declared(traders[kind], Setting).items():
        if item.form == "market":
            entry[name] = draw(st.sampled_from(names))
        elif item.form == "by_market":
            entry[name] = {market: draw(st.sampled_from((-60.0, 10.0, 90.0))) for market in names}
        elif draw(st.booleans()):
            entry[name] = draw(st.integers(1, 4))
    return entry


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, float]]:
    low = draw(st.sampled_from((0.01, 0.05)))
    ladder = [{"floor": 0.0, "maintenance_rate": low, "initial_rate": 2 * low}]
    if draw(st.booleans()):
        ladder.append({"floor": 2000.0, "maintenance_rate": 2 * low, "initial_rate": 3 * low})
    return ladder


@st.composite
def markets(draw: st.DrawFn, names: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "price": PRICES[i],
            "volatility": draw(st.sampled_from((0.5, 3.0, 8.0))),
            "depth": draw(st.sampled_from((3e4, 1e6, 1e9))),
            "tiers": draw(tiers()),
        }
        for i, name in enumerate(names)
    ]


CONTRACTS: dict[str, dict[str, Any]] = {
    "COIN": {"kind": "spot"},
    "FUT": {"kind": "future", "expiry_days": 4 / 24, "rate": 0.05},
    "CALL": {"kind": "option", "expiry_days": 6 / 24, "strike": 104.0},
    "PUT": {"kind": "option", "expiry_days": 1.0, "strike": 97.0, "side": "put", "settlement_minutes": 0.0},
    "INV": {"kind": "inverse_perpetual"},
}


@st.composite
def with_contracts(draw: st.DrawFn, table: dict[str, Any]) -> dict[str, Any]:
    """The scenario with tokens, futures, options and inverse contracts on A, and people who hold them."""
    names = draw(st.lists(st.sampled_from(sorted(CONTRACTS)), min_size=1, max_size=4, unique=True))
    extra = [
        {"name": name, "depth": draw(st.sampled_from((3e4, 1e6))), "tiers": draw(tiers())}
        | {"instrument": {"underlying": "A", **CONTRACTS[name]}}
        for name in names
    ]
    units = {name: draw(st.sampled_from((-20.0, 5.0, 15.0))) for name in names}
    holder = {"kind": "book", "name": "contracts", "count": 3, "deposit": 900.0, "units": units}
    people = [*table["population"], holder]
    if "COIN" in names:
        people = [{**entry, "collateral": {"COIN": draw(st.sampled_from((0.0, 700.0)))}} for entry in people]
    table = {**table, "markets": [*table["markets"], *extra], "population": people}
    if draw(st.booleans()):
        table["dislocations"] = [{"market": names[0], "start_step": 1, "end_step": 4, "factor": 0.8}]
    return table


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """The table of a small scenario of all rules."""
    names = ["A", "B", "C"][: draw(st.integers(1, 3))]
    steps = draw(st.integers(1, MOST_STEPS)) if draw(st.booleans()) else MOST_STEPS
    table: dict[str, Any] = {family: draw(rule(base, len(names))) for family, base in FAMILIES.items()}
    if table["price"]["kind"] in ("bridge", "scripted"):
        steps = MOST_STEPS
    if "due_step" in table["claims"]:
        table["claims"]["due_step"] = min(table["claims"]["due_step"], steps)
    table |= {
        "seed": draw(st.integers(0, 2**64)),
        "steps": steps,
        "step_seconds": 3600.0,
        "rounds_per_step": draw(st.sampled_from((0, 0, 0, 1, 2))),
        "fill_at": draw(st.sampled_from(("before", "average", "after"))),
        "trading_rounds": draw(st.sampled_from((1, 1, 1, 3))),
        "markets": draw(markets(names)),
        "depth": draw(fields_of(DepthModel)),
        "insurance_fund": draw(st.sampled_from((0.0, 0.0, 100.0, 1e6))),
        "fees": draw(fields_of(Fees)),
        "population": [draw(group(i, names)) for i in range(draw(st.integers(1, 4)))],
        "reuse_share": draw(st.sampled_from((0.0, 0.0, 0.5, 1.0))),
    }
    if draw(st.booleans()):
        table["liquidators"] = [{"count": 2, "capital": 3000.0, **draw(fields_of(LiquidatorGroup, 1))}]
    if table["fill_at"] == "after" and draw(st.booleans()):
        table["trading"] = draw(st.sampled_from(("call", "schedule")))
    if draw(st.booleans()):
        table["backstop"] = {"capital": 3000.0, **draw(fields_of(Backstop, 1))}
    if draw(st.integers(0, 2)) == 0:
        table["insurance_funds"] = {draw(st.sampled_from(names)): draw(st.sampled_from((0.0, 100.0, 1e6)))}
        table["insurance"] = draw(fields_of(InsuranceLimits))
    if draw(st.integers(0, 4)) == 0:
        table["wicks"] = [{"market": "A", "step": 1, "factor": draw(st.sampled_from((0.5, 1.5)))}]
    return draw(with_contracts(table)) if draw(st.integers(0, 3)) == 0 else table
