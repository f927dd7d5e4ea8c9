"""Distressed selling and margin spirals: published numbers, other parameters, planted bugs."""

import numpy as np
import pytest

from experiments.target import verdict
from experiments.theory.spirals import DistressedSelling, DistressToRest, Spirals
from simulation.errors import InputError
from simulation.impact.linear import LinearImpact
from tests.theory import planted


def by_name(checks):
    return {check.name: check for check in checks}


def equal(assets: int, pressure: float, **more) -> DistressedSelling:
    return DistressedSelling(weights=(1.0,) * assets, pressure=(assets * pressure,) * assets, **more)


# T2 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assets", "pressure", "correlation"), [(2, 0.1, 0.180328), (20, 0.05, 0.130435), (5, 0.2, 0.375)]
)
def test_the_formula_has_the_published_correlations(assets: int, pressure: float, correlation: float):
    found = equal(assets, pressure).covariance()
    assert found[0, 1] / found[0, 0] == pytest.approx(correlation, abs=5e-7)


def test_volatility_and_fund_variance_are_the_published_ones():
    target = equal(2, 0.1)
    assert np.sqrt(target.covariance()[0, 0] / target.fundamental[0, 0]) == pytest.approx(1.104536, abs=5e-7)
    pi = np.array([0.5, 0.5])
    assert pi @ target.covariance() @ pi / (pi @ target.fundamental @ pi) == pytest.approx(1.44)


@pytest.mark.parametrize(("pressure", "correlation"), [(0.1, 0.219512), (0.25, 0.6)])
def test_selling_to_rest_divides_by_one_less_the_branching_ratio(pressure: float, correlation: float):
    found = equal(2, pressure, to_rest=True).covariance()
    assert found[0, 1] / found[0, 0] == pytest.approx(correlation, abs=5e-7)


@pytest.mark.parametrize(
    "target",
    [
        DistressedSelling(weights=(1.0, 3.0, 2.0), pressure=(0.3, 0.1, 0.4), correlation=0.3, histories=40_000, seed=2),
        DistressToRest(weights=(2.0, 1.0), pressure=(0.2, 0.7), correlation=0.5, histories=40_000, seed=3),
        equal(4, 0.05, steps=1, histories=40_000, seed=4),
    ],
)
def test_the_fund_makes_the_covariance_of_theory(target: DistressedSelling):
    checks = target.run()
    assert verdict(checks), checks


def test_one_round_and_all_rounds_are_told_apart():
    one = by_name(DistressedSelling().run())["correlation"]
    rest = by_name(DistressToRest().run())["correlation"]
    assert abs(one.simulated - rest.expected) > rest.tolerance
    assert abs(rest.simulated - one.expected) > one.tolerance


def test_what_never_comes_to_rest_is_refused_and_not_given_a_number():
    with pytest.raises(InputError, match=r"branching ratio of 1\.2"):
        DistressToRest(pressure=(1.2, 1.2)).run()
    with pytest.raises(InputError, match="one entry an asset"):
        DistressedSelling(pressure=(0.1,) * 3).run()
    with pytest.raises(InputError, match="greater than 0"):
        DistressedSelling(pressure=(0.1, 0.0)).run()


def test_a_wrong_impact_moves_the_correlation(monkeypatch: pytest.MonkeyPatch):
    right = LinearImpact.move
    monkeypatch.setattr(LinearImpact, "move", lambda self, done, volume, book: right(self, done, 1.1 * volume, book))
    assert not verdict(DistressedSelling().run())


# T9 ---------------------------------------------------------------------------------------------------------


def test_the_multipliers_are_the_published_ones():
    found = by_name(Spirals().run())
    slopes = [found[f"dp / d eta, {name}"].expected for name in ("neither", "loss", "both")]
    assert slopes == pytest.approx([0.03125, 0.0625, 0.1])
    assert found["price, loss"].expected == pytest.approx(96.75)
    assert found["price, both"].expected == pytest.approx(96.46887, abs=5e-6)


@pytest.mark.parametrize(
    "target",
    [
        Spirals(demand=10.0, margin=2.0, endowment=15.0, position=3.0, sensitivity=0.1, price=50.0, shock=-4.0),
        Spirals(endowment=0.0, sensitivity=2.0, position=1.0, shock=-1.0),
        Spirals(endowment=30.0, sensitivity=0.0),
    ],
)
def test_prices_spiral_to_the_fixed_point_at_other_parameters(target: Spirals):
    checks = target.run()
    assert verdict(checks), checks


def test_an_unstable_spiral_is_refused():
    with pytest.raises(InputError, match="unstable"):
        Spirals(endowment=40.0).run()


def test_an_impact_two_percent_wrong_is_found(monkeypatch: pytest.MonkeyPatch):
    planted.impact(monkeypatch)
    assert not verdict(Spirals().run())
