"""The exchange: its own rows, the order of its day, top-ups, funding, unwinding."""

from typing import Any

import numpy as np
import pytest

from agents.exchange import Exchange
from agents.liquidator import BackstopVault, Liquidator
from simulation.accounts import BACKSTOP, INSURANCE, OUTSIDE, SHARED, SYSTEM_ROWS, TREASURY
from simulation.model import MarketModel
from tests.venues import book, positions, rows, storm, venue

LONG, SHORT = book("long", {"A": 10.0}, 500.0), book("short", {"A": -10.0}, 500.0)
EACH_STEP = {"kind": "premium", "interval_steps": 1, "interest_rate": 0.001, "clamp_rate": 0.1, "cap_rate": 0.1}


def cash(model: MarketModel, row: int, pool: int = SHARED) -> float:
    return float(model.accounts.cash[row, pool])


def test_the_venues_own_capital_is_paid_in_and_the_outside_market_is_the_other_side() -> None:
    model = venue(
        [LONG], insurance_fund=250.0, backstop={"capital": 1000.0}, liquidators=[{"capital": 70.0, "count": 2}]
    )
    assert cash(model, INSURANCE) == 250.0
    assert cash(model, BACKSTOP) == 1000.0
    assert cash(model, TREASURY) == model.exchange.treasury == 0.0
    assert [keeper.equity for keeper in model.exchange.liquidators] == [70.0, 70.0]
    assert [keeper.row for keeper in model.exchange.liquidators] == [SYSTEM_ROWS, SYSTEM_ROWS + 1]
    assert cash(model, OUTSIDE) == -250.0 - 1000.0 - 140.0 - 500.0 + 1000.0


def test_keepers_are_asked_before_the_vault_and_without_capital_there_is_none() -> None:
    model = venue([LONG], backstop={"capital": 10.0}, liquidators=[{}])
    assert [type(taker) for taker in model.exchange.desk.takers] == [Liquidator, BackstopVault]
    plain = venue([LONG])
    assert (plain.exchange.vault, list(plain.exchange.desk.takers)) == (None, [])


