"""Funding rules against plain readings of their formulas, branch by branch, and money that only changes hands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.funding.average import AverageFunding
from simulation.funding.base import FundingMarket, FundingRule, accrued, bounded_premium
from simulation.funding.impact_premium import ImpactPremiumFunding
from simulation.funding.premium import PremiumFunding
from simulation.funding.velocity import VelocityFunding
from simulation.rule import load_rules

load_rules("simulation.funding")
prices = st.floats(50.0, 200.0)


def one(amount: float) -> np.ndarray:
    return np.array([amount])


@given(prices, prices, st.floats(-0.01, 0.01), st.floats(0.0, 0.05), st.floats(0.001, 0.1))
def test_premium_funding_is_interest_within_the_dead_band_and_the_premium_less_the_clamp_beyond(
    mark: float, oracle: float, interest: float, clamp: float, cap: float
) -> None:
    rule = PremiumFunding(interest_rate=interest, clamp_rate=clamp, cap_rate=cap)
    premium = (mark - oracle) / oracle
    if premium > interest + clamp:
        expected = premium - clamp
    elif premium < interest - clamp:
        expected = premium + clamp
    else:
        expected = interest
    expected = min(max(expected, -cap), cap)
    assert rule.rate(one(mark), one(oracle))[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("premium", "bounds", "expected"),
    [(0.01, (-0.002, 0.004), 0.008), (-0.01, (-0.002, 0.004), -0.006), (0.001, (-0.002, 0.004), 0.003)],
)
def test_a_dead_band_may_be_wider_on_one_side(premium: float, bounds: tuple[float, float], expected: float) -> None:
    assert float(bounded_premium(one(premium), 0.003, bounds)[0]) == pytest.approx(expected)


@given(st.floats(90.0, 110.0), st.floats(0.0, 10.0), prices, st.floats(1.0, 48.0), st.floats(-1e-3, 1e-3))
def test_the_impact_premium_counts_what_lies_beyond_the_bid_or_the_ask(
    middle: float, spread: float, index: float, hours: float, static: float
) -> None:
    bid, ask = middle - spread / 2.0, middle + spread / 2.0
    rule = ImpactPremiumFunding(convergence_hours=hours, static_rate=static, lowest_rate=-0.004, highest_rate=0.006)
    expected = (bid - index) / index if index < bid else (ask - index) / index if index > ask else 0.0
    assert rule.premium(one(bid), one(ask), one(index))[0] == pytest.approx(expected, abs=1e-12)
    hourly = min(max((middle - index) / index / hours + static, -0.004), 0.006)
    assert rule.rate(one(middle), one(index))[0] == pytest.approx(hourly, abs=1e-12)
    market = FundingMarket(("A",), one(middle), one(index), one(0.0), one(0.0), 0.25)
    due = rule.due(market)
    assert due.payment[0] == pytest.approx(6.0 * hourly, abs=1e-12), "six hours of it"
    assert due.rate[0] == pytest.approx(hourly, abs=1e-12)


@given(st.lists(st.tuples(st.floats(-2e4, 2e4), st.floats(0.05, 2.0)), min_size=1, max_size=5), st.floats(-0.5, 0.5))
def test_the_velocity_rule_is_the_integral_of_a_rate_that_drifts(legs: list[tuple[float, float]], start: float) -> None:
    """Thousands of small steps: the rate moves by its velocity, the payment adds up the rate."""
    rule = VelocityFunding(skew_scale=1e4, largest_velocity=3.0)
    rate, paid, exact_rate, exact = start, 0.0, one(start), 0.0
    for skew, days in legs:
        due = rule.due(FundingMarket(("A",), one(1.0), one(1.0), one(skew), exact_rate, days))
        exact_rate, exact = due.rate, exact + float(due.payment[0])
        speed, step = max(-3.0, min(3.0, 3.0 * skew / 1e4)), days / 2_000
        for _ in range(2_000):
            paid += (rate + speed * step / 2.0) * step
            rate += speed * step
    assert exact_rate[0] == pytest.approx(rate, abs=1e-9)
    assert exact == pytest.approx(paid, abs=1e-9)


@given(prices, st.floats(0.01, 2.0), st.floats(-1.0, 1.0))
def test_a_mark_that_has_earned_the_interest_pays_nothing(spot: float, years: float, interest: float) -> None:
    rule = AverageFunding(interest_rate=interest, lowest_rate=-1.0, highest_rate=1.0)
    mark = spot * (1.0 + years * interest)
    if abs(years * interest) < 0.9:
        unclamped = rule.payment(one(mark), one(spot), years)[0]
        assert unclamped == pytest.approx(mark - spot, abs=1e-9 * spot), "no interest leg: the difference is paid"
        flat = AverageFunding(interest_rate=interest, lowest_rate=0.0, highest_rate=0.0)
        assert flat.payment(one(mark), one(spot), years)[0] == pytest.approx(mark - spot, abs=1e-9 * spot)


@pytest.mark.parametrize("kind", sorted(FundingRule.kinds()))
@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=8), prices, prices, st.floats(0.01, 3.0))
def test_what_longs_pay_shorts_receive_and_a_flat_market_pays_itself(
    kind: str, lots: list[int], mark: float, oracle: float, days: float
) -> None:
    rule = FundingRule.parse({"kind": kind})
    held = np.array([*lots, -sum(lots)], float)[:, None]
    due = rule.due(FundingMarket(("A",), one(mark), one(oracle), one(sum(max(x, 0) for x in lots)), one(0.0), days))
    paid = accrued(due.payment, one(mark), held)
    assert paid.sum() == pytest.approx(0.0, abs=1e-9 * (1.0 + np.abs(paid).sum()))
    assert (paid * due.payment[0] * held >= 0.0).all()
