"""Distressed selling: published numbers, other parameters, a fund played by hand, planted bugs."""

import numpy as np
import pytest

from experiments.target import Check, played, verdict
from experiments.theory.distress import DistressedSelling, DistressToRest, ThresholdSelling
from simulation.errors import InputError
from simulation.impact.linear import LinearImpact
from tests.theory import planted
from tests.theory.tiers import thorough


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def equal(assets: int, pressure: float, **more: object) -> DistressedSelling:
    return DistressedSelling(weights=(1.0,) * assets, pressure=(assets * pressure,) * assets, **more)


@pytest.mark.parametrize(
    ("assets", "pressure", "correlation"), [(2, 0.1, 0.180328), (20, 0.05, 0.130435), (5, 0.2, 0.375)]
)
def test_the_published_correlations_are_expected_and_found(assets: int, pressure: float, correlation: float):
    target = equal(assets, pressure, steps=200)
    found = by_name(target.run())["correlation"]
    assert found.expected == pytest.approx(correlation, abs=5e-7)
    assert found.simulated == pytest.approx(correlation, abs=1e-3)


def test_volatility_and_fund_variance_are_the_published_ones():
    found = by_name(equal(2, 0.1).run())
    assert found["volatility, ratio"].expected == pytest.approx(1.104536, abs=5e-7)
    assert found["variance of the fund, ratio"].expected == pytest.approx(1.44)


@pytest.mark.parametrize(("pressure", "correlation"), [(0.1, 0.219512), (0.25, 0.6)])
def test_selling_to_rest_divides_by_one_less_the_branching_ratio(pressure: float, correlation: float):
    found = by_name(equal(2, pressure, to_rest=True, steps=150).run())
    assert found["correlation"].expected == pytest.approx(correlation, abs=5e-7)
    assert found["correlation"].simulated == pytest.approx(correlation, abs=1e-3)
    amplified = 1.0 / (1.0 - 2.0 * pressure)
    assert found["variance of the fund, ratio"].simulated == pytest.approx(amplified**2, rel=2e-3)


@pytest.mark.parametrize(
    "target",
    [
        DistressedSelling(weights=(1.0, 3.0, 2.0), pressure=(0.3, 0.1, 0.4), correlation=0.3, seed=2),
        DistressToRest(weights=(2.0, 1.0), pressure=(0.2, 0.7), correlation=0.5, steps=200, seed=3),
        DistressedSelling(pressure=(3.0, 2.0), seed=4),  # a ratio above 1 is no matter where it is not answered
    ],
)
def test_the_fund_makes_the_covariance_of_theory(target: DistressedSelling):
    checks = target.run()
    assert verdict(checks), checks


def test_the_returns_of_the_index_have_exactly_the_moments_asked_for():
    target = equal(3, 0.1, correlation=0.4)
    moves = np.diff(np.log(target.path()), axis=0)
    np.testing.assert_allclose(moves.T @ moves / target.steps, target.fundamental, rtol=1e-8, atol=1e-20)


def test_a_step_is_the_fundamental_move_and_what_the_fund_sold_on_it():
    """r_i = x_i + b_i (V* - V) / V0, one round, step after step."""
    target = DistressedSelling(weights=(1.0, 2.0), pressure=(0.4, 0.1), steps=100)
    history = played(target.scenario()).market.history
    moves, fundamental = (np.diff(np.log(history[name]), axis=0) for name in ("mark", "index"))
    np.testing.assert_allclose(moves, fundamental + np.outer(fundamental @ target.shares, [0.4, 0.1]), atol=1e-8)


def test_one_round_and_all_rounds_are_told_apart():
    one = by_name(DistressedSelling().run())["correlation"]
    rest = by_name(DistressToRest(steps=100).run())["correlation"]
    assert abs(one.simulated - rest.expected) > rest.tolerance
    assert abs(rest.simulated - one.expected) > one.tolerance


def test_what_never_comes_to_rest_is_refused_and_not_given_a_number():
    with pytest.raises(InputError, match=r"branching ratio of 1\.2"):
        DistressToRest(pressure=(1.2, 1.2)).run()
    with pytest.raises(InputError, match="one entry an asset"):
        DistressedSelling(pressure=(0.1,) * 3).run()
    with pytest.raises(InputError, match="greater than 0"):
        DistressedSelling(pressure=(0.1, 0.0)).run()
    with pytest.raises(InputError, match="must be below begins"):
        ThresholdSelling(begins=0.5, ends=0.6).run()


def test_an_impact_two_percent_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    planted.impact(monkeypatch)
    assert not verdict(DistressedSelling().run())


def test_between_its_thresholds_a_fund_makes_the_covariance_of_the_average_formula():
    checks = ThresholdSelling(paths=20, steps=250).run()
    assert verdict(checks), checks


def test_a_fund_that_sells_too_much_between_its_thresholds_is_found(monkeypatch: pytest.MonkeyPatch):
    right = LinearImpact.move
    monkeypatch.setattr(LinearImpact, "move", lambda self, done, volume, book: right(self, done, 1.2 * volume, book))
    assert not verdict(ThresholdSelling(paths=40, steps=250).run())


@thorough
def test_so_does_a_fund_of_other_assets_and_thresholds():
    other = ThresholdSelling(
        weights=(1.0, 2.0, 1.0), pressure=(0.1, 0.3, 0.05), begins=1.0, ends=0.5, volatility=0.5, paths=400
    )
    assert verdict(other.run())
