"""Interest by hand: who owes, since when, on what, to whom, and in which pool; every quantum has one place."""

from typing import Any

import numpy as np
import pytest

from simulation.accounts import OUTSIDE, QUANTUM, SHARED, TREASURY
from simulation.model import MarketModel
from tests.venues import TIERS, book, rows, storm, venue

YEAR = 365 * 86_400.0
MARKET = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}
COIN = {**MARKET, "name": "COIN", "instrument": {"kind": "spot", "underlying": "A"}}
OFTEN = {"interval_steps": 1, "reserve_share": 0.0}
FLAT = {"kind": "flat", "borrow_rate": 1.0}
SCARCITY = {"kind": "kinked", "base_rate": 0.0, "slope": 0.8, "steep_slope": 0.2, "optimal_utilisation": 0.8}


def bank(*people: dict[str, Any], **changes: Any) -> MarketModel:
    """Steps of a sixteenth of a year; at 100 % a year a settlement costs a sixteenth of the debt."""
    terms = changes.pop("interest", {})
    interest = {**OFTEN, **({} if "kind" in terms else FLAT), **terms}
    return venue(list(people), markets=[MARKET, COIN], step_seconds=YEAR / 16.0, interest=interest, **changes)


def saver(name: str, dollars: float, **more: Any) -> dict[str, Any]:
    return book(name, {}, dollars, **more)


def debtor(tokens: float = 20.0, name: str = "debtor", **more: Any) -> dict[str, Any]:
    """Tokens bought for 2,000 dollars with 1,000: the other 1,000 are owed."""
    return book(name, {"COIN": tokens}, 1000.0, **more)


def change(model: MarketModel, step: int = 0) -> list[list[float]]:
    """What a settlement adds to the pools of every group's first member, and at the end to the treasury."""
    before = model.accounts.cash.copy()
    model.exchange.lending.settle(step)
    model.accounts.check()
    gained = model.accounts.cash - before
    return [*(gained[group.rows[0]].tolist() for group in model.groups), gained[TREASURY].tolist()]


def test_what_is_bought_on_credit_costs_the_rate_for_the_time_and_the_lender_gets_it() -> None:
    model = bank(debtor(), saver("lender", 3000.0))
    assert change(model) == [[-62.5], [62.5], [0.0]]
    assert model.exchange.lending.paid == 62.5


def test_the_same_units_of_a_perpetual_owe_nothing() -> None:
    assert change(bank(book("long", {"A": 20.0}, 1000.0), saver("lender", 3000.0))) == [[0.0], [0.0], [0.0]]


@pytest.mark.parametrize("mark", [100.0, 150.0, 60.0])
def test_an_open_profit_or_loss_of_a_perpetual_is_neither_lent_nor_owed(mark: float) -> None:
    """Two lenders with 1,000 dollars each share 62.50, whatever one of them is winning or losing."""
    model = bank(debtor(), book("long", {"A": 10.0}, 1000.0), saver("quiet", 1000.0))
    model.market.mark_price = np.array([mark, 100.0])
    assert change(model) == [[-62.5], [31.25], [31.25], [0.0]]


