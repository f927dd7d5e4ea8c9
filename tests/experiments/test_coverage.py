"""Tests of coverage: published regions, exact sizes, hand-counted transitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.coverage import (
    BreachSize,
    accepted,
    breach_size,
    christoffersen,
    conditional_coverage,
    kupiec,
    kupiec_size,
    shortfall_score,
    traffic_light,
    transitions,
)
from simulation.errors import InputError

series = st.lists(st.booleans(), min_size=2, max_size=200).map(np.array)


# Kupiec ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "n", "above", "below"),
    [(0.01, 510, 1, 11), (0.01, 1000, 4, 17), (0.05, 255, 6, 21), (0.05, 510, 16, 36), (0.05, 1000, 37, 65)],
)
def test_the_regions_of_kupiecs_table(rate: float, n: int, above: int, below: int) -> None:
    assert accepted(n, rate) == range(above + 1, below)


def test_a_year_at_one_percent_accepts_fewer_than_7() -> None:
    assert accepted(255, 0.01).stop == 7


@given(st.integers(2, 500), st.floats(0.001, 0.2), st.data())
def test_the_statistic_is_twice_the_gain_in_log_likelihood(n: int, rate: float, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, n))
    best, given_ = (stats.binom.logpmf(x, n, share) for share in (x / n, rate))
    found = kupiec(x, n, rate)
    assert found.statistic == pytest.approx(2.0 * (best - given_), rel=1e-6, abs=1e-8)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-9)


def test_what_was_promised_is_not_held_against_it() -> None:
    assert kupiec(10, 1000, 0.01).statistic == pytest.approx(0.0, abs=1e-12)
    assert not kupiec(10, 1000, 0.01).rejects()


def test_its_true_size_at_a_year_and_one_percent_is_9_5_percent() -> None:
    assert kupiec_size(250, 0.01) == pytest.approx(0.095, abs=5e-4)
    rejected = [kupiec(x, 250, 0.01).rejects() for x in range(251)]
    assert kupiec_size(250, 0.01) == pytest.approx(stats.binom.pmf(np.flatnonzero(rejected), 250, 0.01).sum(), rel=1e-9)


@pytest.mark.parametrize("wrong", [(-1, 10, 0.01), (11, 10, 0.01), (1, 10, 0.0), (1, 10, 1.0), (0, 0, 0.01)])
def test_counts_and_rates_that_cannot_be_are_refused(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(InputError):
        kupiec(*wrong)


# Christoffersen -------------------------------------------------------------------------------------------------


def test_transitions_counted_by_hand() -> None:
    breached = np.array([0, 0, 1, 1, 0, 1, 0, 0], bool)
    assert transitions(breached) == ((2, 2), (2, 1))


@given(series)
def test_transitions_are_all_steps_but_the_first(breached: np.ndarray) -> None:
    assert sum(map(sum, transitions(breached))) == len(breached) - 1


def test_independence_statistic_by_hand() -> None:
    breached = np.array([0] * 90 + [1] * 5 + [0] * 5, bool)  # 00: 89 + 4, 01: 1, 10: 1, 11: 4
    apart = 93 * math.log(93 / 94) + math.log(1 / 94) + math.log(1 / 5) + 4 * math.log(4 / 5)
    together = 94 * math.log(94 / 99) + 5 * math.log(5 / 99)
    found = christoffersen(breached)
    assert found.statistic == pytest.approx(2 * (apart - together), rel=1e-12)
    assert found.rejects(0.001)


def test_clusters_are_rejected_and_scattered_breaches_are_not() -> None:
    scattered = np.zeros(1000, bool)
    scattered[50::100] = True
    clustered = np.zeros(1000, bool)
    clustered[500:510] = True
    assert kupiec(int(clustered.sum()), 1000, 0.01) == kupiec(int(scattered.sum()), 1000, 0.01)
    assert christoffersen(clustered).rejects(1e-6)
    assert not christoffersen(scattered).rejects()
    assert conditional_coverage(clustered, 0.01).rejects(1e-6)
    assert not conditional_coverage(scattered, 0.01).rejects()


@given(series)
def test_statistics_are_never_negative_nor_undefined(breached: np.ndarray) -> None:
    for found in (christoffersen(breached), conditional_coverage(breached, 0.05)):
        assert found.statistic >= 0.0
        assert 0.0 <= found.p_value <= 1.0


@pytest.mark.parametrize(("n", "rate", "low", "high"), [(250, 0.01, 0.002, 0.03), (1000, 0.05, 0.055, 0.1)])
def test_the_size_of_independence_is_not_that_of_the_table(n: int, rate: float, low: float, high: float) -> None:
    random = np.random.default_rng(1).random((1_500, n)) < rate
    assert low < np.mean([christoffersen(row).rejects() for row in random]) < high


# Basel ----------------------------------------------------------------------------------------------------------


def test_the_basel_table() -> None:
    seen = [round(100 * stats.binom.cdf(k, 250, 0.01), 2) for k in (4, 5, 9)]
    assert seen == [89.22, 95.88, 99.97]
    zones = [traffic_light(x) for x in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


def test_zones_scale_with_the_sample() -> None:
    assert traffic_light(40, 2500) == "yellow"
    assert traffic_light(25, 2500) == "green"
    assert traffic_light(70, 2500) == "red"


# Expected Shortfall ---------------------------------------------------------------------------------------------


def score(law, value: float, shortfall: float, n: int = 400_000) -> float:
    loss = law.rvs(size=n, random_state=3)
    return shortfall_score(loss, np.full(n, value), np.full(n, shortfall), 0.025)


def test_a_right_shortfall_scores_zero_and_a_low_one_below() -> None:
    normal = stats.norm
    value, shortfall = normal.ppf(0.975), normal.pdf(normal.ppf(0.975)) / 0.025
    assert score(normal, value, shortfall) == pytest.approx(0.0, abs=0.03)
    assert score(normal, value, shortfall / 1.5) == pytest.approx(-0.5, abs=0.04)


def test_a_normal_shortfall_is_too_low_for_heavy_tails_though_its_quantile_is_not_far_off() -> None:
    heavy = stats.t(3.0, scale=3.0**-0.5)
    value, shortfall = stats.norm.ppf(0.975), stats.norm.pdf(stats.norm.ppf(0.975)) / 0.025
    assert score(heavy, value, shortfall) < -0.08


def test_the_size_of_breaches_is_what_losses_leave_beyond_the_requirement() -> None:
    loss, requirement = np.array([1.0, 5.0, 2.0, 9.0]), np.array([2.0, 3.0, 2.0, 4.0])
    assert breach_size(loss, requirement) == BreachSize(3.5, 5.0)
    none = breach_size(requirement, requirement)
    assert np.isnan(none.average)
    assert np.isnan(none.worst)
    assert none.reason == "there was no breach"
