"""Keepers and the backstop vault: hand numbers, refusals, limits of capital, ruin."""

from typing import Any

import numpy as np
import pytest

from simulation.accounts import BACKSTOP
from simulation.causes import BOOK, KEEPER, VAULT
from simulation.model import MarketModel
from tests.venues import book, equity, positions, rows, storm, venue

KEEPER_ROW = 4
SPEC = {"count": 1, "capital": 1_000.0, "discount_rate": 0.02, "cost": 1.0, "leverage": 5.0, "unwind_share": 0.2}


def watched(*prices: float, keeper: dict[str, Any] | None = None, **rules: Any) -> MarketModel:
    """A long of 10 at 100 with 90 dollars, under maintenance below 95.79, and one keeper."""
    rules.setdefault("liquidation", {"kind": "full", "penalty_rate": 0.0})
    people = rules.pop("population", [book("long", {"A": 10.0}, 90.0)])
    made = venue(people, price=storm(100.0, *prices), liquidators=[{**SPEC, **(keeper or {})}], **rules)
    made.run()
    return made


def takers(model: MarketModel) -> list[float]:
    return model.exchange.desk.log.events.taker.tolist()


# Keepers --------------------------------------------------------------------------------------------------------


def test_a_keeper_takes_the_whole_pool_at_a_discount_to_the_mark() -> None:
    model = watched(95.0)
    assert takers(model) == [KEEPER]
    assert model.exchange.desk.log.events.fill[0] == pytest.approx(93.1)
    assert equity(model)[0] == pytest.approx(40.0 - 19.0, abs=1e-3)
    assert model.accounts.position[KEEPER_ROW, 0] == 10.0
    assert model.exchange.liquidators[0].equity == pytest.approx(1_019.0, abs=1e-3)
    assert model.exchange.liquidators[0].takeovers == 1
    assert model.market.mid == 95.0  # nothing reached the book


def test_a_keeper_takes_a_short_above_the_mark() -> None:
    model = watched(105.0, population=[book("short", {"A": -10.0}, 90.0)])
    assert model.exchange.desk.log.events.fill[0] == pytest.approx(107.1)
    assert model.accounts.position[KEEPER_ROW, 0] == -10.0


def test_a_keeper_sells_its_inventory_share_by_share() -> None:
    model = watched(95.0, 95.0, 95.0)
    assert model.accounts.position[KEEPER_ROW, 0] == pytest.approx(6.4, abs=0.02)


def test_a_keeper_clears_dust_at_once() -> None:
    model = watched(95.0, 95.0, 95.0, 95.0, keeper={"unwind_share": 0.9})
    assert model.accounts.position[KEEPER_ROW, 0] == 0.0


@pytest.mark.parametrize(
    ("keeper", "taker"),
    [
        ({"cost": 17.0}, KEEPER),  # 2 % of 950 is 19 dollars; .2 % must remain
        ({"cost": 17.2}, BOOK),
        ({"minimum_profit_rate": 0.018}, KEEPER),
        ({"minimum_profit_rate": 0.019}, BOOK),
        ({"capital": 190.1}, KEEPER),  # at leverage 5
        ({"capital": 189.9}, BOOK),
    ],
)
def test_a_keeper_refuses_what_does_not_pay_or_what_it_cannot_carry(keeper: dict[str, float], taker: int) -> None:
    assert takers(watched(95.0, keeper=keeper)) == [taker]


@pytest.mark.parametrize(("scale", "taker"), [(300.0, KEEPER), (450.0, BOOK)])
def test_a_keeper_refuses_where_the_book_is_too_thin_to_unwind(scale: float, taker: int) -> None:
    # Selling 950 dollars moves the log price by scale x 950 / 10,000,000; half of it is the cost.
    assert takers(watched(95.0, impact={"kind": "linear", "scale": scale}))[0] == taker


def test_a_keeper_refuses_a_pool_its_own_discount_would_bankrupt() -> None:
    assert takers(watched(92.9)) == [KEEPER]  # 19 dollars left, the discount is 18.6
    assert takers(watched(92.8)) == [BOOK]  # 18 left, 18.6


def test_a_pool_beyond_its_capital_does_not_keep_it_from_a_smaller_one() -> None:
    people = [book("a-large", {"A": 100.0}, 900.0), book("b-small", {"A": 10.0}, 90.0)]
    model = watched(95.0, population=people)
    events = model.exchange.desk.log.events
    assert dict(zip(events.row.tolist(), events.taker.tolist(), strict=True)) == {5.0: BOOK, 6.0: KEEPER}


