"""Published scenario grids row by row, and closed-form laws of loss with numbers worked by hand."""

import math

import numpy as np
import pytest

from simulation.margin.anti_procyclical import AntiProcyclical
from simulation.margin.derive_portfolio import DerivePortfolioMargin
from simulation.margin.derive_portfolio2 import DerivePortfolio2Margin
from simulation.margin.loss_law import NormalLaw, StudentLaw
from simulation.margin.risk_estimate import Learning, RiskEstimate
from simulation.margin.tail import Tail
from simulation.margin.volatility_update import VolatilityUpdate

CORRELATION = np.array([[1.0, 0.5], [0.5, 1.0]])


def known() -> RiskEstimate:
    """2 % and 4 % a step, correlation a half."""
    learning = Learning(VolatilityUpdate.parse({"kind": "fixed"}), AntiProcyclical.model_validate({}), 1, 1.0, 20)
    return RiskEstimate(learning, np.full(2, 100.0), np.array([0.02, 0.04]), CORRELATION)


def test_the_first_grid_of_derive_is_every_price_move_with_every_volatility_move() -> None:
    grid = {(row.spot, row.volatility, row.weight) for row in DerivePortfolioMargin().scenarios}
    moves = (-15, -10, -5, 0, 5, 10, 15)
    assert grid == {((100 + x) / 100, vol, 1.0) for x in moves for vol in ("up", "none", "down")}
    assert len(DerivePortfolioMargin().scenarios) == 21


def test_the_second_grid_of_derive_has_steps_of_four_and_a_half_percent_and_dampened_tails() -> None:
    rows = [(round(row.spot, 9), row.volatility, round(row.weight, 9)) for row in DerivePortfolio2Margin().scenarios]
    inner = {(round(1.0 + 0.045 * k, 9), vol, 1.0) for k in range(-3, 4) for vol in ("up", "none", "down")}
    edge = {(1.18, "up", 1.0), (0.82, "up", 1.0), (1.0, "linear", 1.0), (1.0, "abs", 1.0)}
    # Downwards a third counts .6 / 11 and two thirds twice that; upwards a factor s counts .036 / (s - 1):
    # .072 at 1.5, .036 at 2, .018 at 3 and .012 at 4.
    up = {(s, "up", round(0.036 / (s - 1.0), 9)) for s in (1.5, 2.0, 3.0, 4.0)}
    down = {(0.34, "up", round(0.6 / 11.0, 9)), (0.67, "up", round(1.2 / 11.0, 9))}
    assert set(rows) == inner | edge | up | down
    assert len(rows) == 31


def test_the_covariance_is_correlation_times_both_volatilities() -> None:
    np.testing.assert_allclose(known().covariance(CORRELATION), [[4e-4, 4e-4], [4e-4, 16e-4]], rtol=1e-14)


@pytest.mark.parametrize(
    ("exposure", "variance"),
    [((1_000.0, 0.0), 400.0), ((0.0, -1_000.0), 1_600.0), ((1_000.0, 500.0), 1_200.0), ((1_000.0, -500.0), 400.0)],
)
def test_a_normal_loss_is_the_quantile_times_the_deviation(exposure: tuple[float, float], variance: float) -> None:
    """20 and 40 dollars a thousand; together 400 + 400 +- 400."""
    tail = Tail("var", 0.99)
    loss = NormalLaw().loss(np.array([exposure]), known(), tail)
    assert loss[0] == pytest.approx(2.3263478740 * math.sqrt(variance), rel=1e-9)


def test_a_student_loss_has_the_tabled_quantile_and_no_more_variance() -> None:
    """The 99 % point of t with 4 degrees of freedom is 3.746947; its variance is 2."""
    loss = StudentLaw(tail_index=4.0).loss(np.array([[1_000.0, 0.0]]), known(), Tail("var", 0.99))
    assert loss[0] == pytest.approx(3.7469474 / math.sqrt(2.0) * 20.0, rel=1e-6)


@pytest.mark.parametrize("law", [NormalLaw(), StudentLaw(tail_index=5.0)])
@pytest.mark.parametrize("measure", ["var", "es"])
def test_no_loss_grows_faster_than_its_steepness_and_one_market_alone_grows_as_fast(
    law: NormalLaw, measure: str
) -> None:
    tail = Tail("var" if measure == "var" else "es", 0.975)
    bound = law.steepness(known(), tail)
    single = law.loss(np.diag([1_000.0, 1_000.0]), known(), tail)
    assert single / 1_000.0 == pytest.approx(bound, rel=1e-12)
    for start in ([300.0, -200.0], [-5.0, 900.0], [1e3, 1e3]):
        for market in range(2):
            moved = np.array([start, start])
            moved[1, market] += 10.0
            before, after = law.loss(moved, known(), tail)
            assert abs(after - before) <= 10.0 * bound[market] * (1.0 + 1e-12)
