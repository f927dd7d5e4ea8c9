"""Margin of lending markets: the health factor, and the thresholds that ramp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.board import Board, Book, Listed
from simulation.margin.lending import LendingMargin, ramped_threshold
from tests.simulation.margin.options_board import board, book

LISTED = Listed.plain(("A", "B"), "spot")
BOARD = Board.at(LISTED, np.array([100.0, 10.0]))
RULE = LendingMargin.model_validate(
    {"markets": {"A": {"loan_to_value": 0.5, "liquidation_threshold": 0.8}}, "cash": {"liquidation_threshold": 0.9}}
)
amounts = st.floats(-1e3, 1e3)


def account(cash: float, a: float, b: float) -> Book:
    return Book.of(np.array([cash]), np.array([[a, b]]), BOARD.price)


def test_the_health_factor_by_hand() -> None:
    # 100 of A counts 8,000; 6,000 are owed.
    assert RULE.health_factor(account(-6000.0, 100.0, 0.0), BOARD)[0] == pytest.approx(8.0 / 6.0)
    # 1,000 dollars count 900; 20 of B, 200 dollars, are owed.
    assert RULE.health_factor(account(1000.0, 0.0, -20.0), BOARD)[0] == pytest.approx(4.5)
    assert RULE.health_factor(account(10.0, 1.0, 1.0), BOARD)[0] == np.inf


def test_what_cannot_be_borrowed_need_not_be_liquidated() -> None:
    held = account(-6000.0, 100.0, 0.0)
    assert RULE.balance(held, BOARD, "initial")[0] == pytest.approx(5000.0 - 6000.0)
    assert RULE.balance(held, BOARD, "maintenance")[0] == pytest.approx(8000.0 - 6000.0)


@given(amounts.map(lambda x: 100.0 * x), amounts, amounts)
def test_an_account_is_under_exactly_when_its_health_factor_is_below_one(cash: float, a: float, b: float) -> None:
    held = account(cash, a, b)
    balance, debt = RULE.balance(held, BOARD, "maintenance")[0], RULE.debt(held, BOARD)[0]
    if debt > 1.0:
        health = RULE.health_factor(held, BOARD)[0]
        assert health - 1.0 == pytest.approx(balance / debt, rel=1e-9, abs=1e-9 * (1 + abs(health)))
    assert RULE.requirement(held, BOARD, "maintenance")[0] <= RULE.requirement(held, BOARD, "initial")[0] + 1e-6
    assert RULE.requirement(held, BOARD, "maintenance")[0] >= -1e-6


def test_options_held_are_no_collateral() -> None:
    on = board()
    assert RULE.balance(book(0.0, C90=3.0), on, "maintenance")[0] == pytest.approx(0.0)
    assert RULE.balance(book(0.0, C90=-3.0), on, "maintenance")[0] == pytest.approx(-3.0 * on.price[3])


def test_a_threshold_falls_linearly_and_rises_at_once() -> None:
    assert ramped_threshold(0.3, 0.15, 100.0, 17.0) == pytest.approx(0.2745)
    assert ramped_threshold(0.3, 0.15, 100.0, np.array([0.0, 100.0, 500.0])).tolist() == [0.3, 0.15, 0.15]
    assert ramped_threshold(0.3, 0.6, 100.0, 0.0) == 0.6
    assert ramped_threshold(0.3, 0.15, 0.0, 0.0) == 0.15


def test_borrowing_beyond_the_liquidation_threshold_is_refused() -> None:
    with pytest.raises(ValidationError, match="loan_to_value: must be at most the liquidation_threshold"):
        LendingMargin.model_validate({"default": {"loan_to_value": 0.9, "liquidation_threshold": 0.8}})
