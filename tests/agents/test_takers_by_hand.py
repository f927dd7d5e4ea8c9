"""Keepers, the vault and bidders to the dollar: what they can carry, what pays for them, and at which price."""

from typing import Any

import numpy as np
import pytest

from agents.auction import Offer
from agents.liquidator import Liquidator
from simulation.accounts import BACKSTOP, QUANTUM, SHARED
from simulation.causes import TAKERS
from simulation.model import MarketModel
from tests.simulation.markets import units
from tests.venues import TIERS, book, equity, positions, rows, storm, venue

FULL = {"kind": "full", "penalty_rate": 0.0}
LINEAR = {"kind": "linear", "scale": 1.0}
NONE = {"kind": "none"}
KEEN = {"capital": 1e6, "discount_rate": 0.02, "minimum_profit_rate": 0.0, "cost": 0.0, "unwind_share": 0.5}


def markets(*depths: float) -> list[dict[str, Any]]:
    return [{"name": n, "price": 100.0, "depth": d, "tiers": TIERS} for n, d in zip("AB", depths, strict=False)]


def fallen(people: list[dict[str, Any]], *path: Any, listed: int = 1, **rules: Any) -> MarketModel:
    model = venue(people, listed, price=storm(*path), **{"liquidation": FULL, **rules})
    model.run()
    return model


def takers(model: MarketModel) -> list[str]:
    return [TAKERS[int(taker)] for taker in model.exchange.desk.log.events.taker]


def hired(listed: int = 2, **terms: Any) -> tuple[MarketModel, Liquidator]:
    model = venue([book("x", {}, 1.0)], listed, liquidators=[{**KEEN, **terms}])
    return model, model.exchange.liquidators[0]


def give(model: MarketModel, keeper: Liquidator, *held: float) -> None:
    """Let the keeper buy so many units at 100."""
    model.accounts.trade(np.array([keeper.row]), np.array([held]), np.full(len(held), 100.0))


# What they can carry -------------------------------------------------------------------------------------------


def test_capacity_is_equity_times_leverage_less_the_gross_inventory() -> None:
    model, keeper = hired(capital=1000.0, leverage=5.0)
    assert keeper.capacity() == 5000.0
    give(model, keeper, 10.0, -10.0)
    assert keeper.capacity() == 3000.0
    model.market.mark_price = np.array([90.0, 90.0])  # what one side loses the other wins
    assert keeper.capacity() == 5000.0 - 1800.0
    model.market.mark_price = np.array([91.0, 100.0])
    assert keeper.capacity() == (1000.0 - 90.0) * 5.0 - 1910.0


def test_who_holds_more_than_it_could_take_has_no_capacity_left_and_not_less_than_none() -> None:
    model, keeper = hired(capital=1000.0, leverage=5.0)
    give(model, keeper, 100.0, 0.0)
    assert keeper.capacity() == 0.0


@pytest.mark.parametrize(("held", "order"), [(0.999, -0.999), (1.0, -0.5), (-0.999, 0.999), (-1.0, 0.5), (8.0, -4.0)])
def test_an_inventory_of_less_than_a_hundred_dollars_is_sold_at_once_a_larger_one_by_its_share(
    held: float, order: float
) -> None:
    model, keeper = hired()
    give(model, keeper, held, 0.0)
    assert keeper.orders().tolist() == [order, 0.0]


def trio(*sizes: float, capital: float) -> list[str]:
    """Who is taken of pools of so many units, each half a dollar a unit from nothing, at 80, leverage 5."""
    people = [book(f"p{i}", {"A": size}, 22.0 * size) for i, size in enumerate(sizes)]
    model = fallen(people, 100.0, 80.0, liquidators=[{**KEEN, "capital": capital, "leverage": 5.0}])
    events = model.exchange.desk.log.events
    taken = events.row[events.taker == TAKERS.index("liquidator")]
    return [group.name for group in model.groups if group.rows[0] in taken]


