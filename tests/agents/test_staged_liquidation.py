"""Stages, windows and auctions in the live market."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

LINEAR = {"kind": "linear", "scale": 1.0}


def played(people: list[dict[str, Any]], path: list[float], **rules: Any) -> MarketModel:
    model = venue(people, price=storm(*path), **rules)
    model.run()
    return model


def long(deposit: float, units: float = 10.0, name: str = "long") -> dict[str, Any]:
    return book(name, {"A": units}, deposit)


# Hyperliquid's stages ------------------------------------------------------------------------------------------

STAGED = {"kind": "staged_notional", "penalty_rate": 0.0, "threshold": 500.0}


def test_a_fifth_heals_a_pool_that_is_slightly_under() -> None:
    model = played([long(100.0)], [100.0, 94.7], liquidation=STAGED)  # 47 of 47.35
    assert positions(model)[0, 0] == pytest.approx(8.0, abs=1e-3)


def test_what_a_fifth_does_not_heal_is_closed_whole_at_once() -> None:
    model = played([long(100.0)], [100.0, 93.0], liquidation=STAGED)  # 30 of 46.5; then 30 of 37.2
    assert model.exchange.desk.log.events.round.tolist() == [0.0, 1.0]
    assert positions(model)[0, 0] == 0.0


def test_after_the_cooldown_a_fifth_goes_first_again() -> None:
    path = [100.0, 94.7, 94.7, 93.2]  # the rest, eight units: 47 - 12 = 35 of 37.28
    slow = played([long(100.0)], path, liquidation={**STAGED, "cooldown_seconds": 1e6})
    quick = played([long(100.0)], path, liquidation={**STAGED, "cooldown_seconds": 30.0})
    assert positions(slow)[0, 0] == 0.0
    assert positions(quick)[0, 0] == pytest.approx(6.4, abs=1e-2)


# Windows -------------------------------------------------------------------------------------------------------


def test_a_market_bears_only_so_much_in_a_window() -> None:
    """Depth 1e7 dollars, of which 500 may go a step: 5.5 units at 91 and no more until the next step."""
    rule = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 5e-5, "window": 30.0}
    model = played([long(100.0), long(100.0, name="next")], [100.0, 91.0, 91.0, 91.0, 91.0], liquidation=rule)
    closed = -model.exchange.desk.log.events.quantity
    lot = model.accounts.lot[0]
    assert closed[0] == np.floor(500.0 / 91.0 / lot) * lot
    steps = model.exchange.desk.log.events.step
    for step in (1, 2, 3, 4):
        assert closed[steps == step].sum() * 91.0 <= 500.0
    assert model.exchange.desk.flagged["waiting"] >= 3
    model.accounts.check()


def test_a_longer_window_lets_less_through() -> None:
    def closed(window: float) -> float:
        rule = {"kind": "capacity_window", "penalty_rate": 0.0, "depth_rate": 5e-5, "window": window}
        model = played([long(100.0)], [100.0, 91.0, 91.0], liquidation=rule)
        return -float(model.exchange.desk.log.events.quantity.sum())

    assert closed(10_000.0) == pytest.approx(500.0 / 91.0, abs=1e-3)
    assert closed(30.0) == 10.0


# Auctions ------------------------------------------------------------------------------------------------------

AUCTION: dict[str, Any] = {"kind": "dutch_auction", "penalty_rate": 0.0, "terms": {"buffer": 0.15}}


def test_bidders_wait_until_the_concession_pays_for_selling_on() -> None:
    """Selling the share costs about half a percent of it; the concession gets there after some steps, not at once."""
    deep = {"impact": LINEAR, "markets": [{"name": "A", "price": 100.0, "depth": 2e4}]}
    model = played([long(100.0)], [100.0, *[94.0] * 12], liquidation=AUCTION, deleveraging={"kind": "off"}, **deep)
    events = model.exchange.desk.log.events
    assert len(events) >= 1
    assert events.step[0] > 1.0
    assert model.exchange.desk.flagged["waiting"] >= 1
    assert 0.0 < positions(model)[0, 0] < 10.0


def test_without_impact_the_pool_is_sold_at_the_mark_at_once() -> None:
    model = played([long(100.0)], [100.0, 94.0], liquidation=AUCTION)
    events = model.exchange.desk.log.events
    assert events.fill.tolist() == [94.0]
    health = model.engine.health(rows(model))
    assert health.equity[0, 0] == pytest.approx(1.15 * health.maintenance[0, 0], rel=1e-3)


def test_a_keeper_takes_what_the_auction_offers_at_the_price_it_has_fallen_to() -> None:
    keeper = {"capital": 1e5, "minimum_profit_rate": 0.001, "cost": 0.0, "unwind_share": 0.01}
    thin = {"impact": LINEAR, "markets": [{"name": "A", "price": 100.0, "depth": 2e5}]}
    model = played([long(100.0)], [100.0, *[94.0] * 8], liquidation=AUCTION, liquidators=[keeper], **thin)
    events = model.exchange.desk.log.events
    assert 1 in events.taker.tolist()
    bought = events.taker == 1
    assert (events.fill[bought] < events.mark_before[bought]).all()
    model.accounts.check()


@given(st.floats(60.0, 100.0), st.lists(st.floats(70.0, 99.0), min_size=1, max_size=6), st.floats(0.0, 0.05))
@settings(max_examples=40, deadline=None)
def test_no_auction_and_no_penalty_makes_bad_debt(deposit: float, path: list[float], penalty: float) -> None:
    """A solvent pool is never made insolvent by what it is sold at; bad debt is what the market's gaps made."""
    rule = {**AUCTION, "penalty_rate": penalty, "terms": {"fast_seconds": 60.0, "slow_seconds": 60.0}}
    model = venue([long(deposit)], price=storm(100.0, *path), liquidation=rule, insurance_fund=1e6)
    for _ in path:
        model.step()
        held = float(positions(model)[0, 0])
        assert equity(model)[0] >= 0.0 or held > 0.0
    for case in model.exchange.waterfall.bankruptcies:
        assert case.deficit <= max(0.0, 10.0 * (100.0 - min(path)) - deposit) + 1e-4
    model.accounts.check()
