"""Exact splits: against fractions, at sizes where floating point would lose units."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.shares import split, split_capped

whole = st.integers(0, 2**40)
weights = st.lists(whole, min_size=1, max_size=12)


def by_fractions(total: int, weight: list[int]) -> list[int]:
    """Largest remainder, ties by position."""
    shares = [Fraction(total * w, sum(weight)) for w in weight]
    given_ = [share // 1 for share in shares]
    order = sorted(range(len(weight)), key=lambda i: -(shares[i] - given_[i]))
    for i in order[: total - sum(given_)]:
        given_[i] += 1
    return given_


@given(weights.filter(any), st.integers(0, 2**44))
def test_a_split_is_the_largest_remainder_split(weight: list[int], total: int) -> None:
    assert split(float(total), np.array(weight, float)).tolist() == by_fractions(total, weight)


@given(weights.filter(any), st.floats(0.0, 1.0))
def test_nobody_pays_more_than_its_weight_while_there_is_enough(weight: list[int], part: float) -> None:
    total = int(sum(weight) * part)
    shares = split(float(total), np.array(weight, float))
    assert shares.sum() == total
    assert (shares <= weight).all()


def test_equal_remainders_go_by_position() -> None:
    assert split(2.0, np.ones(4)).tolist() == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("weight", [[], [0.0], [0.0, 0.0]])
def test_nothing_is_split_among_nobody(weight: list[float]) -> None:
    assert split(5.0, np.array(weight)).tolist() == [0.0] * len(weight)


@given(st.lists(st.tuples(st.integers(1, 2**30), st.integers(0, 10**6)), min_size=1, max_size=8), whole)
def test_a_capped_split_fills_what_it_can(rows: list[tuple[int, int]], total: int) -> None:
    weight, cap = (np.array(column, float) for column in zip(*rows, strict=True))
    shares = split_capped(float(total), weight, cap)
    assert (shares <= cap).all()
    assert (shares >= 0.0).all()
    assert shares.sum() == min(total, cap.sum())


def filled(total: int, weight: list[int], cap: list[int]) -> list[Fraction]:
    """Pour `total` into vessels as wide as their weight and as full as their cap: min(cap, c weight), exactly."""
    level, left, free = [Fraction(0)] * len(weight), Fraction(min(total, sum(cap))), set(range(len(weight)))
    while left:
        rise = min((Fraction(cap[i]) - level[i]) / weight[i] for i in free)
        rise = min(rise, left / sum(weight[i] for i in free))
        for i in free:
            level[i] += rise * weight[i]
        left -= rise * sum(weight[i] for i in free)
        free = {i for i in free if level[i] < cap[i]}
    return level


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 30)), min_size=1, max_size=9),
    st.integers(0, 300),
    st.sampled_from([1, 2**20]),
)
def test_a_capped_split_is_less_than_a_unit_off_the_exact_one(rows: list[tuple[int, int]], total: int, s: int) -> None:
    weight, cap = [w * s for w, _ in rows], [c for _, c in rows]
    exact = filled(total, weight, cap)
    found = split_capped(float(total), np.array(weight, float), np.array(cap, float)).tolist()
    assert sum(found) == sum(exact)
    assert all(abs(Fraction(ours) - share) < 1 for ours, share in zip(found, exact, strict=True))


def test_what_a_cap_cuts_off_does_not_make_the_first_pay_twice() -> None:
    """6 among four alike, of whom the first has 1: 1 and 5/3 each, so 2, 2, 1 and not 3, 1, 1."""
    assert split_capped(6.0, np.ones(4), np.array([1.0, 3.0, 2.0, 2.0])).tolist() == [1.0, 2.0, 2.0, 1.0]
    assert split_capped(9.0, np.ones(4), np.array([1.0, 3.0, 2.0, 2.0])).tolist() == [1.0, 3.0, 2.0, 2.0]
    assert split_capped(5.0, np.array([0.0, 3.0, 1.0]), np.array([9.0, 9.0, 0.0])).tolist() == [0.0, 5.0, 0.0]


def test_of_a_thousand_equal_shares_the_first_get_what_is_left_over() -> None:
    assert split(1500.0, np.ones(1000)).tolist() == [2.0] * 500 + [1.0] * 500


def test_equal_remainders_among_others_go_by_position_however_many_there_are() -> None:
    """1,750 over weights 1, 2, 1, 2, ...: 1.17 and 2.33 each; the 250 units left over go to the first of the twos."""
    expected = [1.0, 3.0] * 250 + [1.0, 2.0] * 250
    assert split(1750.0, np.tile([1.0, 2.0], 500)).tolist() == expected


def test_a_quotient_that_floats_put_just_below_a_whole_number_is_put_right() -> None:
    """49 * (1 / 49) is 0.9999999999999999 in floats; the missing unit must not go to somebody else."""
    assert 49.0 * (1.0 / 49.0) < 1.0
    assert split(49.0, np.array([48.0, 1.0])).tolist() == [48.0, 1.0]
    assert split(98.0, np.array([48.0, 1.0])).tolist() == [96.0, 2.0]


def test_who_is_due_a_whole_number_gets_no_unit_that_is_left_over() -> None:
    """90 * .7 is 62.99999999999999 in floats, 63 in fact; of the halves the first gets the unit."""
    assert 90.0 * (14.0 / 20.0) < 63.0
    assert split(90.0, np.array([14.0, 1.0, 5.0])).tolist() == [63.0, 5.0, 22.0]


def test_a_weight_of_nothing_takes_no_part_and_takes_nothing_from_the_others() -> None:
    assert split(5.0, np.array([0.0, 1.0, 1.0])).tolist() == [0.0, 3.0, 2.0]
    assert split_capped(20.0, np.array([0.0, 3.0, 1.0]), np.array([9.0, 9.0, 0.0])).tolist() == [0.0, 9.0, 0.0]
    assert split_capped(0.0, np.ones(2), np.ones(2)).tolist() == [0.0, 0.0]
    assert split_capped(3.0, np.empty(0), np.empty(0)).tolist() == []
