"""Branching ratios from events: recovered from counts and by likelihood; the price of a perpetual."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from experiments.graph.branching import Hawkes, counts, fitted, log_likelihood, perpetual_ratio, ratio_of_counts
from simulation.errors import InputError
from simulation.random import Streams


@pytest.mark.parametrize("ratio", [0.15, 0.5, 0.8])
def test_counts_in_long_windows_give_the_ratio_back(ratio: float) -> None:
    times = Hawkes(1.0, ratio).times(100_000.0, Streams(1))
    found, why = ratio_of_counts(counts(times, 100_000.0, 1_000))
    assert why == ""
    assert found == pytest.approx(ratio, abs=0.07)


@pytest.mark.parametrize("ratio", [0.3, 0.7])
def test_the_likelihood_gives_the_ratio_back(ratio: float) -> None:
    found = fitted(Hawkes(0.5, ratio).times(6_000.0, Streams(2)), 6_000.0)
    assert found.ratio == pytest.approx(ratio, abs=0.08)


def test_the_mean_rate_is_that_of_outside_over_one_minus_the_ratio() -> None:
    times = Hawkes(2.0, 0.5).times(20_000.0, Streams(3))
    assert len(times) / 20_000.0 == pytest.approx(4.0, rel=0.03)


def test_the_likelihood_is_the_log_rate_less_its_integral_by_quadrature() -> None:
    process, times = Hawkes(0.7, 0.4, 1.5), np.array([0.5, 1.1, 2.0])

    def rate(t: float) -> float:
        return 0.7 + sum(0.6 * math.exp(-1.5 * (t - s)) for s in times if s < t)

    area = quad(rate, 0.0, 3.0, points=times.tolist())[0]
    assert log_likelihood(process, times, 3.0) == pytest.approx(sum(math.log(rate(t)) for t in times) - area, abs=1e-6)


@pytest.mark.parametrize("count", [[], [3.0], [0.0, 0.0], [2.0, 2.0]])
def test_a_ratio_without_evidence_is_undefined_with_a_reason(count: list[float]) -> None:
    found, why = ratio_of_counts(np.array(count))
    assert math.isnan(found)
    assert why


def test_explosive_processes_and_few_events_are_refused() -> None:
    with pytest.raises(InputError):
        Hawkes(1.0, 1.0).times(10.0, Streams(1))
    with pytest.raises(InputError):
        fitted(np.array([1.0, 2.0]), 3.0)


def test_a_perpetual_is_at_the_spot_where_interest_is_the_carry_and_above_it_where_less() -> None:
    assert perpetual_ratio(1095.0, 0.05, 0.05) == 1.0
    assert perpetual_ratio(1095.0, 0.0, 0.1095) == pytest.approx(1.0 / (1.0 - 1e-4))
    with pytest.raises(InputError):
        perpetual_ratio(0.05, 0.0, 0.05)
