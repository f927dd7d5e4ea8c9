"""Offsetting without a ranking: by hand, what is refused, and what is conserved."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.board import Board, Book
from simulation.deleveraging.offset import Terms, accepted, deleveraged_at, offset, walk
from simulation.liquidation.dydx import DydxClose
from simulation.margin.dydx import DydxMargin
from tests.simulation.perpetuals import account, accounts, board

RULE = DydxMargin.model_validate({"default": {"initial_rate": 0.2, "maintenance_share": 0.5}})
CLOSE = DydxClose.model_validate({})
PRICE = 50_000.0


def terms(market: Board, price: float | None = None) -> Terms:
    """At the bankruptcy price of the account in row 0, or at a given one."""
    needs: Callable[[Book], Array] = lambda book: RULE.requirements(book, market, "maintenance")  # noqa: E731
    quote: Any = lambda book, delta: CLOSE.bankruptcy_quote(book, market, delta, needs)  # noqa: E731
    if price is not None:
        quote = lambda book, delta: CLOSE.fill_quote(delta, np.array([price]))  # noqa: E731
    return Terms(market, RULE.requirement, quote)


def test_an_account_is_deleveraged_at_bankruptcy_below_zero_and_at_the_oracle_in_a_final_settlement() -> None:
    net = np.array([5.0, 0.0, -1.0])
    for final, oracle in ((False, [False, False, False]), (True, [True, True, False])):
        bankrupt, at_oracle = deleveraged_at(net, np.full(3, final))
        assert bankrupt.tolist() == [False, False, True]
        assert at_oracle.tolist() == oracle


def test_a_pair_trades_at_the_bankruptcy_price_of_the_first() -> None:
    after = offset(accounts([54_999.0, -1.0], [50_000.0, 1.0]), 0, 1.0, terms(board(PRICE)))
    assert after is not None
    assert after.cash.tolist() == [0.0, 104_999.0]
    assert not after.position.any()


def test_a_part_of_a_position_keeps_the_ratio_of_margin_and_is_accepted() -> None:
    after = offset(accounts([54_999.0, -1.0], [50_000.0, 1.0]), 0, 0.1, terms(board(PRICE)))
    assert after is not None
    assert after.cash.tolist() == pytest.approx([49_499.1, 55_499.9])


def test_a_counterparty_below_zero_is_refused() -> None:
    assert offset(accounts([49_999.0, -1.0], [-50_001.0, 1.0]), 0, 1.0, terms(board(PRICE))) is None


@pytest.mark.parametrize("delta", [0.0, 2.0, -1.0])
def test_a_trade_that_would_not_close_both_positions_is_refused(delta: float) -> None:
    assert offset(accounts([54_999.0, -1.0], [50_000.0, 1.0]), 0, delta, terms(board(PRICE))) is None


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((-39_000.0, 1.0), (-39_500.0, 1.0), True),  # 10,500 net of 10,000: initially margined
        ((-46_000.0, 1.0), (-23_000.0, 0.5), True),  # the ratio stays .8, half the requirement
        ((-46_000.0, 1.0), (-23_001.0, 0.5), False),  # the ratio falls
        ((-44_000.0, 1.0), (-65_000.0, 1.5), False),  # the requirement grows
        ((-51_000.0, 1.0), (-1_000.0, 0.0), False),  # nothing is required any more, and it still owes
        ((-10.0, 0.0), (-5.0, 0.0), True),  # nothing is required before or after, and it owes less
        ((-10.0, 0.0), (-10.0, 0.0), False),
    ],
)
def test_what_an_account_may_become(before: tuple[float, float], after: tuple[float, float], verdict: bool) -> None:
    found = accepted(account(*before), account(*after), terms(board(PRICE)))
    assert found.tolist() == [verdict]


def test_who_does_not_overlap_is_skipped_and_the_next_one_is_asked() -> None:
    books = accounts([50_000.0, -1.0], [-50_001.0, 1.0], [50_000.0, 0.4], [90_000.0, 5.0])
    fills, left, after = walk(books, 0, 1.0, terms(board(PRICE)))
    assert [row for row, _ in fills] == [2, 3]
    assert [size for _, size in fills] == pytest.approx([0.4, 0.6])
    assert left == 0.0
    assert after.position[:, 0] == pytest.approx([0.0, 1.0, 0.0, 4.4])
    assert not after.position[[0, 2], 0].any(), "closed means closed, to the last bit"


def test_a_bankrupt_long_sells_to_shorts_as_a_short_buys_from_longs() -> None:
    """Debt of 50,000 against a long of 1: worth nothing, so it sells at 50,000, first to the short in row 1."""
    books = accounts([-50_000.0, 1.0], [90_000.0, -0.75], [50_000.0, 2.0], [400_000.0, -5.0])
    fills, left, after = walk(books, 0, -1.0, terms(board(PRICE)))
    assert fills == [(1, 0.75), (3, 0.25)]
    assert left == 0.0
    assert after.position[:, 0].tolist() == [0.0, 0.0, 2.0, -4.75]
    assert after.cash.tolist() == pytest.approx([0.0, 90_000.0 - 37_500.0, 50_000.0, 400_000.0 - 12_500.0])


def test_who_stands_on_the_same_side_is_no_counterparty_however_rich() -> None:
    assert offset(accounts([54_999.0, -1.0], [9e9, -3.0]), 0, 1.0, terms(board(PRICE))) is None
    assert offset(accounts([54_999.0, -1.0], [9e9, 0.0]), 0, 1.0, terms(board(PRICE))) is None
    assert offset(accounts([9e9, 1.0], [9e9, 3.0]), 0, 1.0, terms(board(PRICE))) is None


def test_a_thousand_small_counterparties_leave_no_dust() -> None:
    """Tenths are no floats: what ten of them leave of one is nothing all the same."""
    books = accounts([4_000_000.0, -100.0], *([90_000.0, 0.1] for _ in range(1_001)))
    fills, left, after = walk(books, 0, 100.0, terms(board(PRICE)))
    assert len(fills) == 1_000
    assert left == 0.0
    assert after.position[0, 0] == 0.0


def test_what_nobody_can_take_is_left() -> None:
    fills, left, after = walk(accounts([50_000.0, -1.0], [-50_001.0, 1.0], [9e9, -3.0]), 0, 1.0, terms(board(PRICE)))
    assert fills == []
    assert left == 1.0
    assert after.position[0, 0] == -1.0


@given(st.lists(st.tuples(st.integers(-20_000, 200_000), st.integers(-300, 300)), min_size=1, max_size=6))
def test_the_walk_conserves_money_and_units_and_never_turns_a_position(others: list[tuple[int, int]]) -> None:
    books = accounts([48_000.0, -1.0], *([float(cash), size / 100] for cash, size in others))
    fills, left, after = walk(books, 0, 1.0, terms(board(PRICE)))
    assert after.cash.sum() == pytest.approx(books.cash.sum(), abs=1e-4)
    assert after.position.sum() == pytest.approx(books.position.sum(), abs=1e-9)
    assert sum(size for _, size in fills) + left == pytest.approx(1.0)
    assert (np.abs(after.position) <= np.abs(books.position) + 1e-12).all()
    assert (after.position * books.position >= -1e-9).all()
    touched = {row for row, _ in fills}
    assert all(after.cash[row] == books.cash[row] for row in range(1, len(books.cash)) if row not in touched)


def test_at_the_oracle_price_nobody_gains_or_loses() -> None:
    market = board(PRICE)
    books = accounts([100_000.0, -1.0], [-45_000.0, 1.0])
    after = offset(books, 0, 1.0, terms(market, PRICE))
    assert after is not None
    assert after.equity(market.price).tolist() == books.equity(market.price).tolist()
