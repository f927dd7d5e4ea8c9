"""Funding with a velocity, by averages and by impact prices: tables, closed forms, and the live exchange."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.funding.average import AverageFunding
from simulation.funding.base import FundingMarket, FundingRule, accrued
from simulation.funding.impact_premium import ImpactPremiumFunding
from simulation.funding.index import settlement
from simulation.funding.velocity import VelocityFunding
from tests.simulation.markets import units
from tests.venues import book, equity, storm, venue


def market(skew: float, past: float, days: float, mark: float = 100.0, oracle: float = 100.0) -> FundingMarket:
    return FundingMarket(("A",), units(mark), units(oracle), units(skew), units(past), days)


def velocity(**fields: Any) -> VelocityFunding:
    return VelocityFunding.model_validate({"skew_scale": 10_000.0, "largest_velocity": 3.0, **fields})


def test_the_rate_drifts_while_the_market_is_one_sided() -> None:
    first = velocity().due(market(20.0, 0.0, 1.0))
    assert (first.rate[0], first.payment[0]) == pytest.approx((0.006, 0.003))
    second = velocity().due(market(-40.0, 0.006, 1.0))
    assert (second.rate[0], second.payment[0]) == pytest.approx((-0.006, 0.0), abs=1e-15)
    assert accrued(first.payment, units(2000.0), units(20.0))[0] == pytest.approx(120.0)


@given(st.floats(-9e3, 9e3), st.floats(-0.1, 0.1), st.floats(0.01, 5.0), st.integers(1, 9))
def test_many_short_settlements_pay_what_one_long_one_pays(skew: float, past: float, days: float, parts: int) -> None:
    whole = velocity().due(market(skew, past, days))
    rate, total = units(past), 0.0
    for _ in range(parts):
        part = velocity().due(market(skew, float(rate[0]), days / parts))
        rate, total = part.rate, total + part.payment[0]
    assert rate[0] == pytest.approx(whole.rate[0], abs=1e-12)
    assert total == pytest.approx(whole.payment[0], abs=1e-12)


def test_velocity_has_a_limit_and_markets_may_have_scales_of_their_own() -> None:
    names = ("A", "B", "C")
    rule = velocity(skew_scales={"B": 100.0, "C": 0.0})
    assert rule.velocity(names, units(5_000.0, 50.0, 50.0)).tolist() == [1.5, 1.5, 0.0]
    assert rule.velocity(names, units(-1e9, 1e9, 1.0)).tolist() == [-3.0, 3.0, 0.0]


def test_a_scale_of_less_than_a_unit_is_a_scale_and_of_nothing_is_no_drift() -> None:
    assert velocity(skew_scale=0.5).velocity(("A",), units(0.25)).tolist() == [1.5]
    still = velocity(skew_scale=0.0).due(market(50.0, 0.02, 2.0))
    assert (still.rate[0], still.payment[0]) == pytest.approx((0.02, 0.04)), "the old rate goes on"


def average(**fields: float) -> AverageFunding:
    return AverageFunding.model_validate(fields)


def test_interest_alone_is_paid_where_the_averages_agree() -> None:
    rule = average(interest_rate=0.05, lowest_rate=-1.0, highest_rate=1.0)
    assert rule.payment(units(3000.0), units(3000.0), 0.5)[0] == pytest.approx(75.0)


@pytest.mark.parametrize(("mark", "paid"), [(103.0, 2.0), (100.5, 0.0), (99.0, 0.0), (95.0, -4.0)])
def test_the_clamp_is_a_dead_band_in_price(mark: float, paid: float) -> None:
    rule = average(lowest_rate=-0.01, highest_rate=0.01)
    assert rule.payment(units(mark), units(100.0), 0.0)[0] == pytest.approx(paid)
    assert rule.due(market(0.0, 0.0, 1.0, mark)).payment[0] == pytest.approx(paid / mark)


def test_interest_is_a_year_s_and_payments_are_fractions_of_the_mark() -> None:
    """5 % a year for 73 days on 3,000 is 30 dollars, of a mark of 2,400; spot less mark of 600 is paid back at once."""
    rule = average(interest_rate=0.05, lowest_rate=-1.0, highest_rate=1.0)
    due = rule.due(market(0.0, 0.0, 73.0, mark=2400.0, oracle=3000.0))
    assert due.payment[0] == pytest.approx(30.0 / 2400.0)
    assert due.rate[0] == due.payment[0]
    tight = average(interest_rate=0.05, lowest_rate=0.0, highest_rate=0.0)
    assert tight.due(market(0.0, 0.0, 73.0, mark=2400.0, oracle=3000.0)).payment[0] == pytest.approx(-0.25)


def test_without_time_the_average_rule_pays_the_difference_of_prices_beyond_its_clamp() -> None:
    """Mark 4,000, spot 3,000 and a clamp of 1 % of spot: 1,000 - 30 dollars, of 4,000."""
    rule = average(interest_rate=0.5, lowest_rate=-0.01, highest_rate=0.01)
    assert rule.rate(units(4000.0), units(3000.0))[0] == pytest.approx(970.0 / 4000.0)
    assert rule.rate(units(2000.0), units(3000.0))[0] == pytest.approx(-970.0 / 2000.0)
    assert rule.rate(units(3010.0), units(3000.0))[0] == pytest.approx(0.0, abs=1e-15)


def test_bounds_on_the_wrong_side_of_zero_are_refused() -> None:
    for bounds in ({"lowest_rate": 0.1}, {"highest_rate": -0.1}):
        with pytest.raises(ValueError, match="_rate"):
            average(**bounds)


def test_the_impact_premium_is_zero_between_the_impact_prices() -> None:
    rule = ImpactPremiumFunding.model_validate({"static_rate": 0.0})
    found = rule.premium(units(99.0, 101.0, 90.0), units(101.0, 103.0, 98.0), units(100.0, 100.0, 100.0))
    assert found.tolist() == pytest.approx([0.0, 0.01, -0.02])


def test_the_hourly_rate_spreads_the_premium_and_keeps_its_bounds() -> None:
    rule = ImpactPremiumFunding.model_validate({"static_rate": 0.00001, "highest_rate": 0.001})
    assert rule.rate(units(100.8), units(100.0))[0] == pytest.approx(0.001)
    assert rule.rate(units(100.4), units(100.0))[0] == pytest.approx(0.00051)
    assert rule.due(market(0.0, 0.0, 0.5, 100.4)).payment[0] == pytest.approx(0.00051 * 12.0)


@given(st.integers(-(10**18), 10**18), st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_an_index_settles_longs_against_shorts_to_the_unit(size: int, entry: int, now: int) -> None:
    assert settlement(size, entry, now) == -settlement(-size, entry, now)
    assert settlement(size, entry, now) + settlement(size, now, entry) == 0
    assert settlement(1, 5, 7) == -2


def test_the_exchange_remembers_the_rate_and_reads_the_skew() -> None:
    """Traders are 6 units long of a scale of 60 at 3 a day: .3 a day after one day of 24 hourly steps."""
    funding = {"kind": "velocity", "interval_steps": 1, "skew_scale": 60.0, "largest_velocity": 3.0}
    people = [book("long", {"A": 10.0}, 1_000.0), book("short", {"A": -4.0}, 1_000.0)]
    model = venue(people, funding=funding, price=storm(*[100.0] * 25))
    for _ in range(24):
        model.step()
    assert model.exchange.funding_rate[0] == pytest.approx(0.3)
    assert equity(model, 0)[0] == pytest.approx(1_000.0 - 0.15 * 1_000.0, abs=1e-3)
    assert equity(model, 1)[0] == pytest.approx(1_000.0 + 0.15 * 400.0, abs=1e-3)


@pytest.mark.parametrize("kind", sorted(FundingRule.kinds()))
def test_what_is_due_is_a_number_for_every_market_and_rules_forget_nothing_they_read(kind: str) -> None:
    due = FundingRule.parse({"kind": kind}).due(market(50.0, 0.01, 1.0, 101.0))
    assert due.rate.shape == due.payment.shape == (1,)
    assert np.isfinite([due.rate, due.payment]).all()
