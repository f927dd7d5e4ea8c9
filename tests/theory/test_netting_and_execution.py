"""Netting, the Vasicek law and execution costs at other parameters; published numbers; planted bugs."""

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from experiments.target import verdict
from experiments.theory.execution import Execution, Kyle, Resilience, market, shortfall
from experiments.theory.netting import LiquidatedFraction, Netting
from simulation.errors import InputError
from tests.theory import planted


def by_name(checks):
    return {check.name: check for check in checks}


# T10 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("classes", "least"), [(1, 3), (2, 7), (3, 11), (4, 15), (5, 19), (6, 23)])
def test_clearing_one_class_helps_from_the_published_number_of_entities_on(classes: int, least: int):
    def added(entities: int) -> float:
        target = Netting(entities=entities, classes=classes, draws=1_000)
        return by_name(target._exposures())["what clearing adds"].expected

    assert added(least) < 0.0 <= added(least - 1) + 1e-12


@pytest.mark.parametrize(
    "target",
    [
        Netting(entities=4, classes=3, positions=2, correlation=0.0, buffer=1.0, marks=40, paths=500, seed=2),
        Netting(entities=12, classes=1, positions=5, correlation=0.9, buffer=1.2, marks=30, paths=300, seed=3),
        Netting(positions=1, correlation=0.0, buffer=0.8, marks=60, paths=1_000, seed=4),
    ],
)
def test_netting_is_as_computed_at_other_parameters(target: Netting):
    checks = target.run()
    assert verdict(checks), checks


def test_liquidation_without_discrete_marks_has_the_published_probability():
    pooled = 1.5 * math.sqrt(4.0 / (1.0 + 3.0 * 0.5))
    assert 2.0 * ndtr(-1.5) == pytest.approx(0.133614, abs=5e-7)
    assert 2.0 * ndtr(-pooled) == pytest.approx(0.057780, abs=5e-7)


def test_an_account_of_one_position_is_the_same_in_both_regimes():
    found = by_name(Netting(positions=1, paths=200).run())
    assert found["P(liquidated), isolated"].simulated == found["P(liquidated), cross"].simulated


# T16 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [LiquidatedFraction(), LiquidatedFraction(probability=0.01, correlation=0.6)])
def test_the_finite_law_tends_to_that_of_vasicek(target: LiquidatedFraction):
    many = target.model_copy(update={"accounts": 2_000})
    cumulated = np.cumsum(many.law())
    for level in (0.9, 0.99):
        limit = float(
            ndtr(
                (ndtri(target.probability) + math.sqrt(target.correlation) * ndtri(level))
                / math.sqrt(1.0 - target.correlation)
            )
        )
        found = np.argmax(cumulated >= level) / 2_000
        assert found == pytest.approx(limit, rel=0.02, abs=3e-4)
    assert cumulated[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "target",
    [
        LiquidatedFraction(probability=0.2, correlation=0.1, accounts=20, dates=250, seed=2),
        LiquidatedFraction(probability=0.02, correlation=0.7, accounts=40, maintenance_rate=0.05, dates=250, seed=3),
    ],
)
def test_the_liquidated_fraction_follows_its_law(target: LiquidatedFraction):
    checks = target.run()
    assert verdict(checks), checks


def test_the_fraction_notices_a_correlation_that_is_not_there(monkeypatch: pytest.MonkeyPatch):
    wrong = LiquidatedFraction(correlation=0.01).scenario()
    monkeypatch.setattr(LiquidatedFraction, "scenario", lambda self: wrong)
    assert not verdict(LiquidatedFraction(correlation=0.6, dates=250).run())


# T17 --------------------------------------------------------------------------------------------------------


