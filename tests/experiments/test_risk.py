"""The questions about pooling: outcomes of traders and venues, the contagion matrix, and their negative controls."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.margin_risk import (
    FOUR_LONGS,
    TICKET_APART,
    Book,
    ticket_apart_less_pooled,
    trader_outcomes,
)
from experiments.venue_risk import (
    COMMON,
    DECOUPLING,
    NO_OFFSET,
    PORTFOLIO,
    VenueStorm,
    equal_positions,
    equal_utilisation,
    venue_outcomes,
)
from experiments.warning.contagion_matrix import (
    SharedBook,
    contagion,
    contagion_matrix,
    endogenous_correlation,
    off_diagonal,
    without_impact,
)

SEEDS = range(1, 7)
SMALL = SharedBook(markets=3, markets_held=3, traders=60)


# One trader ---------------------------------------------------------------------------------------------------


def test_outcomes_have_a_row_a_storm_and_stay_within_their_bounds():
    table = trader_outcomes(FOUR_LONGS, "isolated", SEEDS)
    assert table.index.tolist() == list(SEEDS)
    assert table.index.name == "seed"
    for share in ("any_liquidation", "ruined", "core_kept"):
        assert table[share].between(0.0, 1.0).all()
    hit = table["any_liquidation"] > 0.0
    assert (table["loss_given_liquidation"].notna() == hit).all()
    assert (table["ruined"] > 0.0).eq(table["largest_loss"] > 0.4).all()


def test_isolated_positions_never_lose_more_than_their_margin():
    table = trader_outcomes(FOUR_LONGS, "isolated", SEEDS)
    assert (table["excess_loss"] == 0.0).all()
    apart = trader_outcomes(TICKET_APART, "cross", SEEDS)
    assert (apart["excess_loss"] == 0.0).all()
    assert table["any_liquidation"].max() > 0.0


def test_a_ticket_in_a_pool_of_its_own_never_takes_the_core_with_it():
    apart = trader_outcomes(TICKET_APART, "cross", range(1, 9))
    found = ticket_apart_less_pooled(range(1, 9))
    assert (apart["core_kept"] == 1.0).all()
    assert found["core_kept"].value >= 0.0
    assert set(found) == set(apart.columns)


def test_equal_storms_give_equal_outcomes():
    once, again = (trader_outcomes(FOUR_LONGS, "cross", SEEDS) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


def test_a_book_without_leverage_is_never_liquidated():
    safe = Book(weights=(0.2, 0.2), step_spread=0.001)
    table = trader_outcomes(safe, "cross", SEEDS)
    assert table["any_liquidation"].sum() == table["ruined"].sum() == 0.0
    assert table["loss_given_liquidation"].isna().all()
    assert (table["core_kept"] == 1.0).all()


@given(st.lists(st.floats(-5, 5).filter(lambda w: abs(w) > 0.01), min_size=1, max_size=4), st.floats(0.0, 0.5))
def test_a_scenario_of_a_book_has_its_weights_in_units_and_its_spread_in_deposits(weights, spread):
    scenario = Book(weights=tuple(weights), spread=spread).scenario("cross", traders=3)
    (group,) = scenario.population
    units = group.parameters["units"]
    assert [units[f"M{k}"] * 100.0 for k in range(len(weights))] == pytest.approx([w * 10_000.0 for w in weights])
    assert group.count == 3
    assert scenario.to_dict()["population"][0]["deposit"]["low"] == pytest.approx(10_000.0 * (1.0 - spread))


# The venue ----------------------------------------------------------------------------------------------------


def test_arms_of_a_venue_meet_the_same_storms():
    arms = [
        venue_outcomes(COMMON, margin, range(1, 4)) for margin in ({"kind": "cross"}, {"kind": "isolated"}, PORTFOLIO)
    ]
    for arm in arms[1:]:
        assert arm["digest"].tolist() == arms[0]["digest"].tolist()
    assert arms[0]["digest"].nunique() == 3


def test_bad_debt_and_accounts_are_shares():
    table = venue_outcomes(COMMON, {"kind": "isolated"}, range(1, 4))
    assert table["bad_debt"].between(0.0, 1.0).all()
    assert table["accounts_hit"].between(0.0, 1.0).all()
    assert (table[["bad_debt", "accounts_hit"]] > 0.0).any().all()


def test_freed_margin_that_is_spent_on_offsets_leaves_more_bad_debt_and_without_offsets_no_more():
    gap = equal_utilisation(range(1, 9))
    assert gap.low > 0.0
    control = equal_utilisation(range(1, 9), margin=NO_OFFSET)
    assert control.value < gap.value


def test_a_storm_that_is_none_leaves_no_bad_debt_and_no_difference():
    calm = VenueStorm(shocks=(0.0, 0.0), volatility=0.01, traders=40, leverage=(1.0, 2.0))
    table = venue_outcomes(calm, {"kind": "cross"}, range(1, 4))
    assert table["bad_debt"].sum() == table["accounts_hit"].sum() == 0.0
    gap = equal_positions(range(1, 4), calm)
    assert gap.value == gap.low == gap.high == 0.0


def test_a_harder_shock_hits_more_accounts():
    hit = [
        venue_outcomes(replace(COMMON, shocks=(size,) * 4), {"kind": "cross"}, range(1, 4))["accounts_hit"].mean()
        for size in (-0.04, -0.08, -0.16)
    ]
    assert hit == sorted(hit)
    assert hit[0] < hit[-1]


def test_markets_without_a_shock_are_left_out_of_the_script():
    scenario = replace(DECOUPLING, shocks=(-0.1, 0.0, 0.1)).scenario(PORTFOLIO, 0.5)
    assert [shock["market"] for shock in scenario.to_dict()["price"]["shocks"]] == ["M0", "M2"]
    assert scenario.reuse_share == 0.5
    assert scenario.insurance_fund == 0.0


# Who moves whom -----------------------------------------------------------------------------------------------


def test_without_impact_a_shock_moves_its_own_market_one_for_one_and_no_other():
    matrix, _ = contagion_matrix(without_impact(SMALL), "cross", 1)
    assert matrix == pytest.approx(np.eye(3), abs=1e-9)


def test_isolated_pools_leave_other_markets_alone():
    matrix, healthy = contagion_matrix(SMALL, "isolated", 1)
    assert np.abs(off_diagonal(matrix)).max() == 0.0
    assert (matrix.diagonal() > 1.0).all()
    assert healthy == 0.0


def test_pooled_collateral_carries_a_fall_into_markets_that_nothing_happened_to():
    found = contagion(SMALL, "cross", range(1, 5))
    assert (found["others"] > 0.0).all()
    assert (found["healthy_share"] > 0.0).all()
    assert (found["own"] > found["others"]).all()
    assert (found["largest_other"] >= (1.0 - 1e-9) * found["others"]).all()


def test_without_liquidations_the_healthy_share_is_undefined():
    safe = replace(SMALL, leverage=(1.0, 1.5), shock=-0.01)
    matrix, healthy = contagion_matrix(safe, "cross", 1)
    assert math.isnan(healthy)
    assert matrix == pytest.approx(np.eye(3), abs=1e-9)


def test_the_off_diagonal_is_everything_else():
    assert off_diagonal(np.arange(9.0).reshape(3, 3)).tolist() == [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]


def test_without_impact_marks_are_no_more_correlated_than_indices():
    excess = endogenous_correlation(without_impact(replace(SMALL, steps=20)), "cross", range(1, 4))
    assert excess == pytest.approx(np.zeros(3), abs=1e-12)


def test_the_control_differs_in_impact_only():
    assert without_impact(SMALL) == replace(SMALL, impact=0.0)
    assert without_impact(SMALL).scenario("cross", {"kind": "flat"}, 2).impact.kind == "none"
