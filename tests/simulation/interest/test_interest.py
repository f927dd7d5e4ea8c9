"""Interest: hand-worked rates, and in the live market every dollar that is paid is received."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.accounts import TREASURY
from simulation.interest.base import InterestRule, utilisation
from simulation.rule import load_rules
from tests.venues import book, rows, venue

load_rules("simulation.interest")
KINDS = sorted(InterestRule.kinds())
COIN = {"name": "COIN", "price": 100.0, "instrument": {"kind": "spot"}}


def test_two_lines_meet_at_the_optimal_utilisation() -> None:
    rule = InterestRule.parse(
        {"kind": "kinked", "base_rate": 0.01, "slope": 0.04, "steep_slope": 0.6, "optimal_utilisation": 0.8}
    )
    assert rule.rate(np.array([0.0, 0.4, 0.8, 0.9, 1.0])) == pytest.approx([0.01, 0.03, 0.05, 0.35, 0.65])
    assert rule.lending_rate(np.array([0.8])) == pytest.approx([0.05 * 0.8 * 0.9])


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=5))
def test_scarce_money_is_never_cheaper_and_lenders_earn_no_more_than_is_paid(kind: str, used: list[float]) -> None:
    rule, u = InterestRule.parse({"kind": kind}), np.sort(np.array(used))
    rate = rule.rate(u)
    assert (np.diff(rate) >= -1e-12).all()
    assert (rule.lending_rate(u) <= rate * u + 1e-12).all()


def test_utilisation_is_a_share() -> None:
    assert utilisation(np.array([0.0, 5.0, 5.0, 5.0]), np.array([0.0, 10.0, 4.0, 0.0])).tolist() == [0.0, 0.5, 1.0, 1.0]


def test_utilisation_of_less_than_a_unit_is_a_share_too() -> None:
    found = utilisation(np.array([0.25, 0.5, 1e-9]), np.array([0.5, 0.25, 1e-6]))
    assert found.tolist() == pytest.approx([0.5, 1.0, 0.001])


@given(st.floats(0.05, 0.95), st.floats(0.0, 1.0), st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 0.5))
def test_both_lines_are_straight_and_their_ends_are_the_stated_rates(
    best: float, part: float, slope: float, steep: float, base: float
) -> None:
    """Aave's strategy: base at 0, base + slope at the kink, base + slope + steep slope when all is lent out."""
    terms = {"base_rate": base, "slope": slope, "steep_slope": steep, "optimal_utilisation": best}
    rule = InterestRule.parse({"kind": "kinked", **terms})
    low, high = part * best, best + part * (1.0 - best)
    expected = [base, base + slope * part, base + slope, base + slope + steep * part, base + slope + steep]
    assert rule.rate(np.array([0.0, low, best, high, 1.0])).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert rule.rate(np.array([-0.5, 1.5])).tolist() == pytest.approx([expected[0], expected[-1]])


def test_the_reserve_is_taken_of_what_borrowers_pay_and_lenders_share_the_rest() -> None:
    """At 10 % and a quarter lent out lenders of 400 earn .75 of the 10 dollars that 100 cost: 1.875 %."""
    rule = InterestRule.parse({"kind": "flat", "borrow_rate": 0.1, "reserve_share": 0.25})
    assert rule.lending_rate(np.array([0.25])).tolist() == pytest.approx([0.01875])
    assert rule.rate(np.array([0.0, 0.25, 1.0])).tolist() == [0.1, 0.1, 0.1]
    free = InterestRule.parse({"kind": "none"})
    assert not free.charges
    assert free.lending_rate(np.array([0.3])).tolist() == free.rate(np.array([0.3])).tolist() == [0.0]


def test_who_owes_cash_pays_those_who_hold_it_and_the_treasury_takes_its_share() -> None:
    """A borrower of 1,000 dollars against coins, at 10 % a year for one year, and a lender of 3,000."""
    year = 365.0 * 86_400.0
    model = venue(
        [book("borrower", {}, 0.0, collateral={"COIN": 2000.0}), book("lender", {}, 3000.0)],
        markets=[COIN],
        steps=2,
        step_seconds=1e7,
        interest={"kind": "flat", "borrow_rate": 0.1, "interval_steps": 1, "reserve_share": 0.25},
    )
    borrower, lender = int(rows(model, 0)[0]), int(rows(model, 1)[0])
    model.accounts.transfer((np.array([borrower]), 0), (np.array([0]), 0), np.array([1000.0]), "withdrawal")
    model.exchange.watch.touch(np.array([borrower]))
    model.step()
    due = 1000.0 * 0.1 * 1e7 / year
    assert model.accounts.cash[borrower, 0] == pytest.approx(-1000.0 - due, abs=1e-4)
    assert model.accounts.cash[lender, 0] == pytest.approx(3000.0 + 0.75 * due, abs=1e-4)
    assert model.accounts.cash[TREASURY, 0] == pytest.approx(0.25 * due, abs=1e-4)
    assert model.exchange.lending.paid == pytest.approx(due, abs=1e-4)
    model.accounts.check()


def test_a_token_that_is_owed_costs_interest_in_dollars() -> None:
    model = venue(
        [book("short", {"COIN": -5.0}, 2000.0), book("holder", {}, 0.0, collateral={"COIN": 1000.0})],
        markets=[COIN],
        steps=2,
        step_seconds=86_400.0,
        interest={"kind": "flat", "borrow_rate": 0.365, "interval_steps": 1, "reserve_share": 0.0},
    )
    model.step()
    assert model.exchange.lending.paid == pytest.approx(5.0 * 100.0 * 0.001, abs=1e-4)
    assert model.accounts.cash[rows(model, 1)[0], 0] == pytest.approx(0.5, abs=1e-4)


def test_an_open_perpetual_owes_nothing() -> None:
    model = venue([book("long", {"A": 10.0}, 500.0)], interest={"kind": "flat", "interval_steps": 1})
    model.run()
    assert model.exchange.lending.paid == 0.0
