"""The signs of the main findings, each on the same storms in both arms, each gone in its control."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.margin_risk import (
    FOUR_LONGS,
    HEDGED_PAIR,
    ONE_POSITION,
    TICKET_APART,
    Book,
    pooled_less_isolated,
    ticket_apart_less_pooled,
    trader_outcomes,
)
from experiments.paired import paired_difference
from experiments.statistics import mean_interval
from experiments.venue_risk import (
    COMMON,
    DECOUPLING,
    NO_OFFSET,
    PORTFOLIO,
    VenueStorm,
    bad_debt_difference,
    equal_positions,
    equal_utilisation,
    venue_outcomes,
)
from experiments.warning.contagion_matrix import SharedBook, contagion, endogenous_correlation, without_impact
from simulation.errors import InputError

STORMS = range(1, 81)


def above_zero(estimate) -> bool:
    return estimate.low > 0.0


def below_zero(estimate) -> bool:
    return estimate.high < 0.0


def exactly_zero(estimate) -> bool:
    return estimate.value == estimate.low == estimate.high == 0.0


# One trader -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def four_longs():
    return pooled_less_isolated(FOUR_LONGS, STORMS)


def test_pooling_makes_a_liquidation_rarer_and_costlier(four_longs):
    assert below_zero(four_longs["any_liquidation"])
    assert above_zero(four_longs["loss_given_liquidation"])


def test_isolation_wins_for_a_one_way_book(four_longs):
    assert above_zero(four_longs["ruined"])


def test_pooling_wins_for_a_hedged_pair():
    found = pooled_less_isolated(HEDGED_PAIR, STORMS)
    assert below_zero(found["any_liquidation"])
    assert below_zero(found["ruined"])


def test_with_one_position_pooling_means_nothing():
    assert all(map(exactly_zero, pooled_less_isolated(ONE_POSITION, range(1, 31)).values()))


@pytest.mark.parametrize(
    "book", [FOUR_LONGS, HEDGED_PAIR, Book(weights=(9.0, 3.0, -6.0), step_spread=0.06, tail_index=2.5)]
)
def test_an_isolated_position_never_loses_more_than_its_margin(book: Book):
    found = trader_outcomes(book, "isolated", range(1, 21))
    assert found["any_liquidation"].sum() > 0.0
    assert (found["excess_loss"] == 0.0).all()
    assert (found["largest_loss"] <= 1.0).all()


def test_a_lottery_ticket_in_its_own_pool_always_spares_the_core():
    found = ticket_apart_less_pooled(STORMS)
    assert above_zero(found["core_kept"])
    apart = trader_outcomes(TICKET_APART, "cross", STORMS)
    assert (apart["core_kept"] == 1.0).all()
    assert apart["any_liquidation"].mean() > 0.1  # tickets did fail


# The venue --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "impact"), [(-0.08, 0.02), (-0.1, 0.02), (-0.08, 0.1)])
def test_at_equal_positions_cross_margin_leaves_less_bad_debt(size: float, impact: float):
    assert below_zero(equal_positions(range(1, 61), replace(COMMON, shocks=(size,) * 4, impact=impact)))


def test_cross_margin_hits_fewer_accounts():
    arms = [venue_outcomes(COMMON, {"kind": kind}, range(1, 31))["accounts_hit"] for kind in ("cross", "isolated")]
    assert below_zero(paired_difference(*arms))


def test_with_one_market_each_the_regimes_are_one():
    assert exactly_zero(equal_positions(range(1, 21), replace(COMMON, markets_held=1)))


def test_spent_offsets_fail_together_when_markets_decouple():
    assert above_zero(equal_utilisation(range(1, 31)))


@pytest.mark.parametrize("size", [0.04, 0.08])
def test_spent_offsets_fail_at_other_shocks_too(size: float):
    storm = replace(DECOUPLING, shocks=(-size, size, -size, size))
    assert above_zero(equal_utilisation(range(1, 21), storm))


def test_an_engine_that_frees_no_margin_does_no_harm():
    assert exactly_zero(equal_utilisation(range(1, 21), margin=NO_OFFSET))
    # Without an offset portfolio margin is cross margin, bit for bit.
    storm = replace(DECOUPLING, shocks=(-0.15, -0.15, 0.15, 0.15))
    arms = [venue_outcomes(storm, margin, range(1, 11), 1.0) for margin in (NO_OFFSET, {"kind": "cross"})]
    assert arms[0].equals(arms[1])
    assert arms[0]["bad_debt"].sum() > 0.0


def test_offsets_that_nobody_spends_do_no_harm():
    arms = [venue_outcomes(DECOUPLING, margin, range(1, 21)) for margin in (PORTFOLIO, {"kind": "isolated"})]
    assert not above_zero(bad_debt_difference(*arms))


def test_arms_that_met_different_storms_are_not_compared():
    arms = [venue_outcomes(VenueStorm(traders=5), {"kind": "cross"}, seeds) for seeds in (range(2), range(2, 4))]
    with pytest.raises(InputError, match="different storms"):
        bad_debt_difference(*arms)


# Contagion --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[SharedBook(), SharedBook(markets=3, markets_held=2, impact=0.03, shock=-0.2)])
def book(request: pytest.FixtureRequest) -> SharedBook:
    return request.param


def test_pooled_collateral_carries_a_shock_to_markets_that_had_none(book: SharedBook):
    found = contagion(book, "cross", range(1, 13))
    assert above_zero(mean_interval(found["others"]))
    assert above_zero(mean_interval(found["own"] - 1.0))
    assert above_zero(mean_interval(found["healthy_share"]))


def test_segregated_pools_carry_nothing(book: SharedBook):
    found = contagion(book, "isolated", range(1, 13))
    assert above_zero(mean_interval(found["own"] - 1.0))  # it did cascade, at home
    assert not found["largest_other"].any()
    assert not found["healthy_share"].any()


@pytest.mark.parametrize("regime", ["isolated", "cross"])
def test_without_impact_nothing_is_carried(book: SharedBook, regime: str):
    found = contagion(without_impact(book), regime, range(1, 5))
    assert not found["largest_other"].any()
    assert found["own"] == pytest.approx(np.ones(4))


def test_uncorrelated_markets_become_correlated_by_shared_collateral():
    book, storms = SharedBook(), range(1, 41)
    pooled, apart = (endogenous_correlation(book, regime, storms) for regime in ("cross", "isolated"))
    assert above_zero(mean_interval(pooled))
    assert above_zero(paired_difference(pooled, apart))
    assert not endogenous_correlation(without_impact(book), "cross", range(1, 5)).any()
