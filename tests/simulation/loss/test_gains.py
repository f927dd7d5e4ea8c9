"""Losses charged to gains: the protocol's own scenarios, exact shares, and limits."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.loss.base import LossRule, Payers
from simulation.loss.gains import paid, settled

whole = st.integers(0, 10**15)


def payers(gain: list[float], equity: list[float]) -> Payers:
    none = np.zeros(len(gain))
    return Payers(np.array(equity), np.array(gain), none, none[:, None], np.ones(1), np.zeros(1, bool))


def charged(loss: float, gain: list[float], equity: list[float]) -> Array:
    return LossRule.parse({"kind": "gains"}).charge(np.array([loss]), payers(gain, equity))


def test_an_empty_pool_leaves_winners_with_what_losers_had() -> None:
    received, insurance = settled([(5_000, 8_000), (10**8, 80)], [80, 8_000], 0)
    assert received == [50, 5_030]
    assert insurance == 0


def test_insurance_pays_first_and_no_more_than_is_lacking() -> None:
    received, insurance = settled([(2_000, 2_400), (3_000, 5_600), (10**8, 80)], [80, 7_200, 800], 2_900)
    assert received == [79, 7_110, 791]
    assert insurance == 0
    assert settled([(100, 150)], [150], 80) == ([150], 30)


@given(st.lists(whole, min_size=1, max_size=8), whole)
def test_shares_are_fair_to_the_unit_and_the_remainder_goes_to_the_last(gains: list[int], collected: int) -> None:
    received, total = paid(gains, collected), sum(gains)
    assert sum(received) == min(collected, total)
    for place, (share, gain) in enumerate(zip(received, gains, strict=True)):
        fair = Fraction(gain * min(collected, total), total) if total else Fraction(0)
        last = place == len(gains) - 1
        assert fair - 1 < share <= (fair + len(gains) if last else fair)


@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.integers(0, 2000)), min_size=1, max_size=8), st.integers(0, 5000)
)
def test_nobody_pays_more_than_its_gain_or_its_equity_and_nobody_without_gain_pays(
    rows: list[tuple[int, int]], loss: int
) -> None:
    gain, equity = ([float(row[column]) for row in rows] for column in (0, 1))
    charge = charged(float(loss), gain, equity)
    assert ((charge >= 0.0) & (charge <= np.floor(equity))).all()
    assert (charge <= np.maximum(gain, 0.0) + len(rows)).all()
    assert not charge[np.array(gain) <= 0.0].any()
    assert charge.sum() <= loss
    assert np.array_equal(charge, np.rint(charge))


def test_a_loss_within_the_gains_is_paid_in_full_by_those_who_have_it() -> None:
    assert charged(100.0, [300.0, -50.0, 100.0], [1e6] * 3).tolist() == [75.0, 0.0, 25.0]


def test_a_loss_beyond_the_gains_stays_unpaid() -> None:
    assert charged(1_000.0, [300.0, 100.0], [1e6, 40.0]).tolist() == [300.0, 40.0]


@pytest.mark.parametrize("loss", [0.0, 7.0])
def test_without_winners_nobody_is_charged(loss: float) -> None:
    assert not charged(loss, [-5.0, 0.0], [100.0, 100.0]).any()


def test_parts_of_a_unit_are_no_gain_and_no_loss() -> None:
    """Gains of 3 and 1 units (and parts) share 2 units of loss: floor(3 * 2 / 4) = 1 and the rest, 1, are received."""
    assert charged(2.9, [3.9, 1.9], [9.0, 9.0]).tolist() == [2.0, 0.0]
    assert charged(0.9, [3.0, 1.0], [9.0, 9.0]).tolist() == [0.0, 0.0]
    assert charged(9.0, [0.9, 0.9], [9.0, 9.0]).tolist() == [0.0, 0.0]


def test_where_losers_pay_everything_nobody_asks_the_fund() -> None:
    assert settled([(10, 10), (5, 3)], [4, 6], 7) == ([4, 6], 7)
    assert settled([(10, 10)], [], 7) == ([], 7)
    assert settled([(0, 10)], [10], 0) == ([0], 0)
