"""What validation targets are made of: tolerances by hand, verdicts, and the distance of laws."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from experiments import target
from experiments.target import (
    ROUNDING,
    SIGMAS,
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    exact_check,
    groups_by_name,
    mean_check,
    opened,
    played,
    share_check,
    table,
    total_variation,
    variance_check,
    verdict,
)
from simulation.errors import ScenarioError

BOOK = {"kind": "book", "name": "one", "count": 1, "deposit": 100.0, "units": {"M": 1.0}}
MARKET = {"name": "M", "price": 100.0}


def test_a_mean_is_held_to_four_standard_errors_of_its_runs():
    check = mean_check("m", 2.0, np.tile([1.0, 2.0, 3.0, 4.0], 500))
    assert check.simulated == 2.5
    assert check.standard_error == pytest.approx(math.sqrt(1.25 / 1999.0))
    assert check.tolerance == pytest.approx(4.0 * check.standard_error)
    assert not check.passed


@pytest.mark.parametrize("n", [4, 40, 300])
def test_of_few_runs_a_mean_is_as_seldom_beyond_as_a_normal_number_beyond_four_deviations(n: int):
    values = np.random.default_rng(n).normal(size=n)
    check = mean_check("m", 0.0, values)
    rare = 2.0 * scipy.stats.t.sf(check.tolerance / check.standard_error, n - 1)
    assert rare == pytest.approx(2.0 * scipy.stats.norm.sf(4.0), rel=1e-6)
    known = mean_check("m", 0.0, values, spread=100.0)  # a spread that theory knows is no estimate
    assert known.tolerance == pytest.approx(4.0 * 100.0 / math.sqrt(n))


def test_slack_is_relative_to_what_is_expected_and_comes_on_top():
    plain, slack = (mean_check("m", -8.0, np.array([1.0, 3.0]), extra) for extra in (0.0, 0.01))
    assert slack.tolerance - plain.tolerance == pytest.approx(0.08)


def test_a_variance_is_held_to_the_spread_of_the_squares():
    values = np.array([0.0, 0.0, 2.0, 2.0, 1.0])
    check = variance_check("v", 1.0, values)
    squares = (values - 1.0) ** 2
    assert check.simulated == pytest.approx(1.0)
    assert check.standard_error == pytest.approx(squares.std(ddof=1) / math.sqrt(5))
    assert check.tolerance == SIGMAS * check.standard_error


def test_a_share_is_held_to_the_spread_that_theory_expects_not_the_one_seen():
    check = share_check("p", 0.5, 60, 100, 0.01)
    assert check.simulated == 0.6
    assert check.standard_error == pytest.approx(0.05)
    assert check.tolerance == pytest.approx(0.21)
    assert share_check("p", 0.5, 71, 100).passed is False


@pytest.mark.parametrize(("chance", "n"), [(2.6e-5, 1_000), (0.004, 1_000), (0.02, 700), (0.9999, 2_000)])
def test_a_rare_share_is_refused_as_seldom_as_a_usual_one(chance: float, n: int):
    """Over all outcomes of the binomial law the check fails with at most the chance of 4 deviations, both sides."""
    successes = np.arange(n + 1)
    chances = scipy.stats.binom.pmf(successes, n, chance)
    failing = sum(p for k, p in zip(successes, chances, strict=True) if not share_check("p", chance, int(k), n).passed)
    assert failing <= 2.0 * scipy.stats.norm.sf(4.0)
    assert not share_check("p", chance, n // 2, n).passed


def test_a_usual_share_has_four_standard_errors():
    assert share_check("p", 0.3, 0, 1_000).tolerance == pytest.approx(4.0 * np.sqrt(0.3 * 0.7 / 1_000))


def test_what_is_certain_may_not_fail_once():
    assert share_check("p", 1.0, 100, 100).passed
    assert not share_check("p", 1.0, 99, 100).passed


def test_an_exact_check_passes_up_to_rounding_and_not_beyond():
    assert exact_check("x", 1.0, 1.0 + ROUNDING / 2).passed
    assert not exact_check("x", 1.0, 1.0 + 3 * ROUNDING).passed
    assert exact_check("x", 1.0, 1.5, 0.5).passed
    assert not exact_check("x", 1.0, 1.51, 0.5).passed


def test_a_nan_never_passes():
    assert not exact_check("x", 0.0, math.nan, 1e9).passed
    assert not Check("x", 0.0, 0.0, 0.0, math.nan).passed


def test_no_checks_are_no_pass_and_one_failure_fails_all():
    good, bad = exact_check("a", 1.0, 1.0), exact_check("b", 1.0, 2.0)
    assert verdict([good])
    assert not verdict([])
    assert not verdict([good, bad])


def test_the_table_shows_every_check_with_its_verdict():
    shown = table([exact_check("a", 1.0, 1.0), exact_check("b", 1.0, 2.0, 0.25)])
    assert list(shown.columns) == ["check", "expected", "simulated", "standard_error", "tolerance", "passed"]
    assert shown["passed"].tolist() == [True, False]
    assert shown.iloc[1, :5].tolist() == ["b", 1.0, 2.0, 0.0, 0.25]
    assert list(table([]).columns) == list(shown.columns)


@given(total=st.integers(0, 5_000), size=st.integers(1, 300))
def test_batches_add_up_and_none_is_larger_than_allowed(total, size):
    found = batches(total, size)
    assert sum(found) == total
    assert all(0 < each <= size for each in found)
    assert len(found) == math.ceil(total / size)


def test_seeds_of_runs_never_meet_those_of_another_seed():
    seeds = {distinct_seed(seed, run) for seed in range(5) for run in range(200)}
    assert len(seeds) == 1_000
    assert distinct_seed(0, 7) == 7


def test_total_variation_is_half_the_absolute_distance():
    law = np.array([0.5, 0.5, 0.0])
    assert total_variation(law, np.array([0.0, 1.0, 0.0, 1.0])).simulated == 0.0
    assert total_variation(law, np.array([2.0, 2.0])).simulated == 1.0
    assert total_variation(law, np.array([0.0, 0.0, 0.0, 1.0])).simulated == pytest.approx(0.25)


def test_values_beyond_the_law_count_against_it():
    found = total_variation(np.array([1.0]), np.array([0.0, 3.0]))
    assert found.simulated == pytest.approx(0.5)


def test_total_variation_of_the_right_law_passes_and_of_a_shifted_one_does_not():
    law = np.full(10, 0.1)
    draws = np.random.default_rng(3).integers(0, 10, 4_000).astype(float)
    assert total_variation(law, draws).passed
    assert not total_variation(law, np.minimum(draws + 1, 9)).passed


def test_the_bare_scenario_charges_nothing_and_has_no_impact_and_no_deleveraging():
    scenario = bare_scenario(markets=[MARKET], population=[BOOK])
    assert scenario.fees.taker_rate == 0.0
    assert scenario.liquidation.penalty_rate == 0.0
    assert (scenario.impact.kind, scenario.deleveraging.kind, scenario.margin.kind) == ("none", "off", "cross")
    assert scenario.insurance_fund == target.AMPLE


def test_a_bare_scenario_is_checked_like_any_other():
    with pytest.raises(ScenarioError):
        bare_scenario(markets=[MARKET], population=[{**BOOK, "kind": "nobody"}])
    with pytest.raises(ScenarioError):
        bare_scenario(markets=[MARKET], population=[BOOK], stepz=3)


def test_a_played_model_stands_at_its_end_and_an_opened_one_at_its_start():
    scenario = bare_scenario(markets=[MARKET], population=[BOOK], steps=3)
    assert opened(scenario).market.step == 0
    model = played(scenario)
    assert model.market.step == 3
    assert list(groups_by_name(model)) == ["one"]


def test_another_seed_is_another_storm_of_the_same_scenario():
    scenario = bare_scenario(markets=[MARKET], population=[BOOK], steps=3, price={"kind": "gbm"})
    one, two = (played(scenario.seeded(seed)).market.history["index"] for seed in (1, 2))
    assert not np.array_equal(one, two)
    assert np.array_equal(one, played(scenario.seeded(1)).market.history["index"])
