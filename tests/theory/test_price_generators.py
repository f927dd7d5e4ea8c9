"""Published and closed-form results that the generators of prices must reproduce.

Merton, J. Financial Economics 3 (1976); Broadie & Kaya, Operations Research 54 (2006), table 1; Bollerslev, J.
Econometrics 31 (1986); Engle, JBES 20 (2002); McNeil, Frey & Embrechts, "Quantitative Risk Management", table 5.1;
Hull, "Options, Futures, and Other Derivatives", example 15.6.
"""

import functools
import math

import numpy as np
import pytest
from scipy import stats

from simulation.instrument.black_scholes import Vanilla, black_scholes
from simulation.price.copula import copula_index_for, joint_crash_chance
from simulation.price.dcc import Dcc
from simulation.price.garch import Garch
from simulation.price.heston import Heston
from simulation.price.jump import JumpDiffusion
from simulation.price.jumps import Jumps
from simulation.price.student_t import StudentT
from simulation.random import Streams
from tests.simulation.price.worlds import SEED, batch_score, log_returns, world

DAY = 86_400.0
YEAR = 365.0 * DAY


def test_hulls_black_scholes_example() -> None:
    call, put = (float(black_scholes(Vanilla(side, 40.0, 0.5), 42.0, 0.2, 0.1)) for side in (1.0, -1.0))
    assert (round(call, 2), round(put, 2)) == (4.76, 0.81)


# Merton ---------------------------------------------------------------------------------------------------------

RATE, MEAN, SPREAD, SIGMA = 3.0, -0.1, 0.15, 0.3


@functools.cache
def merton_returns() -> np.ndarray:
    """Quarters: 200 histories of 2,000, because one of 400,000 would leave the range of floating point."""
    process = JumpDiffusion(jumps=Jumps(own_rate=RATE, own_mean=MEAN, own_std=SPREAD))
    quarters = world(1, 2_000, YEAR / 4.0, SIGMA)
    return np.concatenate([log_returns(process, quarters, seed)[:, 0] for seed in range(200)])


def test_merton_cumulants() -> None:
    returns, years = merton_returns(), 0.25
    moments = {
        2: SIGMA**2 + RATE * (MEAN**2 + SPREAD**2),
        3: RATE * MEAN * (MEAN**2 + 3 * SPREAD**2),
        4: RATE * (MEAN**4 + 6 * MEAN**2 * SPREAD**2 + 3 * SPREAD**4),
    }
    for order, cumulant in moments.items():
        found = stats.kstat(returns.reshape(100, -1), order, axis=1)
        assert abs(batch_score(found, cumulant * years)) < 4.5, f"cumulant {order}"


def test_mertons_series_prices_the_simulated_jump_diffusion() -> None:
    years, strike = 0.25, 100.0
    growth = math.exp(MEAN + 0.5 * SPREAD**2)
    jumps = RATE * years * growth
    series = 0.0
    for n in range(40):
        volatility = math.sqrt(SIGMA**2 + n * SPREAD**2 / years)
        rate = -RATE * (growth - 1.0) + n * math.log(growth) / years
        weight = math.exp(-jumps) * jumps**n / math.factorial(n)
        series += weight * float(black_scholes(Vanilla(1.0, strike, years), 100.0, volatility, rate))
    payoff = np.maximum(100.0 * np.exp(merton_returns()) - strike, 0.0)
    assert abs(batch_score(payoff.reshape(100, -1).mean(axis=1), series)) < 4.0


# Heston ---------------------------------------------------------------------------------------------------------


def test_heston_call_of_broadie_and_kaya_is_6_8061() -> None:
    rate, level, steps, n = 0.0319, 0.019, 16, 200_000
    process = Heston(
        reversion=6.21,
        volatility_of_volatility=0.61 / 2.0 / math.sqrt(level),
        price_volatility_correlation=-0.7,
        initial_scale=math.sqrt(0.010201 / level),
    )
    scheme = process.scheme(np.full(n, level), 1.0 / steps)
    shocks = np.random.default_rng(SEED).normal(size=(2, steps, n))
    price = 100.0 * np.exp(scheme.log_returns(*shocks).sum(axis=0))  # discounted
    payoff = np.maximum(price - 100.0 * math.exp(-rate), 0.0)
    slope = np.cov(payoff, price)[0, 1] / price.var()  # the price itself as control: its mean is known
    controlled = payoff - slope * (price - 100.0)
    error = controlled.std() / math.sqrt(n)
    assert error < 0.01
    assert abs(controlled.mean() - 6.8061) < 4.0 * error


# GARCH and DCC --------------------------------------------------------------------------------------------------


@functools.cache
def garch_returns() -> np.ndarray:
    return log_returns(Garch(reaction=0.1, persistence=0.85), world(1, 1_000_000))[:, 0]


def test_garch_kurtosis_is_3_774() -> None:
    expected = 3.0 * (1.0 - 0.95**2) / (1.0 - 0.95**2 - 2.0 * 0.1**2)
    assert expected == pytest.approx(3.774, abs=5e-4)
    batches = garch_returns().reshape(50, -1)
    assert abs(batch_score(stats.kurtosis(batches, axis=1, fisher=False), expected)) < 4.5


@pytest.mark.parametrize(("lag", "expected"), [(1, 0.179), (5, 0.146), (20, 0.068)])
def test_garch_squares_are_autocorrelated(lag: int, expected: float) -> None:
    a, b = 0.1, 0.85
    first = a * (1.0 - a * b - b * b) / (1.0 - 2.0 * a * b - b * b)
    assert first * (a + b) ** (lag - 1) == pytest.approx(expected, abs=6e-4)
    squares = garch_returns() ** 2
    measured = np.corrcoef(squares[lag:], squares[:-lag])[0, 1]
    assert measured == pytest.approx(expected, abs=0.02)


def test_dcc_correlation_averages_nearly_what_it_is_asked_for() -> None:
    process = Dcc(correlation=0.4, correlation_reaction=0.05, correlation_persistence=0.93)
    _, matrices = process.joint(world(2, 40_000), Streams(SEED))
    path = matrices[:, 0, 1]
    assert path.mean() == pytest.approx(0.4, abs=0.03)
    assert path.mean() < 0.4  # a ratio does not average as its parts: the mean lies a little below
    assert path.std() > 0.05


# Copulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "expected"), [(2.0, (0.18, 0.39, 0.72)), (4.0, (0.08, 0.25, 0.63)), (10.0, (0.01, 0.08, 0.46))]
)
def test_tail_dependence_of_t_copulas_is_the_published_table(index: float, expected: tuple[float, ...]) -> None:
    found = [joint_crash_chance(index, rho) for rho in (0.0, 0.5, 0.9)]
    np.testing.assert_allclose(found, expected, atol=0.005)


def test_a_chosen_tail_dependence_is_met() -> None:
    assert copula_index_for(joint_crash_chance(4.0, 0.5), 0.5) == pytest.approx(4.0, rel=1e-9)


def test_kendalls_tau_is_two_over_pi_times_the_arc_sine() -> None:
    for index in (3.0, 30.0):
        returns = log_returns(StudentT(tail_index=index, correlation=0.5), world(2, 20_000))
        batches = np.array([stats.kendalltau(*batch.T).statistic for batch in returns.reshape(20, -1, 2)])
        assert abs(batch_score(batches, 2.0 / math.pi * math.asin(0.5))) < 4.5
