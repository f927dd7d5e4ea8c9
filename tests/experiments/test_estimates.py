"""Properties of intervals: what holds for all values, whatever they are, and a few worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.paired import crossing, paired_difference, unpaired_difference
from experiments.ratios import total_ratio, total_ratio_difference
from experiments.statistics import (
    Estimate,
    bca_interval,
    bootstrap_mean,
    exact_mean,
    expected_shortfall,
    mean_interval,
    quantile_interval,
    resample,
    undefined,
    wilson_interval,
)
from simulation.errors import InputError

COUNTS = st.integers(-1_000, 1_000).map(float)
RUNS = st.lists(COUNTS, min_size=2, max_size=30)
MANY = st.lists(COUNTS, min_size=8, max_size=20)


@given(RUNS)
def test_a_mean_lies_in_its_interval_and_is_the_middle_of_it(values):
    found = mean_interval(values)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(np.mean(values))
    assert found.high - found.value == pytest.approx(found.value - found.low, abs=1e-9)


@given(RUNS, st.integers(-100, 100), st.integers(1, 9))
def test_intervals_move_and_stretch_with_the_values(values, shift, scale):
    plain, moved = mean_interval(values), mean_interval([scale * value + shift for value in values])
    for end in ("value", "low", "high"):
        assert getattr(moved, end) == pytest.approx(scale * getattr(plain, end) + shift, abs=1e-6)


def test_student_s_interval_of_three_runs_by_hand():
    # t(2, 97.5 %) = 4.302653; mean 2, standard deviation 1.
    found = mean_interval([1.0, 2.0, 3.0])
    assert found.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3.0), rel=1e-6)
    assert found.method == "mean, t 95 %"


@given(RUNS)
def test_a_higher_level_gives_a_wider_interval(values):
    narrow, wide = (mean_interval(values, level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@given(MANY, st.integers(0, 5))
@settings(max_examples=15)
def test_the_bootstrap_interval_stays_within_the_values(values, seed):
    found = bootstrap_mean(values, seed)
    assert min(values) <= found.low <= found.high <= max(values)
    assert found.value == pytest.approx(np.mean(values))


@given(MANY)
@settings(max_examples=10)
def test_mirrored_values_have_the_mirrored_interval_about(values):
    plain, mirrored = bootstrap_mean(values), bootstrap_mean([-value for value in values])
    spread = max(values) - min(values)
    assert mirrored.value == pytest.approx(-plain.value)
    assert mirrored.low == pytest.approx(-plain.high, abs=0.05 * spread)


def test_skew_moves_the_bootstrap_interval_towards_the_long_tail():
    values = np.exp(np.linspace(-2.0, 3.0, 15))
    low, high = bca_interval(values, lambda rows: rows.mean(axis=1), 1)
    mean = values.mean()
    assert high - mean > 1.3 * (mean - low)


@given(st.integers(0, 40), st.integers(1, 40))
def test_wilson_is_mirrored_in_successes_and_failures(successes, n):
    successes = min(successes, n)
    one, other = wilson_interval(successes, n), wilson_interval(n - successes, n)
    assert one.low == pytest.approx(1.0 - other.high)
    assert 0.0 <= one.low <= one.value <= one.high <= 1.0


@given(st.lists(COUNTS, min_size=1, max_size=12))
def test_resamples_of_the_sum_come_from_the_values(values):
    draws = resample(np.array(values), lambda rows: rows[:, 0], 3, 50)
    assert len(draws) == 50
    assert set(draws.tolist()) <= set(values)


@given(st.permutations([1e16, 1.0, -1e16, 3.0, 0.1]))
def test_sums_do_not_depend_on_order(values):
    assert exact_mean(np.array(values)) == exact_mean(np.array([1e16, 1.0, -1e16, 3.0, 0.1]))


def test_a_quantile_is_an_observation_and_so_are_the_ends_of_its_interval():
    values = [float(value) for value in range(100)]
    found = quantile_interval(values, 0.5)
    assert {found.value, found.low, found.high} <= set(values)
    assert (found.low, found.value, found.high) == (39.0, 49.0, 60.0)


def test_expected_shortfall_is_the_mean_of_the_worst():
    values = list(range(200))
    found = expected_shortfall(values, 0.95)
    assert found.value == pytest.approx(np.mean(values[-10:]))
    assert found.low <= found.value <= 199.0


@given(RUNS, RUNS)
def test_a_paired_difference_is_the_difference_of_means_and_turns_with_its_arms(a, b):
    n = min(len(a), len(b))
    one, other = paired_difference(a[:n], b[:n]), paired_difference(b[:n], a[:n])
    assert one.value == pytest.approx(np.mean(a[:n]) - np.mean(b[:n]), abs=1e-9)
    assert one.value == pytest.approx(-other.value, abs=1e-9)


@given(RUNS, RUNS)
def test_unpaired_arms_have_the_difference_of_their_means(a, b):
    found = unpaired_difference(a, b)
    assert found.value == pytest.approx(np.mean(a) - np.mean(b), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_welch_by_hand():
    # Variances 1 and 4 of three runs each: standard error sqrt(5/3), 2.941176 degrees of freedom, t = 3.2199.
    from scipy.stats import ttest_ind

    a, b = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]
    expected = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = unpaired_difference(a, b)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@given(st.floats(0.05, 0.95), st.floats(0.5, 5.0), st.floats(-10.0, 10.0))
@settings(max_examples=4)
def test_two_lines_cross_where_algebra_says(at, slope, level):
    x = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    a = np.tile(level + slope * (x - at), (3, 1))
    found = crossing(x, a, np.full(3, level))
    assert found.value == pytest.approx(at, abs=1e-6)
    assert crossing(x, -a, np.full(3, -level)).value == pytest.approx(at, abs=1e-6)


@given(st.lists(st.integers(1, 100).map(float), min_size=2, max_size=12), st.integers(2, 9))
@settings(max_examples=15)
def test_a_ratio_of_proportional_totals_is_exact_and_its_interval_a_point(bottom, factor):
    found = total_ratio(factor * np.array(bottom), np.array(bottom))
    assert found.value == pytest.approx(factor)
    assert found.low == pytest.approx(factor)
    assert found.high == pytest.approx(factor)


def test_a_difference_of_ratios_is_the_ratio_of_one_less_that_of_the_other():
    first = np.array([[4.0, 2.0], [6.0, 3.0], [8.0, 4.0]])
    second = np.array([[3.0, 2.0], [3.0, 2.0], [6.0, 4.0]])
    found = total_ratio_difference(first, second)
    assert (found.value, found.low, found.high) == (pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.5))
    assert total_ratio_difference(second, first).value == pytest.approx(-0.5)


def test_ratios_of_nothing_or_of_the_infinite_say_why_they_are_undefined():
    assert total_ratio(np.array([]), np.array([])).reason == "no runs"
    assert total_ratio(np.array([1.0, math.inf]), np.array([1.0, 1.0])).reason == "some values are not finite"


def test_an_estimate_reads_as_value_and_interval_or_as_the_reason():
    assert Estimate(1.234, 1.0, 1.5, 9, "m").text() == "1.23 [1, 1.5]"
    assert Estimate(1.0, math.nan, 1.5, 9, "m", "open below").text(".1f") == "1.0 [?, 1.5] (open below)"
    assert undefined(0, "m", "no runs").text() == "undefined (no runs)"
    assert not undefined(0, "m", "no runs").defined
    assert not undefined(0, "m", "no runs").excludes_zero


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 2.0])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(InputError, match="level: must be between 0 and 1"):
        wilson_interval(1, 2, level)
