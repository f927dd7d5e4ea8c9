"""Hyperliquid's margin and Binance's unified account: hand numbers and what their formulas promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed
from simulation.margin.hyperliquid import HyperliquidMargin
from simulation.margin.tiers import TierSchedule
from simulation.margin.unified import UnifiedMargin
from tests.simulation.margin.options_board import board, book

HYPER = HyperliquidMargin()
TIERS = TierSchedule.by_leverage([[0.0, 1e5]], [[20.0, 10.0]], 0.5)
LISTED = Listed(("COIN", "PERP"), ("spot", "perpetual"), np.array([0, 0]), np.full(2, np.nan), np.zeros(2))
BOARD = Board.at(LISTED, np.array([100.0, 100.0]))
UNIFIED = UnifiedMargin()


def account(cash: float, coins: float, perps: float) -> Book:
    return Book.of(np.array([cash]), np.array([[coins, perps]]), BOARD.price)


def test_maintenance_is_half_of_initial_at_the_largest_leverage_whatever_leverage_was_chosen() -> None:
    notional = np.array([[10_000.0]])
    assert HYPER.maintenance(notional, TIERS)[0, 0] == pytest.approx(250.0)
    assert HYPER.initial_at(notional, 10.0, TIERS)[0, 0] == pytest.approx(1000.0)
    assert HYPER.initial_at(notional, 50.0, TIERS)[0, 0] == pytest.approx(500.0), "no more than the market allows"


def test_tiers_of_maintenance_have_deductions() -> None:
    # 150,000: 10 % tier less 100,000 x (.1 - .05), half of it.
    assert HYPER.maintenance(np.array([[150_000.0]]), TIERS)[0, 0] == pytest.approx((15_000.0 - 5_000.0) / 2.0)


def test_a_withdrawal_leaves_a_tenth_of_the_notional() -> None:
    notional = np.array([[1_000.0, 1_000.0]])
    assert HYPER.transfer_requirement(notional, np.array([[25.0, 200.0]])).tolist() == [[100.0, 200.0]]


@given(st.floats(0.0, 1e7), st.floats(0.0, 1e6))
def test_its_steepness_bounds_its_growth(notional: float, more: float) -> None:
    low, high = (HYPER.maintenance(np.array([[size]]), TIERS)[0, 0] for size in (notional, notional + more))
    assert high - low <= HYPER.steepness(TIERS)[0] * more * (1 + 1e-9) + 1e-6


def test_collateral_is_cut_and_debt_is_not() -> None:
    assert UNIFIED.adjusted_equity(account(50.0, 2.0, 0.0), BOARD)[0] == pytest.approx(50.0 + 190.0)
    assert UNIFIED.adjusted_equity(account(500.0, -2.0, 0.0), BOARD)[0] == pytest.approx(300.0)


def test_the_ratio_by_hand() -> None:
    # 100 cash, 5 coins at 95 %, 10 perpetuals bought at 100: margin 50.
    held = account(100.0, 5.0, 0.0)
    held = Book(held.cash - 1000.0, np.array([[5.0, 10.0]]), np.array([[500.0, 1000.0]]))
    assert UNIFIED.margin(held, BOARD, "maintenance")[0] == pytest.approx(50.0)
    assert UNIFIED.ratio(held, BOARD)[0] == pytest.approx((100.0 + 475.0) / 50.0)
    assert UNIFIED.ratio(account(5.0, 1.0, 0.0), BOARD)[0] == np.inf


def test_loans_of_tokens_and_of_cash_need_a_tenth() -> None:
    np.testing.assert_allclose(UNIFIED.loan_maintenance(account(0.0, -3.0, -5.0), BOARD), [[30.0, 0.0]])
    assert UNIFIED.margin(account(-200.0, 10.0, 0.0), BOARD, "maintenance")[0] == pytest.approx(20.0)


@given(st.floats(-1e4, 1e4), st.floats(-50.0, 50.0), st.floats(-50.0, 50.0))
def test_the_requirement_is_met_exactly_when_the_ratio_is_one(cash: float, coins: float, perps: float) -> None:
    held = account(cash, coins, perps)
    balance, needed = UNIFIED.balance(held, BOARD, "maintenance")[0], UNIFIED.margin(held, BOARD, "maintenance")[0]
    if needed > 1e-6:
        assert UNIFIED.ratio(held, BOARD)[0] - 1.0 == pytest.approx(balance / needed, rel=1e-6, abs=1e-6)


def test_options_held_are_no_collateral_and_options_sold_need_margin() -> None:
    on = board()
    assert UNIFIED.balance(book(0.0, C90=2.0), on, "maintenance")[0] == pytest.approx(0.0)
    sold = UNIFIED.balance(book(100.0, C90=-2.0), on, "maintenance")[0]
    assert sold == pytest.approx(100.0 - 2.0 * on.price[3] - 2.0 * 0.05 * 100.0)


def test_terms_are_by_market() -> None:
    rule = UnifiedMargin.model_validate({"markets": {"COIN": {"collateral_rate": 0.5}}})
    assert rule.adjusted_equity(account(0.0, 2.0, 0.0), BOARD)[0] == pytest.approx(100.0)
