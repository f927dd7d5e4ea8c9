"""Hawkes processes against integrals and curvatures worked out another way."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from experiments.graph.branching import Hawkes, counts, fitted, log_likelihood, ratio_error, ratio_of_counts
from simulation.random import Streams


@pytest.mark.parametrize(("ratio", "decay", "window"), [(0.3, 1.0, 2.0), (0.7, 0.2, 5.0), (0.5, 4.0, 50.0)])
def test_the_dispersion_of_counts_is_the_integral_of_the_covariance(ratio: float, decay: float, window: float) -> None:
    """Covariance density of an exponential Hawkes process: rate n b (2 - n) / (2 (1 - n)) exp(-b (1 - n) t)."""
    process = Hawkes(0.7, ratio, decay)
    mean = 0.7 / (1.0 - ratio)
    assert process.mean_rate == pytest.approx(mean)

    def covariance(t: float) -> float:
        size = mean * ratio * decay * (2.0 - ratio) / (2.0 * (1.0 - ratio))
        return (window - t) * size * math.exp(-decay * (1.0 - ratio) * t)

    variance = mean * window + 2.0 * quad(covariance, 0.0, window)[0]
    assert process.fano(window) == pytest.approx(variance / (mean * window), rel=1e-9)
    assert process.fano(1e9) == pytest.approx((1.0 - ratio) ** -2, rel=1e-6)
    assert process.fano(1e-6) == pytest.approx(1.0, abs=1e-4), "short windows hold one event or none"


def test_the_ratio_of_counts_takes_the_root_of_mean_over_variance() -> None:
    # 0, 0, 0, 4: mean 1, variance 4; n = 1 - sqrt(1 / 4).
    assert ratio_of_counts(np.array([0.0, 0.0, 0.0, 4.0])) == (pytest.approx(0.5), "")
    # 1, 2, 3: mean 2, variance 1: less spread than a Poisson process's.
    assert ratio_of_counts(np.array([1.0, 2.0, 3.0]))[0] == pytest.approx(1.0 - math.sqrt(2.0))


def test_counts_are_those_of_equal_windows() -> None:
    assert counts(np.array([0.0, 0.9, 1.0, 2.5, 3.9]), 4.0, 4).tolist() == [2.0, 1.0, 1.0, 1.0]


def test_the_standard_error_is_that_of_the_curvature_in_the_parameters_themselves() -> None:
    """At the maximum a change of coordinates changes nothing: the inverse of the Hessian in (rate, ratio, decay)."""
    times = Hawkes(0.5, 0.6).times(1_500.0, Streams(4))
    found = fitted(times, 1_500.0)
    at, size = np.array([found.rate, found.ratio, found.decay]), 1e-3
    step = size * at

    def value(*moves: tuple[int, float]) -> float:
        x = at.copy()
        for place, sign in moves:
            x[place] += sign * step[place]
        return log_likelihood(Hawkes(*x.tolist()), times, 1_500.0)

    hessian = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            corners = [a * b * value((i, a), (j, b)) for a in (1.0, -1.0) for b in (1.0, -1.0)]
            hessian[i, j] = sum(corners) / (4.0 * step[i] * step[j])
    expected = math.sqrt(np.linalg.inv(-hessian)[1, 1])
    assert ratio_error(found, times, 1_500.0) == pytest.approx(expected, rel=0.05)
    assert abs(found.ratio - 0.6) < 4.0 * expected


def test_away_from_a_maximum_there_is_no_error() -> None:
    times = Hawkes(0.5, 0.6).times(200.0, Streams(4))
    assert math.isnan(ratio_error(Hawkes(50.0, 0.01, 1e-4), times, 200.0))
