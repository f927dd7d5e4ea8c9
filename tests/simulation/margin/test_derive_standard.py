"""Derive's standard margin: hand numbers for each part, and what the parts promise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.board import Board
from simulation.margin.derive_standard import DeriveStandardMargin
from tests.simulation.margin.options_board import board, book, books

BOARD = board()
RULE = DeriveStandardMargin()
MARK = RULE.mark(BOARD)
holdings = st.lists(st.integers(-20, 20).map(float), min_size=8, max_size=8).map(lambda held: np.array([held]))


def balance(level: Any = "maintenance", on: Board = BOARD, cash: float = 0.0, **held: float) -> float:
    """Balance of a pool that paid for its contracts: only tokens are held on top of `cash`."""
    one = book(cash, **held)
    value = sum(size * float(on.price[on.listed.names.index(name)]) for name, size in held.items() if name != "SPOT")
    return float(RULE.balance(replace(one, cash=one.cash - value), on, level)[0])


def test_a_perpetual_needs_a_share_of_its_value() -> None:
    assert balance(PERP=-3.0) == pytest.approx(-0.05 * 300.0)
    assert balance("initial", PERP=3.0) == pytest.approx(-0.065 * 300.0)


def test_a_token_counts_by_its_weight() -> None:
    assert balance(cash=5.0, SPOT=2.0) == pytest.approx(5.0 + 0.8 * 200.0)
    assert RULE.mark_to_market(book(5.0, SPOT=2.0), BOARD)[0] == pytest.approx(205.0)


def test_a_call_sold_by_hand() -> None:
    # Out of the money by a tenth: maintenance 7.5 + v, initial max(.15 - .1, .1) 100 + v.
    alone = RULE.isolated(BOARD, "maintenance"), RULE.isolated(BOARD, "initial")
    assert alone[0][4] == pytest.approx(7.5 + MARK[4])
    assert alone[1][4] == pytest.approx(10.0 + MARK[4])
    assert alone[1][3] == pytest.approx(15.0 + MARK[3])  # in the money


def test_a_put_deep_in_the_money_needs_a_multiple_of_its_maintenance() -> None:
    deep = replace(BOARD, spot=np.full(8, 20.0), forward=np.full(8, 20.0))
    mark = float(RULE.mark(deep)[6])
    maintenance = max(0.075 * 20.0, 0.075 * mark) + mark
    assert RULE.isolated(deep, "maintenance")[6] == pytest.approx(maintenance)
    assert RULE.isolated(deep, "initial")[6] == pytest.approx(max(0.15 * 20.0 + mark, 1.05 * maintenance))


def options_need(level: Any = "maintenance", **held: float) -> float:
    columns = np.array([3, 4, 5, 6])
    return float(RULE.expiry_need(book(**held).position, BOARD, columns, level)[0])


def test_a_spread_needs_no_more_than_it_can_lose() -> None:
    assert options_need(C90=1.0, C110=-1.0) == 0.0
    assert options_need(P110=-1.0, P90=1.0) == pytest.approx(min(20.0, RULE.isolated(BOARD, "maintenance")[6]))
    assert options_need(C90=-1.0, C110=1.0) == pytest.approx(min(20.0, RULE.isolated(BOARD, "maintenance")[3]))


def test_a_box_sold_loses_its_width_whatever_happens() -> None:
    held = book(C90=-1.0, C110=1.0, P90=1.0, P110=-1.0).position
    assert RULE.largest_loss(held, BOARD, np.array([3, 4, 5, 6]), "initial")[0] == pytest.approx(20.0)


def test_calls_sold_without_cover_lose_a_multiple_of_the_forward() -> None:
    held = book(C110=-2.0).position
    assert RULE.largest_loss(held, BOARD, np.array([3, 4, 5, 6]), "initial")[0] == pytest.approx(2 * 1.2 * 100.0)
    assert RULE.largest_loss(held, BOARD, np.array([3, 4, 5, 6]), "maintenance")[0] == pytest.approx(2 * 1.1 * 100.0)


def test_options_held_are_worth_nothing_here() -> None:
    assert balance(C90=3.0, P90=2.0) == pytest.approx(-3.0 * BOARD.price[3] - 2.0 * BOARD.price[5])


def test_doubt_is_charged_strictly_below_the_threshold_and_initially_only() -> None:
    at, below = replace(BOARD, confidence=np.full(8, 0.4)), replace(BOARD, confidence=np.full(8, 0.3))
    for held, units in (({"PERP": -2.0}, 2.0), ({"C110": -2.0}, 2.0), ({"C110": 2.0}, 0.0), ({"SPOT": 2.0}, 2.0)):
        assert balance("initial", at, **held) == pytest.approx(balance("initial", **held))
        assert balance("maintenance", below, **held) == pytest.approx(balance("maintenance", **held))
        more = balance("initial", **held) - balance("initial", below, **held)
        assert more == pytest.approx(0.4 * 0.7 * 100.0 * units)


def test_a_cheap_settlement_currency_costs_perpetuals_and_options_sold() -> None:
    cheap = replace(BOARD, quote_price=0.9)
    for held, units in (({"PERP": -2.0}, 2.0), ({"C110": -2.0}, 2.0), ({"C110": 2.0}, 0.0), ({"SPOT": 2.0}, 0.0)):
        more = balance("initial", **held) - balance("initial", cheap, **held)
        assert more == pytest.approx(0.08 * 1.2 * 100.0 * units)


@given(holdings)
@settings(max_examples=40)
def test_initial_balances_are_not_above_maintenance(held: np.ndarray) -> None:
    low, high = (RULE.requirement(books(held), BOARD, level)[0] for level in ("maintenance", "initial"))
    assert low <= high + 1e-9


@given(holdings)
@settings(max_examples=40)
def test_the_largest_loss_is_never_beaten_at_any_price_up_to_the_last_strike(held: np.ndarray) -> None:
    columns = np.array([3, 4, 5, 6])
    bound = RULE.largest_loss(held, BOARD, columns, "maintenance")[0]
    for price in np.linspace(0.0, 110.0, 45):
        payoff = sum(
            held[0, j] * max(BOARD.listed.side[j] * (price - BOARD.listed.strike[j]), 0.0) for j in columns.tolist()
        )
        assert -payoff <= bound + 1e-9


@given(held=holdings, seed=st.integers(0, 99))
@settings(max_examples=15)
def test_the_bytes_of_a_row_do_not_depend_on_company(held: np.ndarray, seed: int) -> None:
    crowd = np.vstack([held, np.random.default_rng(seed).integers(-9, 9, (600, 8))]).astype(float)
    assert RULE.requirement(books(crowd), BOARD, "initial")[0] == RULE.requirement(books(held), BOARD, "initial")[0]


@given(held=holdings, factor=st.floats(0.1, 30.0))
@settings(max_examples=20)
def test_requirements_scale_with_the_book(held: np.ndarray, factor: float) -> None:
    one, many = (RULE.requirement(books(size), BOARD, "initial")[0] for size in (held, factor * held))
    assert many == pytest.approx(factor * one, rel=1e-9, abs=1e-7)
