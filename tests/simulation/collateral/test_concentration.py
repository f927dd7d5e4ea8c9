"""Concentrated collateral by hand, in tokens that are not worth a dollar, at both levels."""

from typing import Any

import numpy as np
import pytest

from simulation.arrays import Array
from simulation.board import Board, Book, Listed
from simulation.collateral.base import CollateralRule
from simulation.instrument.weights import pool_discount, pool_premium, size_discount, size_premium
from simulation.rule import load_rules

load_rules("simulation.collateral")
PRICE = np.array([100.0, 50.0])
LISTED = Listed(("PERP", "COIN"), ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))


def counted(coins: float, level: Any, terms: dict[str, float], deposits: float = 0.0, borrows: float = 0.0) -> float:
    """Dollars that `coins` of 50 dollars count for where everybody lends and borrows so many coins."""
    rule = CollateralRule.parse({"kind": "concentration", "default": terms})
    public = {"deposits": np.array([0.0, deposits]), "borrows": np.array([0.0, borrows])}
    book = Book.of(np.zeros(1), np.array([[0.0, coins]]), PRICE)
    return float(rule.value(book, Board.at(LISTED, PRICE, **public), level)[0])


@pytest.mark.parametrize(
    ("deposits", "expected"),
    [(0.0, 80.0), (20.0, 80.0), (40.0, 40.0), (80.0, 20.0)],
)
def test_the_pool_s_deposits_are_counted_in_dollars_of_the_token(deposits: float, expected: float) -> None:
    """2 coins are 100 dollars, 80 after haircut; 1,000 dollars of everybody's coins (20) are the allowance."""
    terms = {"haircut": 0.2, "deposit_start": 1_000.0}
    assert counted(2.0, "initial", terms, deposits=deposits) == pytest.approx(expected)
    assert counted(2.0, "maintenance", terms, deposits=deposits) == pytest.approx(80.0)


@pytest.mark.parametrize(("borrows", "expected"), [(0.0, -110.0), (20.0, -110.0), (30.0, -165.0), (60.0, -330.0)])
def test_a_debt_in_a_crowd_of_debts_needs_more_initially(borrows: float, expected: float) -> None:
    terms = {"debt_premium": 0.1, "borrow_start": 1_000.0}
    assert counted(-2.0, "initial", terms, borrows=borrows) == pytest.approx(expected)
    assert counted(-2.0, "maintenance", terms, borrows=borrows) == pytest.approx(-110.0)


def test_size_is_measured_in_tokens_and_not_in_dollars() -> None:
    """400 coins: 1.1 / (1 + .05 * 20) = .55 of 20,000; 400 owed: .8 * 1.1 + .05 * 20 = 1.88 of 20,000."""
    terms = {"haircut": 0.2, "size_factor": 0.05, "debt_premium": 0.1}
    assert counted(400.0, "maintenance", terms) == pytest.approx(11_000.0)
    assert counted(-400.0, "maintenance", terms) == pytest.approx(-37_600.0)


def test_the_lower_of_two_weights_counts_and_small_holdings_keep_theirs() -> None:
    terms = {"haircut": 0.2, "size_factor": 0.05, "debt_premium": 0.1}
    assert counted(4.0, "maintenance", terms) == pytest.approx(160.0), "1.1 / 1.1 = 1 is above .8"
    assert counted(-4.0, "maintenance", terms) == pytest.approx(-220.0), ".88 + .1 is below 1.1"


def test_the_extra_haircut_and_the_cap_hold_where_they_should() -> None:
    terms = {"haircut": 0.2, "initial_extra": 0.3, "cap": 1_000.0}
    assert counted(10.0, "maintenance", terms) == pytest.approx(400.0)
    assert counted(10.0, "initial", terms) == pytest.approx(250.0)
    assert counted(100.0, "maintenance", terms) == 1_000.0
    assert counted(100.0, "initial", terms) == 1_000.0
    assert counted(10.0, "initial", {"haircut": 0.9, "initial_extra": 0.3}) == 0.0, "no weight is below 0"


def test_pool_weights_bend_at_their_start_and_nowhere_else() -> None:
    sizes: Array = np.array([0.0, 50.0, 100.0, 200.0, 400.0])
    weight, start = np.full(5, 0.8), np.full(5, 100.0)
    assert pool_discount(weight, sizes, start).tolist() == pytest.approx([0.8, 0.8, 0.8, 0.4, 0.2])
    assert pool_premium(weight, sizes, start).tolist() == pytest.approx([0.8, 0.8, 0.8, 1.6, 3.2])


def test_size_weights_with_units_round_against_the_account() -> None:
    """In hundredths: root 9.99 to 9.99 (thousandths), .07 * 9.99 = .6993, 1.1 / 1.6993 = .647 to .64."""
    units = np.array([99.8])
    assert size_discount(np.array([0.9]), np.array([0.07]), units, 0.01) == pytest.approx([0.64])
    # .8 * 1.11 = .888 up to .89, .07 * 9.99 = .6993 down to .69.
    assert size_premium(np.array([1.11]), np.array([0.07]), units, 0.01) == pytest.approx([1.58])


def test_without_a_factor_size_changes_nothing_even_where_a_weight_is_above_the_headroom() -> None:
    units = np.array([0.0, 1e6])
    assert size_discount(np.array([1.2, 1.2]), np.zeros(2), units).tolist() == [1.2, 1.2]
    assert size_premium(np.array([1.2, 1.2]), np.zeros(2), units).tolist() == [1.2, 1.2]
