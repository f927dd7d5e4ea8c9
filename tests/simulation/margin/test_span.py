"""SPAN: the sixteen scenarios, scan risk, extremes, netting."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.instrument.black_scholes import Vanilla, black76
from simulation.margin.span import SpanMargin, combined, scan_risk
from tests.simulation.margin.options_board import board, book, books

BOARD, RULE = board(), SpanMargin()
holdings = st.lists(st.integers(-20, 20).map(float), min_size=8, max_size=8).map(lambda held: np.array([held]))


def test_the_array_of_a_future_by_hand() -> None:
    array = RULE.linear_array(np.array([3.0]), 300.0)[0]
    steps = [0, 0, 300, 300, -300, -300, 600, 600, -600, -600, 900, 900, -900, -900]
    np.testing.assert_allclose(array, [*steps, 630.0, -630.0], atol=1e-9)
    assert scan_risk(array[None])[0] == pytest.approx(900.0)


def test_a_future_needs_its_scan_range_and_an_offset_one_nothing() -> None:
    assert RULE.requirement(book(PERP=-2.0), BOARD, "maintenance")[0] == pytest.approx(30.0)
    assert RULE.requirement(book(PERP=-2.0, FUT=2.0), BOARD, "maintenance")[0] == pytest.approx(0.0)
    assert RULE.requirement(book(PERP=-2.0), BOARD, "initial")[0] == pytest.approx(33.0)


def test_arrays_add_up_inside_a_commodity() -> None:
    arrays = np.array([[10.0, -4.0], [-10.0, 3.0]])
    np.testing.assert_allclose(combined(np.array([[1.0, 2.0]]), arrays), [[2.0, -4.0]])
    assert scan_risk(np.array([[5.0, 2.0]]))[0] == 0.0


@given(holdings)
@settings(max_examples=30)
def test_scan_risk_equals_brute_force(held: np.ndarray) -> None:
    total = 0.0
    for columns in (range(7), range(7, 8)):
        worst = 0.0
        moves = [(third / 3.0 * 0.15, up, 1.0) for third in (0, 1, -1, 2, -2, 3, -3) for up in (0.25, -0.25)]
        for move, shock, cover in [*moves, (0.3, 0.0, 0.35), (-0.3, 0.0, 0.35)]:
            profit = 0.0
            for j in columns:
                if BOARD.listed.option[j]:
                    option = Vanilla(BOARD.listed.side[j], BOARD.listed.strike[j], BOARD.years[j])
                    new = black76(option, 100.0 * (1 + move), 0.8 * (1 + shock))
                    profit += held[0, j] * float(new - black76(option, 100.0, 0.8))
                else:
                    profit += held[0, j] * BOARD.price[j] * move
            worst = max(worst, -profit * cover)
        total += worst
    assert RULE.scan_risk(books(held), BOARD)[0] == pytest.approx(total, rel=1e-9, abs=1e-9)


@given(holdings)
@settings(max_examples=30)
def test_netting_never_needs_more_than_the_positions_alone(held: np.ndarray) -> None:
    alone: Any = sum(
        RULE.scan_risk(books(np.where(np.arange(8) == j, held, 0.0)), BOARD)[0] for j in range(held.shape[1])
    )
    assert RULE.scan_risk(books(held), BOARD)[0] <= alone * (1 + 1e-9) + 1e-9


def test_options_sold_need_a_minimum() -> None:
    rule = SpanMargin(short_option_rate=0.5)
    assert rule.requirement(book(C110=-2.0, P90=1.0), BOARD, "maintenance")[0] == pytest.approx(100.0)


def test_the_minimum_of_options_sold_is_that_of_their_asset_and_not_of_the_book() -> None:
    """100 of OTHER at 10 dollars scan 150; two calls sold on the other asset need 100 whatever OTHER needs."""
    rule = SpanMargin(short_option_rate=0.5)
    assert rule.requirement(book(OTHER=100.0), BOARD, "maintenance")[0] == pytest.approx(150.0)
    assert rule.requirement(book(C110=-2.0, P90=1.0, OTHER=100.0), BOARD, "maintenance")[0] == pytest.approx(250.0)
    assert rule.requirement(book(C110=-2.0, P90=1.0, OTHER=100.0), BOARD, "initial")[0] == pytest.approx(275.0)


@given(holdings, st.floats(0.0, 1.0))
@settings(max_examples=30)
def test_the_requirement_is_the_larger_of_both_asset_by_asset(held: np.ndarray, rate: float) -> None:
    rule, total = SpanMargin(short_option_rate=rate), 0.0
    for columns in (np.arange(8) < 7, np.arange(8) == 7):
        part = np.where(columns, held, 0.0)
        least = sum(rate * 100.0 * max(-part[0, j], 0.0) for j in range(3, 7))
        total += max(float(RULE.scan_risk(books(part), BOARD)[0]), least)
    assert rule.requirement(books(held), BOARD, "maintenance")[0] == pytest.approx(total, rel=1e-9, abs=1e-9)
