"""Leverage and fat tails: the clearing equation, the path against one without the engine, and the inequalities."""

import math

import numpy as np
import pytest

from experiments.target import opened, verdict
from experiments.theory.leverage import (
    FatTails,
    FundVenue,
    History,
    MarketClearing,
    at_least,
    at_most,
    clearing_errors,
    play,
)
from experiments.theory.suite import deviation, run_target
from simulation.arrays import Array, Mask
from simulation.impact.outside_wealth import OutsideWealth
from simulation.random import Streams
from tests.theory.tiers import thorough


def wanted(venue: FundVenue, price: float, wealth: Array) -> Array:
    leverage = np.minimum(np.array(venue.aggressions) * max(1.0 - price, 0.0), venue.leverage)
    return leverage * np.maximum(wealth, 0.0) / price


def bisected(venue: FundVenue, money: float, cash: Array, held: Array, is_open: Mask) -> float:
    low, high = 0.05, 5.0
    for _ in range(70):
        price = math.sqrt(low * high)
        units = (wanted(venue, price, cash + held * price) * is_open).sum()
        low, high = (price, high) if money / price + units > venue.supply else (low, price)
    return math.sqrt(low * high)


def reference(venue: FundVenue, noise: Array) -> Array:
    """The model of the paper in units of V, prices by bisection, for noise traders' money `noise` (t,) over V N."""
    beta = np.array(venue.aggressions)
    cash, held = np.full(len(beta), venue.wealth), np.zeros(len(beta))
    performance, closed, wealth = np.zeros(len(beta)), np.zeros(len(beta), int), cash.copy()
    prices = [1.0]
    for money in noise[1:] * venue.supply:
        price = bisected(venue, money, cash, held, closed == 0)
        units = wanted(venue, price, cash + held * price) * (closed == 0)
        cash, held, before = cash + (held - units) * price, units, wealth
        wealth, is_open = cash + units * price, closed == 0
        earned = np.divide(wealth, before, out=np.ones(len(beta)), where=before > 0.0) - 1.0
        performance = np.where(is_open, (1 - venue.memory) * performance + venue.memory * earned, 0.0)
        flow = np.maximum(-1.0, venue.flow * (performance - venue.benchmark)) * np.maximum(wealth, 0.0) * is_open
        cash, wealth = cash + flow, wealth + flow
        ruined = is_open & (wealth < venue.ruin * venue.wealth)
        closed = np.where(ruined, venue.pause, np.maximum(closed - 1, 0))
        fresh = ~is_open & (closed == 0)
        wealth = np.where(fresh, venue.wealth, np.where(ruined, 0.0, wealth))
        cash = np.where(fresh | ruined, wealth - held * price, cash)
        performance[fresh | ruined] = 0.0
        prices.append(price)
    return np.array(prices)


@pytest.mark.parametrize(
    ("venue", "steps"),
    [
        (FundVenue(1.0, 2), 300),
        (FundVenue(10.0, 2), 100),
        (FundVenue(4.0, 2, (7.0, 30.0), supply=300.0, wealth=20.0, ruin=0.9, pause=7, flow=0.3, memory=0.4), 150),
    ],
    ids=["calm", "wild", "closures"],
)
def test_the_path_is_that_of_the_paper_without_the_engine(venue: FundVenue, steps: int) -> None:
    model = opened(venue.scenario(steps, 3))
    model.run()
    history = model.market.history
    for market in range(venue.histories):
        expected = reference(venue, history["index"][:, market] / 1_000.0)
        np.testing.assert_allclose(history["mark"][:, market] / 1_000.0, expected, rtol=1e-5)
    closed = sum(group.rule.investors.closures for group in model.groups)
    assert closed > 0 or venue.ruin == 0.1


def test_the_noise_is_the_process_of_the_paper() -> None:
    scenario = FundVenue(1.0, 1).scenario(50_000, 2)
    log = np.log(scenario.price.draw(scenario.world(), Streams(2))[:, 0] / 1_000.0)
    shocks = log[1:] - 0.99 * log[:-1]
    assert shocks.std() == pytest.approx(0.035, rel=4.0 / math.sqrt(2 * len(shocks)))
    assert abs(shocks.mean()) < 4.0 * 0.035 / math.sqrt(len(shocks))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"leverage": 1.0},
        {"leverage": 25.0, "seed": 7},
        {"aggressions": (7.0, 80.0), "leverage": 4.0, "noise": 0.06, "wealth": 30.0},
        {"supply": 200.0, "kept": 0.95, "leverage": 7.5, "noise": 0.1},
    ],
)
def test_every_step_clears_at_any_parameters(parameters: dict) -> None:
    result = run_target(MarketClearing, {"steps": 60, "histories": 2, **parameters})
    assert result.passed, result.checks


def test_a_price_that_is_wrong_by_a_little_clears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    right = OutsideWealth.move

    def wrong(self, done, volume, book):  # type: ignore[no-untyped-def]
        return right(self, done, 1.02 * volume, book)

    monkeypatch.setattr(OutsideWealth, "move", wrong)
    assert not run_target(MarketClearing, {"steps": 60, "histories": 2}).passed


def test_without_leverage_no_fund_closes_and_with_it_some_do() -> None:
    assert clearing_errors(FundVenue(1.0, 3), 200, 1)[2] == 0
    assert clearing_errors(FundVenue(10.0, 3), 200, 1)[2] > 0


def test_leverage_fattens_tails_on_the_same_noise() -> None:
    calm, wild = (play(FundVenue(leverage, 6), 700, 100, 4) for leverage in (1.0, 10.0))
    assert calm.returns.shape == wild.returns.shape == (600, 6)
    assert wild.kurtosis > calm.kurtosis + 1.0
    assert wild.tail < calm.tail
    assert wild.beyond(0.15)[0] > calm.beyond(0.15)[0]


def test_the_inequalities_refuse_what_is_not_so() -> None:
    normal = History(np.random.default_rng(1).normal(0.0, 0.03, (4_000, 3)), np.ones((4_000, 3), bool), 0)
    checks = FatTails()._tails(normal, normal) + FatTails()._memory(normal, normal)
    passed = {check.name.split(",")[0]: check.passed for check in checks if "wild" in check.name}
    assert passed == {
        "excess kurtosis": False, "tail index": False, "crashes less 3 x jumps": True, "ACF|r|": False,
        "largest |ACF(r)|": True,
    }  # fmt: skip


def test_an_inequality_holds_on_its_side_only() -> None:
    assert at_least("x", 2.0, 2.0).passed
    assert at_least("x", 2.0, 1e9).passed
    assert not at_least("x", 2.0, 1.999).passed
    assert at_least("x", 2.0, 1.5, slack=0.5).passed
    assert at_most("x", 2.0, -1e9).passed
    assert not at_most("x", 2.0, 2.001).passed
    assert not at_most("x", 2.0, math.nan).passed
    assert not at_least("x", 2.0, math.nan).passed
    assert deviation(at_most("x", 2.0, 1.0)) == 0.0


@thorough
def test_the_published_inequalities_hold() -> None:
    assert verdict(FatTails().run())