def test_capital_that_is_at_work_cannot_be_used_twice() -> None:
    people = [book(f"long{i}", {"A": 10.0}, 90.0) for i in range(7)]
    model = watched(95.0, population=people)
    assert sorted(takers(model)) == [BOOK] * 2 + [KEEPER] * 5  # 5 x 950 of 5 x 1000 dollars


def test_what_one_keeper_leaves_the_next_may_take() -> None:
    model = watched(95.0, keeper={"count": 2, "capital": 250.0}, population=[
        book(f"long{i}", {"A": 10.0}, 90.0) for i in range(3)
    ])  # fmt: skip
    assert [keeper.takeovers for keeper in model.exchange.liquidators] == [1, 1]
    assert sorted(takers(model)) == [BOOK, KEEPER, KEEPER]


def test_keepers_go_broke_are_liquidated_themselves_and_then_take_nothing() -> None:
    people = [book("a-first", {"A": 10.0}, 90.0), book("b-second", {"A": 10.0}, 480.0)]
    model = watched(95.0, 55.0, 55.0, population=people, keeper={"capital": 200.0, "unwind_share": 0.01})
    events = model.exchange.desk.log.events
    first, second, keeper = 5.0, 6.0, float(KEEPER_ROW)
    assert events.row.tolist() == [first, keeper, second]
    assert events.taker.tolist() == [KEEPER, BOOK, BOOK]
    assert model.exchange.liquidators[0].capacity() == 0.0
    assert [case.row for case in model.exchange.waterfall.bankruptcies] == [KEEPER_ROW]


# Backstop -------------------------------------------------------------------------------------------------------

VAULT_RULES = {"backstop": {"capital": 1_000.0, "trigger": 0.67, "leverage": 3.0, "unwind_share": 0.5}}


def backed(*prices: float, **rules: Any) -> MarketModel:
    made = venue(
        rules.pop("population", [book("long", {"A": 10.0}, 90.0)]), price=storm(100.0, *prices), insurance_fund=500.0,
        liquidation={"kind": "full", "penalty_rate": 0.0}, **{**VAULT_RULES, **rules},
    )  # fmt: skip
    made.run()
    return made


@pytest.mark.parametrize(
    ("price", "taker"),
    [(95.0, BOOK), (94.16, BOOK), (94.15, VAULT), (91.1, VAULT), (91.0, VAULT), (90.9, BOOK)],
)
def test_the_vault_takes_only_below_its_trigger_and_nothing_insolvent(price: float, taker: int) -> None:
    # Equity 10 P - 910 against .67 x .5 P: below 94.154 the vault, below 91 the waterfall.
    model = backed(price)
    assert takers(model) == [taker]
    assert len(model.exchange.waterfall.bankruptcies) == (price < 91.0)


def test_the_vault_takes_positions_at_the_mark_with_all_that_is_left() -> None:
    model = backed(93.0)
    assert model.accounts.position[BACKSTOP, 0] == 10.0
    assert model.exchange.vault.equity == pytest.approx(1_020.0)
    assert not positions(model).any()
    assert equity(model)[0] == 0.0
    assert model.exchange.waterfall.fund == 500.0


def test_the_vault_unwinds_through_the_book() -> None:
    assert backed(93.0, 93.0).accounts.position[BACKSTOP, 0] == pytest.approx(5.0, abs=0.02)


def test_the_vault_stays_within_its_capital() -> None:
    people = [book(f"long{i}", {"A": 10.0}, 90.0) for i in range(5)]
    model = backed(93.0, population=people, backstop={**VAULT_RULES["backstop"], "capital": 620.0})
    assert sorted(takers(model)) == [BOOK] * 3 + [VAULT] * 2  # 3 x 620 dollars carry two pools of 930


def test_without_capital_there_is_no_vault() -> None:
    model = backed(93.0, backstop={"capital": 0.0})
    assert model.exchange.vault is None
    assert takers(model) == [BOOK]


def test_keepers_come_before_the_vault() -> None:
    assert takers(backed(93.5, liquidators=[SPEC])) == [KEEPER]
    assert takers(backed(93.5)) == [VAULT]


def test_the_cash_of_an_isolated_pool_goes_with_it_and_the_wallet_stays() -> None:
    people = [book("long", {"A": 10.0}, 1_000.0, posted_share=0.0)]
    model = backed(93.0, population=people, margin={"kind": "isolated"})
    cash = model.accounts.cash[rows(model)[0]]
    np.testing.assert_allclose(cash, [900.0, 0.0], atol=1e-4)
    assert model.exchange.vault.equity == pytest.approx(1_030.0, abs=1e-3)
