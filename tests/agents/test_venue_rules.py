"""The rules of dYdX, Vega and Synthetix in the live market: they bite, they agree with themselves, nothing is lost."""

from typing import Any

import numpy as np
import pytest

from simulation.accounts import SHARED, SYSTEM_ROWS
from simulation.board import Book
from simulation.margin.base import BookMargin
from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

DYDX = {"kind": "dydx", "default": {"initial_rate": 0.1, "maintenance_share": 0.5, "lower_cap": 1e3, "upper_cap": 1e6}}
VENUES: dict[str, dict[str, Any]] = {
    "dydx": {"margin": DYDX, "liquidation": {"kind": "dydx"}, "deleveraging": {"kind": "random_start"}},
    "vega": {
        "margin": {"kind": "vega"},
        "liquidation": {"kind": "network_disposal"},
        "deleveraging": {"kind": "off"},
        "loss": {"kind": "gains"},
        "funding": {"kind": "average", "interval_steps": 2},
    },
    "vega_isolated": {"margin": {"kind": "vega_isolated"}, "loss": {"kind": "gains"}},
    "mango": {"margin": {"kind": "mango"}, "liquidation": {"kind": "mango"}, "loss": {"kind": "both_sides"}},
    "synthetix": {
        "margin": {"kind": "skew", "default": {"skew_scale": 1_000.0}},
        "impact": {"kind": "skew", "skew_scale": 1e4},
        "funding": {"kind": "velocity", "interval_steps": 1, "skew_scale": 1_000.0},
    },
}
PATH = storm((100.0, 100.0), (97.0, 101.0), (90.0, 103.0), (80.0, 105.0), (81.0, 104.0), (85.0, 104.0))


def crash(name: str, steps: int = 5) -> MarketModel:
    people = [
        book("long", {"A": 50.0, "B": -20.0}, 1_300.0),
        book("short", {"A": -60.0, "B": 30.0}, 30_000.0),
        {"kind": "noise", "name": "others", "count": 20, "deposit": 1_000.0},
    ]
    model = venue(people, listed=2, price=PATH, insurance_fund=100.0, **VENUES[name])
    for _ in range(steps):
        model.step()  # a step checks that no money and no unit was lost
    return model


@pytest.mark.parametrize("name", VENUES)
def test_a_crash_closes_the_long_and_leaves_the_rich_short_alone(name: str) -> None:
    model = crash(name)
    long_a = positions(model, 0)[0, 0]
    assert 0.0 <= long_a < 50.0
    assert positions(model, 1)[0, 0] == -60.0 or model.exchange.waterfall.bankruptcies
    assert equity(model, 1)[0] > 30_000.0
    assert (np.abs(model.accounts.position.sum(axis=0)) == 0.0).all()


@pytest.mark.parametrize("name", ["dydx", "vega", "mango", "synthetix"])
def test_the_live_requirement_is_the_rules_own(name: str) -> None:
    """Shared pools of traders after a step: the engine's health against the rule on the same books."""
    model = crash(name, steps=1)
    traders = np.arange(SYSTEM_ROWS, len(model.accounts.cash))
    health = model.engine.health(traders)
    board = model.engine.board(model.market.mark_price)
    units = model.accounts.position[traders]
    cost = units * model.accounts.entry_price[traders]
    known = Book(model.accounts.cash[traders, SHARED], units, cost)
    rule = model.margin
    assert isinstance(rule, BookMargin)
    wanted = rule.requirement(known, board, "maintenance")
    np.testing.assert_allclose(health.maintenance[:, SHARED], wanted, rtol=1e-9, atol=1e-9)
    assert len(rows(model, 0)) == 1


@pytest.mark.parametrize("name", VENUES)
def test_equal_runs_are_equal(name: str) -> None:
    one, other = crash(name), crash(name)
    assert one.accounts.cash.tobytes() == other.accounts.cash.tobytes()
    assert one.accounts.position.tobytes() == other.accounts.position.tobytes()
