"""Money that moves between fills, by hand: funding, withdrawals, answers to margin calls, and the order of the day."""

from typing import Any

import numpy as np
import pytest

from agents.exchange import Exchange
from simulation.accounts import OUTSIDE, SHARED
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import TIERS, book, equity, rows, storm, venue

LONG, SHORT = book("long", {"A": 10.0}, 500.0), book("short", {"A": -10.0}, 500.0)
MARKET = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}
PREMIUM = {"kind": "premium", "interval_steps": 1, "interest_rate": 0.0, "clamp_rate": 0.0, "cap_rate": 0.1}


def instrument(kind: str, name: str, **terms: Any) -> dict[str, Any]:
    return {**MARKET, "name": name, "instrument": {"kind": kind, "underlying": "A", **terms}}


def dislocated(people: list[dict[str, Any]], factor: float, **rules: Any) -> MarketModel:
    """After a step in which the book trades at `factor` times an index of 100."""
    shift = [{"market": "A", "start_step": 1, "end_step": 3, "factor": factor}]
    model = venue(people, dislocations=shift, **rules)
    model.market.advance()
    return model


# Funding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.02, 0.97])
def test_a_dear_perpetual_costs_longs_its_premium_on_the_mark_and_a_cheap_one_costs_shorts(factor: float) -> None:
    """At 102 against 100 the rate is 2 %: 20.40 dollars on ten units; at 97 shorts pay 3 % of 970."""
    model = dislocated([LONG, SHORT], factor, funding=PREMIUM)
    before = [float(equity(model, i)[0]) for i in (0, 1)]
    model.exchange.settle_funding()
    paid = 10.0 * 100.0 * factor * (factor - 1.0)
    assert [float(equity(model, i)[0]) - before[i] for i in (0, 1)] == pytest.approx([-paid, paid], abs=1e-4)
    assert model.exchange.funding_rate.tolist() == pytest.approx([factor - 1.0])
    assert model.exchange.funding_paid.tolist() == pytest.approx([abs(paid)], abs=1e-4)
    model.accounts.check()


def test_spot_and_futures_pay_no_funding_whatever_the_rate_and_inverse_perpetuals_do() -> None:
    """One thousandth of 1,000 dollars in the perpetual and in the inverse one; nothing elsewhere."""
    rule = {**PREMIUM, "interest_rate": 0.001, "clamp_rate": 0.1}
    listed = [
        MARKET,
        instrument("spot", "COIN"),
        instrument("inverse_perpetual", "INV"),
        instrument("future", "F", expiry_days=30.0),
    ]
    people = [book("one", dict.fromkeys(("A", "COIN", "INV", "F"), 10.0), 5000.0)]
    model = venue(people, markets=listed, funding=rule)
    cash = model.accounts.cash[rows(model)[0], SHARED]
    model.exchange.settle_funding()
    assert cash - model.accounts.cash[rows(model)[0], SHARED] == 2.0
    assert model.exchange.funding_paid.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_what_has_changed_hands_counts_once_and_adds_up_over_settlements() -> None:
    """Three units long against one short: three thousandths of a hundred dollars are paid, one to the short."""
    rule = {**PREMIUM, "interest_rate": 0.001, "clamp_rate": 0.1}
    model = venue([book("long", {"A": 30.0}, 900.0), book("short", {"A": -10.0}, 900.0)], funding=rule)
    outside = model.accounts.cash[OUTSIDE, SHARED]
    for settled in (1, 2, 3):
        model.exchange.settle_funding()
        assert model.exchange.funding_paid.tolist() == [3.0 * settled]
        assert equity(model).tolist() == [900.0 - 3.0 * settled]
        assert equity(model, 1).tolist() == [900.0 + 1.0 * settled]
        assert model.accounts.cash[OUTSIDE, SHARED] - outside == 2.0 * settled


@pytest.mark.parametrize("held", [30.0, -30.0])
@pytest.mark.parametrize("every", [1, 4])
def test_a_funding_velocity_follows_from_the_skew_of_traders_and_the_days_that_have_passed(
    held: float, every: int
) -> None:
    """Skew 30 of a scale of 300 is a tenth of the largest velocity of 0.24 a day; a step is an hour."""
    rule = {"kind": "velocity", "interval_steps": every, "skew_scale": 300.0, "largest_velocity": 0.24}
    model = venue([book("one", {"A": held}, 2000.0)], funding=rule)
    for _ in range(every):
        model.step()
    days = every / 24.0
    rate = np.sign(held) * 0.024 * days
    assert model.exchange.funding_rate.tolist() == pytest.approx([rate])
    assert equity(model).tolist() == [pytest.approx(2000.0 - held * 100.0 * rate / 2.0 * days, abs=1e-4)]


def test_who_paid_or_got_funding_is_looked_at_again() -> None:
    model = venue([LONG, book("idle", {}, 100.0)], funding={**PREMIUM, "interest_rate": 0.001, "clamp_rate": 0.1})
    model.run()
    assert not set(model.traders) & set(model.exchange.watch.suspects())
    model.exchange.settle_funding()
    assert set(model.traders) & set(model.exchange.watch.suspects()) == set(rows(model))


def test_funding_that_eats_the_margin_liquidates_in_the_same_step() -> None:
    """51 dollars of 50 needed at 100; a hundredth of 1,000 dollars is ten."""
    rule = {**PREMIUM, "interest_rate": 0.01, "clamp_rate": 0.1}
    model = venue([book("thin", {"A": 10.0}, 51.0)], funding=rule, liquidation={"kind": "full", "penalty_rate": 0.0})
    model.step()
    assert model.exchange.desk.log.events.equity.tolist() == [41.0]
    assert equity(model).tolist() == [41.0]


# Withdrawals ---------------------------------------------------------------------------------------------------


