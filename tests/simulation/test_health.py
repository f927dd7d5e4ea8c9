"""Margin health, and the lazy check: it may skip only those who are healthy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import BACKSTOP, SYSTEM_ROWS
from simulation.health import Watch
from simulation.margin.base import MarginRule
from simulation.model import MarketModel
from tests.venues import book, storm, venue


def model_of(
    *entries: dict[str, Any], margin: str = "cross", prices: Any = ((100.0, 100.0),), **more: Any
) -> MarketModel:
    path = storm(*prices, *(prices[-1:] if len(prices) == 1 else ()))
    return venue(list(entries), 2, price=path, margin={"kind": margin}, **more)


HEDGED = {"A": 10.0, "B": -5.0}


def test_equity_is_cash_and_positions_and_each_requirement_is_by_tier() -> None:
    model = venue([book("one", {"A": 10.0}, 500.0)], price=storm(100.0, 100.0))
    health = model.engine.health(model.traders)
    tier = model.rules.markets[0].tiers[0]
    assert health.equity.tolist() == [[500.0]]
    assert health.maintenance[0, 0] == pytest.approx(1000.0 * tier.maintenance_rate)
    assert health.initial[0, 0] == pytest.approx(1000.0 * tier.initial_rate)


def test_a_leverage_setting_raises_initial_but_not_maintenance_margin() -> None:
    model = venue([book("one", {"A": 10.0}, 500.0)], price=storm(100.0, 100.0))
    before = model.engine.health(model.traders)
    model.accounts.leverage[model.traders] = 4.0
    after = model.engine.health(model.traders)
    assert after.initial[0, 0] == 250.0
    assert after.maintenance[0, 0] == before.maintenance[0, 0]


moves = st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=1, max_size=12)


@pytest.mark.parametrize("margin", sorted(MarginRule.kinds()))
@given(moves=moves, deposits=st.lists(st.floats(50.0, 3000.0), min_size=1, max_size=6))
@settings(max_examples=40)
def test_the_lazy_check_skips_nobody_who_is_below_maintenance(margin: str, moves: Any, deposits: list[float]) -> None:
    model = model_of(*(book(f"g{i}", HEDGED, d) for i, d in enumerate(deposits)), margin=margin)
    engine, watch = model.engine, Watch(model.engine)
    for factors in ((1.0, 1.0), *moves):
        model.market.mark_price = np.array([100.0, 100.0]) * factors
        rows = watch.suspects()
        held, price = engine.holdings(rows), model.market.mark_price
        excess = engine.equity(rows, held, price) - engine.maintenance(held, price)
        safe = np.flatnonzero((excess >= 0.0).all(axis=1))
        watch.release(rows[safe], held.part(safe), excess[safe])
        everyone = np.arange(BACKSTOP, len(model.accounts))
        health = engine.health(everyone)
        under = everyone[(health.equity < health.maintenance).any(axis=1)]
        assert set(under.tolist()) <= set(rows.tolist())


def test_in_a_quiet_market_nobody_is_looked_at_twice() -> None:
    model = model_of(book("rich", HEDGED, 5000.0), prices=((100.0, 100.0), (100.5, 100.0), (101.0, 100.5)))
    model.run()
    assert not set(model.exchange.watch.suspects()) & set(model.traders.tolist())


def test_a_mark_that_exactly_doubles_is_no_trouble_for_idle_accounts() -> None:
    model = model_of(book("idle", {}, 100.0), prices=((100.0, 100.0), (200.0, 100.0), (400.0, 100.0)))
    model.run()
    assert model.exchange.desk.find().rows.tolist() == []


def test_who_is_touched_is_looked_at_again() -> None:
    model = model_of(book("rich", HEDGED, 5000.0), prices=((100.0, 100.0), (100.5, 100.0)))
    model.run()
    model.exchange.watch.touch(model.traders)
    assert set(model.traders.tolist()) <= set(model.exchange.watch.suspects())


def test_new_accounts_are_suspects() -> None:
    model = model_of(book("rich", HEDGED, 5000.0))
    row = model.accounts.add(1)
    assert row[0] in model.exchange.watch.suspects()


def test_the_outside_market_the_fund_and_the_treasury_are_not_margined() -> None:
    model = model_of(book("rich", HEDGED, 5000.0))
    model.exchange.watch.touch(np.arange(len(model.accounts)))
    assert model.exchange.watch.suspects().min() == BACKSTOP < SYSTEM_ROWS
