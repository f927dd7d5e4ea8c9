"""Drift margin: whole-number arithmetic of the program, accounts by hand, and what can only make it harder."""

from dataclasses import replace
from math import isqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.board import Board, Book, Listed, Resting
from simulation.margin.drift import DriftLevel, DriftMargin
from tests.simulation.perpetuals import board

LEVELS: tuple[DriftLevel, ...] = ("initial", "fill", "maintenance")
TEN_THOUSAND, MILLION, BILLION = 10**4, 10**6, 10**9
SPOT = Listed.plain(("A",), "spot")
thousandths = st.integers(1, 100_000)  # of a unit
cents = st.integers(1, 100_000)
weights = st.integers(0, TEN_THOUSAND)
factors = st.integers(0, 10_000)  # in millionths


def rule(**terms: Any) -> DriftMargin:
    settings = {name: terms.pop(name) for name in ("strict", "custom_rate", "profit_cap") if name in terms}
    return DriftMargin.model_validate({"default": terms, **settings})


def flat(name: str, value: float) -> dict[str, float]:
    return {name: value, f"maintenance_{name}": value}


def token(price: float = 100.0, **known: Any) -> Board:
    return Board.at(SPOT, np.array([price]), **known)


def book(cash: float, units: float, cost: float = 0.0, orders: tuple[float, float, float] | None = None) -> Book:
    one = Book(np.array([cash]), np.array([[units]]), np.array([[cost]]))
    if orders is None:
        return one
    bids, asks, count = orders
    return replace(one, resting=Resting(np.array([[bids]]), np.array([[asks]]), np.array([count])))


def root(thousandth: int) -> int:
    """The program's root of a size in billionths, in hundred-thousandths."""
    return isqrt(thousandth * MILLION * 10 + 1)


