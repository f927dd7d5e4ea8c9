"""Margin rules in a venue: who stands where, and a user's rule that states no bound and is exact nevertheless."""

import numpy as np
import pytest

from simulation.arrays import Array
from simulation.health import MarginEngine
from simulation.margin.base import MarginRule
from simulation.margin.cross import CrossMargin
from simulation.margin.isolated import IsolatedMargin
from simulation.margin.portfolio import PortfolioMargin
from simulation.margin.tiers import TierSchedule
from simulation.model import MarketModel
from tests.venues import book, rows, storm, venue

TIERS = TierSchedule([[0.0, 1_000.0]], [[0.1, 0.2]], [[0.05, 0.1]])


class SquareMargin(MarginRule):
    """A user's rule without a kind: a surcharge that grows with the square of notional. It states no steepness."""

    def maintenance(self, notional: Array, tiers: TierSchedule) -> Array:
        return tiers.maintenance(notional) + notional**2 / 20_000.0


class LargestMargin(MarginRule):
    """A user's rule: only the largest position counts."""

    def pooled(self, signed: Array) -> Array:
        return np.abs(signed).max(axis=1)


# Without a kind they stay unknown to scenario files, and to the tests that discover every rule there is.
SQUARE, LARGEST = SquareMargin.model_construct(), LargestMargin.model_construct()
RULES = [SQUARE, LARGEST, CrossMargin(), PortfolioMargin(), IsolatedMargin()]


def test_rules_that_state_a_bound_are_skipped_and_others_never() -> None:
    for rule in (CrossMargin(), IsolatedMargin(), PortfolioMargin()):
        assert rule.steepness(TIERS).tolist() == [0.1]
    for rule in (SQUARE, LARGEST):
        assert rule.steepness(TIERS).tolist() == [np.inf]


def test_only_sums_are_additive() -> None:
    assert CrossMargin().additive
    assert IsolatedMargin().additive
    assert SQUARE.additive
    assert not PortfolioMargin().additive
    assert not LARGEST.additive


def under(model: MarketModel) -> list[int]:
    """Who is under maintenance now, asked without any skipping."""
    everyone = np.arange(4, len(model.accounts))
    engine: MarginEngine = model.engine
    health = engine.health(everyone)
    return everyone[(health.equity < health.maintenance).any(axis=1)].tolist()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_the_desk_finds_exactly_who_is_under_maintenance_at_every_step(rule: MarginRule) -> None:
    crowd = [{"kind": "holder", "count": 60, "leverage": {"kind": "uniform", "low": 3.0, "high": 15.0}}]
    noise = np.random.default_rng(3).normal(0.0, 0.02, (40, 2))
    path = 100.0 * np.exp(np.cumsum(np.vstack([np.zeros(2), noise]), axis=0))
    model = venue(crowd, 2, margin=rule, price=storm(*path))
    for _ in range(40):
        model.market.advance()
        found = sorted(set(model.exchange.desk.find().rows.tolist()))
        assert found == under(model)
        model.exchange.liquidate()
        model.accounts.check()
    assert len(model.exchange.desk.log.events) > 0


def test_a_requirement_that_is_steep_where_the_tiers_are_flat_liquidates_on_the_way_up() -> None:
    # At 100: 1000 notional, 50 + 50 = 100 needed. The long gains as the price rises, but its requirement gains faster:
    # at 200 the equity is 1150 and 100 + 200 = 300 are needed; a short of 120 dollars equity goes at once.
    model = venue([book("short", {"A": -10.0}, 120.0)], margin=SQUARE, price=storm(100.0, 101.0))
    model.step()  # 110 left, 50.5 + 51.005 needed
    assert not len(model.exchange.desk.log.events)
    model = venue([book("short", {"A": -10.0}, 120.0)], margin=SQUARE, price=storm(100.0, 102.0))
    model.step()  # 100 left, 51 + 52.02 needed
    assert len(model.exchange.desk.log.events) == 1


def test_an_offset_appears_under_portfolio_margin_only() -> None:
    pair = [book("pair", {"A": 10.0, "B": -10.0}, 1_000.0)]
    asked = {}
    for kind in ("isolated", "cross", "portfolio"):
        model = venue(pair, 2, margin={"kind": kind})
        asked[kind] = float(model.engine.health(rows(model)).maintenance.sum())
    assert asked["isolated"] == asked["cross"] == pytest.approx(100.0)
    assert asked["portfolio"] == pytest.approx(100.0 * np.sqrt(0.4 / 2.0))


@pytest.mark.parametrize(("setting", "initial"), [(200.0, 100.0), (10.0, 100.0), (5.0, 200.0), (1.0, 1_000.0)])
def test_a_lower_leverage_setting_asks_for_more_initial_margin(setting: float, initial: float) -> None:
    model = venue([book("long", {"A": 10.0}, 1_500.0, leverage_setting=setting)])
    health = model.engine.health(rows(model))
    assert health.initial[0, 0] == pytest.approx(initial)
    assert health.maintenance[0, 0] == pytest.approx(50.0)
