"""Rounding to whole units: up, down, towards zero, and what floating point must not push over an edge."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import ceil_to, column_sum, floor_to, round_to, trunc_to

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
    slack = 1e-14 * abs(amount) + 1e-300
    assert low - slack <= amount <= high + slack
    assert round_to(np.array(amount), unit) in (low, high)
    assert high - low <= unit * (1 + 1e-9) + slack
    assert np.array_equal(low, -ceil_to(np.array(-amount), unit))


# Sums over columns ---------------------------------------------------------------------------------------------


def test_rows_are_added_up_by_hand() -> None:
    table = np.array([[1.0, 20.0, -300.0], [0.5, 0.25, 0.0]])
    assert column_sum(table).tolist() == [-279.0, 0.75]
    assert column_sum(table[:, :1]).tolist() == [1.0, 0.5]
    assert table.tolist() == [[1.0, 20.0, -300.0], [0.5, 0.25, 0.0]], "what is added up stays as it was"


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 10**6))
def test_a_row_s_sum_has_the_same_bytes_alone_in_a_crowd_and_however_it_lies_in_memory(
    rows: int, columns: int, seed: int
) -> None:
    """It is the sum from left to right, one rounding after another."""
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(rows, columns)) * 10.0 ** draw.integers(-12, 12, (rows, columns))
    whole = column_sum(table)
    assert column_sum(np.asfortranarray(table)).tobytes() == whole.tobytes()
    assert column_sum(table[::-1])[::-1].tobytes() == whole.tobytes()
    for row in range(rows):
        assert column_sum(table[row : row + 1])[0] == sum(table[row].tolist()[1:], table[row, 0]) == whole[row]


# Units whose reciprocal is whole, and others -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "unit", "down", "up", "near"),
    [(1.234567891, 1e-6, 1.234567, 1.234568, 1.234568), (0.7, 0.3, 0.6, 0.9, 0.6), (-0.7, 0.3, -0.9, -0.6, -0.6),
     (2.5, 1.0, 2.0, 3.0, 2.0), (3.5, 1.0, 3.0, 4.0, 4.0), (7.0, 2.5, 5.0, 7.5, 7.5), (1e-7, 1e-6, 0.0, 1e-6, 0.0)],
)  # fmt: skip
def test_rounding_by_hand(amount: float, unit: float, down: float, up: float, near: float) -> None:
    """Half goes to the even multiple."""
    value = np.array(amount)
    found = [float(each(value, unit)) for each in (floor_to, ceil_to, round_to)]
    assert found == pytest.approx([down, up, near], rel=1e-15)


@pytest.mark.parametrize("unit", [0.0, 1e-13])
def test_units_that_floats_cannot_tell_round_nothing(unit: float) -> None:
    value = np.array([0.1234567890123, -5.0])
    for each in (floor_to, ceil_to, round_to, trunc_to):
        np.testing.assert_allclose(each(value, unit), value, rtol=1e-15)


def test_the_finest_unit_still_rounds() -> None:
    assert float(floor_to(np.array(1.5e-12), 1e-12)) == pytest.approx(1e-12, rel=1e-9)
    assert float(round_to(np.array(1.7e-12), 1e-12)) == pytest.approx(2e-12, rel=1e-9)
