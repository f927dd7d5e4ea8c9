"""Ornstein-Uhlenbeck prices: moments and memory in closed form, whatever the step."""

import math

import numpy as np
import pytest

from simulation.arrays import Array
from simulation.errors import ScenarioError
from simulation.price.gbm import Gbm
from simulation.price.ornstein_uhlenbeck import OrnsteinUhlenbeck
from simulation.random import Streams
from tests.simulation.price.worlds import HOUR, SEED, log_returns, world

YEAR_HOURS = 8_760.0


def log_prices(rate: float, steps: int, seconds: float = HOUR, markets: int = 1) -> Array:
    """ln S / S(0), without the first stretch that still knows where it began."""
    place = world(markets, steps, seconds)
    path = OrnsteinUhlenbeck(reversion_rate=rate).draw(place, Streams(SEED))
    return np.log(path / place.price)[steps // 20 :]


@pytest.mark.parametrize("seconds", [HOUR / 4.0, HOUR, 10.0 * HOUR])
def test_in_the_long_run_the_variance_is_that_of_the_formula_whatever_the_step(seconds: float) -> None:
    rate = YEAR_HOURS / 20.0  # a year; the memory is 20 hours
    log = log_prices(rate, 200_000, seconds)[:, 0]
    kept = math.exp(-rate * seconds / (YEAR_HOURS * HOUR))
    independent = len(log) * (1.0 - kept**2) / (1.0 + kept**2)  # Bartlett, for squares
    assert np.mean(log**2) == pytest.approx(0.8**2 / (2.0 * rate), rel=4.0 * math.sqrt(2.0 / independent))
    assert np.mean(log) == pytest.approx(0.0, abs=4.0 * math.sqrt(0.32 / rate / len(log) * (1 + kept) / (1 - kept)))


def test_each_step_keeps_the_same_share_of_the_distance_and_adds_the_rest() -> None:
    log = log_prices(-math.log(0.9) * YEAR_HOURS, 100_000)[:, 0]
    shocks = log[1:] - 0.9 * log[:-1]
    spread = 0.8 * math.sqrt((1.0 - 0.81) / (2.0 * -math.log(0.9) * YEAR_HOURS))
    error = 4.0 / math.sqrt(len(shocks))
    assert np.std(shocks) == pytest.approx(spread, rel=error)
    assert abs(np.corrcoef(shocks, log[:-1])[0, 1]) < error
    assert abs(np.corrcoef(shocks[1:], shocks[:-1])[0, 1]) < error


def test_with_hardly_any_pull_it_is_brownian_motion() -> None:
    drift = 0.5 * 0.8**2  # so that the log has none
    free = log_returns(Gbm(drift=drift), world(2, 500))
    np.testing.assert_allclose(log_returns(OrnsteinUhlenbeck(reversion_rate=1e-9), world(2, 500)), free, atol=1e-12)


def test_shocks_are_correlated_as_asked() -> None:
    returns = log_returns(OrnsteinUhlenbeck(reversion_rate=1.0, correlation=0.6), world(2, 40_000))
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(0.6, abs=4.0 * (1.0 - 0.36) / 200.0)


def test_a_matrix_of_another_size_is_refused() -> None:
    process = OrnsteinUhlenbeck(reversion_rate=1.0, correlation=((1.0, 0.1), (0.1, 1.0)))
    with pytest.raises(ScenarioError, match=r"price.correlation"):
        process.draw(world(3), Streams(SEED))
