"""Closing prices of bankrupt positions, and winners whose weight is next to nothing: worked by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.deleveraging.base import Bankrupt, Winners
from simulation.deleveraging.min_max import MinMaxDeleveraging
from simulation.deleveraging.pro_rata import ProRataDeleveraging
from simulation.deleveraging.queue import QueueDeleveraging


def bankrupt(value: list[float], maintenance: list[float], mark: list[float], previous: list[float]) -> Bankrupt:
    return Bankrupt(*(np.array(column, float) for column in (value, maintenance, mark, previous)))


def haircuts(deficit: float, pool: Bankrupt, **rule: Any) -> list[float]:
    return QueueDeleveraging.model_validate(rule).haircuts(deficit, pool).tolist()


def winners(lots: list[float], profit: list[float], equity: list[float]) -> Winners:
    held, ones = np.array(lots, float), np.ones(len(lots))
    return Winners(held, np.array(profit, float), 100.0 * ones, np.array(equity, float), ones)


GAP = bankrupt([900.0, 0.0, -300.0], [9.0, 0.0, 15.0], [90.0, 10.0, 30.0], [100.0, 40.0, 29.0])


def test_a_market_in_which_the_pool_has_nothing_has_no_haircut_and_takes_none_from_the_others() -> None:
    assert haircuts(24.0, GAP) == pytest.approx([0.02, 0.0, 0.02])
    assert haircuts(24.0, GAP, attribution="maintenance") == pytest.approx([0.01, 0.0, 0.05])
    assert haircuts(240.0, GAP, price="previous_mark") == pytest.approx([1.0 / 9.0, 0.0, 1.0 / 30.0])


def test_without_requirements_a_deficit_goes_by_notional_after_all() -> None:
    free = bankrupt([900.0, -300.0], [0.0, 0.0], [90.0, 30.0], [90.0, 30.0])
    assert haircuts(24.0, free, attribution="maintenance") == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize("deficit", [0.0, -5.0])
@pytest.mark.parametrize("price", ["bankruptcy", "mark", "previous_mark"])
def test_who_lacks_nothing_is_closed_at_the_mark(deficit: float, price: str) -> None:
    assert haircuts(deficit, GAP, price=price) == [0.0, 0.0, 0.0]


def test_at_the_mark_winners_bear_nothing_whatever_is_lacking() -> None:
    assert haircuts(1e6, GAP, price="mark") == [0.0, 0.0, 0.0]


def test_a_pool_without_positions_has_no_prices_to_move() -> None:
    empty = bankrupt([0.0, 0.0], [0.0, 0.0], [90.0, 30.0], [100.0, 29.0])
    assert haircuts(24.0, empty) == [0.0, 0.0]


@pytest.mark.parametrize(("value", "previous"), [(900.0, 80.0), (-900.0, 100.0)])
def test_a_previous_mark_that_is_worse_for_the_bankrupt_counts_for_nothing(value: float, previous: float) -> None:
    """A long that would have sold at 80 yesterday sells at 90 today."""
    assert haircuts(24.0, bankrupt([value], [9.0], [90.0], [previous]), price="previous_mark") == [0.0]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300))
def test_haircuts_of_the_bankruptcy_price_add_up_to_the_deficit(one: int, other: int, deficit: int) -> None:
    pool = bankrupt([one, -other], [other, one], [10.0, 20.0], [10.0, 20.0])
    for attribution in ("notional", "maintenance"):
        rates = haircuts(float(deficit), pool, attribution=attribution)
        assert rates[0] * one + rates[1] * other == pytest.approx(deficit, rel=1e-12)


def test_lots_go_by_profit_or_by_equity_to_the_lot() -> None:
    crowd = winners([50.0, 50.0, 50.0], profit=[10.0, 20.0, 30.0], equity=[300.0, 200.0, 100.0])
    assert ProRataDeleveraging().allocate(60.0, crowd).tolist() == [10.0, 20.0, 30.0]
    assert MinMaxDeleveraging().allocate(60.0, crowd).tolist() == [30.0, 20.0, 10.0]


@pytest.mark.parametrize("rule", [ProRataDeleveraging(), MinMaxDeleveraging()])
def test_winners_worth_less_than_a_cent_are_still_closed_when_the_rest_is_used_up(
    rule: ProRataDeleveraging | MinMaxDeleveraging,
) -> None:
    """Weights of 0.1 cents and of a loss count as one cent, or the position would stay open with winners left."""
    crowd = winners([5.0, 5.0, 5.0], profit=[0.001, 40.0, -3.0], equity=[0.001, 40.0, -3.0])
    assert rule.allocate(15.0, crowd).tolist() == [5.0, 5.0, 5.0]
    assert rule.allocate(11.0, crowd).tolist() == [3.0, 5.0, 3.0]


def test_the_entry_notional_is_what_was_paid_for_longs_and_taken_for_shorts() -> None:
    lots = np.array([1.0, 2.0])
    columns = {"lots": lots, "profit": np.array([30.0, 50.0]), "notional": np.array([100.0, 50.0])}
    others = {"equity": np.array([70.0, 90.0]), "leverage": np.ones(2)}
    longs, shorts = Winners(**columns, **others, side=1.0), Winners(**columns, **others, side=-1.0)
    assert longs.entry_notional.tolist() == [70.0, 50.0 * 1e-12], "a long that cost nothing has an entry all the same"
    assert shorts.entry_notional.tolist() == [130.0, 100.0]
    assert longs.wallet.tolist() == [40.0, 40.0]
    assert longs.maintenance.tolist() == [0.0, 0.0]
