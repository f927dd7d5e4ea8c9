"""The laws that cascades and first passages are held against, recomputed by brute force and simple limits."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.target import verdict
from experiments.theory.account_types import TypesVenue, simulate_types
from experiments.theory.adl import GapVenue, deleveraging_target, simulate_deleveraging, with_bigger_winners
from experiments.theory.cascade import CascadeLaw, CascadeVenue, check_cascades, simulate_cascades
from experiments.theory.passage import OVERSHOOT, PassageVenue, simulate_passages
from simulation.errors import InputError

MILLI = st.integers(0, 200).map(lambda k: k / 1000.0)  # no subnormal numbers, which scipy cannot take
LAWS = st.builds(CascadeLaw, st.integers(1, 60), MILLI, MILLI)


def sequences(law, cells=24):
    """P(X = x) by going through all places of `accounts` thresholds on a grid of `cells`."""
    found = np.zeros(law.accounts + 1)
    for places in itertools.product((np.arange(cells) + 0.5) / cells, repeat=law.accounts):
        x, ordered = 0, sorted(places)
        while x < law.accounts and ordered[x] < law.shock + law.impact * x:
            x += 1
        found[x] += 1.0 / cells**law.accounts
    return found


@given(LAWS)
def test_the_law_is_a_probability_law(law):
    assert (law.pmf >= 0.0).all()
    assert math.fsum(law.pmf) == pytest.approx(1.0, abs=1e-9)
    assert 0.0 <= law.mean <= law.accounts
    assert law.variance >= 0.0


@pytest.mark.parametrize(("shock", "impact"), [(0.25, 0.125), (0.5, 0.25), (0.125, 0.0), (0.25, 0.5)])
def test_the_law_of_three_accounts_is_that_of_all_their_thresholds(shock, impact):
    # Grid and shocks are chosen so that cells never straddle a boundary: the count is exact.
    law = CascadeLaw(3, shock, impact)
    assert law.pmf == pytest.approx(sequences(law), abs=1e-12)


@given(accounts=st.integers(1, 50), shock=MILLI)
def test_without_impact_the_law_is_binomial(accounts, shock):
    from scipy.stats import binom

    law = CascadeLaw(accounts, shock, 0.0)
    assert law.pmf == pytest.approx(binom.pmf(np.arange(accounts + 1), accounts, shock), abs=1e-9)


def test_without_a_shock_nothing_happens():
    law = CascadeLaw(20, 0.0, 0.05)
    assert law.pmf[0] == 1.0
    assert law.mean == law.variance == 0.0


def test_the_published_mean_and_variance_come_out():
    law = CascadeLaw()
    assert law.mean == pytest.approx(4.9105, abs=5e-5)
    assert law.variance == pytest.approx(28.03, abs=5e-3)
    assert law.branching == pytest.approx(0.6)


@given(st.integers(2, 80), st.floats(0.001, 0.2), st.floats(0.0, 0.01))
def test_the_mean_is_the_sum_over_generations_while_nobody_is_out_of_reach(accounts, shock, impact):
    if shock + accounts * impact > 1.0:
        return
    term, total = 1.0, 0.0
    for j in range(accounts):
        total += term
        term *= (accounts - 1 - j) * impact
    assert CascadeLaw(accounts, shock, impact).mean == pytest.approx(accounts * shock * total, rel=1e-8)


@given(LAWS)
@settings(max_examples=15)
def test_depth_rises_to_one_and_begins_with_nobody_hit(law):
    law = replace(law, accounts=min(law.accounts, 15))
    found = law.depth(5)
    assert found[0] == pytest.approx((1.0 - law.shock) ** law.accounts)
    assert (np.diff(found) >= -1e-9).all()
    assert found[-1] <= 1.0 + 1e-9
    assert law.depth(law.accounts)[-1] == pytest.approx(1.0, abs=1e-6)


def test_without_impact_nothing_is_deeper_than_one_generation():
    assert CascadeLaw(30, 0.2, 0.0).depth(2)[1] == pytest.approx(1.0)


@pytest.mark.parametrize("rounds", [0, 1])
def test_simulated_cascades_follow_another_law_too(rounds):
    venue = CascadeVenue(CascadeLaw(40, 0.05, 0.012), reach=0.04, rounds_per_step=rounds)
    found = simulate_cascades(venue, 300, seed=5)
    assert verdict(check_cascades(venue, found))
    assert (found.roots <= found.size).all()
    assert ((found.depth == 0) == (found.size == 0)).all()


def test_cascades_are_refused_by_a_law_with_another_impact():
    found = simulate_cascades(CascadeVenue(CascadeLaw(40, 0.05, 0.012)), 300, seed=5)
    assert not verdict(check_cascades(CascadeVenue(CascadeLaw(40, 0.05, 0.004)), found))


def test_replications_do_not_depend_on_how_many_share_a_scenario():
    venue = CascadeVenue(CascadeLaw(40, 0.05, 0.012))
    assert venue.side_by_side == 12
    assert CascadeVenue(CascadeLaw(5_000)).side_by_side == 1
    sizes = simulate_cascades(venue, 30, seed=2).size
    assert len(sizes) == 30


# First passage ------------------------------------------------------------------------------------------------


def test_the_barrier_is_where_equity_meets_maintenance():
    for side in (1, -1):
        venue = PassageVenue(leverage=8.0, maintenance_rate=0.02, side=side)
        p, deposit = venue.barrier, 100.0 / 8.0
        assert deposit + side * (p - 100.0) == pytest.approx(0.02 * p)


def test_watching_continuously_finds_more_than_watching_at_marks():
    venue = PassageVenue()
    assert venue.probability(discrete=False) > venue.probability() > 0.0
    often = replace(venue, steps=10**9)
    assert often.probability() == pytest.approx(venue.probability(discrete=False), rel=1e-3)


def test_without_drift_correction_the_reflection_principle_gives_twice_the_tail():
    # nu = 0 where the drift is half the variance: P = 2 N(b / (s sqrt T)).
    venue = PassageVenue(drift=0.32, volatility=0.8)
    b = math.log(venue.barrier / 100.0) / (0.8 * math.sqrt(7 / 365))
    assert venue.probability(discrete=False) == pytest.approx(math.erfc(-b / math.sqrt(2)), rel=1e-9)


@given(st.floats(2.0, 40.0), st.floats(0.2, 2.0), st.sampled_from([1, -1]), st.floats(-2.0, 2.0))
def test_the_probability_is_one_and_grows_with_leverage_and_time(leverage, volatility, side, drift):
    venue = PassageVenue(leverage, 0.005, volatility, steps=10_000, side=side, drift=drift)
    p = venue.probability()
    assert 0.0 <= p <= 1.0 + 1e-12
    assert replace(venue, leverage=leverage * 1.2).probability() >= p - 1e-12
    assert replace(venue, days=14.0, steps=20_000).probability() >= p - 1e-12


def test_simulated_overshoots_lie_beyond_the_barrier_and_near_their_mean():
    venue = PassageVenue(leverage=20.0, steps=60)
    hit, overshoot = simulate_passages(venue, 600, seed=3)
    assert hit == len(overshoot)
    assert (overshoot >= 0.0).all()
    assert hit / 600 == pytest.approx(venue.probability(), abs=0.09)
    assert overshoot.mean() / venue.step_spread == pytest.approx(OVERSHOOT, abs=0.12)


# Account types ------------------------------------------------------------------------------------------------


def test_one_type_in_one_market_has_the_mean_of_a_branching_process():
    venue = TypesVenue(((2.0,),), (1_000,), (10.0,), impact=0.002, shock=(0.01,))
    n = 2.0 * 2.0 * 0.002 * 100.0
    assert venue.contagion.tolist() == [[pytest.approx(n)]]
    assert venue.expected[0] == pytest.approx(100.0 * 2.0 * 0.01 / (1.0 - n))


def test_isolated_margin_cuts_the_links_between_markets():
    cross, isolated = TypesVenue(), TypesVenue(regime="isolated")
    _, _, names = isolated.nodes
    assert names == [(0, 0), (1, 1), (2, 0), (2, 1)]
    markets = np.array([market for _, market in names])
    assert (isolated.contagion[markets[:, None] != markets[None, :]] == 0.0).all()
    assert (cross.contagion[0, 1], cross.contagion[1, 0]) == (0.0, 0.0)
    assert cross.contagion[0, 2] > 0.0
    assert isolated.expected[markets == 1].tolist() == [0.0, 0.0]
    assert cross.expected[1] > 0.0


def test_isolated_pools_share_the_buffer_by_the_value_of_their_positions():
    # 80 accounts with a reach of 20 dollars; a pool with a quarter of the value has 5 dollars of it, the other 15.
    _, density, names = TypesVenue(((1.0, 3.0),), (80,), (20.0,), shock=(0.1, 0.0), regime="isolated").nodes
    assert names == [(0, 0), (0, 1)]
    assert density.tolist() == [80 / 5.0, pytest.approx(80 / 15.0)]


@given(st.floats(0.05, 0.95), st.sampled_from(["cross", "isolated"]))
def test_impact_can_be_set_by_the_spectral_radius(radius, regime):
    assert TypesVenue(regime=regime).at_radius(radius).radius == pytest.approx(radius)


def test_hedged_books_are_refused():
    with pytest.raises(InputError, match="theory covers long-only books"):
        TypesVenue(holdings=((1.0, -1.0),), accounts=(10,), reach=(1.0,))


def test_without_a_shock_to_its_market_an_isolated_position_is_never_closed():
    venue = TypesVenue(accounts=(200, 200, 200), reach=(1.0, 1.0, 2.0), regime="isolated")
    found = simulate_types(venue, 3, seed=2)
    assert found.shape == (3, 4)
    assert found[:, [1, 3]].sum() == 0.0
    assert found[:, [0, 2]].sum() > 0.0


# Deleveraging -------------------------------------------------------------------------------------------------


def test_profits_and_deficits_are_those_of_the_gap():
    venue = GapVenue()
    assert venue.deficits.tolist() == [100.0, 60.0, 40.0]
    assert venue.profits.tolist() == [80.0, 240.0, 120.0, 60.0]
    assert venue.change == -20.0


@pytest.mark.parametrize("policy", ["pro_rata", "queue"])
@pytest.mark.parametrize("gap", [-0.2, 0.2])
def test_winners_give_up_what_losers_owe_whichever_way_the_price_goes(policy, gap):
    venue = GapVenue(policy=policy, gap=gap)
    assert verdict(deleveraging_target(venue))
    assert simulate_deleveraging(venue).given_up.sum() == pytest.approx(200.0, abs=1e-2)


def test_bigger_winners_give_up_a_smaller_share_of_their_profits():
    venue = GapVenue()
    small, large = (simulate_deleveraging(v).given_up / v.profits for v in (venue, with_bigger_winners(venue, 4.0)))
    assert large.max() == pytest.approx(small.max() / 4.0, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"winners": ((4.0, 10.0),)}, "winners: must hold at least"), ({"gap": -0.01}, "losers: all must be bankrupt")],
)
def test_a_gap_that_the_identities_do_not_cover_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        GapVenue(**changes)
