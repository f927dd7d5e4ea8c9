"""Isolated margin of Vega: orders that net, transfers when a position changes, the switch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Book
from simulation.margin.vega import RestingOrder
from simulation.margin.vega_isolated import Orders, VegaIsolatedMargin
from tests.simulation.perpetuals import board

BUYS = ((1.0, 50.0), (2.0, 40.0), (3.0, 20.0))
SELLS = ((1.0, 20.0), (2.0, 40.0), (3.0, 50.0))
lots = st.integers(0, 60)


def rule(share: float = 0.5, unit: float = 1.0) -> VegaIsolatedMargin:
    return VegaIsolatedMargin.model_validate({"margin_share": share, "unit": unit})


def resting(*pairs: tuple[float, float]) -> list[RestingOrder]:
    return [RestingOrder(size, price) for size, price in pairs]


def orders(buys: Any = BUYS, sells: Any = SELLS) -> Orders:
    return Orders(resting(*buys), resting(*sells))


@pytest.mark.parametrize(
    ("position", "given_", "auction", "margin"),
    [
        (0.0, orders(sells=()), 0.0, 95),
        (2.0, orders(sells=()), 0.0, 95),  # a long covers no buys
        (-0.4, orders(sells=()), 0.0, 85),  # of the first buy only .6 count
        (-2.0, orders(sells=()), 0.0, 50),  # and of the second 1.0
        (-6.0, orders(sells=()), 0.0, 0),
        (0.4, orders(buys=()), 0.0, 121),
        (2.0, orders(buys=()), 0.0, 95),
        (2.0, orders(sells=()), 42.0, 130),  # in an auction at no less than its price
        (-2.0, orders(sells=()), 42.0, 84),
        (2.0, orders(buys=()), 42.0, 96),
        (0.4, orders(buys=()), 42.0, 129),  # 129.6 cut
        (2.5, orders(), 0.0, 95),  # the costlier side: 95 to buy, 85 to sell
        (-2.0, orders(), 0.0, 125),
    ],
)
def test_order_margin_by_hand(position: float, given_: Orders, auction: float, margin: int) -> None:
    assert rule().order_margin(position, given_, auction) == margin


@given(st.lists(st.tuples(lots, st.integers(1, 100)), max_size=5), st.integers(-60, 60))
def test_order_margin_is_that_of_lots_counted_one_by_one(buys: list[tuple[int, int]], position: int) -> None:
    """Sizes in tenths of a unit; the best-priced lots close the short for free."""
    prices = sorted((price for size, price in buys for _ in range(size)), reverse=True)
    wanted = sum(prices[max(-position, 0) :]) * 0.05
    found = rule(unit=0.0).order_margin(position / 10, orders([(s / 10, float(p)) for s, p in buys], ()))
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("before", "trades", "balance", "mark", "released"),
    [
        (0.0, ((0.5, 12.0), (1.0, 10.0)), 1000.0, 0.0, -8.0),  # grows: half of 16
        (0.0, ((-1.0, 10.0), (-0.5, 12.0)), 1000.0, 0.0, -8.0),
        (2.0, ((-0.5, 12.0), (-1.0, 10.0)), 40.0, 12.0, 27.0),  # average 10 (cut): (40 - 4) 3/4
        (-2.0, ((0.5, 10.0), (1.0, 12.0)), 40.0, 12.0, 28.0),  # a short, with the long's sign: (40 - 2) 3/4
        (2.0, ((-1.5, 11.0), (-1.0, 12.0)), 1000.0, 0.0, 997.0),  # changes sides: .5 units at 12 are opened
        (2.0, ((-1.5, 11.0), (-1.0, 12.0)), 1.0, 0.0, -2.0),
        (-2.0, ((1.0, 12.0), (1.5, 11.0)), 1000.0, 0.0, 998.0),  # .5 at 11 cost 2.75, cut to 2
        (2.0, ((-2.0, 12.0),), 40.0, 12.0, 40.0),  # closed: everything comes back
    ],
)
def test_transfers_when_a_position_changes(
    before: float, trades: Any, balance: float, mark: float, released: float
) -> None:
    assert rule().released(before, resting(*trades), balance, mark) == released


def test_a_switch_margins_position_and_all_orders() -> None:
    held, waiting, free = rule(0.3).switch(3.0, 15_800.0, orders([(1.0, 15_500.0)], ()), 1e11)
    assert (held, waiting, free) == (14_220.0, 4_650.0, 99_999_981_130.0)


@given(st.floats(0.05, 1.0), st.floats(-5.0, 5.0), st.floats(1.0, 100.0), st.floats(0.0, 1e4))
def test_a_switch_moves_money_and_makes_none(share: float, position: float, entry: float, funds: float) -> None:
    parts = rule(share, 1e-6).switch(position, entry, orders(), funds)
    assert sum(parts) == pytest.approx(funds, abs=1e-5)
    assert min(parts[:2]) >= 0.0


def test_a_position_is_opened_with_its_share_and_closed_out_by_maintenance() -> None:
    margin = VegaIsolatedMargin.model_validate({"margin_share": 0.3, "unit": 0.0})
    book, market = Book.opened(np.array([1e4]), np.array([[10.0]]), np.array([100.0])), board(90.0)
    assert margin.segregated
    assert margin.requirement(book, market, "initial")[0] == pytest.approx(300.0)
    assert margin.requirement(book, market, "maintenance")[0] == pytest.approx(90.0)
    assert margin.requirement(book, board(500.0), "initial")[0] == pytest.approx(500.0), "maintenance has overtaken it"


@pytest.mark.parametrize("position", [-3.0, 0.0, 3.0])
def test_without_trades_nothing_is_released(position: float) -> None:
    assert rule().released(position, resting(), 100.0, 50.0) == 0.0
