"""Value funds: what they hold at which price, margin calls, and what their investors do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.accounts import OUTSIDE
from simulation.arrays import Array
from simulation.model import MarketModel
from tests.traders.small import crowd
from tests.venues import equity, positions, storm

CLEARING = {"fill_at": "after", "trading": "schedule"}
LOW = [{"maintenance_rate": 1e-6, "initial_rate": 1e-6}]


def fund(*path: Any, listed: int = 1, rules: dict[str, Any] | None = None, **parameters: Any) -> MarketModel:
    """One fund of 1,000 dollars (unless told otherwise) in markets without impact that go along `path`."""
    names = "ABC"[:listed]
    markets = [{"name": name, "price": 100.0, "lot": 2.0**-24, "tiers": LOW} for name in names]
    rows = [np.broadcast_to(x, listed) for x in (100.0, *path)]
    world = {"markets": markets, "price": storm(*rows), **(rules or {})}
    own = {"deposit": 1_000.0, "reserve": 1e6, "leverage_setting": 1_000.0, **parameters}
    return crowd("value_fund", listed, world, **own)


def demand(model: MarketModel, *price: float) -> Array:
    group = model.groups[0]
    return group.rule.demand(group.members(slice(None)), model.view, np.array(price))


# Demand ---------------------------------------------------------------------------------------------------------


@given(st.floats(1.0, 200.0), st.floats(0.0, 80.0), st.floats(0.0, 20.0))
def test_it_holds_what_the_formula_says(price: float, aggression: float, leverage: float) -> None:
    model = fund(100.0, aggression=aggression, leverage=leverage)
    expected = min(aggression * max(1.0 - price / 100.0, 0.0), leverage) * 1_000.0 / price
    assert demand(model, price)[0, 0] == pytest.approx(expected)


@given(st.floats(20.0, 99.0), st.floats(5.0, 150.0))
def test_wealth_counts_at_the_price_in_question(bought: float, price: float) -> None:
    model = fund(bought, bought, aggression=4.0, leverage=2.0)
    model.step()
    units = positions(model)[0, 0]
    assert units > 0.0
    wealth = max(1_000.0 + units * (price - bought), 0.0)
    wanted = min(4.0 * max(1.0 - price / 100.0, 0.0), 2.0) * wealth / price
    assert demand(model, price)[0, 0] == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_at_the_limit_a_falling_price_makes_it_sell_below_it_makes_it_buy() -> None:
    for leverage, sign in ((3.0, -1.0), (50.0, 1.0)):
        model = fund(80.0, 78.0, aggression=15.0 if leverage == 3.0 else 5.0, leverage=leverage)
        model.step()
        before = positions(model)[0, 0]
        model.step()
        assert np.sign(positions(model)[0, 0] - before) == sign


def test_what_is_dear_it_sells_and_never_shorts() -> None:
    model = fund(80.0, 130.0, 130.0)
    model.step()
    assert positions(model)[0, 0] > 0.0
    model.step()
    assert positions(model)[0, 0] == 0.0


def test_it_believes_in_the_value_it_is_given() -> None:
    assert demand(fund(100.0), 100.0)[0, 0] == 0.0
    model = fund(100.0, value={"A": 125.0}, aggression=2.0)
    assert demand(model, 100.0)[0, 0] == pytest.approx(2.0 * 0.2 * 1_000.0 / 100.0)
    assert positions(model)[0, 0] == pytest.approx(4.0)  # and comes in with it


def test_markets_share_its_wealth_and_members_take_turns_in_choosing_them() -> None:
    model = fund(90.0, listed=3, aggression=2.0)
    assert demand(model, 90.0, 95.0, 100.0)[0] == pytest.approx([200 / 270.0, 100 / 285.0, 0.0])
    each = fund(90.0, listed=3, aggression=2.0, count=4, markets_each=1)
    assert np.array_equal(demand(each, 90.0, 90.0, 90.0) > 0.0, np.eye(3, dtype=bool)[[0, 1, 2, 0]])
    assert demand(each, 90.0, 90.0, 90.0)[0, 0] == pytest.approx(200 / 90.0)
    two = fund(90.0, listed=3, count=3, markets_each=2)
    assert np.array_equal(demand(two, 90.0, 90.0, 90.0) == 0.0, np.eye(3, dtype=bool)[[2, 0, 1]])


# Investors ------------------------------------------------------------------------------------------------------


def test_money_follows_performance_by_the_formula() -> None:
    a, b, benchmark, path = 0.3, 0.5, 0.01, (90.0, 92.0, 88.0, 91.0, 91.0)
    model = fund(
        *path, rules=CLEARING, aggression=20.0, leverage=2.0,
        performance_memory=a, flow_sensitivity=b, benchmark_return=benchmark,
    )  # fmt: skip
    wealth, units, last, performance, gain = 1_000.0, 0.0, 100.0, 0.0, 0.0
    for step, price in enumerate(path):
        model.step()
        if step:  # what the last step brought
            performance = (1.0 - a) * performance + a * gain / (wealth - gain)
            wealth += b * (performance - benchmark) * wealth
        gain = units * (price - last)
        wealth, last = wealth + gain, price
        units = min(20.0 * (1.0 - price / 100.0), 2.0) * wealth / price
        assert equity(model)[0] == pytest.approx(wealth, rel=1e-6)
        assert positions(model)[0, 0] == pytest.approx(units, rel=1e-6)


def test_without_a_reserve_nothing_flows_in() -> None:
    path = (50.0, 60.0, 60.0, 60.0)
    rich, poor = (fund(*path, reserve=r, flow_sensitivity=1.0, leverage=1.0) for r in (1e6, 0.0))
    for model in (rich, poor):
        model.run()
    assert equity(rich)[0] > equity(poor)[0] + 1.0


def test_a_ruined_fund_closes_pays_out_and_is_followed_by_a_new_one() -> None:
    path = (50.0, 20.0, *[20.0] * 8)
    model = fund(*path, rules=CLEARING, leverage=1.5, aggression=50.0, ruin_share=0.5, return_after_steps=4)
    seen = []
    for _ in path:
        model.step()
        seen.append((float(equity(model)[0]), float(positions(model)[0, 0])))
    assert seen[0] == (1_000.0, pytest.approx(30.0))
    assert seen[1][0] == pytest.approx(100.0)  # 30 dollars a unit lost; found at the next step's start
    assert [units for _, units in seen[2:6]] == [0.0] * 4
    assert [money for money, _ in seen[3:6]] == pytest.approx([0.0] * 3, abs=1e-3)
    assert seen[6] == (pytest.approx(1_000.0), pytest.approx(75.0))
    assert model.groups[0].rule.investors.closures == 1


def test_a_fund_that_does_well_enough_stays_open() -> None:
    model = fund(50.0, 40.0, 40.0, 40.0, leverage=1.0, aggression=50.0, ruin_share=0.5)
    model.run()
    assert model.groups[0].rule.investors.closures == 0
    assert positions(model)[0, 0] > 0.0


def test_flows_come_from_outside_and_nothing_is_lost() -> None:
    path = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.2, 60)))
    rules = {"impact": {"kind": "outside_wealth", "supply": 200.0}, **CLEARING}
    model = fund(*path, count=5, rules=rules, flow_sensitivity=0.5, ruin_share=0.9, return_after_steps=5, leverage=9.0)
    total = model.accounts.cash.sum()
    before = model.accounts.cash[OUTSIDE].copy()
    model.run()
    assert model.groups[0].rule.investors.closures > 0
    assert model.accounts.cash.sum() == total
    assert (model.accounts.cash[OUTSIDE] != before).any()
    assert np.array_equal(model.accounts.position.sum(axis=0), [0.0])


def test_being_asked_again_moves_no_money_twice() -> None:
    model = fund(50.0, 60.0, 60.0, flow_sensitivity=1.0, leverage=1.0)
    model.step()
    model.step()
    model.market.advance()
    for _ in range(3):
        model.groups[0].rule.decide(model.groups[0].members(slice(None)), model.view)
    assert len(model.groups[0].top_ups) + len(model.groups[0].withdrawals) == 1
