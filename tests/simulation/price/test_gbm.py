"""Correlated geometric Brownian motion: mean, volatility and correlation as asked, at any step length."""

import numpy as np
import pytest
from scipy import stats

from simulation.price.gbm import Gbm
from tests.simulation.price.worlds import HOUR, log_returns, world

YEAR_HOURS = 8_760.0
MATRIX = ((1.0, 0.8, -0.3), (0.8, 1.0, 0.1), (-0.3, 0.1, 1.0))


@pytest.mark.parametrize("step_seconds", [60.0, HOUR, 86_400.0])
def test_volatility_and_drift_are_per_year_whatever_the_step(step_seconds: float) -> None:
    n, drift = 20_000, 3.0
    returns = log_returns(Gbm(drift=drift), world(1, n, step_seconds))[:, 0]
    years = step_seconds / (YEAR_HOURS * HOUR)
    sigma = 0.8 * years**0.5
    assert np.std(returns) / sigma == pytest.approx(1.0, abs=4.0 / (2 * n) ** 0.5)
    assert np.mean(returns) == pytest.approx((drift - 0.32) * years, abs=4.0 * sigma / n**0.5)
    assert stats.kstest((returns - returns.mean()) / sigma, "norm").pvalue > 1e-3


def test_without_drift_the_expected_price_stays() -> None:
    n = 200_000
    growth = np.exp(log_returns(Gbm(), world(1, n, 86_400.0)))[:, 0]
    assert np.mean(growth) == pytest.approx(1.0, abs=4.0 * np.std(growth) / n**0.5)


def test_correlations_are_those_of_the_matrix() -> None:
    n = 40_000
    measured = np.corrcoef(log_returns(Gbm(correlation=MATRIX), world(3, n)).T)
    error = (1.0 - np.array(MATRIX) ** 2) / n**0.5
    assert (np.abs(measured - MATRIX) <= 4.0 * error + 1e-12).all()


def test_one_number_correlates_every_pair_alike() -> None:
    n = 40_000
    measured = np.corrcoef(log_returns(Gbm(correlation=0.6), world(4, n)).T)[np.triu_indices(4, 1)]
    assert np.abs(measured - 0.6).max() < 4.0 * 0.64 / n**0.5


def test_lists_give_each_market_its_own_drift_and_volatility() -> None:
    process = Gbm(drift=(0.0, 20.0), volatility_scale=(0.0, 2.0))
    still, moving = log_returns(process, world(2, 5_000)).T
    np.testing.assert_array_equal(still, 0.0)
    assert np.std(moving) * YEAR_HOURS**0.5 == pytest.approx(1.6, rel=0.05)
    assert np.mean(moving) * YEAR_HOURS == pytest.approx(
        20.0 - 1.28, abs=4.0 * 1.6 * (YEAR_HOURS / 5_000) ** 0.5
    )


def test_returns_do_not_remember() -> None:
    returns = log_returns(Gbm(), world(1, 40_000))[:, 0]
    for series in (returns, np.abs(returns)):
        assert abs(np.corrcoef(series[1:], series[:-1])[0, 1]) < 4.0 / 40_000**0.5
