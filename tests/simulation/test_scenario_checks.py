"""Checks across fields: names that exist and are unique, sizes that agree, limits of memory and of exact counting."""

from typing import Any

import pytest

from simulation.accounts import QUANTUM
from simulation.errors import ScenarioError
from simulation.scenario import Scenario
from simulation.scenario_checks import MEMORY_LIMIT, memory
from tests.simulation.test_scenario import PLAIN, plain, problems

HOLDER = {"kind": "holder", "name": "crowd", "count": 3}
TOKEN_OF_A = {"name": "TOKEN", "instrument": {"kind": "spot", "underlying": "A"}}  # the same risk as A


def group(**more: Any) -> dict[str, Any]:
    return {"population": [{**HOLDER, **more}]}


def listed(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "price": 100.0} for name in names]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"markets": listed("A", "B", "A")},
            ["markets[2].name: 'A' already used at markets[0]; names must be unique"],
        ),
        (
            {"markets": listed("btc", "BTC")},
            ["markets[1].name: 'BTC' differs only by case from 'btc' at markets[0]; names must be unique"],
        ),
        (
            {"population": [HOLDER, HOLDER]},
            ["population[1].name: 'crowd' already used at population[0]; names must be unique"],
        ),
        (group(isolated=["DOGE"]), ['population[0].isolated: "DOGE" is not defined; known: BTC, ETH']),
        (group(pools={"DOGE": 1}), ['population[0].pools: "DOGE" is not defined; known: BTC, ETH']),
        (group(pools={"BTC": 3}), ["population[0].pools.BTC: must be 0 ... 2 (got 3)"]),
        (group(pools={"ETH": -1}), ["population[0].pools.ETH: must be 0 ... 2 (got -1)"]),
        (
            {"wicks": [{"market": "DOGE", "step": 1, "factor": 0.5}]},
            ['wicks[0].market: "DOGE" is not defined; known: BTC, ETH'],
        ),
        ({"wicks": [{"market": "BTC", "step": 5, "factor": 0.5}]}, ["wicks[0].step: 5 is after the last step 4"]),
        (
            {"margin": {"kind": "portfolio", "correlation": [[1.0]]}},
            ["margin.correlation: must be 2x2 to match the markets (got 1 rows)"],
        ),
        (
            {"markets": listed("A", "B", "C"), "margin": {"kind": "portfolio", "correlation": -0.6}},
            ["margin.correlation: not positive semi-definite for 3 markets (got -0.6); at least -0.5"],
        ),
        (
            {"markets": listed("A", "B", "C"), "collateral": {"kind": "wrong_way", "correlation": -0.6}},
            ["collateral.correlation: not positive semi-definite for 3 markets (got -0.6); at least -0.5"],
        ),
    ],
)
def test_fields_that_contradict_each_other_are_named_in_one_line(changes: dict[str, Any], lines: list[str]) -> None:
    assert problems(**changes) == lines


@pytest.mark.parametrize(("markets", "rho"), [(listed("A", "B", "C"), -0.5), ([*listed("A", "B"), TOKEN_OF_A], -1.0)])
def test_the_lowest_correlation_there_is_of_so_many_underlyings_is_allowed(markets: list[Any], rho: float) -> None:
    rules = {"kind": "wrong_way", "correlation": rho}
    assert Scenario.from_dict(plain(markets=markets, collateral=rules)).collateral is not None


def test_all_contradictions_are_told_at_once() -> None:
    found = problems(**group(isolated=["X"], pools={"Y": 1}), wicks=[{"market": "Z", "step": 99, "factor": 0.5}])
    assert [line.split(":")[0] for line in found] == [
        "population[0].isolated",
        "population[0].pools",
        "wicks[0].market",
        "wicks[0].step",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        group(pools={"BTC": 2, "ETH": 0}),
        group(isolated=["BTC", "ETH"]),
        {"wicks": [{"market": "BTC", "step": 4, "factor": 0.5}]},
        {"markets": listed("A", "B", "C"), "margin": {"kind": "portfolio", "correlation": -0.5}},
        {"margin": {"kind": "portfolio", "correlation": [[1.0, -1.0], [-1.0, 1.0]]}},
        {"markets": listed("A"), "margin": {"kind": "portfolio", "correlation": -1.0}},
    ],
)
def test_what_only_looks_unusual_is_accepted(changes: dict[str, Any]) -> None:
    plain(**changes)


def test_memory_counts_handles_cells_and_prices() -> None:
    """3 accounts x 2 markets over 4 steps: 3 * (700 + 80) + 5 * 2 * 40 bytes."""
    assert memory(plain()) == 3 * 780.0 + 400.0


def test_a_run_that_does_not_fit_is_refused_at_the_field_that_makes_it_large() -> None:
    assert MEMORY_LIMIT == 8e9
    small = {**HOLDER, "name": "few", "count": 2}
    crowd = {**HOLDER, "count": 10_000_000, "deposit": 1.0}
    lines = problems(population=[small, crowd], markets=listed("A", "B", "C"))
    assert lines == ["population[1].count: 10,000,002 accounts x 3 markets need about 8 GB; limit 8 GB"]
    many = listed(*(f"M{i}" for i in range(25)))
    assert problems(steps=10_000_000, markets=many) == [
        "steps: 10,000,000 steps x 25 markets need about 10 GB; limit 8 GB"
    ]


def test_deposits_beyond_exact_counting_are_refused_and_just_below_are_not() -> None:
    limit = 2.0**53 * QUANTUM
    plain(population=[{**HOLDER, "count": 1, "deposit": limit - 1.0}])
    lines = problems(population=[{**HOLDER, "count": 1, "deposit": limit}])
    assert lines == ["population[0].deposit: add up to 1.37e+11 dollars; exact below 1.37e+11"]


def test_the_order_of_rising_tiers_is_checked_field_by_field() -> None:
    def tiers(*rows: tuple[float, float, float]) -> list[str]:
        named = [dict(zip(("floor", "maintenance_rate", "initial_rate"), row, strict=True)) for row in rows]
        with pytest.raises(ScenarioError) as refusal:
            Scenario.from_dict({**PLAIN, "markets": [{"name": "A", "price": 1.0, "tiers": named}]})
        return refusal.value.problems

    where = "markets[0].tiers"
    assert tiers((5, 0.1, 0.2)) == [f"{where}[0].floor: the first tier must start at 0 (got 5)"]
    assert tiers((0, 0.3, 0.2)) == [f"{where}[0].maintenance_rate: must not exceed initial_rate (got 0.3 > 0.2)"]
    assert tiers((0, 0.1, 0.2), (0, 0.2, 0.3)) == [f"{where}[1].floor: must rise from tier to tier (got 0 after 0)"]
    assert tiers((0, 0.1, 0.2), (9, 0.05, 0.3)) == [
        f"{where}[1].maintenance_rate: must rise from tier to tier (got 0.05 after 0.1)"
    ]
    assert tiers((0, 0.1, 0.2), (9, 0.1, 0.15)) == [
        f"{where}[1].initial_rate: must rise from tier to tier (got 0.15 after 0.2)"
    ]
