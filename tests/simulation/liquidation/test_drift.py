"""Drift liquidations: whole-number arithmetic of the program, its own examples, and what a close achieves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed, Resting
from simulation.liquidation.base import Distressed
from simulation.liquidation.drift import DriftClose, Loan, Progress, Venue
from simulation.liquidation.drift_amounts import Exchange, Fees, Perpetual
from simulation.margin.drift import DriftMargin

MILLION, BILLION = 10**6, 10**9
SLOT_SECONDS = 0.4
MARGIN = DriftMargin.model_validate({"default": {"initial_rate": 0.1, "maintenance_rate": 0.05}})
BOARD = Board.at(Listed.plain(("A",)), np.array([100.0]))
micro = st.integers(1, 10**9)
rates = st.integers(0, 200_000)  # in millionths


def rule(**fields: float) -> DriftClose:
    return DriftClose.model_validate(fields)


def account(deposit: float, size: float, quote: float, bids: float = 0.0) -> Book:
    orders = Resting(np.array([[bids]]), np.zeros((1, 1)), np.array([float(bids > 0.0)]))
    return Book(np.array([deposit + quote]), np.array([[size]]), np.array([[-quote]]), orders)


def venue(buffer_rate: float) -> Venue:
    def shortage(book: Book) -> float:
        return float(MARGIN.standing(book, BOARD, "maintenance").buffered(buffer_rate).shortage[0])

    return Venue(shortage, lambda size: float(MARGIN.rate(np.array([size]), BOARD, "maintenance")[0]), 100.0)


@given(micro, st.integers(1, 10**9), st.integers(0, 5000), rates, rates)
def test_what_covers_a_shortage_is_whole_number_arithmetic(
    shortage: int, price: int, ratio: int, fee: int, insurance: int
) -> None:
    freed = price * (ratio * 100 - fee) // MILLION - price * insurance // MILLION
    possible = ratio * 100 > fee and freed > 0
    expected = shortage * BILLION // freed / BILLION if possible else np.inf
    perpetual = Perpetual(1.0, ratio / 10_000, price / MILLION)
    found = perpetual.cover(shortage / MILLION, Fees(fee / MILLION, insurance / MILLION))
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1.5e-9)


@given(micro, st.integers(0, 10**12), st.integers(0, 10**9), st.integers(1, 2000), rates)
def test_the_insurance_fee_is_whole_number_arithmetic(
    shortage: int, size: int, price: int, ratio: int, fee: int
) -> None:
    expected = 0
    if size and price and ratio * 100 > fee:
        missing = shortage * BILLION // size * MILLION // price
        expected = min(20_000, max(ratio * 100 - fee - missing, 0) * 19 // 20)
    perpetual = Perpetual(size / BILLION, ratio / 10_000, price / MILLION)
    found = float(perpetual.insurance_fee(shortage / MILLION, fee / MILLION, 0.02))
    assert found * MILLION == pytest.approx(expected, abs=1.01), "the last step of three roundings"


def test_closing_frees_margin_less_fees_by_hand() -> None:
    ten_times = Perpetual(100.0, 0.1, 100.0)
    assert float(ten_times.cover(10.0, Fees(0.01, 0.0))) == 1.111111111
    assert float(ten_times.cover(10.0, Fees(0.01, 0.01))) == 1.25
    assert float(replace(ten_times, quote_price=1.01).cover(10.0, Fees(0.0, 0.0))) == 0.990099009
    assert float(ten_times.cover(10.0, Fees(0.1, 0.0))) == np.inf, "a fee as large as the margin frees nothing"
    assert float(ten_times.cover(10.0, Fees(0.05, 0.06))) == np.inf
    assert float(replace(ten_times, price=0.0).cover(10.0, Fees(0.0, 0.0))) == np.inf


def test_taking_over_a_debt_by_hand() -> None:
    plain, dear = Exchange.at(1.0, 100.0, 0.0, 0.0), Exchange.at(1.0, 100.0, 0.1, 0.1)
    assert float(plain.cover(10.0, (0.8, 1.2), 0.0)) == 0.25
    assert float(dear.cover(10.0, (0.8, 1.2), 0.0)) == 0.44998425
    assert float(plain.cover(10.0, (0.8, 1.2), 0.01)) == 0.257731958
    assert float(dear.cover(10.0, (0.8, 1.2), 0.01)) == 0.475669504
    assert float(replace(plain, liability_multiplier=0.75).cover(10.0, (1.0, 1.0), 0.0)) == np.inf
    assert float(replace(plain, liability_multiplier=0.75).cover(10.0, (0.9, 1.2), 0.0)) == np.inf
    small = Exchange.at(1.0, 100.0, 0.01, 0.01)
    assert float(small.liability_for(10.0)) == 0.098019802
    assert float(small.asset_for(1.0, 200.0)) == 102.020202


def test_a_deposit_that_is_almost_used_up_is_given_whole() -> None:
    plain = Exchange.at(1.0, 1.0, 0.0, 0.0)
    assert [float(plain.asset_for(paid, 100.0)) for paid in (98.9, 99.0, 99.3, 100.7)] == [98.9, 99.0, 100.0, 100.0]


def test_the_fee_on_a_debt_leaves_the_account_what_it_needs() -> None:
    exchange = Exchange.at(1.0, 100.0, 0.01, 0.0)
    by_shortage = {5.0: 0.036363, 100.0: 0.0, 1.0: 0.05}
    for shortage, fee in by_shortage.items():
        assert float(exchange.insurance_fee(shortage, 1.0, (1.0, 1.1), 0.05)) == fee
    for tokens, liability in ((0.0, 1.1), (1.0, 0.0), (1.0, 1.0)):
        assert float(exchange.insurance_fee(1.0, tokens, (1.0, liability), 0.05)) == 0.0
    assert float(replace(exchange, liability_multiplier=0.0).insurance_fee(1.0, 1.0, (1.0, 1.1), 0.05)) == 0.0


def test_a_swap_may_be_as_bad_as_the_liquidators_discount_and_no_worse() -> None:
    exchange = Exchange.at(200.0, 1.0, 0.01, 0.0)
    assert [bool(exchange.accepts(1.0, got)) for got in (200.0, 198.1, 198.019801, 198.0)] == [True, True, True, False]


def test_the_liquidators_fee_grows_after_the_grace_time_up_to_its_limit() -> None:
    fees = rule(liquidator_fee_rate=0.02, largest_fee_rate=0.05).fee(np.array([0.0, 1499.0, 1500.0, 1e4, 1e5]))
    assert fees.tolist() == pytest.approx([0.02, 0.02, 0.0215, 0.03, 0.05])


def test_the_share_grows_with_time_and_counts_what_was_freed() -> None:
    terms = rule()
    assert float(terms.share(49.99, 0.0, 0.0)) == 1.0
    assert float(terms.share(50.0, 0.0, 0.0)) == 0.1
    assert float(terms.share(90.0, 70.01, 0.0)) == 0.0, "16 of 160 may be freed, 70 are"
    assert float(terms.share(90.0, 70.01, 75.0)) == 0.2888
    assert float(terms.share(90.0, 70.01, 135.0)) == 1.0
    assert float(rule(duration_slots=0.0).share(90.0, 0.0, 0.0)) == 1.0


@given(st.floats(50.0, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 200.0), st.floats(0.0, 200.0))
def test_shares_lie_between_nothing_and_all_and_waiting_never_shrinks_them(
    shortage: float, freed: float, slots: float, more: float
) -> None:
    early, late = (float(rule().share(shortage, freed, x)) for x in (slots, slots + more))
    assert 0.0 <= early <= late <= 1.0


def test_cancelled_orders_may_be_enough() -> None:
    book = account(150.0, 20.0, -2000.0, bids=10.0)
    closed = rule().close(book, venue(0.02), Progress(), 100.0)
    assert closed.done and closed.units == 0.0 and closed.book.resting is None


def test_an_account_is_closed_down_to_margin_and_buffer_by_hand() -> None:
    closed = rule(step_size=0.01).close(account(5.0, 2.0, -200.0, bids=1.0), venue(0.02), Progress(), 10.0)
    assert closed.done
    after = MARGIN.standing(closed.book, BOARD, "maintenance")
    numbers = (closed.units, closed.quote, closed.insurance, after.ratio[0])
    assert numbers == pytest.approx((1.8, 178.2, 1.8, 0.07))


def test_a_short_position_is_bought_back_at_the_price_and_the_fee() -> None:
    closed = rule(buffer_rate=0.001).close(account(0.0, -1.0, 50.0), venue(0.001), Progress(), 1.0)
    assert (closed.units, closed.quote, closed.insurance) == (-1.0, -101.0, 0.0), "no fee of an account under water"
    assert closed.book.position[0, 0] == 0.0 and -closed.book.cost[0, 0] == -51.0


@given(st.floats(1.0, 400.0), st.floats(-50.0, 8.0), st.sampled_from((-1.0, 1.0)), st.floats(0.0, 200.0))
def test_a_close_takes_no_more_than_there_is_and_covers_all_but_the_buffer_of_its_fees(
    size: float, deposit: float, side: float, slots: float
) -> None:
    terms = rule()
    book = account(deposit * size / 2.0, side * size, -side * size * 100.0)
    before, closed = venue(0.02).shortage(book), terms.close(book, venue(0.02), Progress(0.0, slots), 1e9)
    left, after = closed.book.position[0, 0], venue(0.02).shortage(closed.book)
    assert 0.0 <= side * left <= size and side * closed.units >= 0.0
    fees = abs(closed.units) * 100.0 * 0.01 + closed.insurance
    assert after <= before + 0.02 * fees + 1e-3
    if closed.done and abs(closed.units) < size:
        assert after <= 0.02 * fees + 1e-3
    equity = closed.book.cash[0] + left * 100.0
    assert equity == pytest.approx(deposit * size / 2.0 - fees, abs=1e-4), "what the account loses are the fees"


def test_a_debt_is_taken_over_by_hand() -> None:
    loan = Loan(105.0, 1.0, 7.0, (1.0, 1.1))
    exchange = replace(Exchange.at(1.0, 100.0, 0.0, 0.001), liability_unit=1e-6)
    taken = rule().take_over(loan, exchange, Progress(), 0.001)
    assert (taken.asset, taken.liability, taken.insurance) == (59.441841, 0.593824, 0.000593)
    left = taken.after(loan)
    assert (left.balance, left.debt) == pytest.approx((45.558159, 0.406769))


def test_nobody_takes_over_more_than_the_deposit_pays_for() -> None:
    taken = rule().take_over(Loan(30.0, 1.0, 49.0, (1.0, 1.1)), Exchange.at(1.0, 100.0, 0.0, 0.01), Progress(), 0.0)
    assert (taken.asset, taken.liability) == (30.0, 0.297)


def pools(*rows: tuple[float, float, float], waited: float = 0.0) -> Distressed:
    equity, maintenance, notional = np.array(rows).T
    return Distressed(equity, maintenance, notional, np.zeros(len(rows)), waited, SLOT_SECONDS)


def fractions(found: Distressed, **fields: Any) -> list[float]:
    return rule(**fields).fraction(found).tolist()


def test_in_the_live_market_the_share_of_a_pool_is_that_of_its_shortage() -> None:
    # 900 short of margin and buffer, 6 % of 20,000 less insurance 1 %: 18,000 cover it.
    row = (500.0, 1000.0, 20_000.0)
    assert fractions(pools(row)) == pytest.approx([0.09])
    assert fractions(pools(row, waited=75.0)) == pytest.approx([0.54])
    assert fractions(pools(row, waited=150.0)) == pytest.approx([0.9])


def test_small_and_insolvent_pools_are_closed_whole_and_healthy_ones_not_at_all() -> None:
    found = fractions(pools((1.0, 2.0, 40.0), (-5.0, 1000.0, 20_000.0), (2000.0, 1000.0, 20_000.0)))
    assert found == [1.0, 1.0, 0.0]


def test_a_tiny_shortage_is_covered_at_once() -> None:
    assert fractions(pools((20.0, 25.0, 500.0))) == pytest.approx([15.0 / 500.0 / 0.05], rel=1e-6)
