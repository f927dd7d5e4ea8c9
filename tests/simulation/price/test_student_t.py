"""Student-t returns: the right law, the right kurtosis, and crashes that come together."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import integrate, stats

from simulation.arrays import Array
from simulation.price.base import PriceProcess
from simulation.price.gbm import Gbm
from simulation.price.student_t import StudentT
from tests.simulation.price.worlds import batch_score, log_returns, world

SIGMA = 0.8 / 8_760**0.5


def tail_dependence(nu: float, rho: float) -> float:
    """The limit for ever rarer events: 2 t_{nu+1}(-sqrt((nu+1)(1-rho)/(1+rho)))."""
    return float(2.0 * stats.t.cdf(-(((nu + 1.0) * (1.0 - rho) / (1.0 + rho)) ** 0.5), nu + 1.0))


def joint_tail(nu: float, rho: float, q: float) -> float:
    """P(second below its q-quantile | first below its own) for a t copula, by integration."""
    low = stats.t.ppf(q, nu)

    def both(x: float) -> float:
        spread = ((1.0 - rho**2) * (nu + x * x) / (nu + 1.0)) ** 0.5
        return float(stats.t.pdf(x, nu) * stats.t.cdf((low - rho * x) / spread, nu + 1.0))

    return integrate.quad(both, -np.inf, low)[0] / q


def measured_joint_tail(returns: Array, q: float) -> tuple[float, float]:
    low = returns < np.quantile(returns, q, axis=0)
    events = low[:, 0].sum()
    share = float((low[:, 0] & low[:, 1]).sum() / events)
    return share, (share * (1.0 - share) / events) ** 0.5


@pytest.mark.parametrize("nu", [2.5, 4.0, 30.0])
def test_each_market_is_student_t_with_its_volatility(nu: float) -> None:
    returns = log_returns(StudentT(tail_index=nu, correlation=0.5), world(2, 50_000))
    unit = (returns + 0.5 * SIGMA**2) / SIGMA * (nu / (nu - 2.0)) ** 0.5
    for market in unit.T:
        assert stats.kstest(market, stats.t(nu).cdf).pvalue > 1e-3


def test_variance_is_one_and_kurtosis_is_3_plus_6_over_nu_minus_4() -> None:
    returns = log_returns(StudentT(tail_index=14.0), world(1, 400_000))[:, 0] / SIGMA
    batches = returns.reshape(80, -1)
    assert abs(batch_score(batches.var(axis=1, ddof=1), 1.0)) < 4.0
    assert abs(batch_score(stats.kstat(returns.reshape(80, -1), 4, axis=1), 6.0 / 10.0)) < 4.0


def test_linear_correlation_is_as_asked() -> None:
    returns = log_returns(StudentT(tail_index=8.0, correlation=0.7), world(2, 100_000))
    batches = np.array([np.corrcoef(batch.T)[0, 1] for batch in returns.reshape(100, -1, 2)])
    assert abs(batch_score(batches, 0.7)) < 4.5


def test_uncorrelated_markets_still_have_their_large_moves_together() -> None:
    returns = np.abs(log_returns(StudentT(tail_index=4.0), world(2, 50_000)))
    assert stats.spearmanr(*returns.T).statistic > 0.1
    gaussian = np.abs(log_returns(Gbm(), world(2, 50_000)))
    assert abs(stats.spearmanr(*gaussian.T).statistic) < 4.0 / 50_000**0.5


@pytest.mark.parametrize(
    ("nu", "expected"), [(2.0, (0.18, 0.39, 0.72)), (4.0, (0.08, 0.25, 0.63)), (10.0, (0.01, 0.08, 0.46))]
)
def test_the_formula_gives_the_table_of_mcneil_frey_and_embrechts(nu: float, expected: tuple) -> None:
    measured = [tail_dependence(nu, rho) for rho in (0.0, 0.5, 0.9)]
    np.testing.assert_allclose(measured, expected, atol=0.005)


def test_joint_crashes_are_as_frequent_as_the_t_copula_says() -> None:
    returns = log_returns(StudentT(tail_index=4.0, correlation=0.5), world(2, 400_000))
    for q in (0.05, 0.01, 0.002):
        share, error = measured_joint_tail(returns, q)
        assert share == pytest.approx(joint_tail(4.0, 0.5, q), abs=4.0 * error)
    assert joint_tail(4.0, 0.5, 0.01) == pytest.approx(0.2877, abs=0.0001)
    assert joint_tail(4.0, 0.5, 1e-7) == pytest.approx(tail_dependence(4.0, 0.5), abs=0.002)


def test_gaussian_joint_crashes_die_out() -> None:
    returns = log_returns(Gbm(correlation=0.5), world(2, 400_000))
    share, error = measured_joint_tail(returns, 0.001)
    assert share == pytest.approx(0.054, abs=4.0 * error)


def test_the_gaussian_part_is_shared_with_gbm_under_one_seed() -> None:
    heavy, light = (log_returns(process, world(2, 5_000)) for process in (StudentT(tail_index=3.0), Gbm()))
    np.testing.assert_array_equal(np.sign(heavy + 0.5 * SIGMA**2), np.sign(light + 0.5 * SIGMA**2))


@pytest.mark.parametrize("nu", [2.0, 0.0, -3.0, 1e4, float("nan"), "x"])
def test_a_tail_index_without_variance_is_refused(nu: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        PriceProcess.parse({"kind": "student_t", "tail_index": nu})
    assert refusal.value.errors()[0]["loc"] == ("tail_index",)
