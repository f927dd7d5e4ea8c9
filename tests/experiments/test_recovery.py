"""Time to recovery: closed form, plain reading, censoring, and the runs behind it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.recovery import (
    SERIES,
    Recovery,
    exponential_recovery,
    median_recovery,
    recoveries,
    recovery,
    series_of,
    time_to_recovery,
)
from experiments.run import run
from simulation.errors import InputError
from tests.experiments.storms import by_hand, holder_of, one_market


@pytest.mark.parametrize(("eps", "rho"), [(0.1, 0.05), (0.5, 0.01), (0.01, 0.2)])
def test_exponential_resilience_takes_ln_one_over_eps_over_rho(eps, rho):
    gap = np.concatenate([np.zeros(7), np.exp(-rho * np.arange(1_000.0))])
    expected = exponential_recovery(eps, rho)
    assert expected == math.log(1.0 / eps) / rho
    found = time_to_recovery(gap, eps)
    assert not found.censored
    assert expected - 1e-9 <= found.steps < expected + 1.0


@given(st.lists(st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0]), min_size=2, max_size=25), st.integers(0, 4))
def test_recovery_is_the_first_time_from_which_the_gap_stays_small(gap, hold):
    found = time_to_recovery(np.array(gap), 0.1, hold)
    if not any(gap):
        assert found.reason == "there was no gap"
        assert math.isnan(found.steps)
        return
    trough = gap.index(max(gap))
    good = [
        t
        for t in range(trough + 1, len(gap))
        if t + hold < len(gap) and all(g <= 0.1 * gap[trough] for g in gap[t : t + hold + 1])
    ]
    expected = (good[0] if good else len(gap) - 1) - trough
    assert (found.steps, found.censored) == (expected, not good)
    assert ("right-censored" in found.reason) == (not good)


def test_a_gap_that_comes_back_is_not_recovered_yet():
    gap = np.array([0.0, 1.0, 0.05, 0.6, 0.05, 0.05, 0.05])
    assert time_to_recovery(gap, 0.1, 2) == Recovery(3.0)
    assert time_to_recovery(gap, 0.1, 0) == Recovery(1.0)
    assert time_to_recovery(gap, 0.1, 3).censored


def test_bad_parameters_and_gaps_are_refused_or_undefined():
    for eps, hold in ((0.0, 1), (1.0, 1), (math.nan, 1), (0.1, -1)):
        with pytest.raises(InputError, match="eps: must be between 0 and 1"):
            time_to_recovery(np.ones(3), eps, hold)
    assert time_to_recovery(np.array([1.0, math.nan])).reason == "the gap is not finite"
    assert time_to_recovery(np.empty(0)).reason == "there was no gap"


def test_the_median_counts_censored_storms_as_not_yet_recovered():
    # Kaplan and Meier by hand: 2 of 5 recover at 1 and 3, one is lost at 3; left after 3: 4/5 * 3/4 = .6; after 8: .3.
    found = [Recovery(1.0), Recovery(3.0), Recovery(3.0, True), Recovery(8.0), Recovery(9.0, True), Recovery(math.nan)]
    told = median_recovery(found)
    assert (told.median, told.n, told.censored) == (8.0, 5, 2)
    assert median_recovery([Recovery(2.0), Recovery(5.0), Recovery(4.0)]).median == 4.0
    late = median_recovery([Recovery(2.0), Recovery(5.0, True), Recovery(6.0, True)])
    assert math.isnan(late.median)
    assert late.reason == "too many storms had not recovered when they ended"
    assert median_recovery([Recovery(math.nan)]).reason == "no storm had a gap"


def transient(half_life=4.0, **changes):
    """One sale of four units whose impact is all transient: the gap decays by half every `half_life` steps."""
    impact = {"kind": "linear_units", "dollars_per_unit": 0.5, "permanent_share": 0.0, "half_life_steps": half_life}
    return one_market([holder_of(4.0, 97.0, "A"), holder_of(1.0, 20.0, "B")], impact=impact, steps=60, **changes)


@pytest.mark.parametrize("half_life", [2.0, 4.0, 7.0])
def test_the_price_of_an_engine_with_transient_impact_recovers_exponentially(half_life):
    found = recovery(transient(half_life), eps=0.1)["price"]
    expected = exponential_recovery(0.1, math.log(2.0) / half_life)
    assert not found.censored
    assert found.steps == pytest.approx(expected, abs=1.1)


def test_permanent_impact_is_never_recovered_from():
    scenario = by_hand(steps=20)
    found = recovery(scenario)["price"]
    assert found.censored
    assert found.steps <= 20.0


def test_without_impact_nothing_has_a_gap():
    for found in recovery(transient(price={"kind": "flat"})).values():
        assert found.reason == "there was no gap"


def test_the_series_are_those_of_the_run():
    scenario = transient()
    found, result = series_of(scenario), run(scenario)
    assert tuple(found) == SERIES
    mark = result.prices["mark"].to_numpy()
    assert found["price"][:, 0].tolist() == (mark / mark[0]).tolist()
    assert found["open_interest"][:, 0].tolist() == result.series["open_interest"].tolist()
    assert found["depth"].shape == (61, 1)
    held, cash = 1.0, 1.0 * (100.0 - 0.95 * 20.0)  # only B is left at the end
    equity = cash + held * (mark[-1] - 100.0) + (result.accounts["equity"][result.accounts["group"] == "A"].sum())
    assert found["margin_ratio"][-1, 0] == pytest.approx(equity / (0.05 * mark[-1]), rel=1e-4)


def test_medians_go_over_storms_and_say_how_many_were_censored():
    found = recoveries(transient(), range(1, 4))
    assert found["price"].n == 3
    assert found["price"].censored == 0
    assert found["price"].median == recovery(transient())["price"].steps
    assert found["depth"].reason == "no storm had a gap"


def of_two(**changes):
    """X at 100 falls, Y at 200 stays; A holds four units of X, B one of X and two of Y and survives."""
    names, prices = ("X", "Y"), (100.0, 200.0)
    tier = {"maintenance_rate": 0.05, "initial_rate": 0.1}
    markets = [{"name": n, "price": p, "depth": 1e6 * p, "tiers": [tier]} for n, p in zip(names, prices, strict=True)]
    impact = {"kind": "linear_units", "dollars_per_unit": 0.5, "permanent_share": 1.0}
    fall = {"kind": "scripted", "shocks": [{"step": 1, "size": -0.035, "market": "X"}]}
    both = {"kind": "book", "name": "B", "count": 1, "units": {"X": 1.0, "Y": 2.0}, "deposit": 400.0}
    plain = {"markets": markets, "impact": impact, "price": fall, "steps": 8}
    return one_market([holder_of(4.0, 97.0, "A"), both], **(plain | changes))


def test_series_of_several_markets_are_sums_and_prices_stay_apart():
    """After A's sale at 96.50, X stands at 94.50; open are one unit of it and two of Y at 200."""
    found = series_of(of_two())
    assert found["price"].shape == (9, 2)
    assert found["price"][-1].tolist() == pytest.approx([0.945, 1.0], rel=1e-9)
    assert found["open_interest"][[0, -1], 0].tolist() == pytest.approx([5 * 100.0 + 400.0, 94.5 + 400.0], rel=1e-9)
    assert found["depth"][-1, 0] == pytest.approx(1e8 + 2e8)
    brought = 4 * (100.0 - 0.95 * 97.0)
    assert found["margin_ratio"][0, 0] == pytest.approx((brought + 400.0) / (0.05 * (500.0 + 400.0)), rel=1e-6)
    left = brought - 4 * 4.5 - 0.005 * 4 * 94.5  # sold at 95.50 on average, penalty paid
    equity = left + 400.0 - 5.5
    assert found["margin_ratio"][-1, 0] == pytest.approx(equity / (0.05 * (94.5 + 400.0)), rel=1e-4)


