"""Account states, live: who may only reduce, where liquidation begins and ends, margin that is searched for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accounts import SHARED
from simulation.model import MarketModel
from simulation.state.base import State
from tests.venues import book, equity, positions, rows, storm, venue

SLOW = {"kind": "fraction", "share": 0.25, "minimum_notional": 0.0, "penalty_rate": 0.0}
WHOLE = {"kind": "full", "penalty_rate": 0.0}


def long(deposit: float, units: float = 10.0) -> dict[str, Any]:
    return book("long", {"A": units}, deposit)


def played(deposit: float, *path: float, **rules: Any) -> MarketModel:
    model = venue([long(deposit)], price=storm(*path), **{"liquidation": WHOLE, **rules})
    model.run()
    return model


def state(model: MarketModel) -> State:
    return State(int(model.exchange.standings.states(rows(model))[0, SHARED]))


@pytest.mark.parametrize(
    ("deposit", "expected"),
    [(76.0, State.FREE), (70.0, State.WARNING), (55.0, State.REDUCE_ONLY)],
)
def test_states_follow_the_ratio_of_equity_to_maintenance(deposit: float, expected: State) -> None:
    """Ten units at 100 need 50."""
    model = played(deposit, 100.0, 100.0, state={"kind": "ratio"})
    assert state(model) == expected
    assert positions(model)[0, 0] == 10.0


def test_liquidation_begins_where_the_rule_says() -> None:
    """At 97.5 the pool has 50.25 and needs 48.75: a ratio of 1.03."""
    assert positions(played(75.25, 100.0, 97.5))[0, 0] == 10.0
    assert positions(played(75.25, 100.0, 97.5, state={"kind": "ratio"}))[0, 0] == 0.0


def test_a_lower_trigger_lets_accounts_fall_further() -> None:
    """At 94 the pool has 40 and needs 47."""
    early = {"kind": "ratio", "liquidation": 0.8, "release": 0.8}
    assert positions(played(100.0, 100.0, 94.0, state=early))[0, 0] == 10.0
    assert positions(played(100.0, 100.0, 93.0, state=early))[0, 0] == 0.0  # 30 of 46.5


def test_once_begun_a_pool_is_closed_further_until_the_stop_level() -> None:
    """From 40 / 47 at a quarter a round: the ratio passes 1 at once, and 1.5 two rounds later."""
    until = {"kind": "ratio", "liquidation": 1.0, "release": 1.5}
    at_once = played(100.0, 100.0, 94.0, liquidation=SLOW, state={**until, "release": 1.0})
    further = played(100.0, 100.0, 94.0, liquidation=SLOW, state=until)
    assert at_once.exchange.desk.log.events.round.tolist() == [0.0]
    assert further.exchange.desk.log.events.round.tolist() == [0.0, 1.0]
    left = positions(further)[0, 0] * 94.0 * 0.05
    assert equity(further)[0] >= 1.5 * left
    assert not further.exchange.desk.flags.begun


def test_a_pool_between_trigger_and_stop_is_remembered_over_steps() -> None:
    """One round a step; the price stays, so the pool is above the trigger after the first close."""
    until = {"kind": "ratio", "liquidation": 1.0, "release": 1.5}
    model = played(100.0, 100.0, 94.0, 94.0, liquidation=SLOW, state=until, rounds_per_step=1)
    assert model.exchange.desk.log.events.step.tolist() == [1.0, 2.0]


def test_a_pool_never_begun_is_left_alone_between_trigger_and_stop() -> None:
    until = {"kind": "ratio", "liquidation": 1.0, "release": 1.5}
    assert positions(played(80.0, 100.0, 98.0, state=until))[0, 0] == 10.0  # 60 of 49


def test_a_close_to_target_aims_at_the_stop_level() -> None:
    until = {"kind": "ratio", "liquidation": 1.0, "release": 1.6}
    model = played(100.0, 100.0, 94.0, liquidation={"kind": "to_target", "penalty_rate": 0.0}, state=until)
    left = positions(model)[0, 0] * 94.0 * 0.05
    assert equity(model)[0] == pytest.approx(1.6 * left, rel=1e-3)


@pytest.mark.parametrize(("units", "allowed"), [(1.0, 0.0), (-1.0, -1.0), (-12.0, -10.0)])
def test_reduce_only_accounts_may_only_reduce(units: float, allowed: float) -> None:
    """With 2,000 dollars of 1,000 needed the order fits the initial margin, but not the state."""
    strict = {"kind": "ratio", "reduce_only": 50.0, "warning": 60.0}
    model = venue([long(2_000.0)], price=storm(100.0, 100.0), state=strict)
    orders = np.array([[units]])
    assert model.exchange.clearing.admissible(rows(model), orders)[0, 0] == allowed
    free = venue([long(2_000.0)], price=storm(100.0, 100.0))
    assert free.exchange.clearing.admissible(rows(free), orders)[0, 0] == units


SEARCHED: dict[str, Any] = {"state": {"kind": "search_release"}, "margin": {"kind": "isolated"}, "liquidation": WHOLE}


def searched(path: list[float], deposit: float = 500.0) -> MarketModel:
    """Ten isolated units; the pool begins with initial margin, 100, and the wallet has the rest."""
    person = {**long(deposit), "posted_share": 0.0}
    model = venue([person], price=storm(*path), **SEARCHED)
    model.run()
    return model


def test_a_falling_pool_is_topped_up_from_the_wallet_to_the_initial_level() -> None:
    """At 95 the pool has 50 and needs 47.5: below search, 52.25, so it goes to 57."""
    model = searched([100.0, 95.0])
    pool = model.engine.health(rows(model)).equity[0]
    assert pool.tolist() == pytest.approx([400.0 - 7.0, 57.0], abs=1e-3)
    assert not len(model.exchange.desk.log.events)


def test_too_much_margin_goes_back_to_the_wallet() -> None:
    """At 110 the pool has 200 and needs 55: more than release, 77, so 66 stay."""
    pool = searched([100.0, 110.0])
    assert pool.engine.health(rows(pool)).equity[0, 1] == pytest.approx(66.0, abs=1e-3)


def test_an_empty_wallet_leaves_the_pool_to_liquidation() -> None:
    model = searched([100.0, 94.0], deposit=100.0)  # all 100 are posted: 40 of 47
    assert positions(model)[0, 0] == 0.0


@given(
    st.lists(st.floats(55.0, 300.0), min_size=1, max_size=8),
    st.floats(0.5, 2.0),
    st.floats(0.5, 3.0),
    st.lists(st.floats(85.0, 110.0), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_nobody_due_is_ever_skipped(deposits: list[float], trigger: float, release: float, path: list[float]) -> None:
    people = [book(f"h{i}", {"A": 10.0}, deposit) for i, deposit in enumerate(deposits)]
    rule = {"kind": "ratio", "liquidation": trigger, "release": release}
    model = venue(people, price=storm(100.0, *path), state=rule, liquidation=SLOW)
    for _ in path:
        model.step()
        health = model.engine.health(model.traders)
        due = model.exchange.desk.states.due(
            health.equity, health.maintenance, model.exchange.desk.flags.closing(model.traders)
        )
        assert not due.any()
    model.accounts.check()


def test_an_account_goes_through_every_state_and_back() -> None:
    """The venue's capacity is less than a lot, so that the account is seen in liquidation instead of being closed."""
    stuck = {"kind": "capacity_window", "depth_rate": 1e-12}
    path = [100.0, 97.0, 95.5, 94.9, 94.0, 94.9, 95.5, 97.0, 100.0]
    model = venue([long(100.0)], price=storm(*path), liquidation=stuck, state={"kind": "ratio"})
    seen = [state(model)]
    for _ in path[1:]:
        model.step()
        seen.append(state(model))
    down = [State.FREE, State.WARNING, State.REDUCE_ONLY, State.LIQUIDATION, State.BACKSTOP]
    assert seen == [*down, *down[-2::-1]]
    assert positions(model)[0, 0] == 10.0


def test_with_hysteresis_the_way_back_is_longer_than_the_way_there() -> None:
    stuck = {"kind": "capacity_window", "depth_rate": 1e-12}
    path = [100.0, 95.5, 94.9, 95.5, 97.0]
    model = venue([long(100.0)], price=storm(*path), liquidation=stuck, state={"kind": "ratio", "release": 1.3})
    seen = []
    for _ in path[1:]:
        model.step()
        seen.append(state(model))
    assert seen == [State.REDUCE_ONLY, State.LIQUIDATION, State.LIQUIDATION, State.WARNING]
