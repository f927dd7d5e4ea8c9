"""Mango in the live market: liquidation begins below one bar, stops at a higher one, and closes no more than that."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

UNITS, DEPOSIT = 50.0, 600.0
MANGO: dict[str, Any] = {
    "margin": {"kind": "mango"},  # 10 % for new, 5 % for existing positions
    "liquidation": {"kind": "mango", "penalty_rate": 0.0},
    "state": {
        "kind": "ratio",
        "warning": 2.0,
        "reduce_only": 1.0,
        "liquidation": 1.0,
        "release": 2.0,
        "inclusive": False,
    },
    "deleveraging": {"kind": "off"},
    "insurance_fund": 1e6,
}


def after(*prices: float, **changes: Any) -> MarketModel:
    """A long of 50 units on 600 dollars, beside a rich short, after the price went through `prices` from 100."""
    people = [book("long", {"A": UNITS}, DEPOSIT), book("short", {"A": -UNITS}, 1e5)]
    model = venue(people, price=storm(100.0, *prices), **(MANGO | changes))
    for _ in prices:
        model.step()
    return model


def requirement(model: MarketModel, level: str) -> float:
    return float(getattr(model.engine.health(rows(model, 0)), level).sum())


def test_between_the_bars_an_account_that_was_never_below_is_left_alone() -> None:
    """At 93 equity 250 is below the 465 of new positions and above the 232.50 of existing ones."""
    model = after(93.0, 93.0)
    assert positions(model)[0, 0] == UNITS
    assert requirement(model, "initial") == pytest.approx(465.0)
    assert requirement(model, "maintenance") == pytest.approx(232.5)


def test_below_maintenance_it_is_closed_down_to_the_higher_bar() -> None:
    """At 92 equity 200 carries 2,000 dollars at 10 %: 21.74 of the 50 units stay."""
    model = after(92.0)
    assert positions(model)[0, 0] == pytest.approx(2_000.0 / 92.0, rel=1e-3)
    assert equity(model)[0] == pytest.approx(200.0, rel=1e-3)
    assert equity(model)[0] >= requirement(model, "initial") * (1 - 1e-3)


def test_once_closed_down_it_is_not_closed_again_where_it_stands() -> None:
    once, twice = after(92.0), after(92.0, 92.0, 92.0)
    assert positions(once)[0, 0] == positions(twice)[0, 0]


def test_a_penalty_is_paid_out_of_what_is_left() -> None:
    """E - c N x = 2 M (1 - x): 200 - 92 x = 460 (1 - x) closes 260 / 368 of the position."""
    model = after(92.0, liquidation={"kind": "mango", "penalty_rate": 0.02})
    assert positions(model)[0, 0] == pytest.approx(UNITS * (1.0 - 260.0 / 368.0), rel=1e-3)
    assert equity(model)[0] == pytest.approx(200.0 - 92.0 * 260.0 / 368.0, rel=1e-3)


def test_an_insolvent_account_is_closed_whole() -> None:
    assert positions(after(85.0))[0, 0] == 0.0


def test_a_profit_without_weight_leaves_the_requirement_where_it_hurts() -> None:
    """Of 50 units up to 150, u = 0.95 * 7,500 - 5,000 = 2,125 counts half: health 600 + 1,062.50."""
    half = {"kind": "mango", "default": {"profit_weight": 0.5, "maintenance_profit_weight": 0.5}}
    model = after(150.0, margin=half)
    assert equity(model)[0] == pytest.approx(3_100.0)
    assert equity(model)[0] - requirement(model, "maintenance") == pytest.approx(600.0 + 2_125.0 / 2.0)


@settings(max_examples=25, deadline=None)
@given(st.floats(85.0, 120.0), st.floats(85.0, 120.0), st.floats(0.0, 0.03))
def test_nobody_ends_a_round_between_trigger_and_release(first: float, second: float, penalty: float) -> None:
    """Whoever was closed in this round has reached the release, or has nothing left."""
    model = after(first, second, liquidation={"kind": "mango", "penalty_rate": penalty})
    left = positions(model)[0, 0]
    assert 0.0 <= left <= UNITS
    assert equity(model)[0] >= requirement(model, "maintenance") * (1 - 1e-3) or left == 0.0
    assert np.abs(model.accounts.position.sum(axis=0)).max() == 0.0
