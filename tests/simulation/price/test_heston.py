"""Heston: the scheme's moments against the exact ones, limits, and the leverage effect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.price.gbm import Gbm
from simulation.price.heston import Heston
from tests.simulation.price.worlds import batch_score, log_returns, world

DAY = 86_400.0


@pytest.mark.parametrize("wild", [0.3, 2.0, 6.0])
def test_the_next_variance_has_its_exact_mean_and_variance(wild: float) -> None:
    level, now, k, years, n = 0.64, 0.3, 5.0, 0.05, 400_000
    scheme = Heston(reversion=k, volatility_of_volatility=wild).scheme(np.full(n, level), years)
    after, _ = scheme._next(np.full(n, now), np.random.default_rng(1).normal(size=n))
    kept, xi = np.exp(-k * years), 2.0 * wild * level**0.5
    mean = level + (now - level) * kept
    variance = now * xi**2 * kept * (1 - kept) / k + level * xi**2 * (1 - kept) ** 2 / (2 * k)
    assert (after >= 0.0).all()
    assert abs(batch_score(after.reshape(100, -1).mean(axis=1), mean)) < 4.5
    assert after.var() == pytest.approx(variance, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 4.0), st.floats(-1.0, 0.0), st.floats(0.2, 2.0))
def test_the_expected_price_stays_at_any_step_length(wild: float, rho: float, start: float) -> None:
    n = 40_000
    process = Heston(volatility_of_volatility=wild, price_volatility_correlation=rho, initial_scale=start)
    normal = np.random.default_rng(7).normal(size=(2, 4, n))
    growth = np.exp(process.scheme(np.full(n, 0.25), 0.02).log_returns(*normal).sum(axis=0))
    assert abs(batch_score(growth.reshape(100, -1).mean(axis=1), 1.0)) < 5.0


def test_calm_variance_is_nearly_geometric_brownian_motion() -> None:
    calm = Heston(volatility_of_volatility=1e-3, price_volatility_correlation=0.0, correlation=0.5)
    np.testing.assert_allclose(
        log_returns(calm, world(2, 200)), log_returns(Gbm(correlation=0.5), world(2, 200)), atol=1e-4
    )


def test_volatility_averages_that_of_the_listing() -> None:
    returns = log_returns(Heston(reversion=200.0), world(1, 50_000))[:, 0]
    assert abs(batch_score(returns.reshape(50, -1).var(axis=1), 0.64 / 8_760)) < 4.5


def test_falling_prices_raise_volatility_when_the_two_are_negatively_correlated() -> None:
    def lever(rho: float) -> float:
        process = Heston(reversion=50.0, volatility_of_volatility=4.0, price_volatility_correlation=rho)
        returns = log_returns(process, world(1, 10_000, DAY))[:, 0]
        return float(np.corrcoef(returns[:-1], returns[1:] ** 2)[0, 1])

    assert lever(-0.9) < -0.05
    assert lever(0.9) > 0.0


def test_a_market_that_does_not_move_stays_where_it_is() -> None:
    still = log_returns(Heston(), world(2, 50, volatility=0.0))
    np.testing.assert_array_equal(still, 0.0)


def test_volatility_storms_come_together_or_apart_as_asked() -> None:
    def company(share: float) -> float:
        process = Heston(
            reversion=20.0, volatility_of_volatility=4.0, price_volatility_correlation=0.0, volatility_correlation=share
        )
        return float(np.corrcoef(np.abs(log_returns(process, world(2, 10_000, DAY))).T)[0, 1])

    assert company(1.0) > 0.1
    assert abs(company(0.0)) < 0.05


def test_a_market_opens_at_its_initial_scale_times_the_long_run_volatility() -> None:
    """Without noise in the variance the first return is twice that of the long run; half the variance is 4e-5."""
    opened = Heston(volatility_of_volatility=1e-3, price_volatility_correlation=0.0, initial_scale=2.0)
    first, long_run = log_returns(opened, world(3, 1)), log_returns(Gbm(), world(3, 1))
    np.testing.assert_allclose(first, 2.0 * long_run, atol=2e-4)
