"""Impact by skew: slices cost what one order costs, and a round trip costs nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.impact.base import Book, ImpactRule
from simulation.impact.skew import skew_fill_price

SCALE = 1_000.0
units = st.floats(-300.0, 300.0)


def fill(skew: float, size: float) -> float:
    return float(skew_fill_price(np.array(100.0), np.array(skew), np.array(size), SCALE))


def test_fills_by_hand() -> None:
    assert float(skew_fill_price(np.array(1000.0), np.array(0.0), np.array(1.0), 1e5)) == pytest.approx(1000.005)
    assert float(skew_fill_price(np.array(1000.0), np.array(0.0), np.array(-1.0), 1e5)) == pytest.approx(999.995)
    assert fill(50.0, 100.0) == pytest.approx(110.0)


@given(units, units, units)
def test_an_order_costs_what_its_slices_cost(skew: float, one: float, other: float) -> None:
    together = fill(skew, one + other) * (one + other)
    assert fill(skew, one) * one + fill(skew + one, other) * other == pytest.approx(together, abs=1e-6)


@given(units, units)
def test_a_round_trip_is_free(skew: float, size: float) -> None:
    assert fill(skew, size) == pytest.approx(fill(skew + size, -size))


@given(st.floats(-200.0, 200.0), st.floats(-200.0, 200.0))
def test_the_law_of_the_market_is_the_price_of_the_pool(done: float, volume: float) -> None:
    law = ImpactRule.parse({"kind": "skew", "skew_scale": SCALE})
    known = Book(np.array([100.0]), np.array([100.0]), np.array([1.0]))
    first = law.move(np.zeros(1), np.array([done]), known).final
    move = law.move(np.array([done]), np.array([volume]), known)
    assert 100.0 * np.exp(first + move.average)[0] == pytest.approx(fill(done, volume))
    assert 100.0 * np.exp(first + move.final)[0] == pytest.approx(fill(done + volume, 0.0))


def test_no_sale_takes_the_price_to_nothing_or_below() -> None:
    """A skew of minus its scale would be a price of 0: the law stops at a billionth of the oracle's, and goes back."""
    law = ImpactRule.parse({"kind": "skew", "skew_scale": SCALE})
    known = Book(np.array([100.0]), np.array([100.0]), np.array([1.0]))
    for volume in (-SCALE, -5.0 * SCALE):
        down = law.move(np.zeros(1), np.array([volume]), known)
        assert down.final[0] == pytest.approx(np.log(1e-9))
        assert np.isfinite(down.average[0])
        back = law.move(np.array([volume]), np.array([-volume]), known)
        assert back.final[0] == pytest.approx(-down.final[0])
