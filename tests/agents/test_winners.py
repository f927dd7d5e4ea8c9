"""Who may be deleveraged against: listed once, looked at again after each fill, equal to a fresh look."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.winners import WinnerList
from simulation.accounts import QUANTUM
from simulation.arrays import Index
from simulation.deleveraging.base import Winners
from simulation.deleveraging.queue import QueueDeleveraging
from simulation.model import MarketModel
from tests.venues import book, rows, venue

NOBODY: Index = np.empty(0, np.intp)


def fallen(population: list[dict[str, Any]], *marks: float, **more: Any) -> MarketModel:
    """A venue whose mark has been moved by hand from 100."""
    model = venue(population, len(marks), **more)
    model.market.mark_price = np.array(marks)
    return model


def winners(model: MarketModel, market: int = 0, sign: float = -1.0) -> WinnerList:
    return WinnerList(model.engine, market, sign)


def test_winners_are_those_of_the_sign_who_are_in_profit() -> None:
    population = [
        book("short", {"A": -10.0}, 500.0),
        book("long", {"A": 10.0}, 500.0),
        book("idle", {}, 500.0),
        book("other", {"B": -10.0}, 500.0),
    ]
    model = fallen(population, 80.0, 80.0)
    assert winners(model).rows.tolist() == rows(model, 0).tolist()
    assert winners(model, sign=1.0).rows.tolist() == []
    model.market.mark_price = np.array([120.0, 80.0])
    assert winners(model).rows.tolist() == []
    assert winners(model, sign=1.0).rows.tolist() == rows(model, 1).tolist()


def test_a_position_at_its_entry_price_is_no_winner() -> None:
    assert winners(fallen([book("short", {"A": -10.0}, 500.0)], 100.0)).rows.tolist() == []


def test_what_the_rule_sees_by_hand() -> None:
    """Short 10 from 100 with 500 dollars, mark 80: profit 200, notional 800, equity 700."""
    model = fallen([book("short", {"A": -10.0}, 500.0)], 80.0)
    found, seen, skipped = winners(model).eligible(0, 0.01, NOBODY)
    assert found.tolist() == rows(model).tolist()
    assert skipped == 0
    assert seen.lots.tolist() == [10.0 / model.accounts.lot[0]]
    assert (seen.profit.tolist(), seen.notional.tolist(), seen.equity.tolist()) == ([200.0], [800.0], [700.0])
    assert seen.leverage.tolist() == [800.0 / 700.0]


@pytest.mark.parametrize(("rate", "eligible"), [(0.0, 1), (0.8749, 1), (0.875, 1), (0.8751, 0)])
def test_a_haircut_may_take_as_much_as_leaves_leverage_where_it_is(rate: float, eligible: int) -> None:
    """Equity 700 over gross 800 is 0.875: a haircut of more than that share would leave it riskier."""
    found, _, skipped = winners(fallen([book("short", {"A": -10.0}, 500.0)], 80.0)).eligible(0, rate, NOBODY)
    assert (len(found), skipped) == (eligible, 1 - eligible)


def test_the_bankrupt_and_the_barred_are_not_eligible_and_not_counted_as_passed_over() -> None:
    model = fallen([book("a", {"A": -10.0}, 500.0), book("b", {"A": -10.0}, 500.0)], 80.0)
    first, second = rows(model, 0), rows(model, 1)
    listed = winners(model)
    assert listed.eligible(int(first[0]), 0.01, NOBODY)[0].tolist() == second.tolist()
    found, _, skipped = listed.eligible(0, 0.01, second * model.accounts.pools)
    assert (found.tolist(), skipped) == (first.tolist(), 0)


def test_in_isolated_margin_only_the_barred_pool_is_barred() -> None:
    model = fallen([book("a", {"A": -10.0, "B": -10.0}, 500.0)], 80.0, 80.0, margin={"kind": "isolated"})
    barred = rows(model) * model.accounts.pools + 1  # the pool of A
    assert winners(model, 0).eligible(0, 0.01, barred)[0].tolist() == []
    assert winners(model, 1).eligible(0, 0.01, barred)[0].tolist() == rows(model).tolist()


def test_who_is_below_maintenance_is_no_winner_whatever_the_profit() -> None:
    """The short won 200, but its long in B lost 600 of 500 dollars."""
    model = fallen([book("torn", {"A": -10.0, "B": 20.0}, 500.0)], 80.0, 70.0)
    assert winners(model).eligible(0, 0.0, NOBODY)[0].tolist() == []


def test_equity_and_gross_are_those_of_the_pool_the_position_stands_in() -> None:
    model = fallen([book("a", {"A": -10.0, "B": 10.0}, 400.0)], 80.0, 100.0, margin={"kind": "isolated"})
    pool = model.accounts.pool[rows(model)[0], 0]
    _, seen, _ = winners(model).eligible(0, 0.0, NOBODY)
    assert seen.equity.tolist() == [model.accounts.cash[rows(model)[0], pool] - 800.0]
    assert seen.leverage.tolist() == [800.0 / seen.equity[0]]


@given(
    deposits=st.lists(st.floats(150.0, 3000.0), min_size=2, max_size=6),
    fills=st.lists(st.tuples(st.integers(0, 5), st.floats(0.1, 1.0)), max_size=6),
)
@settings(max_examples=40)
def test_a_list_kept_up_to_date_is_a_fresh_list(deposits: list[float], fills: list[tuple[int, float]]) -> None:
    population = [book(f"w{i}", {"A": -10.0}, deposit) for i, deposit in enumerate(deposits)]
    model = fallen(population, 80.0)
    kept = winners(model)
    for who, share in fills:
        row = rows(model, who % len(deposits))
        lots = np.floor(-model.accounts.position[row[0], 0] * share / model.accounts.lot[0])
        model.accounts.trade(row, np.array([[lots * model.accounts.lot[0]]]), np.array([84.0]))
        kept.refresh(row)
    old, new = kept.eligible(0, 0.05, NOBODY), winners(model).eligible(0, 0.05, NOBODY)
    assert old[0].tolist() == new[0].tolist()
    for name in Winners.__dataclass_fields__:
        assert np.array_equal(getattr(old[1], name), getattr(new[1], name))


def test_refreshing_strangers_is_harmless() -> None:
    model = fallen([book("a", {"A": -10.0}, 500.0), book("b", {}, 500.0)], 80.0)
    kept = winners(model)
    kept.refresh(rows(model, 1))
    kept.refresh(NOBODY)
    assert kept.rows.tolist() == rows(model, 0).tolist()


@given(count=st.integers(1025, 2000), seed=st.integers(0, 99), share=st.floats(0.0, 1.2))
@settings(max_examples=20)
def test_of_very_many_winners_the_first_few_are_ranked_as_all_would_be(count: int, seed: int, share: float) -> None:
    """Beyond 1,024 only the top is ranked; the fills must be those of a full sort, ties by account included."""
    draw = np.random.default_rng(seed)
    lots, profit = draw.integers(1, 9, count).astype(float), draw.integers(1, 40, count).astype(float)
    ones = np.ones(count)
    needed = float(np.floor(lots.sum() * share**4))
    fills = QueueDeleveraging().allocate(needed, Winners(lots, profit, ones, ones, ones))
    left, expected = needed, np.zeros(count)
    for i in sorted(range(count), key=lambda i: (-profit[i], i)):
        expected[i] = min(left, lots[i])
        left -= expected[i]
    assert fills.tolist() == expected.tolist()


# Pools of several positions --------------------------------------------------------------------------------------

TWO = book("two", {"A": -10.0, "B": 20.0}, 500.0)


def test_leverage_is_that_of_the_whole_pool_and_a_haircut_must_not_raise_it() -> None:
    """Equity 700 over gross 800 + 2,000 is a quarter, although the position alone could bear far more."""
    model = fallen([TWO], 80.0, 100.0)
    found, seen, _ = winners(model).eligible(0, 0.25, NOBODY)
    assert found.tolist() == rows(model).tolist()
    assert seen.leverage.tolist() == [4.0]
    assert winners(model).eligible(0, 0.2501, NOBODY)[0].tolist() == []


@pytest.mark.parametrize(("deposit", "eligible"), [(350.0, 1), (350.0 - QUANTUM, 0)])
def test_a_winner_exactly_at_maintenance_is_one_and_a_quantum_below_is_none(deposit: float, eligible: int) -> None:
    """A sixteenth of 800 + 1,600 dollars is 150; 200 won in A, 400 lost in B."""
    tiers = [{"floor": 0.0, "maintenance_rate": 0.0625, "initial_rate": 0.125}]
    listed = [{"name": name, "price": 100.0, "depth": 1e7, "tiers": tiers} for name in "AB"]
    model = venue([{**TWO, "deposit": deposit}], markets=listed)
    model.market.mark_price = np.array([80.0, 80.0])
    assert len(winners(model).eligible(0, 0.0, NOBODY)[0]) == eligible


@pytest.mark.parametrize(("rate", "eligible"), [(0.5, 1), (0.5001, 0)])
def test_after_the_haircut_equity_must_still_carry_what_stays_open(rate: float, eligible: int) -> None:
    """500 + 200 won - 200 lost in B are 500; B alone needs 100 of them: 400 of 800 may go. Gross is no bound here."""
    tiers = [{"floor": 0.0, "maintenance_rate": 1.0, "initial_rate": 1.0}]
    cheap = [{"floor": 0.0, "maintenance_rate": 0.001, "initial_rate": 0.001}]
    listed = [
        {"name": name, "price": 100.0, "depth": 1e7, "tiers": rates}
        for name, rates in zip("AB", (cheap, tiers), strict=True)
    ]
    model = venue([book("two", {"A": -10.0, "B": 1.0}, 300.0)], markets=listed)
    model.market.mark_price = np.array([80.0, 100.0])
    assert len(winners(model).eligible(0, rate, NOBODY)[0]) == eligible


def test_the_balance_without_profit_is_that_of_the_position_s_own_pool() -> None:
    """A has won 200 dollars and B 100, each in a pool of its own: 400 dollars were posted in equal parts."""
    model = fallen([book("a", {"A": -10.0, "B": 10.0}, 400.0)], 80.0, 110.0, margin={"kind": "isolated"})
    (wallet,) = winners(model).eligible(0, 0.0, NOBODY)[1].wallet
    assert wallet == pytest.approx(200.0)