def test_a_pool_too_large_for_the_capital_is_passed_over_and_the_next_ones_are_taken() -> None:
    """6,000, 2,000 and 2,000 dollars of notional; 5,000 can be carried."""
    assert trio(75.0, 25.0, 25.0, capital=1000.0) == ["p1", "p2"]


def test_pools_are_taken_until_the_capital_is_used_up_exactly() -> None:
    assert trio(25.0, 25.0, 25.0, capital=800.0) == ["p0", "p1"]
    assert trio(25.0, 25.0, 25.0, capital=800.0 - QUANTUM) == ["p0"]


# What pays -----------------------------------------------------------------------------------------------------


def offered(held: float, *, inventory: float = 0.0, deposit: float = 10.0, **terms: Any) -> bool:
    """Whether a keeper takes a pool at 94, in a book of a million, whose owner paid in `deposit` dollars a unit."""
    rules = {"price": storm(100.0, 94.0), "liquidation": FULL, "impact": terms.pop("impact", LINEAR)}
    people = [book("long", {"A": held}, deposit * held)]
    model = venue(people, **rules, liquidators=[{**KEEN, **terms}], markets=markets(1e6))
    if inventory:
        give(model, model.exchange.liquidators[0], inventory)
    model.step()
    return takers(model)[0] == "liquidator"


def test_a_keeper_counts_the_average_fill_of_selling_on_and_not_the_last() -> None:
    """A pool of 94 q dollars falls to exp(-94 q / depth) at its end, half of that on average, against 2 %."""
    last = 0.03 * 1e6 / 94.0
    assert offered(last)
    average = 0.0203 * 1e6 / 94.0 * 2.0  # a fall of 2.03 % costs more than the discount
    assert not offered(average)


def test_its_own_inventory_has_to_be_sold_first() -> None:
    """100 units alone cost 0.47 %; after 300 of its own, the end of 2.82 % comes before them."""
    assert offered(100.0)
    assert not offered(100.0, inventory=300.0)


def test_an_inventory_on_the_other_side_costs_nothing_but_earns_nothing_either() -> None:
    """2 % of 9,400 dollars are 188; a takeover that costs 187 pays, one that costs 189 does not."""
    assert offered(100.0, inventory=-300.0, cost=187.0)
    assert not offered(100.0, inventory=-300.0, cost=189.0)


@pytest.mark.parametrize(("least", "taken"), [(0.02, True), (np.nextafter(0.02, 1.0), False)])
def test_a_keeper_acts_from_its_least_profit_on(least: float, taken: bool) -> None:
    assert offered(100.0, impact=NONE, minimum_profit_rate=least) == taken


@pytest.mark.parametrize(("left", "taken"), [(1.88, True), (1.86, False)])
def test_a_pool_must_be_worth_its_discount(left: float, taken: bool) -> None:
    """Two of a hundred of 94 dollars a unit."""
    assert offered(100.0, impact=NONE, deposit=6.0 + left + 1e-9) == taken


def test_what_a_keeper_does_not_take_does_not_stand_in_the_way_of_what_it_takes() -> None:
    """500 insolvent units before 100 would cost 4.7 %; but nobody sells those for the keeper."""
    people = [book("a-lost", {"A": 500.0}, 3000.0), book("b-good", {"A": 100.0}, 1000.0)]
    model = fallen(people, 100.0, 94.0, impact=LINEAR, liquidators=[KEEN], markets=markets(1e6), insurance_fund=1e6)
    assert takers(model) == ["liquidator", "book"]


