"""Rounding to whole units: up, down, towards zero, and what floating point must not push over an edge."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import ceil_to, floor_to, round_to, trunc_to

UNITS = st.sampled_from([1e-6, 0.01, 0.1, 0.25, 1.0, 5.0, 2.0**-16])


def test_a_product_that_floating_point_misses_by_its_last_bit_is_not_rounded_to_the_next_unit() -> None:
    assert 0.1 + 0.2 > 0.3
    assert ceil_to(np.array(0.1 + 0.2), 1e-6) == 0.3
    assert 4.35 * 100 < 435
    assert floor_to(np.array(4.35 * 100), 1.0) == 435


@pytest.mark.parametrize(
    ("amount", "up", "down", "towards_zero"), [(1.5, 2.0, 1.0, 1.0), (-1.5, -1.0, -2.0, -1.0), (3.0, 3.0, 3.0, 3.0)]
)
def test_up_down_and_towards_zero(amount: float, up: float, down: float, towards_zero: float) -> None:
    value = np.array([amount])
    assert (ceil_to(value, 1.0), floor_to(value, 1.0), trunc_to(value, 1.0)) == (up, down, towards_zero)


def test_unit_zero_rounds_nothing() -> None:
    assert floor_to(np.array([0.123456789]), 0.0) == ceil_to(np.array([0.123456789]), 0.0) == 0.123456789


@given(st.integers(-(10**12), 10**12), UNITS)
def test_whole_multiples_stay_what_they_are(count: int, unit: float) -> None:
    multiple = np.array(float(Fraction(count) * Fraction(repr(unit))))
    assert (
        ceil_to(multiple, unit)
        == floor_to(multiple, unit)
        == trunc_to(multiple, unit)
        == round_to(multiple, unit)
        == multiple
    )


@given(st.floats(-1e9, 1e9), UNITS)
def test_rounding_moves_by_less_than_one_unit_to_the_right_side(amount: float, unit: float) -> None:
    low, high = floor_to(np.array(amount), unit), ceil_to(np.array(amount), unit)
    slack = 1e-14 * abs(amount)
    assert low - slack <= amount <= high + slack
    assert round_to(np.array(amount), unit) in (low, high)
    assert high - low <= unit * (1 + 1e-9) + slack
    assert np.array_equal(low, -ceil_to(np.array(-amount), unit))
