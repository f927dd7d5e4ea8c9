"""Liquidation rules: how much is closed, who comes first, and what that leaves."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.liquidation.base import Distressed, LiquidationRule
from simulation.liquidation.fraction import FractionClose
from simulation.liquidation.full import FullClose
from simulation.liquidation.to_target import TargetClose
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import book, equity, positions, rows, storm, venue

dollars = st.floats(1.0, 1e9)


def pool(equity: float, maintenance: float, notional: float) -> Distressed:
    return Distressed(units(equity), units(maintenance), units(notional), units(0.0))


def closed(rule: LiquidationRule, equity: float, maintenance: float, notional: float) -> float:
    return float(rule.fraction(pool(equity, maintenance, notional))[0])


def liquidated(price: float, **rule: Any) -> MarketModel:
    """Long 10 at 100 with 90 dollars, after one round at `price`; no penalty unless the rule has one."""
    liquidation = {"penalty_rate": 0.0, **rule}
    path = storm(100.0, price)
    model = venue([book("long", {"A": 10.0}, 90.0)], price=path, liquidation=liquidation, rounds_per_step=1)
    model.run()
    return model


# How much ------------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), dollars, dollars)
def test_a_full_close_closes_everything(equity: float, maintenance: float, notional: float) -> None:
    assert closed(FullClose(), equity, maintenance, notional) == 1.0


@pytest.mark.parametrize(
    ("equity", "notional", "share"),
    [(40.0, 1_001.0, 0.25), (40.0, 1_000.0, 1.0), (0.0, 5_000.0, 1.0), (-1.0, 5_000.0, 1.0)],
)
def test_a_fraction_is_closed_unless_the_pool_is_small_or_insolvent(
    equity: float, notional: float, share: float
) -> None:
    assert closed(FractionClose(), equity, 50.0, notional) == share


@given(st.floats(1.01, 10.0), st.floats(0.0, 0.02), st.floats(0.01, 0.5), st.floats(0.0, 0.999), dollars)
def test_closing_to_target_leaves_exactly_the_target_or_everything_is_closed(
    target: float, penalty: float, rate: float, health: float, notional: float
) -> None:
    maintenance = rate * notional
    equity = health * maintenance
    share = closed(TargetClose(target_health=target, penalty_rate=penalty), equity, maintenance, notional)
    assert 0.0 < share <= 1.0
    if share < 1.0:
        left = equity - penalty * share * notional
        assert left == pytest.approx(target * maintenance * (1.0 - share), rel=1e-6, abs=1e-9 * notional)


def test_closing_to_target_by_hand() -> None:
    # Equity 40 of 1000 notional at 5 %: to reach 1.25 x 50 x (1 - x) = 40, close 36 %.
    assert closed(TargetClose(penalty_rate=0.0), 40.0, 50.0, 1_000.0) == pytest.approx(0.36)
    # A penalty of .5 % of what is closed: (62.5 - 40) / (62.5 - 5).
    assert closed(TargetClose(penalty_rate=0.005), 40.0, 50.0, 1_000.0) == pytest.approx(22.5 / 57.5)


def test_where_no_partial_close_helps_everything_is_closed() -> None:
    assert closed(TargetClose(penalty_rate=0.1), 10.0, 50.0, 1_000.0) == 1.0  # each close costs more than it frees
    assert closed(TargetClose(), -5.0, 50.0, 1_000.0) == 1.0


# In the venue --------------------------------------------------------------------------------------------------


def test_a_full_close_leaves_cash_only() -> None:
    model = liquidated(95.0, kind="full")
    assert not positions(model).any()
    assert equity(model)[0] == pytest.approx(40.0)


def test_a_fraction_rounds_up_to_a_whole_lot() -> None:
    model = liquidated(95.0, kind="fraction", share=0.3, minimum_notional=100.0)
    lot = model.accounts.lot[0]
    assert positions(model)[0, 0] == 10.0 - np.ceil(3.0 / lot) * lot


@pytest.mark.parametrize("penalty", [0.0, 0.004])
def test_closing_to_target_restores_health_exactly_up_to_a_lot(penalty: float) -> None:
    model = liquidated(95.0, kind="to_target", target_health=1.25, penalty_rate=penalty)
    health = model.engine.health(rows(model))
    one_lot = model.accounts.lot[0] * 95.0
    assert 0.0 < positions(model)[0, 0] < 10.0
    missed = float((health.equity - 1.25 * health.maintenance)[0, 0])
    assert 0.0 <= missed <= 1.25 * 0.05 * one_lot + 1e-4
    assert model.exchange.desk.penalties == pytest.approx(penalty * 95.0 * (10.0 - positions(model)[0, 0]), abs=1e-4)


def test_a_penalty_is_paid_to_the_fund_out_of_what_is_left_and_never_makes_a_deficit() -> None:
    full = liquidated(95.0, kind="full", penalty_rate=0.005)
    assert full.exchange.waterfall.fund == pytest.approx(4.75, abs=1e-4)
    assert equity(full)[0] == pytest.approx(35.25, abs=1e-4)
    almost = liquidated(91.2, kind="full", penalty_rate=0.005)  # 2 dollars are left, the penalty would be 4.56
    assert almost.exchange.waterfall.fund == pytest.approx(2.0, abs=1e-4)
    assert not almost.exchange.waterfall.bankruptcies


def test_exactly_at_maintenance_nobody_is_liquidated_and_one_quantum_below_is() -> None:
    at = 2.0**-5  # rate, so that 10 x 96 x rate = 30 is exact
    tiers = [{"floor": 0.0, "maintenance_rate": at, "initial_rate": 0.1}]
    listed = [{"name": "A", "price": 100.0, "tiers": tiers}]
    for deposit, expected in ((70.0, 0), (70.0 - 2.0**-16, 1)):
        model = venue([book("long", {"A": 10.0}, deposit)], markets=listed, price=storm(100.0, 96.0))
        model.run()
        assert len(model.exchange.desk.log.events) == expected


# Who first -----------------------------------------------------------------------------------------------------

QUEUE = Distressed(
    equity=units(10.0, -50.0, 20.0, 0.0),
    maintenance=units(50.0, 50.0, 50.0, 20.0),
    notional=units(1_000.0, 2_000.0, 3_000.0, 500.0),
    since=units(3.0, 2.0, 3.0, 1.0),
)


@pytest.mark.parametrize(
    ("priority", "order"),
    [("oldest", [3, 1, 0, 2]), ("largest_deficit", [1, 0, 2, 3]), ("largest_notional", [2, 1, 0, 3])],
)
def test_priority_orders_the_queue_and_ties_go_by_account(priority: str, order: list[int]) -> None:
    rule = FullClose(capacity=1e9, priority=priority)  # type: ignore[arg-type]
    assert rule.admitted(QUEUE, np.ones(4)).tolist() == order


@pytest.mark.parametrize(("capacity", "order"), [(1.0, [3]), (500.0, [3]), (501.0, [3, 1]), (2_501.0, [3, 1, 0])])
def test_capacity_admits_until_it_is_reached_and_the_last_may_go_beyond(capacity: float, order: list[int]) -> None:
    assert FullClose(capacity=capacity).admitted(QUEUE, np.ones(4)).tolist() == order


def test_capacity_counts_what_is_to_be_closed() -> None:
    rule = FractionClose(capacity=600.0, minimum_notional=0.0)
    assert rule.admitted(QUEUE, np.full(4, 0.25)).tolist() == [3, 1]
    assert rule.admitted(QUEUE, np.full(4, 0.1)).tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 9])
def test_most_pools_is_a_number_of_pools_whatever_their_size(most: int) -> None:
    assert FullClose(most_pools=most).admitted(QUEUE, np.ones(4)).tolist() == [3, 1, 0, 2][:most]
    largest = FullClose(most_pools=most, priority="largest_notional").admitted(QUEUE, np.ones(4))
    assert largest.tolist() == [2, 1, 0, 3][:most]


def test_of_both_limits_the_tighter_one_holds() -> None:
    assert FullClose(most_pools=3, capacity=501.0).admitted(QUEUE, np.ones(4)).tolist() == [3, 1]
    assert FullClose(most_pools=1, capacity=501.0).admitted(QUEUE, np.ones(4)).tolist() == [3]


def test_a_pool_that_has_nothing_to_close_takes_nobodys_place() -> None:
    assert FullClose(most_pools=2).admitted(QUEUE, units(1.0, 1.0, 1.0, 0.0)).tolist() == [1, 0]


@pytest.mark.parametrize("most", [0, -1, 1.5, "two"])
def test_most_pools_must_be_a_whole_number_from_one(most: object) -> None:
    with pytest.raises(ValidationError, match="most_pools"):
        FullClose(most_pools=most)  # type: ignore[arg-type]


def test_so_many_pools_a_step_wait_in_the_order_in_which_they_came() -> None:
    people = [book("a-late", {"A": 10.0}, 100.0), book("b-early", {"A": 10.0}, 90.0), book("c-big", {"A": 30.0}, 210.0)]
    slow = {"kind": "full", "most_pools": 1, "penalty_rate": 0.0}
    model = venue(people, price=storm(100.0, 95.0, 94.0, 94.0), liquidation=slow, rounds_per_step=1)
    model.run()
    assert model.exchange.desk.log.events.row.tolist() == [5.0, 6.0, 4.0]
    assert model.exchange.desk.flagged["capacity_limited"] == 1 + 1


def test_without_a_capacity_everybody_is_admitted_in_the_order_of_accounts() -> None:
    assert FullClose(priority="largest_notional").admitted(QUEUE, np.ones(4)).tolist() == [0, 1, 2, 3]


def test_what_does_not_fit_waits_and_is_counted() -> None:
    people = [book(f"long{i}", {"A": 10.0}, 90.0) for i in range(3)]
    slow = {"kind": "full", "capacity": 500.0, "penalty_rate": 0.0}
    model = venue(people, price=storm(*[100.0, *[95.0] * 4]), liquidation=slow, rounds_per_step=1)
    model.run()
    events = model.exchange.desk.log.events
    assert events.step.tolist() == [1.0, 2.0, 3.0]
    assert events.row.tolist() == [4.0, 5.0, 6.0]
    assert model.exchange.desk.flagged["capacity_limited"] == 2 + 1
    assert model.exchange.desk.flagged["round_cap"] == 2 + 1


def test_oldest_first_means_first_under_maintenance_not_first_account() -> None:
    # Early and big go under a step before late; one pool a step. Accounts are opened in the order of group names.
    people = [book("a-late", {"A": 10.0}, 100.0), book("b-early", {"A": 10.0}, 90.0), book("c-big", {"A": 30.0}, 210.0)]
    slow = {"kind": "full", "capacity": 1.0, "penalty_rate": 0.0}
    model = venue(people, price=storm(100.0, 95.0, 94.0, 94.0), liquidation=slow, rounds_per_step=1)
    model.run()
    assert model.exchange.desk.log.events.row.tolist() == [5.0, 6.0, 4.0]
