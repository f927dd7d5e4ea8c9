"""Small scenarios for tests of runs: one worked by hand, one with known generations, and random ones."""

from typing import Any

import networkx as nx
import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from experiments.run import Run, run
from simulation.errors import CapacityError
from simulation.scenario import Scenario

TIER = {"maintenance_rate": 0.05, "initial_rate": 0.1}


def holder_of(units: float, liquidation_price: float, name: str, **more: Any) -> dict[str, Any]:
    """A trader who is long `units` of X from 100 dollars on and is under maintenance below `liquidation_price`."""
    deposit = units * (100.0 - 0.95 * liquidation_price)
    return {"kind": "book", "name": name, "count": 1, "units": {"X": units}, "deposit": deposit, **more}


def one_market(population: list[dict[str, Any]], **changes: Any) -> Scenario:
    """One market at 100 dollars that falls to 96.50 in step 1; each unit sold lowers the price by half a dollar."""
    plain = {
        "name": "by-hand",
        "steps": 3,
        "markets": [{"name": "X", "price": 100.0, "tiers": [TIER]}],
        "price": {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035}]},
        "impact": {"kind": "linear_units", "dollars_per_unit": 0.5},
        "fees": {"taker_rate": 0.0},
        "population": population,
    }
    return Scenario.from_dict(plain | changes)


def by_hand(**changes: Any) -> Scenario:
    """The fall to 96.50 liquidates A (4 units, threshold 97); its sale moves the price to 94.50, which liquidates B
    (2 units, threshold 95.50); that moves the price to 93.50, which C (1 unit, threshold 90) survives."""
    return one_market([holder_of(4.0, 97.0, "A"), holder_of(2.0, 95.5, "B"), holder_of(1.0, 90.0, "C")], **changes)


def thresholds(seed: int, count: int = 60) -> np.ndarray:
    """Liquidation prices, uniform between 80 and 100 dollars."""
    return np.random.default_rng(seed).uniform(80.0, 100.0, count)


def branching(seed: int, **changes: Any) -> Scenario:
    """Sixty traders with one unit each and uniform thresholds; a sale lowers the price by a quarter of a dollar."""
    population = [holder_of(1.0, float(price), f"t{i}") for i, price in enumerate(thresholds(seed))]
    return one_market(population, impact={"kind": "linear_units", "dollars_per_unit": 0.25}, **changes)


def generations_of(prices: np.ndarray, impact: float, start: float = 96.5) -> list[int]:
    """The threshold model: how many are below their liquidation price in round 1, 2, ... until rest."""
    left, found, price = np.ones(len(prices), bool), [], start
    while (hit := left & (price < prices)).any():
        found.append(int(hit.sum()))
        left &= ~hit
        price -= impact * hit.sum()
    return found


def closings(graph: nx.DiGraph) -> dict[str, dict[str, Any]]:
    """The nodes of a contagion graph that are closings, with their attributes, in order of time."""
    return {node: about for node, about in graph.nodes(data=True) if about["kind"] == "closing"}


def run_or_skip(scenario: Scenario) -> Run:
    """Run a random scenario, unless its storm leaves the range in which money can be counted exactly."""
    try:
        return run(scenario)
    except CapacityError:
        assume(False)
        raise


MARGINS = [{"kind": "isolated"}, {"kind": "cross"}, {"kind": "portfolio", "correlation": 0.6}]
IMPACTS = [
    {"kind": "linear", "permanent_share": 0.5, "half_life_steps": 2.0},
    {"kind": "square_root", "permanent_share": 0.3},
    {"kind": "linear_units", "dollars_per_unit": 1e-5},
]
CLOSES = [
    {"kind": "full"},
    {"kind": "fraction", "share": 0.4},
    {"kind": "to_target"},
    {"kind": "full", "capacity": 50_000.0},
]


@st.composite
def storms(draw: Any) -> Scenario:
    """Scenarios in which much is liquidated, in one to three markets, by all kinds of rules."""
    names = "ABC"[: draw(st.integers(1, 3))]
    depth = draw(st.sampled_from([8e6, 5e7]))
    pick = {
        "rounds_per_step": st.sampled_from([0, 0, 1, 3]),
        "fill_at": st.sampled_from(["before", "average", "after"]),
        "margin": st.sampled_from(MARGINS),
        "impact": st.sampled_from(IMPACTS),
        "liquidation": st.sampled_from(CLOSES),
        "mark": st.sampled_from([{"kind": "mid"}, {"kind": "mid"}, {"kind": "smoothed"}, {"kind": "oracle"}]),
        "deleveraging": st.sampled_from([{"kind": "queue"}, {"kind": "pro_rata"}, {"kind": "off"}]),
        "insurance_fund": st.sampled_from([0.0, 1e5]),
        "backstop": st.sampled_from([{}, {"capital": 1e5}]),
        "liquidators": st.sampled_from([[], [{"capital": 1e5}]]),
        "seed": st.integers(0, 10**6),
    }
    chosen = {name: draw(options) for name, options in pick.items()}
    return Scenario.from_dict(
        chosen
        | {
            "steps": draw(st.integers(4, 25)),
            "step_seconds": 3600.0,
            "markets": [
                {"name": n, "price": 10.0 * 3**i, "volatility": 3.0, "depth": depth} for i, n in enumerate(names)
            ],
            "price": {"kind": "gbm", "correlation": 0.5},
            "population": [
                {"kind": "holder", "count": 30, "leverage": {"kind": "uniform", "low": 2.0, "high": 12.0}},
                {"kind": "momentum", "count": 10, "lookback": 3, "leverage": 3.0},
                {"kind": "noise", "count": 10},
            ],
        }
    )
