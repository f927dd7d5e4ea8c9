"""Small venues for tests of whole steps: no fees, no impact, flat prices, unless the test says otherwise."""

from typing import Any

import numpy as np

from agents.cast import StandardCast, check_population
from simulation.arrays import Array, Index
from simulation.model import MarketModel
from simulation.scenario import Scenario

FRICTIONLESS = {"taker_rate": 0.0, "insurance_share": 0.0}
TIERS = [{"floor": 0.0, "maintenance_rate": 0.05, "initial_rate": 0.1}]


def scenario(population: list[dict[str, Any]], listed: int = 1, **changes: Any) -> Scenario:
    """Markets A, B, ... at 100 dollars with 5 % maintenance and 10 % initial margin."""
    markets = [{"name": "ABCDEFGH"[i], "price": 100.0, "depth": 1e7, "tiers": TIERS} for i in range(listed)]
    plain: dict[str, Any] = {
        "steps": 10,
        "step_seconds": 3600.0,
        "markets": markets,
        "price": {"kind": "flat"},
        "impact": {"kind": "none"},
        "fees": FRICTIONLESS,
        "population": population,
    }
    if "prices" in changes.get("price", {}):
        plain["steps"] = len(changes["price"]["prices"]) - 1
    built = Scenario.from_dict({**plain, **changes})
    check_population(built)
    return built


def venue(population: list[dict[str, Any]], listed: int = 1, **changes: Any) -> MarketModel:
    """A model of such a scenario."""
    return MarketModel(scenario(population, listed, **changes), StandardCast())


def storm(*rows: Any) -> dict[str, Any]:
    """Prices as given, row by row; the first row is the start. A single number stands for one market."""
    return {"kind": "replay", "prices": [[float(x) for x in np.atleast_1d(row)] for row in rows]}


def book(name: str, units: dict[str, float], deposit: float, **more: Any) -> dict[str, Any]:
    """One account that opens with `units` and never trades."""
    return {"kind": "book", "name": name, "count": 1, "deposit": deposit, "units": units, **more}


def rows(model: MarketModel, group: int = 0) -> Index:
    return model.groups[group].rows


def positions(model: MarketModel, group: int = 0) -> Array:
    return model.accounts.position[rows(model, group)]


def equity(model: MarketModel, group: int = 0) -> Array:
    """Equity over all pools (count,)."""
    return model.engine.health(rows(model, group)).equity.sum(axis=1)
