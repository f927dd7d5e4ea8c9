"""Intervals cover what they say, refuse what the runs cannot tell, and do not depend on the runs' order."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from experiments.statistics import (
    Estimate,
    bootstrap_mean,
    expected_shortfall,
    mean_interval,
    probability_text,
    quantile_interval,
    resample,
    wilson_interval,
)
from simulation.errors import InputError


def coverage(estimate, truth, repeats):
    """Share of `repeats` estimates whose interval holds the truth."""
    intervals = [estimate(i) for i in range(repeats)]
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def four_sigma(repeats, level=0.95):
    return 4 * math.sqrt(level * (1 - level) / repeats)


# Shares -----------------------------------------------------------------------------------------------------


def test_wilson_covers_about_95_percent_averaged_over_the_share():
    n, shares = 40, np.linspace(0.02, 0.98, 97)
    bounds = [(e.low, e.high) for e in (wilson_interval(k, n) for k in range(n + 1))]
    exact = [sum(binom.pmf(k, n, p) for k, (low, high) in enumerate(bounds) if low <= p <= high) for p in shares]
    assert 0.945 < np.mean(exact) < 0.96
    assert min(exact) > 0.85


def test_wilson_agrees_with_the_published_worked_example():
    # Newcombe (1998), table I: 81 of 263 gives .2553 to .3662 by the score method without correction.
    share = wilson_interval(81, 263)
    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)


def test_wilson_ends_exactly_at_0_and_1_and_always_holds_the_share():
    for n in (1, 5, 20, 1000):
        assert wilson_interval(0, n).low == 0.0
        assert wilson_interval(n, n).high == 1.0
        assert all(e.low <= e.value <= e.high for e in (wilson_interval(k, n) for k in range(n + 1)))


def test_no_runs_give_nan_and_a_reason():
    share = wilson_interval(0, 0)
    assert math.isnan(share.value)
    assert share.text() == "undefined (no runs)"
    assert probability_text(0, 0) == "undefined (no runs)"


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10), (1, 0)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(InputError, match="successes: must be between 0"):
        wilson_interval(successes, n)


@pytest.mark.parametrize(
    ("successes", "n", "text"),
    [
        (0, 20, "< 0.15 (0 of 20, < 3/n at 95 %)"),
        (0, 1000, "< 0.003 (0 of 1000, < 3/n at 95 %)"),
        (0, 7, "< 0.43 (0 of 7, < 3/n at 95 %)"),
        (20, 20, "> 0.85 (20 of 20, > 1 - 3/n at 95 %)"),
        (5, 20, "0.25 [0.11, 0.47] (5 of 20)"),
        (0, 3, "undefined (0 of 3: too few runs)"),
        (2, 2, "undefined (2 of 2: too few runs)"),
    ],
)
def test_no_event_in_n_runs_is_printed_as_a_bound_and_never_as_zero(successes, n, text):
    assert probability_text(successes, n) == text


def test_the_printed_bound_holds_at_95_percent_for_every_number_of_runs():
    for n in range(4, 3000):
        bound = float(probability_text(0, n).split()[1])
        assert 3 / n <= bound < 3.4 / n
        assert (1 - bound) ** n <= 0.05


# Means ------------------------------------------------------------------------------------------------------


def test_student_interval_covers_95_percent_of_normal_means_with_six_runs():
    draws = np.random.default_rng(1).normal(3, 2, (2000, 6))
    assert abs(coverage(lambda i: mean_interval(draws[i]), 3, 2000) - 0.95) < four_sigma(2000)


def test_bootstrap_covers_95_percent_of_normal_means_with_twenty_runs():
    draws = np.random.default_rng(2).normal(3, 2, (500, 20))
    assert abs(coverage(lambda i: bootstrap_mean(draws[i], seed=i), 3, 500) - 0.95) < four_sigma(500)


def test_bootstrap_covers_95_percent_of_a_share():
    draws = np.random.default_rng(3).random((500, 60)) < 0.3
    assert abs(coverage(lambda i: bootstrap_mean(draws[i], seed=i), 0.3, 500) - 0.95) < four_sigma(500)


def test_bootstrap_covers_lognormal_means_better_than_student():
    draws, truth = np.random.default_rng(4).lognormal(0, 1, (500, 30)), math.exp(0.5)
    boot = coverage(lambda i: bootstrap_mean(draws[i], seed=i), truth, 500)
    assert boot >= coverage(lambda i: mean_interval(draws[i]), truth, 500)
    assert boot > 0.88  # no method reaches 95 % for such a tail with 30 runs


def test_equal_seeds_give_equal_intervals_and_other_seeds_do_not():
    values = np.random.default_rng(5).normal(size=25)
    assert bootstrap_mean(values, seed=7) == bootstrap_mean(values, seed=7)
    assert bootstrap_mean(values, seed=7) != bootstrap_mean(values, seed=8)


def test_the_order_of_the_runs_changes_no_bit():
    rng = np.random.default_rng(6)
    values = rng.lognormal(0, 3, 40)
    for estimate in (bootstrap_mean, mean_interval, lambda v: expected_shortfall(v, 0.8)):
        expected = estimate(values)
        assert all(estimate(rng.permutation(values)) == expected for _ in range(20))


def test_sums_are_exact_where_naive_addition_loses_everything():
    assert mean_interval([1e16, 1.0, -1e16, 1.0]).value == 0.5


def test_the_stream_of_the_bootstrap_does_not_depend_on_chunks(monkeypatch):
    values = np.random.default_rng(8).normal(size=50)
    whole = resample(values, lambda rows: rows.mean(axis=1), seed=3, count=64)
    monkeypatch.setattr("experiments.statistics._CHUNK", 50 * 8)
    assert np.array_equal(resample(values, lambda rows: rows.mean(axis=1), seed=3, count=64), whole)


def test_values_that_are_not_finite_are_never_dropped_in_silence():
    for bad in (math.nan, math.inf, -math.inf):
        for estimate in (mean_interval, bootstrap_mean, lambda v: quantile_interval(v, 0.5)):
            result = estimate([1.0, bad] + [2.0] * 20)
            assert math.isnan(result.value)
            assert result.reason == "1 of 22 values are not finite"


def test_skipped_values_are_counted_in_the_method():
    result = mean_interval([1.0, math.nan, 3.0], skip_undefined=True)
    assert (result.value, result.n) == (2.0, 2)
    assert result.method == "mean, t 95 % over 2 of 3 runs"
    assert bootstrap_mean([math.nan] * 9, skip_undefined=True).reason == "undefined in all 9 runs"


def test_one_run_has_a_value_but_no_interval():
    result = mean_interval([4.0])
    assert result.value == 4.0
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert not result.excludes_zero
    assert result.text() == "4 [?, ?] (one run has no spread; an interval needs 2)"


def test_equal_values_say_so():
    for estimate in (mean_interval, bootstrap_mean):
        result = estimate([0.1] * 30)
        assert (result.low, result.value, result.high) == (0.1, 0.1, 0.1)
        assert result.reason == "all 30 values are equal"


def test_few_runs_fall_back_to_student():
    assert bootstrap_mean([1.0, 2.0, 4.0]) == mean_interval([1.0, 2.0, 4.0])


def test_a_table_instead_of_one_value_a_run_is_refused():
    with pytest.raises(InputError, match="one number a run"):
        mean_interval(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [(0.1, 2, True), (-2, -0.1, True), (-1, 1, False), (0, 1, False), (math.nan, math.nan, False)],
)
def test_an_interval_excludes_zero_only_when_it_lies_on_one_side(low, high, excludes):
    assert Estimate((low + high) / 2, low, high, 9, "any").excludes_zero is excludes


def test_an_error_bar_goes_from_the_value_to_both_ends():
    assert Estimate(2.0, 1.5, 4.0, 9, "any").reach == (0.5, 2.0)


def test_in_a_row_an_estimate_has_three_columns():
    assert Estimate(2.0, 1.5, 4.0, 9, "any").columns("debt") == {"debt": 2.0, "debt_low": 1.5, "debt_high": 4.0}


# Tails ------------------------------------------------------------------------------------------------------


def test_quantile_interval_covers_95_percent_or_a_little_more_of_a_heavy_tailed_law():
    draws, truth = np.random.default_rng(9).lognormal(0, 2, (2000, 200)), math.exp(2 * norm.ppf(0.95))
    share = coverage(lambda i: quantile_interval(draws[i], 0.95), truth, 2000)
    assert 0.95 - four_sigma(2000) < share < 0.985


def test_the_99_percent_quantile_is_refused_under_500_runs():
    values = np.random.default_rng(10).normal(size=500)
    refused = quantile_interval(values[:499], 0.99)
    assert math.isnan(refused.value)
    assert refused.reason == "needs at least 500 runs (got 499)"
    assert quantile_interval(values, 0.99).defined


def test_an_interval_never_passes_the_largest_observation():
    values = np.random.default_rng(11).normal(size=60)
    for n in range(1, 60):
        for q in (0.05, 0.5, 0.75, 0.9, 0.95):
            result = quantile_interval(values[:n], q, level=0.999)
            if result.defined:
                assert values[:n].min() <= result.low <= result.value <= result.high <= values[:n].max()
            else:
                assert "needs at least" in result.reason or "pass the most extreme" in result.reason


@pytest.mark.parametrize("q", [0, 1, -0.1, 1.5, math.nan])
def test_a_quantile_outside_0_and_1_is_refused(q):
    with pytest.raises(InputError, match="q: must be between 0 and 1"):
        quantile_interval([1.0] * 50, q)


def test_expected_shortfall_counts_the_edge_of_the_tail_by_its_part():
    values = np.arange(1.0, 51.0)  # the worst 10.4 % of 50 are 50, 49, 48, 47, 46 and a fifth of 45
    expected = (50 + 49 + 48 + 47 + 46 + 0.2 * 45) / 5.2
    assert expected_shortfall(values, q=1 - 0.104).value == pytest.approx(expected, rel=1e-9)


def test_expected_shortfall_covers_the_normal_law_once_the_tail_is_filled():
    truth = norm.pdf(norm.ppf(0.9)) / 0.1
    draws = np.random.default_rng(12).normal(size=(80, 300))
    share = coverage(lambda i: expected_shortfall(draws[i], 0.9, seed=i), truth, 80)
    assert abs(share - 0.95) < four_sigma(80)


def test_expected_shortfall_is_refused_while_the_tail_is_thin():
    assert expected_shortfall(np.arange(199.0)).reason == "needs at least 200 runs (got 199)"
    assert expected_shortfall([]).reason == "no runs"
    assert expected_shortfall(np.ones(200)).value == 1.0
