"""Losses written into an index: what a unit or a deposit is charged, exactly."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.loss.both_sides import charge_per_unit
from simulation.loss.depositors import index_cut

whole = st.integers(1, 10**6)


def test_longs_and_shorts_are_charged_alike() -> None:
    assert charge_per_unit(100.0, 7.0, 4.0) == 9.09091
    assert charge_per_unit(-100.0, 7.0, -4.0) == 9.09091, "signs are those of the books"
    assert charge_per_unit(100.0, 0.0, 8.0) == 12.5


def test_a_market_nobody_is_in_can_be_charged_nothing() -> None:
    assert charge_per_unit(1.0, 0.0, 0.0) == np.inf


@given(whole, whole, whole)
def test_the_charge_covers_the_loss_and_a_millionth_less_a_unit_does_not(loss: int, longs: int, shorts: int) -> None:
    exact = Fraction(loss, longs + shorts)
    assert charge_per_unit(loss, longs, shorts) == pytest.approx(float(Fraction(ceil(exact * 10**6), 10**6)), rel=1e-12)


@given(whole, whole, st.integers(10**9, 10**11))
def test_deposits_lose_the_share_of_the_loss_rounded_up(loss: int, more: int, index: int) -> None:
    """The index in ten-billionths."""
    deposits = loss + more
    expected = min(ceil(Fraction(index * loss, deposits)), index - 1)
    assert index_cut(loss, deposits, index / 10**10) * 10**10 == pytest.approx(expected, rel=1e-12, abs=1e-4)


def test_an_index_never_falls_to_nothing() -> None:
    assert index_cut(11.0, 120.0, 1.0) == 0.0916666667
    for loss in (100.0, 100.000001, 1e9):
        assert index_cut(loss, 100.0, 1.0) == 1.0 - 1e-10
    assert index_cut(99.999999, 100.0, 1.0) == 0.99999999


def test_without_deposits_nobody_is_charged() -> None:
    assert index_cut(100.0, 0.0, 1.111) == 0.0


def test_open_interest_below_zero_or_of_less_than_a_unit_is_open_interest() -> None:
    assert charge_per_unit(1.0, -0.25, 0.25) == 2.0
    assert charge_per_unit(1.0, 0.25, -0.25) == 2.0
    assert charge_per_unit(1.0, 0.25, 0.0, unit=0.0) == 4.0


def test_deposits_of_less_than_a_token_and_an_index_of_next_to_nothing() -> None:
    assert index_cut(0.1, 0.4, 1.0) == 0.25
    assert index_cut(1.0, 2.0, 1e-11) == 0.0, "it has less than one unit, which it keeps"
    assert index_cut(0.0, 2.0, 1.0) == 0.0