def test_optimal_execution_has_the_published_numbers():
    target = Execution()
    mean, variance = target.expected(target.optimal())
    assert mean == pytest.approx(911_227, abs=1)
    assert math.sqrt(variance) == pytest.approx(603_431, abs=1)
    assert target.urgency == pytest.approx(0.607, abs=5e-4)
    mean, variance = target.expected(np.full(5, 2e5))
    assert mean == pytest.approx(662_500)
    assert math.sqrt(variance) == pytest.approx(1_040_673, abs=1)


def test_a_v_shaped_book_moves_by_the_root_of_twice_the_volume_over_its_density():
    found = {check.name: check for check in Resilience(units=50.0, density=0.25).run()}
    assert found["displacement, dollars"].expected == pytest.approx(math.sqrt(2.0 * 50.0 / 0.25))
    flat = {check.name: check for check in Resilience(units=50.0, density=0.25, exponent=1.0).run()}
    assert flat["displacement, dollars"].expected == pytest.approx(50.0 / 0.25)  # as many units at every price


def test_haste_that_costs_nothing_is_refused():
    with pytest.raises(InputError, match="temporary: must be more than"):
        Execution(temporary=1e-8).run()


@pytest.mark.parametrize("target", [Execution(units=7e8), Resilience(units=1e6, slope=0.5)])
def test_orders_that_would_move_the_price_away_are_refused(target):
    with pytest.raises(InputError, match="units: sold at once would move the price of 1e"):
        target.run()


def test_the_most_averse_sell_all_at_once():
    sales = Execution(volatility=400.0, risk_aversion=0.7, days=74.0).optimal()
    assert np.isfinite(sales).all()
    assert sales[0] == pytest.approx(1e6)
    assert sales[1:] == pytest.approx(0.0, abs=1e-6)


def test_a_trajectory_that_is_not_the_best_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Execution, "optimal", lambda self: np.linspace(3.0, 1.0, 5) * self.units / 10.0)
    found = {check.name: check for check in Execution(paths=500).run()}
    assert not found["gain by selling earlier or later"].passed


@pytest.mark.parametrize(
    "target",
    [
        Execution(units=5e4, days=2.0, slices=20, volatility=3.0, permanent=1e-6, temporary=5e-5, seed=2),
        Execution(slices=1, days=1.0, seed=3),
        Execution(volatility=400.0, risk_aversion=0.7, days=74.0, seed=4),
        Kyle(value_spread=0.5, noise_spread=1e3, seed=2),
        Resilience(units=5.0, slope=0.2, resilience=0.5),
        Resilience(units=4e5, slope=0.004, slices=700),
        Resilience(resilience=20.0, slices=4_000, exponent=0.6),
    ],
)
def test_execution_costs_what_theory_says_at_other_parameters(target):
    checks = target.run()
    assert verdict(checks), checks


def test_no_other_trajectory_is_better_by_mean_and_variance():
    target = Execution()
    best = target.optimal()
    assert best.sum() == pytest.approx(target.units)

    def burden(sales: np.ndarray) -> float:
        mean, variance = target.expected(sales)
        return mean + target.risk_aversion * variance

    for i in range(4):
        for shift in (-1e3, 1e3):
            other = best.copy()
            other[i], other[i + 1] = other[i] + shift, other[i + 1] - shift
            assert burden(other) > burden(best)


def test_a_shortfall_by_hand():
    # slope 2, all permanent: 3 units at 1000 - 3, then 1 unit at 994 - 1.
    law = {"kind": "linear_units", "dollars_per_unit": 2.0}
    place = market(law, np.full((3, 1), 1000.0))
    assert shortfall(place, np.array([3.0, 1.0]))[0] == pytest.approx(3 * 3.0 + 7.0)


@pytest.mark.parametrize("bug", [planted.impact, planted.fill])
@pytest.mark.parametrize("target", [Execution(paths=1_000), Kyle(), Resilience()], ids=lambda target: target.name)
def test_a_bug_of_two_percent_is_found(bug, target, monkeypatch: pytest.MonkeyPatch):
    bug(monkeypatch)
    assert not verdict(target.run())
