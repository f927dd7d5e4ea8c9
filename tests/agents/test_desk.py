"""The liquidation desk: whom it finds, when it stops, what it sends to the book, what it writes down."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import desk as desk_module
from agents.seizure import Seizure
from simulation.accounts import SHARED
from simulation.causes import TAKERS
from simulation.model import MarketModel
from tests.venues import book, positions, rows, storm, venue

NO_PENALTY = {"kind": "full", "penalty_rate": 0.0}
LINEAR = {"kind": "linear", "scale": 1.0}


def holders(*deposits: float, units: float = 10.0) -> list[dict[str, Any]]:
    return [book(f"h{i}", {"A": units}, deposit) for i, deposit in enumerate(deposits)]


def run(population: list[dict[str, Any]], *path: Any, listed: int = 1, **rules: Any) -> MarketModel:
    model = venue(population, listed, price=storm(*path), **{"liquidation": NO_PENALTY, **rules})
    model.run()
    return model


def takers(model: MarketModel) -> list[str]:
    return [TAKERS[int(taker)] for taker in model.exchange.desk.log.events.taker]


def test_only_those_below_maintenance_are_found_with_what_they_hold() -> None:
    """At 94 the requirement of 10 units is 47: equity 50 is enough, 40 is not."""
    model = venue(holders(110.0, 100.0), price=storm(100.0, 94.0))
    model.market.advance()
    found = model.exchange.desk.find()
    assert found.rows.tolist() == rows(model, 1).tolist()
    assert found.pools.tolist() == [SHARED]
    assert found.position.tolist() == found.closing.tolist() == [[10.0]]
    assert (found.equity.tolist(), found.notional.tolist()) == ([40.0], [940.0])
    assert found.maintenance.tolist() == pytest.approx([47.0])


def test_only_the_pool_in_trouble_is_found() -> None:
    population = [book("one", {"A": 10.0, "B": 10.0}, 400.0)]
    model = venue(population, 2, price=storm([100.0, 100.0], [84.0, 100.0]), margin={"kind": "isolated"})
    model.market.advance()
    found = model.exchange.desk.find()
    assert found.pools.tolist() == [1]
    assert found.position.tolist() == [[10.0, 0.0]]


def test_small_blocks_find_the_same_as_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[list[float]]:
        model = venue(holders(*np.linspace(60.0, 200.0, 23)), price=storm(100.0, 93.0))
        model.market.advance()
        seizure = model.exchange.desk.find()
        return [getattr(seizure, name).tolist() for name in Seizure.__dataclass_fields__]

    whole = found()
    monkeypatch.setattr(desk_module, "BLOCK", 3)
    assert found() == whole
    assert whole[0]


def test_one_round_a_step_leaves_the_next_victim_to_the_next_step() -> None:
    """At 94 the second has 47.5 dollars and needs 47; the sale of the first takes the price to 93.91: 46.6, 46.96."""
    population = [book("first", {"A": 100.0}, 900.0), book("second", {"A": 10.0}, 107.5)]
    at_rest = run(population, 100.0, 94.0, 94.0, impact=LINEAR)
    slowly = run(population, 100.0, 94.0, 94.0, impact=LINEAR, rounds_per_step=1)
    assert at_rest.exchange.desk.log.events.step.tolist() == [1.0, 1.0]
    assert at_rest.exchange.desk.log.events.round.tolist() == [0.0, 1.0]
    assert slowly.exchange.desk.log.events.step.tolist() == [1.0, 2.0]
    assert slowly.exchange.desk.log.events.round.tolist() == [0.0, 0.0]
    assert slowly.exchange.desk.flagged["round_cap"] == 1
    assert at_rest.exchange.desk.flagged["round_cap"] == 0


def test_a_step_that_does_not_come_to_rest_is_cut_and_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "MOST_ROUNDS", 3)
    slow = {"kind": "fraction", "share": 0.01, "minimum_notional": 0.0, "penalty_rate": 0.0}
    model = run(holders(100.0), 100.0, 94.0, liquidation=slow)
    assert model.exchange.desk.log.events.round.tolist() == [0.0, 1.0, 2.0]
    assert model.exchange.desk.flagged["round_cap"] == 1


def test_a_fall_on_an_impact_free_venue_closes_everybody_in_one_round_at_the_mark() -> None:
    model = run(holders(90.0, 95.0, 100.0), 100.0, 94.0)
    events = model.exchange.desk.log.events
    assert events.round.tolist() == [0.0] * 3
    assert events.fill.tolist() == [94.0] * 3
    assert events.quantity.tolist() == [-10.0] * 3
    assert [positions(model, i).tolist() for i in range(3)] == [[[0.0]]] * 3
    assert [model.accounts.cash[rows(model, i), SHARED].tolist() for i in range(3)] == [[30.0], [35.0], [40.0]]


def test_all_of_a_round_share_one_push_and_one_price() -> None:
    model = run(holders(90.0, 95.0, 100.0), 100.0, 94.0, impact=LINEAR)
    events, pushes = model.exchange.desk.log.events, model.market.pushes
    assert len(pushes) == 1
    assert pushes[0].volume.tolist() == [-30.0] == [events.quantity.sum()]
    assert events.push.tolist() == [0.0] * 3
    assert events.fill.tolist() == pytest.approx([94.0 * np.exp(-30.0 * 94.0 / 1e7 / 2.0)] * 3, rel=1e-12)
    assert len(set(events.fill)) == 1
    assert set(events.mark_before) == {94.0}
    assert set(events.mark_after) == {model.market.mark_price[0]}


def test_one_push_carries_what_is_sold_in_one_market_and_bought_in_another() -> None:
    population = [book("long", {"A": 10.0}, 100.0), book("short", {"B": -10.0}, 100.0)]
    model = run(population, [100.0, 100.0], [94.0, 106.0], listed=2, impact=LINEAR)
    assert model.market.pushes[0].volume.tolist() == [-10.0, 10.0]
    assert not model.accounts.position[model.traders].any()


def test_who_the_fund_can_pay_is_sold_and_who_it_cannot_is_deleveraged() -> None:
    """Deficits of 100 each in order of account; a fund of 150 reaches the first and half of the second."""
    population = [*holders(100.0, 100.0), book("winner", {"A": -40.0}, 4000.0)]
    model = run(population, 100.0, 80.0, insurance_fund=150.0)
    assert takers(model) == ["book", "adl"]
    first, second = model.exchange.waterfall.bankruptcies
    assert (first.insurance, first.adl) == (100.0, 0.0)
    assert (second.insurance, second.adl) == (50.0, 50.0)
    assert model.exchange.desk.log.events.push.tolist() == [0.0, -1.0]


def test_with_deleveraging_off_everything_goes_to_the_book() -> None:
    population = [*holders(100.0, 100.0), book("winner", {"A": -40.0}, 4000.0)]
    model = run(population, 100.0, 80.0, insurance_fund=150.0, deleveraging={"kind": "off"})
    assert takers(model) == ["book", "book"]
    assert sum(case.socialised for case in model.exchange.waterfall.bankruptcies) == 50.0


def test_what_finds_no_winner_goes_to_the_book_after_all() -> None:
    model = run([*holders(100.0), book("small", {"A": -4.0}, 4000.0)], 100.0, 80.0)
    assert takers(model) == ["adl", "book"]
    events = model.exchange.desk.log.events
    assert events.quantity.tolist() == [-4.0, -6.0]
    assert events.fill.tolist() == [90.0, 80.0]
    assert [case.adl for case in model.exchange.waterfall.bankruptcies] == [40.0, 0.0]


def test_an_oldest_pool_is_remembered_only_while_it_waits() -> None:
    capped = {"kind": "full", "penalty_rate": 0.0, "capacity": 1.0}
    model = venue(holders(90.0, 95.0), price=storm(100.0, 94.0, 94.0), liquidation=capped, rounds_per_step=1)
    model.step()
    desk = model.exchange.desk
    assert desk.flagged["capacity_limited"] == 1
    assert set(desk.flags.since.values()) == {1}
    model.step()
    assert list(desk.flags.since) == [(int(rows(model, 1)[0]), SHARED)]
    assert not model.accounts.position[model.traders].any()


def test_pools_of_one_account_are_closed_together_each_out_of_its_own_cash() -> None:
    population = [book("one", {"A": 10.0, "B": -10.0}, 200.0)]
    model = run(population, [100.0, 100.0], [94.0, 106.0], listed=2, margin={"kind": "isolated"})
    events = model.exchange.desk.log.events
    assert sorted(events.pool.tolist()) == [1.0, 2.0]
    assert len(set(events.row)) == 1
    assert model.accounts.cash[model.traders[0]].tolist() == [80.0, 0.0, 0.0]


@given(deposits=st.lists(st.floats(51.0, 500.0), min_size=1, max_size=12), end=st.floats(70.0, 99.0))
@settings(max_examples=40)
def test_after_a_step_at_rest_nobody_is_below_maintenance(deposits: list[float], end: float) -> None:
    model = run(holders(*deposits), 100.0, end, impact=LINEAR, insurance_fund=1e6)
    health = model.engine.health(model.traders)
    assert (health.equity >= health.maintenance).all()
    assert len(model.exchange.desk.find()) == 0
    closed = model.exchange.desk.log.events.quantity.sum()
    assert closed == model.accounts.position[model.traders].sum() - 10.0 * len(deposits)


def test_a_seizure_can_be_taken_apart_and_joined_again() -> None:
    model = venue(holders(90.0, 95.0, 100.0), price=storm(100.0, 94.0))
    model.market.advance()
    whole = model.exchange.desk.find()
    parts = [whole.part(np.array([i])) for i in range(len(whole))]
    joined = Seizure.join(parts)
    assert len(whole) == len(joined) == 3
    for name in Seizure.__dataclass_fields__:
        assert getattr(joined, name).tolist() == getattr(whole, name).tolist()
    assert whole.part(np.array([True, False, True])).rows.tolist() == whole.rows[[0, 2]].tolist()
    assert len(whole.part(np.zeros(3, bool))) == 0