def test_interest_on_interest_is_owed_from_the_next_settlement_on() -> None:
    model = bank(debtor(), saver("lender", 3000.0))
    assert change(model)[0] == [-62.5]
    assert change(model)[0] == [-62.5 * 17.0 / 16.0 // QUANTUM * QUANTUM]
    assert model.exchange.lending.paid == pytest.approx(62.5 * 33.0 / 16.0, abs=QUANTUM)


def test_a_settlement_covers_all_steps_since_the_last_one_and_there_is_none_in_between() -> None:
    model = bank(debtor(), saver("lender", 3000.0), interest={"interval_steps": 3}, steps=7)
    paid = []
    for _ in range(7):
        model.step()
        paid.append(model.exchange.lending.paid)
    first = 3000.0 / 16.0
    assert paid[:5] == [0.0, 0.0, first, first, first]
    assert paid[5] == paid[6] == pytest.approx(first + (1000.0 + first) * 3.0 / 16.0, abs=QUANTUM)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_off_the_interval_nothing_is_settled(step: int) -> None:
    assert change(bank(debtor(), saver("lender", 3000.0), interest={"interval_steps": 3}), step)[0] == [0.0]


def test_the_treasury_keeps_its_share_and_lenders_split_the_rest_by_what_they_hold() -> None:
    """A fifth of 62.50 is 12.50; the other 50 go in parts of one to three."""
    model = bank(debtor(), saver("one", 500.0), saver("three", 1500.0), interest={"reserve_share": 0.2})
    assert change(model) == [[-62.5], [12.5], [37.5], [12.5]]
    assert model.exchange.lending.paid == 62.5


def test_where_nobody_lends_the_treasury_gets_it_all() -> None:
    assert change(bank(debtor())) == [[-62.5], [62.5]]


def test_the_rate_is_that_of_what_is_borrowed_over_what_is_held() -> None:
    """1,000 of 4,000 dollars are borrowed; the rate is the utilisation itself: a quarter."""
    model = bank(debtor(), saver("lender", 4000.0), interest=SCARCITY)
    assert change(model) == [[-62.5 / 4.0], [62.5 / 4.0], [0.0]]


def test_the_utilisation_of_a_token_is_that_of_its_units() -> None:
    """Five of forty tokens, 500 dollars, are owed: an eighth a year."""
    people = [book("short", {"COIN": -5.0}, 2000.0), saver("holder", 0.0, collateral={"COIN": 4000.0})]
    model = bank(*people, interest=SCARCITY)
    due = 500.0 / 8.0 / 16.0
    assert change(model) == [[-due], [due], [0.0]]


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_token_that_is_owed_is_valued_at_its_mark_and_not_at_the_oracle(factor: float) -> None:
    """Five tokens at half, all, or twice 100 dollars."""
    shift = [{"market": "COIN", "start_step": 1, "end_step": 3, "factor": factor}]
    people = [book("short", {"COIN": -5.0}, 4000.0), saver("holder", 0.0, collateral={"COIN": 1000.0})]
    model = bank(*people, dislocations=shift)
    model.market.advance()
    assert model.market.oracle_price[1] == 100.0
    assert change(model) == [[-500.0 * factor / 16.0], [500.0 * factor / 16.0], [0.0]]


def test_lenders_of_cash_and_lenders_of_tokens_each_get_what_their_own_debtors_pay() -> None:
    people = [
        debtor(),
        book("short", {"COIN": -5.0}, 500.0),
        saver("banker", 1000.0),
        saver("holder", 0.0, collateral={"COIN": 3000.0}),
    ]
    short, holders = 500.0 / 16.0, 20.0 + 30.0  # tokens held: the debtor's own twenty earn too
    paid, cash = 62.5, 1000.0 + 1000.0  # the short's proceeds are cash it lends
    found = change(bank(*people))
    # Cash is settled first: the banker and the short share it.
    assert found[2] == [paid * 1000.0 / cash]
    assert found[1] == [paid * 1000.0 / cash - short]
    assert found[3] == [short * 30.0 / holders]
    assert found[0] == [-paid + short * 20.0 / holders]


def test_a_debt_is_paid_out_of_the_pool_it_stands_in_and_a_loan_is_paid_into_its_own() -> None:
    """The debtor's tokens stand apart; the lender has 600 dollars in its wallet and 200 behind an isolated long."""
    apart = debtor(isolated=["COIN"])
    lender = book("lender", {"A": 20.0}, 800.0, isolated=["A"], posted_share=0.0)
    model = bank(apart, lender)
    one, two = (int(rows(model, i)[0]) for i in (0, 1))
    owed = -float(model.accounts.cash[one, 2])
    assert owed > 0.0 == model.accounts.cash[one, 1]
    held = [float(x) for x in (model.accounts.cash[two, 0], model.accounts.cash[two, 1] + 2000.0)]
    assert held == [600.0, 200.0]
    debts, loans, _ = change(model)
    rest = float(model.accounts.cash[one, 0])
    lent = 800.0 + max(rest, 0.0)
    assert debts[2] == -owed / 16.0
    assert loans[:2] == [pytest.approx(owed / 16.0 * part / lent, abs=QUANTUM) for part in held]


def test_a_token_owed_in_a_pool_of_its_own_is_paid_for_there() -> None:
    people = [
        book("short", {"COIN": -5.0}, 2000.0, isolated=["COIN"]),
        saver("holder", 0.0, collateral={"COIN": 1000.0}, isolated=["COIN"]),
    ]
    model = bank(*people)
    assert model.accounts.cash[rows(model)[0], 2] > 500.0
    short, holder, _ = change(model)
    assert short == [0.0, 0.0, -500.0 / 16.0]
    assert holder == [0.0, 0.0, 500.0 / 16.0]


@pytest.mark.parametrize(("quanta", "paid"), [(0.9, 0.0), (1.7, 1.0), (3.2, 3.0)])
def test_a_payment_is_rounded_down_to_the_quantum(quanta: float, paid: float) -> None:
    model = bank(debtor(), saver("lender", 3000.0), interest={"borrow_rate": quanta * QUANTUM * 16.0 / 1000.0})
    assert change(model) == [[-paid * QUANTUM], [paid * QUANTUM], [0.0]]
    assert model.exchange.lending.paid == paid * QUANTUM


def test_of_odd_quanta_lenders_get_the_share_rounded_down_and_split_to_the_last_one() -> None:
    """Five quanta, of which half are lent on: two, one each to the two largest lenders; the treasury keeps three."""
    people = [debtor(), saver("a", 1500.0), saver("b", 1000.0), saver("c", 500.0)]
    model = bank(*people, interest={"borrow_rate": 5.5 * QUANTUM * 16.0 / 1000.0, "reserve_share": 0.5})
    quanta = [[x / QUANTUM for x in gained] for gained in change(model)]
    assert quanta == [[-5.0], [1.0], [1.0], [0.0], [3.0]]


def test_the_venues_own_rows_neither_lend_nor_owe() -> None:
    """The outside market owes all that was ever paid in, and the fund and the vault hold money of the venue's."""
    model = bank(debtor(), saver("lender", 1000.0), insurance_fund=5000.0, backstop={"capital": 5000.0})
    assert model.accounts.cash[OUTSIDE, SHARED] == -10_000.0
    assert change(model) == [[-62.5], [62.5], [0.0]]


def test_who_pays_and_who_is_paid_is_looked_at_again_and_nobody_else() -> None:
    """A long that won 1,000 dollars and drew 700 of them owes 200 of its own 500."""
    people = [book("debtor", {"A": 10.0}, 500.0), saver("lender", 3000.0), book("other", {"A": -1.0}, 100.0)]
    interest = {**FLAT, "interval_steps": 100}
    model = venue(people, price=storm(100.0, 200.0), interest=interest, loss={"kind": "none"})
    model.run()
    model.accounts.transfer((rows(model), SHARED), (np.array([OUTSIDE]), SHARED), np.array([700.0]), "withdrawal")
    watch = model.exchange.watch
    for _ in range(9):  # until the watch has got used to the new price
        model.exchange.desk.find()
    assert not set(model.traders) & set(watch.suspects())
    model.exchange.lending.settle(0)
    assert model.exchange.lending.paid > 0.0
    assert set(model.traders) & set(watch.suspects()) == {int(rows(model, i)[0]) for i in (0, 1)}


def test_interest_can_cost_an_account_its_margin() -> None:
    """2,000 dollars of tokens and 1,000 of debt, half of the tokens counted: nothing to spare after interest."""
    collateral = {"kind": "flat", "default": {"haircut": 0.45}}
    model = bank(debtor(), saver("lender", 3000.0), collateral=collateral, interest={"borrow_rate": 2.0})
    model.step()
    assert model.accounts.position[rows(model)[0], 1] < 20.0
    assert len(model.exchange.desk.log.events) >= 1
