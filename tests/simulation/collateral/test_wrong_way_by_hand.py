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
