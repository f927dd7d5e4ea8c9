"""Liquidations of lending markets: hand numbers, bounds, and who is left with the loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.liquidation.lending import (
    bonus_seizure,
    close_factor,
    discount_factor,
    discounted_seizure,
    incentive_factor,
    liquidatable,
    protocol_fee,
)

values, rates, health = st.floats(0.0, 1e9), st.floats(0.0, 0.5), st.floats(0.0, 2.0)


def test_half_may_be_repaid_until_the_account_is_far_under() -> None:
    assert close_factor(np.array([1.2, 1.0, 0.99, 0.951, 0.95, 0.2])).tolist() == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]


def test_liquidation_is_strictly_below_one() -> None:
    assert liquidatable(np.array([1.0, np.nextafter(1.0, 0.0)])).tolist() == [False, True]


def test_the_bonus_is_paid_in_collateral_and_shared_with_the_venue() -> None:
    found = bonus_seizure(5.0, 100.0, 0.5, 0.05)
    assert (float(found.repaid), float(found.seized), float(found.bad_debt)) == (2.5, 2.625, 0.0)
    assert protocol_fee(found, 0.1) == pytest.approx(0.0125)


def test_too_little_collateral_is_taken_whole_and_leaves_bad_debt() -> None:
    found = bonus_seizure(1000.0, 550.0, 1.0, 0.1)
    assert (float(found.repaid), float(found.seized)) == (pytest.approx(500.0), 550.0)
    assert found.bad_debt == pytest.approx(500.0)


@given(values, values, st.floats(0.0, 1.0), rates)
def test_nobody_repays_more_than_asked_or_takes_more_than_there_is(
    debt: float, collateral: float, share: float, bonus: float
) -> None:
    found = bonus_seizure(debt, collateral, share, bonus)
    assert 0.0 <= found.seized <= collateral
    assert 0.0 <= found.repaid <= debt * share
    assert found.seized <= found.repaid * (1.0 + bonus) * (1 + 1e-9) + 1e-9


def test_the_incentive_by_hand_and_its_cap() -> None:
    assert incentive_factor(0.8) == pytest.approx(1.0 / 0.94)
    assert incentive_factor(0.1) == 1.15
    assert incentive_factor(1.0) == 1.0


def test_the_discount_opens_with_the_shortfall_up_to_its_limit() -> None:
    assert discount_factor(np.array([0.96, 0.5]), 0.2).tolist() == [0.96, 0.8]


def test_a_whole_vault_by_hand() -> None:
    # Debt 12.5 against 40 at a threshold of .3: health .96, so 12.5 / .96 is seized.
    found = discounted_seizure(12.5, 40.0, 0.96, 0.2)
    assert (float(found.repaid), float(found.seized)) == (12.5, pytest.approx(12.5 / 0.96))
    assert found.ratio == pytest.approx(0.96)
    units = found.in_units(2.5, 0.4)
    assert (float(units.repaid), float(units.seized)) == (5.0, pytest.approx(12.5 / 0.96 / 0.4))


def test_a_healthy_vault_is_left_alone() -> None:
    found = discounted_seizure(10.0, 40.0, 1.0, 0.2)
    assert (float(found.repaid), float(found.seized), float(found.bad_debt)) == (0.0, 0.0, 0.0)
    assert np.isnan(found.ratio)


def test_collateral_without_value_is_taken_for_nothing() -> None:
    found = discounted_seizure(10.0, 0.0, 0.0, 1.0)
    assert (float(found.repaid), float(found.seized), float(found.bad_debt)) == (0.0, 0.0, 10.0)


@given(values, values, health, st.floats(0.0, 0.9))
def test_a_liquidator_never_pays_more_than_it_gets_and_never_less_than_the_largest_discount(
    debt: float, collateral: float, score: float, limit: float
) -> None:
    found = discounted_seizure(debt, collateral, score, limit)
    assert 0.0 <= found.repaid <= debt * (1 + 1e-12)
    assert found.repaid <= found.seized * (1 + 1e-9)
    assert found.repaid >= found.seized * (1.0 - limit) * (1 - 1e-9)
    assert found.bad_debt >= -1e-9 * debt


@given(st.floats(0.1, 0.9), st.floats(0.01, 0.5))
def test_a_bonus_above_the_threshold_s_room_makes_the_health_worse(threshold: float, bonus: float) -> None:
    """Seizing (1 + i) for 1 lowers the health of an account above threshold / (1 + i) iff threshold (1 + i) > HF."""
    score = 0.97
    debt, collateral = 100.0, 100.0 * score / threshold
    found = bonus_seizure(debt, collateral, 0.1, bonus)
    after = (collateral - found.seized) * threshold / (debt - found.repaid)
    if threshold * (1.0 + bonus) > score + 1e-9:
        assert after < score
    if threshold * (1.0 + bonus) < score - 1e-9:
        assert after > score
