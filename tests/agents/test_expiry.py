"""The end of a contract, by hand: everybody is paid the settlement price, once, and gets the margin back."""

from typing import Any

import numpy as np
import pytest

from agents.cast import StandardCast
from simulation.accounts import BACKSTOP, OUTSIDE, SHARED
from simulation.journal import Trades
from simulation.model import MarketModel
from tests.venues import TIERS, book, positions, rows, scenario, storm

A = {"name": "A", "price": 100.0, "depth": 1e7, "tiers": TIERS}


def future(days: float = 3 / 24, minutes: float = 0.0, name: str = "F") -> dict[str, Any]:
    terms = {"kind": "future", "underlying": "A", "expiry_days": days, "settlement_minutes": minutes}
    return {**A, "name": name, "instrument": terms}


def listed(
    people: list[dict[str, Any]], *path: float, contract: dict[str, Any] | None = None, **more: Any
) -> MarketModel:
    """Steps of an hour; A is quoted, and a future on it that ends after three of them."""
    built = scenario(people, markets=[A, contract or future()], price=storm(*path), **more)
    return MarketModel(built, StandardCast(), journal=True)


def worth(model: MarketModel, group: int = 0) -> float:
    """Cash in all pools, once nothing is held."""
    assert not positions(model, group)[:, 1].any()
    return float(model.accounts.cash[rows(model, group)[0]].sum())


def stepped(model: MarketModel, steps: int) -> MarketModel:
    for _ in range(steps):
        model.step()
    return model


def entry(model: MarketModel) -> float:
    return float(model.accounts.entry_price[rows(model)[0], 1])


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_at_its_end_a_future_pays_the_index_less_what_was_paid_for_it(side: float) -> None:
    model = listed([book("one", {"F": 10.0 * side}, 1000.0)], 100.0, 101.0, 102.0, 103.0, 150.0)
    paid = entry(model)
    stepped(model, 2)
    assert positions(model)[0, 1] == 10.0 * side
    stepped(model, 1)
    assert worth(model) == pytest.approx(1000.0 + 10.0 * side * (103.0 - paid), abs=1e-4)
    before = worth(model)
    stepped(model, 1)
    assert worth(model) == before, "what has ended moves no more"
    model.accounts.check()


@pytest.mark.parametrize(("minutes", "price"), [(0.0, 112.0), (60.0, 112.0), (120.0, 109.0), (180.0, 106.0)])
def test_the_settlement_price_is_the_average_of_the_index_over_the_window(minutes: float, price: float) -> None:
    """Indices of 100, 106 and 112 in the three hours before the end."""
    model = listed([book("one", {"F": 10.0}, 1000.0)], 100.0, 100.0, 106.0, 112.0, contract=future(minutes=minutes))
    paid = entry(model)
    stepped(model, 3)
    assert worth(model) == pytest.approx(1000.0 + 10.0 * (price - paid), abs=1e-4)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_book_that_is_dislocated_at_the_end_settles_nobody_at_its_own_price(factor: float) -> None:
    shift = [{"market": "F", "start_step": 3, "end_step": 4, "factor": factor}]
    model = listed([book("one", {"F": 10.0}, 5000.0)], 100.0, 100.0, 100.0, 100.0, dislocations=shift)
    paid = entry(model)
    stepped(model, 3)
    assert model.market.mark_price[1] != pytest.approx(100.0, abs=1.0)
    assert worth(model) == pytest.approx(5000.0 + 10.0 * (100.0 - paid), abs=1e-4)


def test_the_margin_of_an_isolated_future_comes_back_to_the_wallet() -> None:
    model = listed([book("one", {"F": 10.0}, 1000.0, isolated=["F"])], 100.0, 100.0, 100.0, 104.0)
    paid = entry(model)
    stepped(model, 3)
    wallet, *apart = model.accounts.cash[rows(model)[0]].tolist()
    assert wallet == pytest.approx(1000.0 + 10.0 * (104.0 - paid), abs=1e-4)
    assert apart == [0.0] * len(apart)


def test_an_isolated_future_that_ends_below_nothing_leaves_a_deficit_with_a_payer() -> None:
    """Ten units from about 100 with 100 dollars end at 80; the wallet was all posted."""
    people = [book("one", {"F": 10.0}, 100.0, isolated=["F"])]
    model = listed(people, 100.0, 100.0, 100.0, 80.0, insurance_fund=500.0)
    paid = entry(model)
    stepped(model, 3)
    (case,) = model.exchange.waterfall.bankruptcies
    assert case.deficit == case.insurance == pytest.approx(10.0 * (paid - 80.0) - 100.0, abs=1e-4)
    assert worth(model) == 0.0


def test_other_positions_of_the_account_stay_open_at_their_own_entry() -> None:
    model = listed([book("one", {"A": 5.0, "F": 10.0}, 1000.0)], 100.0, 101.0, 102.0, 103.0)
    stepped(model, 3)
    assert positions(model).tolist() == [[5.0, 0.0]]
    assert model.accounts.entry_price[rows(model)].tolist() == [[100.0, 0.0]]


def test_longs_and_shorts_and_the_vault_are_all_settled_and_nothing_is_left_over() -> None:
    people = [book("long", {"F": 10.0}, 1000.0), book("short", {"F": -4.0}, 1000.0)]
    model = listed(people, 100.0, 101.0, 102.0, 103.0, backstop={"capital": 1000.0})
    held = np.array([[0.0, 7.0]])
    model.accounts.trade(np.array([BACKSTOP]), held, model.market.mark_price)
    paid = float(model.market.mark_price[1])
    stepped(model, 3)
    assert not model.accounts.position[:, 1].any()
    assert model.accounts.open_interest[1] == 0.0
    assert model.accounts.cash[BACKSTOP, SHARED] == pytest.approx(1000.0 + 7.0 * (103.0 - paid), abs=1e-4)
    assert model.accounts.cash[OUTSIDE, SHARED] == -model.accounts.cash[1:].sum()
    model.accounts.check()


def test_the_ledger_says_what_was_an_end_and_no_fill() -> None:
    model = stepped(listed([book("one", {"F": 10.0}, 1000.0)], 100.0, 101.0, 102.0, 103.0), 3)
    ends = [post for post in model.accounts.journal or [] if isinstance(post, Trades) and post.reason == "expiry"]
    assert len(ends) == 1
    assert model.exchange.clearing.volume[1] == pytest.approx(10.0 * 100.0, rel=1e-2), "only the opening was a trade"
    assert model.exchange.clearing.fees_paid == 0.0


def test_who_was_settled_is_dated_and_looked_at_again() -> None:
    model = listed([book("one", {"F": 1.0}, 1000.0), book("other", {"A": 1.0}, 1000.0)], 100.0, 100.0, 100.0, 100.0)
    stepped(model, 2)
    watch = model.exchange.watch
    assert not set(model.traders) & set(watch.suspects())
    model.market.advance()
    model.exchange.settlement.expire()
    assert set(model.traders) & set(watch.suspects()) == set(rows(model))
    assert model.accounts.reference[rows(model)[0], 1] == model.market.moments.last