def test_what_it_takes_first_does() -> None:
    """300 units at an average of 1.41 % pay; the next 300, from 2.82 % on, do not."""
    people = [book(name, {"A": 300.0}, 3000.0) for name in ("first", "second")]
    model = fallen(people, 100.0, 94.0, impact=LINEAR, liquidators=[KEEN], markets=markets(1e6))
    assert takers(model) == ["liquidator", "book"]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_takeover_settles_the_pool_like_any_close(side: float) -> None:
    """At 94 (105) a long (short) of ten has 40 (50) dollars; 2 % of the notional go to the keeper, 1 % to the fund."""
    mark = 94.0 if side > 0.0 else 105.0
    people = [book("one", {"A": 10.0 * side}, 100.0, isolated=["A"])]
    model = fallen(people, 100.0, mark, liquidators=[KEEN], liquidation={"kind": "full", "penalty_rate": 0.01})
    left = 100.0 - 10.0 * abs(mark - 100.0)
    fees = 0.02 * 10.0 * mark, 0.01 * 10.0 * mark
    keeper = model.exchange.liquidators[0]
    assert keeper.equity - 1e6 == pytest.approx(fees[0], abs=1e-4)
    assert model.exchange.waterfall.fund == pytest.approx(fees[1], abs=1e-4)
    assert model.accounts.cash[rows(model)[0]].tolist() == [pytest.approx(left - sum(fees), abs=1e-4), 0.0]
    assert keeper.takeovers == 1


# The vault -----------------------------------------------------------------------------------------------------

SIXTEENTH = [{"floor": 0.0, "maintenance_rate": 0.0625, "initial_rate": 0.125}]


@pytest.mark.parametrize(("short", "taker"), [(0.0, "book"), (QUANTUM, "backstop")])
def test_the_vault_takes_what_is_below_its_trigger_and_not_what_is_at_it(short: float, taker: str) -> None:
    """A sixteenth of 9,400 dollars is 587.50, half of it 293.75."""
    listed = [{"name": "A", "price": 100.0, "depth": 1e7, "tiers": SIXTEENTH}]
    people = [book("one", {"A": 100.0}, 893.75 - short)]
    model = fallen(people, 100.0, 94.0, markets=listed, backstop={"capital": 1e5, "trigger": 0.5})
    assert takers(model) == [taker]


def test_the_vault_takes_a_pool_that_is_worth_exactly_nothing() -> None:
    model = fallen([book("one", {"A": 100.0}, 1000.0)], 100.0, 90.0, backstop={"capital": 1e5})
    assert takers(model) == ["backstop"]
    assert model.exchange.waterfall.bankruptcies == []
    assert model.engine.health(np.array([BACKSTOP])).equity[0, SHARED] == 1e5


def test_a_pool_that_the_rounding_of_three_fills_left_a_quantum_short_is_made_whole_by_the_fund() -> None:
    """Each of three fills is worth 0.45 quanta more than it pays: 0.35 are left at the marks, and -1 in the account."""
    mark = 90.0 + 0.45 * QUANTUM
    people = [book("one", {"A": 1.0, "B": 1.0, "C": 1.0}, 30.0 - QUANTUM)]
    rules = {"backstop": {"capital": 1e5}, "insurance_fund": 1.0}
    model = fallen(people, [100.0] * 3, [mark] * 3, listed=3, **rules)
    assert takers(model) == ["backstop"] * 3
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.deficit == case.insurance == QUANTUM
    assert model.accounts.cash[rows(model)[0], SHARED] == 0.0


# Bidders -------------------------------------------------------------------------------------------------------


def auction(paid: float, penalty: float = 0.0) -> dict[str, Any]:
    """Bidders pay the share `paid` of what a pool is worth, from the first moment on."""
    return {"kind": "dutch_auction", "penalty_rate": penalty, "terms": {"start": paid, "cutoff": 0.0}}


