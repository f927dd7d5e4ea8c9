"""Branching ratios by five roads: the first four agree where theory says so, and each is NaN with a reason."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.contagion.ratios import NAMES, Ratios, by_counts, event_times, likelihood, radius_before, ratios
from experiments.graph.branching import Hawkes, log_likelihood
from experiments.run import run
from experiments.statistics import Estimate
from experiments.theory.cascade import CascadeLaw, CascadeVenue
from simulation.random import Streams
from simulation.scenario import Scenario
from tests.experiments.storms import branching, by_hand, generations_of, holder_of, one_market, thresholds

STORMS = 40


def studied(scenarios):
    runs = [run(scenario) for scenario in scenarios]
    twins = [run(scenario.with_(impact={"kind": "none"})) for scenario in scenarios]
    return ratios(runs, twins, [radius_before(one) for one in runs])


def uniform_thresholds(law):
    """Target T1 as a scenario, with an outside market as deep as the open interest."""
    plain = CascadeVenue(law).scenario(1).to_dict()
    plain["markets"][0]["depth"] = law.accounts * 100.0
    return Scenario.from_dict(plain)


def margin_of(estimate: Estimate) -> float:
    """Four standard errors, from a 95 % interval."""
    return 4.0 * (estimate.high - estimate.low) / (2.0 * 1.96)


@pytest.mark.parametrize("ratio", [0.5])
def test_four_roads_lead_to_the_branching_ratio_under_uniform_thresholds(ratio):
    law = CascadeLaw(200, 0.02, ratio / 200)
    scenario = uniform_thresholds(law)
    found = studied([scenario.with_(seed=seed) for seed in range(1, STORMS + 1)])
    # For finite N: amplification and counts from the exact law, which tend to n as N grows.
    amplification = 1.0 - law.accounts * law.shock / law.mean
    counts = 1.0 - math.sqrt(law.mean / law.variance)
    expected = {"structural": ratio, "generational": amplification, "amplification": amplification, "counts": counts}
    for name, value in expected.items():
        estimate = getattr(found, name)
        assert margin_of(estimate) < 0.5
        assert estimate.value == pytest.approx(value, abs=margin_of(estimate)), name
        assert value == pytest.approx(ratio, abs=0.03)
    assert math.isnan(found.likelihood.value)


def test_generations_and_amplification_are_those_of_the_threshold_model():
    found = studied([branching(seed) for seed in range(4)])
    generations = [generations_of(thresholds(seed), 0.25) for seed in range(4)]
    first, total = sum(g[0] for g in generations), sum(map(sum, generations))
    assert found.generational.value == pytest.approx(1.0 - first / total)
    assert found.amplification.value == pytest.approx(1.0 - first / total)
    assert found.generational.low <= found.generational.value <= found.generational.high


def test_without_a_shock_everything_but_the_book_is_undefined_with_a_reason():
    found = studied([by_hand(price={"kind": "flat"}, seed=seed) for seed in (1, 2)])
    for name in NAMES[1:]:
        estimate = getattr(found, name)
        assert math.isnan(estimate.value) and estimate.reason, name
    assert "nothing was liquidated" in found.generational.reason
    assert found.structural.defined
    assert len(found.table) == len(NAMES) and "undefined (" in str(found)


def test_one_storm_has_no_counts_and_no_intervals():
    found = studied([branching(1)])
    assert math.isnan(found.counts.value) and found.counts.reason
    assert found.generational.defined and math.isnan(found.generational.low)


def test_the_book_is_read_just_before_the_first_forced_trade():
    late = {"kind": "scripted", "shocks": [{"step": 3, "size": -0.035}]}
    population = [holder_of(4.0, 97.0, "A"), holder_of(2.0, 96.1, "B")]
    at_once, later = (run(one_market(population, **more)) for more in ({}, {"price": late, "steps": 4}))
    assert radius_before(later) == radius_before(at_once)
    calm = run(one_market(population, price={"kind": "flat"}))
    assert radius_before(calm) == radius_before(at_once)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_counts_give_the_dispersion_and_say_why_they_cannot(sizes):
    found, count = by_counts(np.array(sizes, float)), np.array(sizes)
    if count.any() and count.var() > 0.0:
        assert found.value == pytest.approx(1.0 - math.sqrt(count.mean() / count.var(ddof=1)))
    else:
        assert math.isnan(found.value) and found.reason


def test_times_rise_within_their_step_and_every_pool_has_one():
    result = run(branching(2, rounds_per_step=2, steps=30))
    times = event_times(result)
    assert (np.diff(times) > 0.0).all()
    first = result.events.drop_duplicates(["row", "pool"])
    assert np.floor(times).astype(int).tolist() == (first["step"] - 1).tolist()


def test_the_likelihood_of_a_run_with_enough_events_is_a_ratio_and_few_have_a_reason():
    drops = [{"step": step, "size": -0.006} for step in range(1, 31)]
    population = [holder_of(1.0, float(price), f"t{i}") for i, price in enumerate(thresholds(1, 80))]
    mild = {"kind": "linear_units", "dollars_per_unit": 0.05}
    slow = one_market(population, price={"kind": "scripted", "shocks": drops}, steps=30, impact=mild)
    value, why = likelihood(run(slow))
    assert why == "" and 0.0 <= value < 1.0
    value, why = likelihood(run(by_hand()))
    assert math.isnan(value) and "needs 50 liquidated pools in 10 different steps (got 2 in 1)" in why


@pytest.mark.parametrize("decay", [1e-6, 0.5, 40.0, 1e5, 1e9])
def test_the_likelihood_in_blocks_is_the_plain_sum_also_where_times_are_equal(decay):
    times = np.sort(Streams(3).uniform("times", 0, 120) * 40.0)
    times[10:14] = times[10]
    process = Hawkes(0.7, 0.4, decay)
    excited, before, total = 0.0, 0.0, 0.0
    for time in times.tolist():
        excited *= math.exp(-decay * (time - before))
        total += math.log(process.rate + process.ratio * decay * excited)
        excited, before = excited + 1.0, time
    area = process.rate * 40.0 + process.ratio * float(-np.expm1(-decay * (40.0 - times)).sum())
    assert log_likelihood(process, times, 40.0) == pytest.approx(total - area, rel=1e-10)


def test_no_events_have_the_likelihood_of_silence():
    assert log_likelihood(Hawkes(0.5, 0.3), np.empty(0), 4.0) == pytest.approx(-2.0)


def test_the_table_has_one_row_a_road_in_their_order():
    one = Estimate(0.5, 0.4, 0.6, 9, "m")
    table = replace(Ratios(one, one, one, one, one), counts=replace(one, value=0.1)).table
    assert table["road"].tolist() == list(NAMES)
    assert table["value"].tolist() == [0.5, 0.5, 0.5, 0.1, 0.5]
    assert table["storms"].tolist() == [9] * 5
