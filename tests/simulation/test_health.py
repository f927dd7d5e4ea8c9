"""Margin health, and the lazy check: it may skip only those who are healthy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import BACKSTOP, SYSTEM_ROWS
from simulation.margin.base import MarginRule
from simulation.model import MarketModel
from simulation.watch import Watch
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


def test_the_radius_is_exact_for_one_position_measured_away_from_the_reference() -> None:
    """Short 10 from 100 with 260 dollars falls under maintenance at exactly 120, wherever it was last looked at."""
    model = venue([book("short", {"A": -10.0}, 260.0)])
    engine, watch = model.engine, Watch(model.engine)
    row = model.traders
    model.market.mark_price = np.array([80.0])
    held = engine.holdings(row)
    health = engine.health(row)
    watch.release(row, held, health.equity - health.maintenance)
    assert watch.radius[row].tolist() == [pytest.approx(0.2)]
    for mark, suspect in ((118.0, False), (119.9, False), (120.1, True), (125.0, True)):
        model.market.mark_price = np.array([mark])
        assert (row[0] in watch.suspects()) == suspect


def test_after_many_near_misses_the_reference_moves_and_everybody_is_left_in_peace_again() -> None:
    """At 49.5 the radius around 100 (0.486) is used up although the limit is 46.3; around a price nearby it is not."""
    model = venue([{**book("long", {"A": 10.0}, 560.0), "count": 20}])
    engine, watch = model.engine, Watch(model.engine)
    seen = []
    for mark in (100.0, *(49.5 + 0.01 * i for i in range(8))):
        model.market.mark_price = np.array([mark])
        suspects = watch.suspects()
        seen.append(len(set(suspects) & set(model.traders)))
        health = engine.health(suspects)
        watch.release(suspects, engine.holdings(suspects), health.equity - health.maintenance)
    assert watch.reference[0] == pytest.approx(49.5, abs=0.1)
    assert seen[0] == seen[1] == 20
    assert seen[-1] == 0


@pytest.mark.parametrize("pools", [3, 6])
def test_sums_over_pools_are_the_same_bytes_for_few_rows_and_for_many(pools: int) -> None:
    """Beyond 1,024 rows another loop does the same additions in the same order."""
    draw = np.random.default_rng(5)
    model = venue([book("one", {}, 1.0)], pools - 1, margin={"kind": "isolated"})
    amount = draw.normal(size=(1500, pools - 1)) * 10.0 ** draw.integers(-9, 9, (1500, pools - 1))
    pool = draw.integers(0, pools, amount.shape)
    many = model.engine.by_pool(amount, pool)
    few = np.vstack([model.engine.by_pool(amount[i : i + 100], pool[i : i + 100]) for i in range(0, 1500, 100)])
    assert many.tobytes() == few.tobytes()
    expected = [sum(a for a, k in zip(amount[7], pool[7], strict=True) if k == j) for j in range(pools)]
    assert many[7].tolist() == expected


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


def test_the_outside_holds_the_other_side_of_the_skew() -> None:
    """Long 10 and short 4 units among the accounts leave the outside 6 short."""
    model = model_of(book("long", {"A": 10.0}, 500.0), book("short", {"A": -4.0}, 500.0))
    board = model.engine.board(model.market.mark_price)
    assert board.skew.tolist() == [6.0, 0.0]
    assert board.open_interest.tolist() == [10.0, 0.0]


def test_a_leverage_setting_binds_a_margin_that_reads_books_too() -> None:
    """1,000 dollars at a setting of 1 need 1,000, more than the margin of the venue."""
    model = model_of(book("one", {"A": 10.0}, 2_000.0), margin="dydx")
    model.accounts.leverage[model.traders] = 1.0
    assert model.engine.health(model.traders).initial.tolist() == [[1_000.0]]


def test_the_board_shows_what_everybody_lends_and_borrows_token_by_token() -> None:
    """20 and 5 tokens lie with the venue, 8 of them are owed by who sold them; contracts are neither."""
    market = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": [{"maintenance_rate": 0.05, "initial_rate": 0.1}]}
    coin = {**market, "name": "COIN", "instrument": {"kind": "spot", "underlying": "A"}}
    people = [book("one", {"COIN": 20.0}, 5000.0), book("two", {"COIN": 5.0, "A": -3.0}, 5000.0)]
    model = venue([*people, book("short", {"COIN": -8.0, "A": 7.0}, 5000.0)], markets=[market, coin])
    board = model.engine.board(model.market.mark_price)
    assert (board.deposits[1], board.borrows[1]) == (25.0, 8.0)
    assert board.open_interest.tolist() == [7.0, 25.0]
    assert board.skew.tolist() == [4.0, 17.0]