def test_tokens_are_held_and_not_open():
    data = of_two().to_dict()
    data["markets"][1] |= {"instrument": {"kind": "spot"}}
    data["population"][1] |= {"parameters": {"units": {"X": 1.0}}, "collateral": {"Y": 400.0}}
    found = series_of(of_two().from_dict(data))
    assert found["open_interest"][[0, -1], 0].tolist() == pytest.approx([500.0, 94.5], rel=1e-9)


def test_the_gap_of_prices_is_the_mean_over_markets():
    """Only X has one, two dollars of a hundred at first: over both markets it is half of that."""
    impact = {"kind": "linear_units", "dollars_per_unit": 0.5, "permanent_share": 0.0, "half_life_steps": 2.0}
    scenario = of_two(impact=impact, steps=40)
    real, twin = series_of(scenario), series_of(scenario.with_(impact={"kind": "none"}))
    gap = [(abs(a - b) + abs(c - d)) / 2.0 for (a, c), (b, d) in zip(real["price"], twin["price"], strict=True)]
    assert max(gap) == pytest.approx(2.0 / 100.0 / 2.0, rel=1e-6)
    assert recovery(scenario)["price"] == time_to_recovery(np.array(gap))


def test_kaplan_and_meier_at_exactly_one_half_is_the_median():
    assert median_recovery([Recovery(3.0), Recovery(7.0)]).median == 3.0
    assert median_recovery([Recovery(3.0), Recovery(5.0, True)]).median == 3.0
    assert math.isnan(median_recovery([Recovery(3.0, True), Recovery(5.0, True)]).median)
