"""Funding: clamp arithmetic against numbers made by hand, and who pays whom."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.funding.base import FundingRule
from tests.simulation.markets import units
from tests.venues import book, equity, venue

BP = 1e-4


def rate(premium: float, **fields: float) -> float:
    return float(FundingRule.parse({"kind": "premium", **fields}).rate(units(100.0 * (1.0 + premium)), units(100.0))[0])


@pytest.mark.parametrize(
    ("premium", "expected"),
    [
        (0.0, 1.0),  # within 5 bp of the interest of 1 bp the rate is the interest
        (5.0, 1.0),
        (-3.9, 1.0),
        (6.0, 1.0),  # the edge: 6 - 5
        (6.5, 1.5),  # beyond it the premium less the clamp
        (20.0, 15.0),
        (-4.5, 0.5),
        (-20.0, -15.0),
        (75.0, 70.0),
        (80.0, 75.0),  # the cap
        (500.0, 75.0),
        (-500.0, -75.0),
    ],
)
def test_the_clamped_premium_by_hand_in_basis_points(premium: float, expected: float) -> None:
    assert rate(premium * BP) == pytest.approx(expected * BP, abs=1e-12)


def test_without_a_clamp_the_premium_itself_is_paid() -> None:
    assert rate(12.0 * BP, clamp_rate=0.0) == pytest.approx(12.0 * BP)


@given(st.floats(-0.5, 1.0), st.floats(-0.5, 1.0))
def test_the_rate_rises_with_the_premium_and_keeps_its_cap(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert rate(low) <= rate(high) + 1e-15
    assert abs(rate(one)) <= 75.0 * BP


def test_no_funding_is_nothing() -> None:
    assert not FundingRule.parse({"kind": "none"}).rate(units(50.0, 200.0), units(100.0, 100.0)).any()


def perpetual(**changes: Any) -> Any:
    people = [book("long", {"A": 10.0}, 1_000.0), book("short", {"A": -4.0}, 1_000.0)]
    funding = {"kind": "premium", "interval_steps": 4, "interest_rate": 0.001, "clamp_rate": 0.01}
    return venue(people, funding=funding, **changes)


def test_longs_pay_shorts_each_interval_and_the_outside_market_takes_the_rest() -> None:
    model, seen = perpetual(), []
    outside = model.accounts.cash[0, 0]
    model.run(lambda: seen.append(float(equity(model)[0])))
    # 10 units at 100 and .1 %: one dollar at steps 4 and 8.
    np.testing.assert_allclose(seen, [1_000.0] * 3 + [999.0] * 4 + [998.0] * 3, atol=1e-4)
    assert equity(model, 1)[0] == pytest.approx(1_000.8, abs=1e-4)
    assert model.accounts.cash[0, 0] - outside == pytest.approx(1.2, abs=1e-4)
    model.accounts.check()


def test_an_isolated_position_pays_its_funding_out_of_its_own_pool() -> None:
    model = perpetual(margin={"kind": "isolated"})
    row = model.groups[0].rows[0]
    before = model.accounts.cash[row].copy()
    model.run()
    np.testing.assert_allclose(model.accounts.cash[row] - before, [0.0, -2.0], atol=1e-4)
