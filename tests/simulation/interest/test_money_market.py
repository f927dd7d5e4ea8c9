"""The cash market: utilisation, a kinked rate, continuous interest, and where it goes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.interest.money_market import MoneyMarket, utilisation

MARKET = MoneyMarket.model_validate({"reserve_share": 0.2})


def test_cash_that_profits_created_counts_as_supplied() -> None:
    assert utilisation(30.0, 120.0) == 0.25
    assert utilisation(30.0, 100.0, settled=-20.0) == 0.25
    assert utilisation(30.0, 120.0, settled=50.0) == 0.25
    assert utilisation(30.0, 0.0) == 0.0


def test_the_rate_by_hand() -> None:
    assert MARKET.borrow_rate(0.5) == pytest.approx(0.06 + 0.1)
    assert MARKET.borrow_rate(0.7) == pytest.approx(0.06 + 0.12 + 0.04)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_use_never_costs_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert MARKET.borrow_rate(low) <= MARKET.borrow_rate(high)


@given(st.floats(0.0, 1.0), st.floats(0.0, 5.0), st.lists(st.floats(1.0, 1e6), min_size=1, max_size=5))
def test_lenders_and_the_fund_receive_exactly_what_borrowers_pay(
    used: float, years: float, supply: list[float]
) -> None:
    interest = MARKET.interest(used * sum(supply), sum(supply), years)
    received, kept = MARKET.shared(interest, np.array(supply))
    assert received.sum() + kept == pytest.approx(interest, rel=1e-9)
    assert kept == pytest.approx(0.2 * interest)


def test_interest_compounds_continuously() -> None:
    assert MARKET.interest(100.0, 200.0, 1.0) == pytest.approx(100.0 * (np.exp(0.16) - 1.0))


def test_the_rate_bends_at_the_optimal_utilisation_and_is_defined_beyond_all_lent_out() -> None:
    """.02 + .1 u up to .5, then .02 + .05 + .8 (u - .5); more may be owed than is supplied."""
    terms = {"least_rate": 0.02, "slope": 0.1, "steep_slope": 0.8, "optimal_utilisation": 0.5}
    market = MoneyMarket.model_validate(terms)
    found = [market.borrow_rate(u) for u in (0.0, 0.3, 0.5, 0.75, 1.0, 1.5)]
    assert found == pytest.approx([0.02, 0.05, 0.07, 0.27, 0.47, 0.87])


def test_interest_follows_time_and_use_by_hand() -> None:
    """60 of 120 supplied and 30 created by profits: u = .4, 14 % for a quarter of a year."""
    terms = {"least_rate": 0.06, "slope": 0.2, "steep_slope": 0.4, "optimal_utilisation": 0.6}
    market = MoneyMarket.model_validate(terms)
    assert utilisation(60.0, 120.0, settled=-30.0) == pytest.approx(0.4)
    assert market.interest(60.0, 150.0, 0.25) == pytest.approx(60.0 * math.expm1(0.14 * 0.25), rel=1e-12)
    assert market.interest(60.0, 150.0, 0.0) == 0.0
    assert market.interest(0.0, 150.0, 1.0) == 0.0
    received, kept = MARKET.shared(10.0, np.array([30.0, 10.0]))
    assert (received.tolist(), kept) == ([6.0, 2.0], 2.0)
