"""Direction-aware haircuts against the closed form for two columns, with every parameter in it."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed
from simulation.collateral.base import CollateralRule
from simulation.rule import load_rules

load_rules("simulation.collateral")
Z99 = 2.3263478740408408
PRICE = np.array([100.0, 50.0])
LISTED = Listed(("PERP", "COIN"), ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))
TERMS = {"markets": {"PERP": {"volatility": 0.8}, "COIN": {"volatility": 0.4}}, "horizon_days": 365.0 / 16.0}


def haircut(perp: float, coin: float, **terms: Any) -> float:
    """Dollars that are taken off `coin` coins beside `perp` perpetuals."""
    rule = CollateralRule.parse({"kind": "wrong_way", **TERMS, **terms})
    book = Book.of(np.zeros(1), np.array([[perp, coin]]), PRICE)
    return float(rule.requirement(book, Board.at(LISTED, PRICE), "maintenance")[0])


def expected(perp: float, coin: float, rho: float, z: float = Z99) -> float:
    """A sixteenth of a year: a quarter of the yearly deviations, 20 % and 10 %."""
    a, b = perp * 100.0 * 0.2, coin * 50.0 * 0.1
    return z * (math.sqrt(max(a * a + b * b + 2.0 * rho * a * b, 0.0)) - abs(a))


def test_a_token_alone_is_cut_by_its_own_quantile() -> None:
    assert haircut(0.0, 4.0, correlation=0.5) == pytest.approx(Z99 * 20.0)
    assert haircut(0.0, 4.0, correlation=0.5, confidence=0.975) == pytest.approx(1.9599639845 * 20.0)


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.5, 1.0])
def test_beside_a_long_or_a_short_it_is_what_the_token_adds_to_the_risk(rho: float) -> None:
    for perp in (3.0, -3.0):
        found = haircut(perp, 4.0, correlation=rho, least_haircut=-1.0)
        assert found == pytest.approx(max(expected(perp, 4.0, rho), -200.0), rel=1e-9, abs=1e-9)


@given(st.floats(-50.0, 50.0), st.floats(0.0, 50.0), st.floats(-0.9, 0.9), st.floats(0.0, 0.5))
def test_the_haircut_is_the_larger_of_the_closed_form_and_the_least(
    perp: float, coin: float, rho: float, least: float
) -> None:
    found = haircut(perp, coin, correlation=rho, least_haircut=least)
    scale = abs(perp) * 100.0 + coin * 50.0
    assert found == pytest.approx(
        max(expected(perp, coin, rho), least * coin * 50.0), rel=1e-7, abs=1e-7 * (1.0 + scale)
    )


def test_the_horizon_enters_by_its_root() -> None:
    month, quarter = (haircut(0.0, 4.0, correlation=0.5, horizon_days=days) for days in (10.0, 40.0))
    assert quarter == pytest.approx(2.0 * month)


# Columns on one underlying, options, debts ---------------------------------------------------------------------

NAMES, KINDS = ("PERP", "COIN", "CALL", "GOLD"), ("perpetual", "spot", "option", "spot")
MIXED = Listed(
    NAMES, KINDS, np.array([0, 0, 0, 3]), np.array([np.nan, np.nan, 100.0, np.nan]), np.array([0, 0, 1, 0.0])
)
SPOT = np.array([100.0, 100.0, 100.0, 50.0])
YEARS = np.array([np.inf, np.inf, 0.25, np.inf])
VOLATILE = {"markets": {"PERP": {"volatility": 0.8}, "GOLD": {"volatility": 0.4}}, "horizon_days": 365.0 / 16.0}


def taken(cash: float, *units: float, **terms: Any) -> float:
    """Dollars that are taken off the tokens of an account in all four columns."""
    rule = CollateralRule.parse({"kind": "wrong_way", **VOLATILE, **terms})
    price = np.array([100.0, 100.0, 11.0, 50.0])
    known = {"spot": SPOT, "forward": SPOT, "volatility": np.full(4, 0.5), "years": YEARS}
    book = Book.of(np.array([cash]), np.array([units]), price)
    return float(rule.requirement(book, Board.at(MIXED, price, **known), "maintenance")[0])


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.9])
def test_what_has_one_underlying_moves_together_whatever_correlation_is_assumed(rho: float) -> None:
    """A coin beside its own perpetual: 20 % of 300 dollars on top of 20 % of 500, or taken off it."""
    assert taken(0.0, 5.0, 3.0, 0.0, 0.0, correlation=rho) == pytest.approx(Z99 * 60.0)
    assert taken(0.0, -5.0, 3.0, 0.0, 0.0, correlation=rho, least_haircut=-1.0) == pytest.approx(-Z99 * 60.0)
    assert taken(0.0, -2.0, 3.0, 0.0, 0.0, correlation=rho, least_haircut=-1.0) == pytest.approx(Z99 * (20.0 - 40.0))


def test_an_option_is_as_much_of_its_underlying_as_its_delta() -> None:
    """At the money for a quarter at 50 %: d1 = .125, delta .54974; ten calls are 549.74 dollars of exposure."""
    delta = 0.5 * (1.0 + math.erf(0.125 / math.sqrt(2.0)))
    assert delta == pytest.approx(0.54974, abs=1e-5)
    a, b = 1_000.0 * delta * 0.2, 4.0 * 50.0 * 0.1
    both = math.sqrt(a * a + b * b + 2.0 * 0.5 * a * b)
    assert taken(0.0, 0.0, 0.0, 10.0, 4.0, correlation=0.5) == pytest.approx(Z99 * (both - a))
    # As a hedge: short so many perpetuals as the calls are worth in deltas, and gold stands alone.
    assert taken(0.0, -10.0 * delta, 0.0, 10.0, 4.0, correlation=0.5) == pytest.approx(Z99 * 20.0)


def test_a_debt_has_no_least_haircut_and_shares_the_risk_with_what_is_held() -> None:
    """2 gold owed beside 3 coins: 60 and -10 of deviation at rho .5; a tenth of what is held is less than that."""
    risk = math.sqrt(60.0**2 + 10.0**2 - 2.0 * 0.5 * 60.0 * 10.0)
    assert taken(500.0, 0.0, 3.0, 0.0, -2.0, correlation=0.5, least_haircut=0.1) == pytest.approx(Z99 * risk)
    tiny = {"markets": {"PERP": {"volatility": 0.0}, "GOLD": {"volatility": 0.0}}}
    assert taken(500.0, 0.0, 3.0, 0.0, -2.0, least_haircut=0.1, **tiny) == pytest.approx(30.0), "of the 300, not of 200"


def test_a_perfect_hedge_is_no_risk_and_no_number_that_does_not_exist() -> None:
    found = taken(0.0, -3.0, 3.0, 0.0, 0.0, least_haircut=-1.0)
    assert found == pytest.approx(-Z99 * 60.0)
    assert taken(0.0, 0.0, 0.0, 0.0, 0.0) == 0.0
    assert taken(0.0, 5.0, 0.0, 0.0, 0.0) == 0.0, "without tokens nothing is cut"
