"""Vega risk: closed forms against published figures, independent algebra, and the engine's volatility process."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.target import verdict
from experiments.vega_risk import (
    VegaBook,
    breach_rate,
    hedge_margin,
    hedge_residual,
    hedge_target,
    understatement,
    understatement_target,
)

STEPS = 20_000
correlations = st.floats(0.0, 1.0)


@pytest.mark.parametrize(("assets", "factor", "breach"), [(2, 1.36, 0.044), (4, 1.88, 0.108)])
def test_independence_understates_vega_risk_as_published(assets: int, factor: float, breach: float) -> None:
    assert understatement(assets, 0.85) == pytest.approx(factor, abs=0.005)
    assert breach_rate(assets, 0.85) == pytest.approx(breach, abs=0.0006)


def test_with_independent_volatilities_margin_is_breached_as_often_as_promised() -> None:
    assert understatement(5, 0.0) == 1.0
    assert breach_rate(5, 0.0) == pytest.approx(0.01, rel=1e-12)


def test_a_proxy_hedge_at_85_percent_leaves_52_7_percent() -> None:
    assert hedge_residual(0.85) == pytest.approx(0.527, abs=0.0005)
    assert 1.0 - hedge_residual(0.85) ** 2 == pytest.approx(0.72, abs=0.003)


@given(st.integers(1, 8), correlations)
def test_the_understatement_is_that_of_a_covariance_matrix(assets: int, correlation: float) -> None:
    matrix = np.full((assets, assets), correlation)
    np.fill_diagonal(matrix, 1.0)
    assert understatement(assets, correlation) == pytest.approx(math.sqrt(matrix.sum() / assets), rel=1e-12)


@given(correlations, correlations)
def test_no_other_hedge_leaves_less_than_the_correlation(correlation: float, assumed: float) -> None:
    assert hedge_residual(correlation, assumed) >= hedge_residual(correlation) - 1e-12
    assert hedge_residual(correlation) == pytest.approx(math.sqrt(1.0 - correlation**2), abs=1e-12)


def test_a_hedge_set_up_for_a_correlation_that_is_gone_adds_risk() -> None:
    assert hedge_residual(0.2, assumed=0.85) > 1.0


def test_only_joint_shocks_reward_a_proxy_hedge() -> None:
    """Brute force: both volatilities up or down together, or each its own way."""
    rho = 0.85
    loss = [[abs(-up + rho * other) for other in (-1.0, 1.0)] for up in (-1.0, 1.0)]
    assert hedge_margin(rho, joint=True) == pytest.approx(max(loss[0][0], loss[1][1]))
    assert hedge_margin(rho, joint=False) == pytest.approx(max(map(max, loss)))


@pytest.mark.parametrize("assets", [2, 4])
def test_the_engine_s_volatilities_breach_margin_as_theory_says(assets: int) -> None:
    checks = understatement_target(VegaBook(assets), STEPS)
    assert verdict(checks), checks
    assert checks[1].simulated > 3 * 0.01


def test_the_engine_s_volatilities_leave_of_a_vega_hedge_what_theory_says() -> None:
    assert verdict(hedge_target(VegaBook(), STEPS))
    assert verdict(hedge_target(VegaBook(correlation=0.2), STEPS, assumed=0.85))


def test_a_wrong_correlation_is_noticed() -> None:
    """Teeth: volatilities at .7 are not those of theory at .85."""
    wrong = VegaBook(correlation=0.7).profits(STEPS)
    left = wrong[:, 0] - 0.85 * wrong[:, 1]
    assert left.var() > 1.3 * hedge_residual(0.85) ** 2


def test_straddles_lose_one_unit_in_a_rise_of_one_deviation() -> None:
    book = VegaBook(1)
    level = np.array([[0.8]])
    risen = level * (1.0 + 0.89 / math.sqrt(525_600.0))
    lost = (book.straddle(risen) - book.straddle(level)) / book.risk(level)
    assert lost[0, 0] == pytest.approx(1.0, rel=1e-3)


def test_profits_are_one_a_minute_and_a_straddle_and_a_hedge_takes_its_ratio_of_the_second() -> None:
    profits = VegaBook(3, correlation=0.6).profits(400, seed=2)
    assert profits.shape == (400, 3)
    found = hedge_target(VegaBook(3, correlation=0.6), 400, seed=2, assumed=0.4)[0]
    left = profits[:, 0] - 0.4 * profits[:, 1]
    assert found.simulated == pytest.approx(np.var(left, ddof=1), rel=1e-12)
    assert found.expected == pytest.approx(1.0 - 2.0 * 0.6 * 0.4 + 0.4**2, rel=1e-12)


def test_a_hedge_with_volatility_that_moves_the_other_way_is_a_hedge_too() -> None:
    assert (hedge_margin(-0.3, joint=True), hedge_margin(-0.3, joint=False)) == (0.7, 1.3)
