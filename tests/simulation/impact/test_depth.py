"""Depth that thins with volatility."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.impact.depth import DepthModel
from tests.simulation.markets import DEPTH, flat, market, units

positive = st.floats(1e-12, 1e3)


def depth(variance: float, normal: float = 1e-4, **fields: float) -> float:
    return float(DepthModel(**fields).depth(units(DEPTH), units(variance), units(normal))[0])


def test_twice_the_volatility_leaves_half_the_depth_at_elasticity_one() -> None:
    assert depth(4e-4, elasticity=1.0) == pytest.approx(DEPTH / 2.0)
    assert depth(4e-4, elasticity=2.0) == pytest.approx(DEPTH / 4.0)


@given(positive, st.floats(0.0, 10.0), st.floats(0.01, 1.0))
def test_depth_stays_between_its_floor_and_normal(variance: float, elasticity: float, floor: float) -> None:
    assert floor * DEPTH * (1 - 1e-12) <= depth(variance, elasticity=elasticity, floor=floor) <= DEPTH


@given(positive)
def test_calm_never_deepens_the_book_and_elasticity_zero_never_thins_it(variance: float) -> None:
    assert depth(variance, elasticity=0.0) == DEPTH
    assert depth(min(variance, 1e-4), elasticity=3.0) == DEPTH


@given(positive, positive, st.floats(0.1, 10.0))
def test_more_volatility_never_means_more_depth(one: float, other: float, elasticity: float) -> None:
    low, high = sorted((one, other))
    assert depth(high, elasticity=elasticity) <= depth(low, elasticity=elasticity)


def test_a_volatility_of_zero_is_no_division() -> None:
    assert depth(0.0, normal=0.0, elasticity=1.0) <= DEPTH


def test_a_shock_to_the_variance_is_half_forgotten_after_a_half_life() -> None:
    model = DepthModel(half_life_steps=4.0)
    variance = model.update(units(0.0), units(0.1))
    start = variance[0]
    assert start == pytest.approx(0.01 * (1.0 - 2.0**-0.25))
    for _ in range(4):
        before, variance = variance, model.update(variance, units(0.0))
        assert variance[0] == pytest.approx(before[0] * 2.0**-0.25)
    assert variance[0] == pytest.approx(start / 2.0)


def test_constant_moves_make_their_own_square_the_variance() -> None:
    model, variance = DepthModel(half_life_steps=2.0), units(0.0)
    for _ in range(100):
        variance = model.update(variance, units(0.03))
    assert variance[0] == pytest.approx(9e-4, rel=1e-9)


def test_forced_sales_drain_the_book_so_that_the_same_sale_next_step_moves_the_price_further() -> None:
    moves = []
    place = market(flat(), depth={"elasticity": 1.0, "half_life_steps": 1.0, "floor": 0.001})
    for _ in range(3):
        before = place.mid
        place.absorb(units(-100.0), forced=True)
        moves.append(-float(np.log(place.mid / before)[0]))
        place.advance()
    assert moves[0] == pytest.approx(0.01)
    assert moves[1] > 2.0 * moves[0]
    assert moves[2] > moves[1]
