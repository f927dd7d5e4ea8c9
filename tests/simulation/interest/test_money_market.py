"""The cash market: utilisation, a kinked rate, continuous interest, and where it goes."""

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