@pytest.mark.parametrize(("held", "mark", "price"), [(10.0, 94.0, 92.0), (-10.0, 105.0, 107.5)])
def test_bidders_get_half_of_what_a_pool_is_worth_off_the_mark_whichever_side_it_is_on(
    held: float, mark: float, price: float
) -> None:
    """A long of ten is worth 40 dollars at 94, four a unit; a short 50 at 105, five a unit."""
    model = fallen([book("one", {"A": held}, 100.0)], 100.0, mark, liquidation=auction(0.5))
    events = model.exchange.desk.log.events
    assert events.fill[0] == pytest.approx(price, abs=1e-9)
    assert 0.0 < abs(events.quantity[0]) < 10.0


def test_a_sale_to_bidders_lifts_equity_to_the_buffer_over_what_is_needed() -> None:
    """f = B / (B - d E): B = 40 - 1.1 * 47 = -11.70, d E = 20, so 36.9 % go, for 12 dollars less than the mark."""
    model = fallen([book("one", {"A": 10.0}, 100.0)], 100.0, 94.0, liquidation=auction(0.5))
    share = 11.7 / 31.7
    assert positions(model)[0, 0] == pytest.approx(10.0 * (1.0 - share), abs=1e-3)
    assert equity(model)[0] == pytest.approx(40.0 - 20.0 * share, abs=1e-3)
    assert equity(model)[0] == pytest.approx(1.1 * 0.05 * 94.0 * positions(model)[0, 0], abs=1e-2)


def test_a_sale_to_bidders_pays_its_penalty_and_moves_the_book_as_a_forced_trade() -> None:
    people = [book("one", {"A": 10.0}, 100.0)]
    model = fallen(people, 100.0, 94.0, liquidation=auction(0.5, 0.01), impact=LINEAR, markets=markets(1e6))
    events, push = model.exchange.desk.log.events, model.market.pushes[0]
    sold = -float(events.quantity[0])
    assert push.volume.tolist() == [-sold]
    assert events.push[0] == 0.0
    assert events.fill[0] == pytest.approx(92.0), "not what the book would have paid"
    assert events.mark_after[0] == pytest.approx(94.0 * np.exp(-sold * 94.0 / 1e6), rel=1e-9)
    closed = float((np.abs(events.quantity) * events.mark_after).sum())
    assert model.exchange.desk.penalties == pytest.approx(0.01 * closed, abs=1e-3)


def test_a_bid_must_pay_with_what_is_really_sold_and_not_with_what_others_would_have_bought() -> None:
    """The first, of 0.5 % concession, will not pay for a fall of 0.8 %. The other, which would buy in A while the first
    sells there, bids 35 dollars; alone it pushes A up against itself and loses 41.
    """
    people = [book("a-long", {"A": 300.0}, 2082.0), book("b-torn", {"A": -100.0, "B": 100.0}, 1469.6)]
    rules = {"markets": markets(1e6, 1e12), "impact": LINEAR, "liquidation": auction(0.5)}
    path = [100.0, 100.0], [94.0, 80.0]
    model = fallen(people, *path, **rules)
    assert takers(model) == []
    assert model.exchange.desk.flagged["waiting"] == 2
    deep = fallen(people, *path, **{**rules, "markets": markets(1e12, 1e12)})
    assert len(takers(deep)) == 3


def test_what_is_offered_says_what_a_taker_saves() -> None:
    offer = Offer(np.array([[2.0, -1.0], [0.0, 3.0]]), units(300.0, 300.0), units(0.1, 0.02))
    assert offer.price(units(100.0, 50.0)).ravel().tolist() == pytest.approx([90.0, 55.0, 100.0, 49.0])


def test_an_insolvent_pool_is_not_auctioned_although_a_bid_at_the_mark_would_cost_nothing() -> None:
    """At 85 a long of ten lacks 50 dollars: winners are asked before anybody bids."""
    people = [book("long", {"A": 10.0}, 100.0), book("short", {"A": -10.0}, 1000.0)]
    model = fallen(people, 100.0, 85.0, liquidation=auction(0.5))
    assert takers(model) == ["adl"]
    assert [case.adl for case in model.exchange.waterfall.bankruptcies] == [50.0]
