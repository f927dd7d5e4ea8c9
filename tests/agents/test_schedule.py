"""Market clearing: the price at which what everybody wants fits, found whatever the schedules look like."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from agents.schedule import crossing
from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.model import MarketModel
from tests.properties.fingerprint import STORMY, fingerprint, played
from tests.venues import book, equity, positions, scenario, storm, venue

LOW = [{"maintenance_rate": 1e-6, "initial_rate": 1e-6}]
FUND = {"kind": "value_fund", "name": "fund", "count": 3, "deposit": 1e5, "aggression": 20.0, "leverage": 6.0}
NOISE = {"kind": "noise", "name": "noise", "count": 5, "deposit": 2e3, "leverage": 2.0}


def ready(index: float = 95.0, population: Any = None, impact: Any = None) -> MarketModel:
    """A market of 1,000 units at 100 dollars, before a step in which the index goes to `index`."""
    return venue(
        population or [FUND],
        markets=[{"name": "A", "price": 100.0, "depth": 1e6, "lot": 2.0**-24, "tiers": LOW}],
        impact=impact or {"kind": "outside_wealth", "supply": 1_000.0},
        price=storm(100.0, index, index),
        fill_at="after",
        trading="schedule",
    )


def cleared(index: float = 95.0, impact: Any = None) -> MarketModel:
    """The same after that step."""
    model = ready(index, impact=impact)
    model.step()
    return model


def wanted(model: MarketModel, price: float) -> float:
    """What the funds of FUND want together, by the formula."""
    leverage = min(20.0 * max(1.0 - price / 100.0, 0.0), 6.0)
    return float((leverage * np.maximum(equity(model), 0.0) / price).sum())


# The search -----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-15.0, 15.0), min_size=1, max_size=5), st.floats(0.1, 50.0), st.floats(0.2, 3.0))
def test_a_falling_excess_has_its_root_found_in_every_market(roots: list[float], slope: float, power: float) -> None:
    at = np.array(roots)

    def excess(x: Array) -> Array:
        return slope * np.sign(at - x) * np.abs(at - x) ** power

    found, left = crossing(excess, np.zeros(len(at)))
    assert found == pytest.approx(at, abs=1e-8) or (np.abs(left) <= 1e-11).all()


@given(st.floats(-3.0, 3.0))
def test_a_jump_across_zero_is_found_and_what_is_left_is_told(jump: float) -> None:
    found, left = crossing(lambda x: np.where(x < jump, 1.0, -2.0), np.zeros(1))
    assert found[0] == pytest.approx(jump, abs=1e-9)
    assert abs(left[0]) >= 1.0


def test_of_several_roots_the_first_in_the_direction_of_the_excess_is_taken() -> None:
    def excess(x: Array) -> Array:
        return -(x - 0.3) * (x - 1.0) * (x - 2.5) * (x + 0.4)

    assert crossing(excess, np.array([0.1]))[0][0] == pytest.approx(-0.4 if excess(np.array([0.1]))[0] < 0 else 0.3)
    assert crossing(excess, np.array([1.2]))[0][0] == pytest.approx(2.5 if excess(np.array([1.2]))[0] > 0 else 1.0)


def test_where_it_starts_balanced_it_stays() -> None:
    found, left = crossing(lambda x: np.array([0.0, 0.2]) - np.array([0.0, 1.0]) * x, np.zeros(2))
    assert found == pytest.approx([0.0, 0.2], abs=1e-12)
    assert found[0] == 0.0
    assert np.abs(left).max() <= 1e-12


def test_demand_without_end_is_given_up() -> None:
    _, left = crossing(np.ones_like, np.zeros(2))
    assert left.tolist() == [1.0, 1.0]


# The market -----------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.floats(40.0, 130.0))
def test_the_price_is_the_root_of_outside_demand_and_schedules(index: float) -> None:
    model = cleared(index)
    price = float(model.market.mid[0])
    start = 3e5  # dollars, of all funds before they hold anything

    def surplus(p: float) -> float:
        return 1_000.0 * index / p + min(20.0 * max(1.0 - p / 100.0, 0.0), 6.0) * start / p - 1_000.0

    assert price == pytest.approx(brentq(surplus, 1.0, 1_000.0, xtol=1e-12), rel=1e-8)
    assert positions(model).sum() == pytest.approx(wanted(model, price), rel=1e-6)
    assert model.market.fill_price[0] == pytest.approx(price, rel=1e-12) or index >= 100.0
    assert "trading_cap" not in model.exchange.desk.flagged


@pytest.mark.parametrize(
    "impact",
    [{"kind": "linear"}, {"kind": "square_root"}, {"kind": "linear_units", "dollars_per_unit": 0.01}, {"kind": "none"}],
)
def test_any_impact_law_is_a_supply_curve_to_clear_against(impact: dict) -> None:
    model = cleared(95.0, impact=impact)
    assert positions(model).sum() == pytest.approx(wanted(model, float(model.market.mid[0])), rel=1e-6)
    assert "trading_cap" not in model.exchange.desk.flagged


def test_orders_at_any_price_are_part_of_what_clears() -> None:
    model = ready(95.0, population=[FUND, NOISE])
    before = positions(model, 1).sum()  # opened at the mark, without impact
    model.step()
    bought = positions(model).sum() + positions(model, 1).sum() - before
    assert positions(model, 1).sum() != before
    assert 1_000.0 * 95.0 / model.market.mid[0] + bought == pytest.approx(1_000.0)
    assert positions(model).sum() == pytest.approx(wanted(model, float(model.market.mid[0])), rel=1e-6)


def test_a_market_without_schedules_fills_orders_as_always() -> None:
    rules = {"population": [NOISE], "fill_at": "after", "impact": {"kind": "linear"}}
    table = {**STORMY, **rules}
    plain, schedule = played(table), played({**table, "trading": "schedule"})
    assert np.array_equal(plain.accounts.cash, schedule.accounts.cash)
    assert np.array_equal(plain.market.history["mark"], schedule.market.history["mark"])


def test_markets_side_by_side_clear_as_each_alone() -> None:
    def run(names: str) -> Array:
        markets = [{"name": n, "price": 100.0, "volatility": 1.0, "lot": 2.0**-24, "tiers": LOW} for n in names]
        model = venue(
            [{**FUND, "count": len(names), "markets_each": 1}],
            markets=markets,
            impact={"kind": "outside_wealth", "supply": 1_000.0},
            price={"kind": "ornstein_uhlenbeck", "reversion_rate": 50.0},
            fill_at="after",
            trading="schedule",
        )
        model.run()
        return model.market.history["mark"]

    np.testing.assert_allclose(run("ABC")[:, :1], run("A"), rtol=1e-9)


@settings(max_examples=10)
@given(st.floats(80.0, 105.0), st.floats(80.0, 105.0))
def test_markets_that_share_the_wealth_of_a_fund_clear_together(one: float, other: float) -> None:
    markets = [{"name": n, "price": 100.0, "lot": 2.0**-24, "tiers": LOW} for n in "AB"]
    model = venue(
        [FUND],
        markets=markets,
        impact={"kind": "outside_wealth", "supply": 5_000.0},
        price=storm([100.0, 100.0], [90.0, 95.0], [one, other]),
        fill_at="after",
        trading="schedule",
    )
    model.run()
    price = model.market.mid
    leverage = np.minimum(20.0 * np.maximum(1.0 - price / 100.0, 0.0), 6.0)
    due = leverage * equity(model)[:, None] / price / 2.0
    np.testing.assert_allclose(positions(model), due, rtol=1e-5, atol=1e-5)
    assert "trading_cap" not in model.exchange.desk.flagged


def test_money_has_another_side_and_the_same_run_gives_the_same_bytes() -> None:
    table = {**STORMY, "fill_at": "after", "trading": "schedule", "population": [FUND, NOISE]}
    model = played(table)
    assert fingerprint(played(table)) == fingerprint(model)
    assert np.abs(model.accounts.position.sum(axis=0)).max() == 0.0


def test_clearing_fills_at_its_end_and_says_so() -> None:
    with pytest.raises(ScenarioError, match=r'fill_at: must be "after" where trading is "schedule" \(got "average"\)'):
        scenario([book("one", {"A": 1.0}, 100.0)], trading="schedule", fill_at="average")