def test_a_step_reads_as_a_list_of_what_a_venue_does(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("move_margin", "settle_funding", "settle_interest", "match_orders", "liquidate"):
        monkeypatch.setattr(Exchange, name, lambda self, name=name: done.append(name))
    venue([LONG]).exchange.step()
    assert done == ["move_margin", "settle_funding", "settle_interest", "match_orders", "liquidate"]


def test_a_top_up_reaches_the_pools_it_was_meant_for_once() -> None:
    model = venue([{**LONG, "reserve": 100.0, "isolated": ["A"]}])
    group, before = model.groups[0], model.accounts.cash[rows(model)[0]].copy()
    group.request_top_up(slice(None), group.rows, np.array([[10.0, 20.0]]))
    model.exchange.move_margin()
    model.exchange.move_margin()
    assert (model.accounts.cash[rows(model)[0]] - before).tolist() == [10.0, 20.0]
    assert group.reserve.tolist() == [70.0]
    model.accounts.check()


def test_who_topped_up_is_looked_at_again() -> None:
    model = venue([{**LONG, "reserve": 100.0}])
    model.run()
    group = model.groups[0]
    assert not set(rows(model)) & set(model.exchange.watch.suspects())
    group.request_top_up(slice(None), group.rows, np.array([[10.0]]))
    model.exchange.move_margin()
    assert set(rows(model)) <= set(model.exchange.watch.suspects())


@pytest.mark.parametrize(
    ("wish", "paid"),
    [(100.0, 100.0), (399.0, 399.0), (1e6, 400.0), (0.0, 0.0), (0.3, 19660 * 2.0**-16)],
)
def test_a_withdrawal_pays_what_initial_margin_leaves_rounded_down_to_the_quantum(wish: float, paid: float) -> None:
    """500 dollars of equity, 100 of them initial margin of 10 units at 100."""
    model = venue([LONG])
    model.groups[0].request_withdrawal(rows(model), np.array([wish]))
    before = cash(model, int(rows(model)[0]))
    model.exchange.move_margin()
    assert before - cash(model, int(rows(model)[0])) == paid


def test_a_withdrawal_after_a_loss_is_limited_by_what_is_left() -> None:
    """At 80 the equity is 300 and the requirement 80."""
    model = venue([LONG])
    model.market.mark_price = np.array([80.0])
    model.groups[0].request_withdrawal(rows(model), np.array([1e6]))
    model.exchange.move_margin()
    health = model.engine.health(rows(model))
    assert health.equity.tolist() == [[80.0]]


@pytest.mark.parametrize(("entry", "mark"), [(LONG, 200.0), (SHORT, 50.0)])
def test_a_large_profit_stays_until_it_is_realised(entry: dict[str, Any], mark: float) -> None:
    """Initial margin would let far more go than the 500 dollars that were paid in."""
    model = venue([entry])
    model.market.mark_price = np.array([mark])
    before = cash(model, int(rows(model)[0]))
    model.groups[0].request_withdrawal(rows(model), np.array([1e6]))
    model.exchange.move_margin()
    assert before - cash(model, int(rows(model)[0])) == 500.0


def test_who_is_under_water_withdraws_nothing() -> None:
    model = venue([LONG])
    model.market.mark_price = np.array([40.0])
    before = model.accounts.cash.copy()
    model.groups[0].request_withdrawal(rows(model), np.array([1.0]))
    model.exchange.move_margin()
    assert (model.accounts.cash == before).all()


def test_longs_pay_shorts_the_rate_times_the_notional() -> None:
    """A rate of 0.001 on 1,000 dollars is one dollar a settlement."""
    model = venue([LONG, SHORT], funding=EACH_STEP)
    model.exchange.market.step = 1
    before = [cash(model, int(rows(model, i)[0])) for i in (0, 1)]
    model.exchange.settle_funding()
    after = [cash(model, int(rows(model, i)[0])) for i in (0, 1)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [-1.0, 1.0]
    assert model.exchange.funding_paid.tolist() == [1.0]


def test_between_settlements_nobody_pays() -> None:
    model = venue([LONG], funding={**EACH_STEP, "interval_steps": 4})
    paid = []
    for _ in range(8):
        model.step()
        paid.append(model.exchange.funding_paid[0])
    assert np.flatnonzero(np.diff([0.0, *paid])).tolist() == [3, 7]


def test_an_unbalanced_book_is_settled_with_the_outside_market_and_nothing_leaks() -> None:
    model = venue([LONG], funding=EACH_STEP)
    outside = cash(model, OUTSIDE)
    model.step()
    assert cash(model, OUTSIDE) - outside == 1.0
    assert model.exchange.funding_paid.tolist() == [1.0]
    model.accounts.check()


def test_orders_of_all_groups_meet_before_the_book() -> None:
    """One buys what the other sells: the net is nothing, so the price does not move."""
    impact = {"kind": "linear"}
    model = venue([LONG, SHORT], impact=impact)
    ten = np.array([[10.0]])
    model.decisions = [(rows(model, 0), -ten), (rows(model, 1), ten)]
    model.exchange.match_orders()
    assert not positions(model, 0).any()
    assert not positions(model, 1).any()
    assert model.market.mid.tolist() == [100.0]
    assert model.exchange.clearing.volume.tolist() == [2000.0 + 2000.0]


def test_without_orders_nothing_is_matched() -> None:
    model = venue([LONG])
    before = len(model.market.history), model.market.moments.last
    model.decisions = []
    model.exchange.match_orders()
    assert (len(model.market.history), model.market.moments.last) == before


def taken_over(**keeper: Any) -> MarketModel:
    model = venue(
        [book("one", {"A": 100.0}, 1000.0)],
        price=storm(100.0, 94.0, 94.0, 94.0, 94.0),
        liquidation={"kind": "full", "penalty_rate": 0.0},
        liquidators=[{"name": "idle", "capital": 1.0}, {"capital": 1e6, "unwind_share": 0.5, **keeper}],
    )
    model.step()
    return model


def test_only_takers_with_inventory_send_unwinding_orders() -> None:
    model = taken_over()
    sent, orders = model.exchange._unwinding()
    assert sent.tolist() == [model.exchange.liquidators[1].row]
    assert orders.tolist() == [[-50.0]]


def test_an_inventory_is_worked_off_by_its_share_each_step() -> None:
    model = taken_over()
    keeper = model.exchange.liquidators[1]
    seen = []
    for _ in range(3):
        model.step()
        seen.append(float(model.accounts.position[keeper.row, 0]))
    assert seen == [50.0, 25.0, 12.5]


def test_before_any_takeover_nobody_is_asked_to_unwind() -> None:
    sent, _ = venue([LONG], liquidators=[{}]).exchange._unwinding()
    assert sent.tolist() == []


@pytest.mark.parametrize(
    ("order", "filled"),
    [(-60.0, -50.0), (-100.0, -50.0), (-200.0, -50.0), (-50.0, -50.0), (-20.0, -20.0), (5.0, 0.0)],
)
def test_without_margin_an_order_is_filled_as_far_as_it_reduces_even_if_it_would_end_smaller(
    order: float, filled: float
) -> None:
    """Long 50 with 80 dollars: even 10 units short would need 100."""
    model = venue([book("thin", {"A": 50.0}, 80.0)])
    assert model.exchange.clearing.admissible(rows(model), np.array([[order]])).tolist() == [[filled]]