def withdraw(model: MarketModel, wish: float = 1e6) -> float:
    before = float(equity(model)[0])
    model.groups[0].request_withdrawal(rows(model), np.array([wish]))
    model.exchange.move_margin()
    model.accounts.check()
    return before - float(equity(model)[0])


@pytest.mark.parametrize(("factor", "paid"), [(0.8, 300.0 - 80.0), (1.25, 500.0)])
def test_free_margin_counts_at_the_mark_and_what_is_paid_in_at_cost(factor: float, paid: float) -> None:
    """Ten units: at 80 there are 300 of 500 dollars, at 125 there are 750, of which 250 are not realised."""
    assert withdraw(dislocated([LONG], factor)) == pytest.approx(paid, abs=1e-4)


@pytest.mark.parametrize("held", [10.0, -10.0])
def test_positions_in_pools_of_their_own_neither_add_to_a_withdrawal_nor_hold_it_back(held: float) -> None:
    """1,000 dollars, 100 of them behind an isolated position: 900 may go, whether it wins or loses."""
    for mark in (100.0, 95.0, 105.0):
        model = venue([book("one", {"A": held}, 1000.0, isolated=["A"], posted_share=0.0)], price=storm(100.0, mark))
        model.market.advance()
        assert withdraw(model) == 900.0
        assert model.accounts.cash[rows(model)[0], 0] == 0.0


def test_a_wish_is_asked_once() -> None:
    model = venue([LONG])
    assert withdraw(model, 30.0) == 30.0
    before = equity(model).copy()
    model.exchange.move_margin()
    assert equity(model).tolist() == before.tolist()
    assert not model.groups[0].withdrawals


def test_a_wish_that_is_held_back_is_lost() -> None:
    model = venue([LONG], price=storm(*[100.0] * 4))
    model.exchange.waterfall._gate_until = 1
    model.market.advance()
    assert withdraw(model) == 0.0
    model.market.advance()
    model.exchange.move_margin()
    assert equity(model).tolist() == [500.0]
    assert withdraw(model) == 400.0


def test_who_withdrew_is_looked_at_again() -> None:
    model = venue([LONG, SHORT])
    model.run()
    assert not set(model.traders) & set(model.exchange.watch.suspects())
    withdraw(model, 1.0)
    assert set(model.traders) & set(model.exchange.watch.suspects()) == set(rows(model))


def test_of_a_wish_for_several_members_each_gets_what_its_own_margin_leaves() -> None:
    crowd = {**LONG, "count": 3, "deposit": 500.0}
    model = venue([crowd])
    model.groups[0].request_withdrawal(rows(model), units(100.0, 1000.0, 0.0))
    model.exchange.move_margin()
    assert equity(model).tolist() == [400.0, 100.0, 500.0]


# Answers to margin calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [0, 1])
def test_money_brought_in_for_one_pool_reaches_that_pool_only(pool: int) -> None:
    model = venue([book("one", {"A": 10.0}, 500.0, isolated=["A"], reserve=90.0)])
    before = model.accounts.cash[rows(model)[0]].copy()
    wanted = np.zeros((1, 2))
    wanted[0, pool] = 60.0
    model.groups[0].request_top_up(slice(None), rows(model), wanted)
    model.exchange.move_margin()
    assert (model.accounts.cash[rows(model)[0]] - before).tolist() == wanted[0].tolist()
    assert model.groups[0].reserve.tolist() == [30.0]
    model.accounts.check()


# The order of the day ------------------------------------------------------------------------------------------


def test_a_day_begins_with_what_ends_and_closes_with_liquidation(monkeypatch: pytest.MonkeyPatch) -> None:
    model, done = venue([LONG]), []
    venue_does = {
        "settlement": "expire",
        "claims": "settle",
        "standings": "update",
        "desk": "run",
    }
    for part, what in venue_does.items():
        monkeypatch.setattr(getattr(model.exchange, part), what, lambda name=part: done.append(name))
    for name in ("move_margin", "settle_funding", "settle_interest", "match_orders"):
        monkeypatch.setattr(Exchange, name, lambda self, name=name: done.append(name))
    model.exchange.step()
    wanted = ["settlement", "move_margin", "settle_funding", "settle_interest", "claims", "match_orders"]
    assert done == [*wanted, "standings", "desk"]


def test_what_a_contract_paid_at_its_end_can_be_withdrawn_in_the_same_step() -> None:
    """A future from 100 that ends at 150: 500 dollars of profit on ten units are realised, and margin is free."""
    future = instrument("future", "F", expiry_days=1 / 24, settlement_minutes=0.0)
    model = venue([book("one", {"F": 10.0}, 200.0)], markets=[MARKET, future], price=storm(100.0, 150.0))
    entry = float(model.accounts.entry_price[rows(model)[0], 1])
    model.groups[0].request_withdrawal(rows(model), np.array([1e6]))
    model.step()
    assert equity(model).tolist() == [0.0]
    assert float(model.accounts.cash[OUTSIDE, SHARED]) == 0.0
    assert entry == pytest.approx(100.0)


def test_the_vault_needs_no_initial_margin_beyond_the_tiers_to_unwind() -> None:
    """Its leverage setting asks for nothing: 100 units at 93 need 930 dollars of its 1,300, not 9,300."""
    vault = {"capital": 1000.0, "leverage": 100.0, "unwind_share": 0.5}
    people = [book("one", {"A": 100.0}, 1000.0)]
    model = venue(people, price=storm(100.0, 93.0, 93.0), backstop=vault, liquidation={"kind": "full"})
    model.step()
    row = model.exchange.vault.row
    assert model.accounts.position[row].tolist() == [100.0]
    assert model.engine.health(np.array([row])).initial.tolist() == [[930.0]]