def dearer(weight: int, factor: int, thousandth: int) -> int:
    """The program's weight of a debt, in ten-thousandths."""
    return max(weight, weight - weight // 5 + root(thousandth) * factor // 10**7)


@given(thousandths, weights, factors)
def test_deposit_weights_are_those_of_whole_number_arithmetic(size: int, weight: int, factor: int) -> None:
    expected = weight
    if factor:
        expected = min(weight, 1_100_000 * TEN_THOUSAND // (MILLION + root(size) * factor // 100_000))
    found = rule(**flat("deposit_weight", weight / TEN_THOUSAND), size_factor=factor / MILLION)
    got = found.deposit_weight(np.array([size / 1000.0]), token(), "maintenance")
    assert got[0] * TEN_THOUSAND == pytest.approx(expected, abs=1e-9)


@given(thousandths, st.integers(TEN_THOUSAND, 2 * TEN_THOUSAND), factors)
def test_debt_weights_are_those_of_whole_number_arithmetic(size: int, weight: int, factor: int) -> None:
    found = rule(**flat("debt_weight", weight / TEN_THOUSAND), size_factor=factor / MILLION)
    got = found.debt_weight(np.array([size / 1000.0]), token(), "initial")
    assert got[0] * TEN_THOUSAND == pytest.approx(dearer(weight, factor, size), abs=1e-9)


@given(thousandths, st.sampled_from((-1.0, 1.0)), cents, st.integers(1, 2000), factors)
def test_margin_of_a_perpetual_is_that_of_whole_number_arithmetic(
    size: int, side: float, price: int, ratio: int, factor: int
) -> None:
    value = size * MILLION * price * TEN_THOUSAND // BILLION
    expected = value * dearer(ratio, factor, size) // TEN_THOUSAND
    both = {"initial_rate": ratio / TEN_THOUSAND, "maintenance_rate": ratio / TEN_THOUSAND}
    found = rule(**both, size_factor=factor / MILLION)
    units, dollars = side * size / 1000.0, price / 100.0
    standing = found.standing(
        Book.opened(np.zeros(1), np.array([[units]]), np.array([dollars])), board(dollars), "fill"
    )
    assert standing.required[0] == pytest.approx(expected / MILLION, abs=1e-9)


def test_deposits_of_everybody_lower_the_initial_weight_alone() -> None:
    terms = rule(deposit_weight=0.9, maintenance_deposit_weight=0.95, deposit_start=500_000.0)
    by_pool = {0.0: 0.9, 19_999.0: 0.9, 20_000.0: 0.9, 40_000.0: 0.45, 60_000.0: 0.3, 70_000.0: 0.2571}
    for deposits, weight in by_pool.items():
        market = token(25.0, deposits=np.array([deposits]))
        initial, fill, maintenance = (float(terms.deposit_weight(np.ones(1), market, x)[0]) for x in LEVELS)
        assert (initial, maintenance) == (weight, 0.95)
        assert fill == pytest.approx(int((weight + 0.95) * 5000 + 1e-9) / 10_000)


def test_profit_counts_in_full_for_maintenance_and_up_to_the_cap_for_new_positions() -> None:
    terms, market = rule(profit_weight=0.5, profit_cap=100.0), board(100.0)
    counted = {-40.0: -40.0, 100.0: 50.0, 1000.0: 100.0}
    for profit, initial in counted.items():
        held = book(0.0, 10.0, 1000.0 - profit)
        assert terms.weighted_profit(held, market, "initial")[0, 0] == initial
        assert terms.weighted_profit(held, market, "maintenance")[0, 0] == profit
    assert terms.weighted_profit(book(0.0, 10.0, 0.0), market, "fill")[0, 0] == 500.0, "the cap is for initial margin"


def test_resting_orders_count_by_the_worse_side_and_by_the_piece() -> None:
    terms, market = rule(initial_rate=0.1), board(100.0)
    sizes = {(1.0, 0.0): 3.0, (0.0, 1.0): 2.0, (0.0, 5.0): 3.0, (2.0, 5.0): 4.0}  # of a long position of 2
    for (bids, asks), worst in sizes.items():
        found = terms.standing(book(0.0, 2.0, 200.0, (bids, asks, 3.0)), market, "initial")
        assert found.required[0] == pytest.approx(worst * 10.0 + 0.03, abs=1e-9)


def test_an_order_for_tokens_counts_as_filled_where_that_is_worse() -> None:
    terms, market = rule(**flat("deposit_weight", 0.8), **flat("debt_weight", 1.2)), token()
    buying = terms.standing(book(10_000.0, 0.0, 0.0, (500.0, 0.0, 1.0)), market, "initial")
    assert (buying.collateral[0], buying.required[0]) == (50_000.0, 50_000.01)
    selling = terms.standing(book(0.0, 10.0, 0.0, (0.0, 60.0, 1.0)), market, "initial")
    assert (selling.collateral[0], selling.required[0]) == (6000.0, 6000.01), "six thousand come in, fifty are owed"
    harmless = terms.standing(book(0.0, 10.0, 0.0, (0.0, 10.0, 1.0)), market, "initial")
    assert (harmless.collateral[0], harmless.required[0]) == (800.0, 0.01), "it is worse if nobody takes it"


def test_initial_checks_take_the_worse_of_price_and_slow_price() -> None:
    terms = rule(**flat("deposit_weight", 0.5), **flat("debt_weight", 2.0))
    market = token(100.0, slow=np.array([90.0]), quote_price=1.01, quote_slow=0.98)
    held, owed = book(1000.0, 1.0), book(-1000.0, -1.0)
    assert terms.standing(held, market, "initial").collateral[0] == pytest.approx(980.0 + 45.0)
    assert terms.standing(held, market, "maintenance").collateral[0] == pytest.approx(1010.0 + 50.0)
    assert terms.standing(owed, market, "initial").required[0] == pytest.approx(1010.0 + 200.0)
    lenient = rule(**flat("deposit_weight", 0.5), strict=False)
    assert lenient.standing(held, market, "initial").collateral[0] == pytest.approx(1010.0 + 50.0)


def test_an_account_that_asks_for_a_rate_of_its_own_is_held_to_it_in_initial_checks() -> None:
    own = rule(custom_rate=0.5, **flat("deposit_weight", 0.8), **flat("debt_weight", 1.2))
    perpetual = Book.opened(np.array([0.0]), np.array([[1.0]]), np.array([100.0]))
    assert own.standing(perpetual, board(100.0), "initial").required[0] == 50.0
    assert own.standing(perpetual, board(100.0), "maintenance").required[0] == 5.0
    assert own.standing(book(0.0, 1.0), token(), "initial").collateral[0] == 50.0
    assert own.standing(book(0.0, -1.0), token(), "initial").required[0] == 150.0
    assert own.standing(book(0.0, -1.0), token(), "maintenance").required[0] == 120.0


def test_the_buffer_counts_losses_twice_and_asks_for_a_share_of_what_is_owed() -> None:
    found = rule().standing(book(100.0, 2.0, 300.0), board(100.0), "maintenance")  # 400 deposited, 100 lost
    assert (found.collateral[0], found.required[0], found.liability[0], found.losses[0]) == (300.0, 10.0, 200.0, 100.0)
    tighter = found.buffered(0.02)
    assert (tighter.collateral[0], tighter.required[0]) == (298.0, 14.0)
    assert found.ratio[0] == 1.5 and found.met[0] and found.shortage[0] == 0.0


def test_terms_in_the_wrong_order_are_refused() -> None:
    for wrong in ({"maintenance_rate": 0.2}, {"profit_weight": 0.9, "maintenance_profit_weight": 0.5}):
        with pytest.raises(ValidationError, match="must be at most"):
            rule(**wrong)
    with pytest.raises(ValidationError, match="deposit_weight"):
        rule(deposit_weight=0.95)
    with pytest.raises(ValidationError, match="maintenance_debt_weight"):
        rule(debt_weight=1.05)


def test_options_owed_count_in_full_and_options_held_for_nothing() -> None:
    listed = Listed(("C",), ("option",), np.zeros(1, np.intp), np.array([100.0]), np.ones(1))
    market = Board.at(listed, np.array([5.0]))
    assert rule().balance(book(50.0, 2.0), market, "maintenance")[0] == 50.0
    assert rule().balance(book(50.0, -2.0), market, "maintenance")[0] == 40.0


amounts = st.floats(-1e5, 1e5)
MIXED = Listed(("A", "B"), ("perpetual", "spot"), np.arange(2), np.full(2, np.nan), np.zeros(2))
FULL = {"size_factor": 0.001, "profit_size_factor": 0.001, "deposit_start": 1e4}


@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=5), st.floats(0.1, 1e3))
def test_requirements_are_ordered_and_rows_do_not_know_each_other(rows: Any, price: float) -> None:
    table = np.array(rows)
    market = Board.at(MIXED, np.array([price, 2.0 * price]), deposits=np.array([0.0, 100.0]))
    books = Book.opened(table[:, 0], table[:, 1:] * 0.01, market.price * [1.1, 0.0])
    terms = rule(**FULL)
    initial, fill, maintenance = (terms.requirement(books, market, level) for level in LEVELS)
    slack = 1e-9 * (np.abs(table).sum() * price + 1.0)
    assert (maintenance <= fill + slack).all() and (fill <= initial + slack).all()
    for i in range(len(rows)):
        alone = Book(books.cash[[i]], books.position[[i]], books.cost[[i]])
        assert terms.requirement(alone, market, "initial")[0] == initial[i]
        assert terms.balance(alone, market, "initial")[0] == terms.balance(books, market, "initial")[i]


@given(amounts, amounts, st.floats(0.0, 1e5), st.sampled_from(LEVELS))
def test_more_collateral_never_lowers_the_balance(cash: float, units: float, more: float, level: DriftLevel) -> None:
    terms, market = rule(**FULL), board(10.0)
    poor, rich = (terms.standing(book(x, units, 10.0 * units), market, level) for x in (cash, cash + more))
    assert rich.collateral[0] - rich.required[0] >= poor.collateral[0] - poor.required[0] - 1e-5


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3), st.floats(0.0, 1e3), st.sampled_from(("perpetual", "spot")))
def test_an_order_never_makes_an_account_better(units: float, bids: float, asks: float, kind: Any) -> None:
    terms, market = rule(size_factor=0.001), Board.at(Listed.plain(("A",), kind), np.array([10.0]))
    without, with_ = book(1e4, units, 10.0 * units), book(1e4, units, 10.0 * units, (bids, asks, 2.0))
    plain, ordered = (terms.standing(each, market, "maintenance") for each in (without, with_))
    free = plain.collateral - plain.required - (ordered.collateral - ordered.required)
    assert free[0] >= -1e-5
