"""Drift liquidations step by step: three visits of a liquidator, amounts cut to whole units, the ends of the share."""

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed
from simulation.liquidation.base import Distressed
from simulation.liquidation.drift import DriftClose, Loan, Progress, Venue
from simulation.liquidation.drift_amounts import Exchange, Fees, Perpetual
from simulation.margin.drift import DriftMargin

MILLION, BILLION = 10**6, 10**9
MARGIN = DriftMargin.model_validate({"default": {"initial_rate": 0.1, "maintenance_rate": 0.05}})
BOARD = Board.at(Listed.plain(("A",)), np.array([100.0]))


def rule(**fields: float) -> DriftClose:
    return DriftClose.model_validate(fields)


def account(deposit: float, size: float, price: float = 100.0) -> Book:
    """A deposit and `size` units that were bought at `price`."""
    cost = np.array([[size * price]])
    return Book(np.array([deposit - size * price]), np.array([[size]]), cost)


def shortage(book: Book) -> float:
    return float(MARGIN.standing(book, BOARD, "maintenance").buffered(0.02).shortage[0])


VENUE = Venue(shortage, lambda size: 0.05, 100.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_three_visits_free_a_tenth_then_six_tenths_then_all_of_what_is_missing(side: float) -> None:
    """20,000 dollars of A at 5 % and 2 % on top need 1,400; there are 500, so 900 are missing.

    A dollar closed frees 7 cents and costs 1 cent for the liquidator and 1 for the fund: 900 / .05 = 18,000 cover it.
    The loss of 2 cents is a debt with a buffer of its own of 2 %, so 4.96 dollars are free for each unit.
    """
    terms = rule()
    first = terms.close(account(500.0, side * 200.0), VENUE, Progress(), 1e9)
    assert (first.units, first.insurance, first.done) == (side * 18.0, 18.0, False)
    assert first.quote == pytest.approx(side * 1_800.0 - 18.0)
    assert first.book.position[0, 0] == side * 182.0
    assert first.freed == pytest.approx(18.0 * 4.96), "900 were missing, 810.72 are"
    # Half of the time gone: .6 of 900 may be free, 89.28 are, so .5559 of 810.72; 162.144 units would cover those.
    second = terms.close(first.book, VENUE, Progress(first.freed, 75.0), 1e9)
    assert abs(second.units) == pytest.approx(162.144 * 0.5559)
    assert second.freed == pytest.approx(first.freed + 4.96 * abs(second.units))
    third = terms.close(second.book, VENUE, Progress(second.freed, 150.0), 1e9)
    assert abs(third.units) == pytest.approx((900.0 - second.freed) / 5.0)
    assert (third.done, third.freed) == (True, 0.0)
    assert shortage(third.book) == pytest.approx(0.04 * abs(third.units), abs=1e-5)


def test_a_liquidator_with_little_money_takes_little_and_the_rest_waits() -> None:
    some = rule().close(account(500.0, 200.0), VENUE, Progress(), 4.0)
    assert (some.units, some.quote, some.insurance, some.done) == (4.0, 396.0, 4.0, False)
    assert some.freed == pytest.approx(4.0 * 4.96)


def test_a_last_step_is_no_larger_than_the_position() -> None:
    """One unit in steps of .3: four steps would be 1.2."""
    all_of_it = rule(step_size=0.3).close(account(-1.0, 1.0), VENUE, Progress(), 1e9)
    assert all_of_it.units == 1.0
    assert all_of_it.book.position[0, 0] == 0.0
    part = rule(step_size=0.3, initial_share=1.0).close(account(500.0, 200.0), VENUE, Progress(), 1.0)
    assert part.units == pytest.approx(1.2), "the liquidator rounds what it takes up to whole steps"


@pytest.mark.parametrize(("size", "quote"), [(0.123456789, 12.222221), (-0.123456789, -12.469134)])
def test_money_is_cut_to_millionths_at_every_turn(size: float, quote: float) -> None:
    """.123456789 at 99.999999 are 12.345678(77); 99 % of that 12.222221(22), 101 % 12.469134(78), 1 % .123456(78)."""
    place = Venue(lambda book: 0.001, lambda units: 0.05, 99.999999)
    closed = rule().close(account(10.0, size, 99.999999), place, Progress(), 1e9)
    assert (closed.units, closed.quote, closed.insurance) == (size, quote, 0.123456)
    assert closed.book.cash[0] == pytest.approx(10.0 - size * 99.999999 + quote - 0.123456, abs=1e-12)
    assert closed.book.cost[0, 0] == pytest.approx(size * 99.999999 - quote + 0.123456, abs=1e-12)


def test_a_debt_too_large_for_the_deposit_takes_the_whole_deposit_and_no_more() -> None:
    taken = rule().take_over(Loan(30.0, 5.0, 400.0, (1.0, 1.1)), Exchange.at(1.0, 100.0, 0.01, 0.01), Progress(), 0.05)
    assert taken.asset == 30.0
    assert taken.liability == pytest.approx(30.0 * 0.99 / 1.01 / 100.0, abs=1e-9)
    assert taken.insurance == 0.0, "an account that lacks more than the margin of its debt pays no fee"


def test_the_share_of_a_takeover_counts_what_was_freed_before() -> None:
    """85 missing and 15 freed of 100: a tenth may be freed at once, which has been; half of the time on, 45 of 85."""
    loan, exchange = Loan(1e6, 50.0, 85.0, (0.8, 1.18)), Exchange.at(1.0, 100.0, 0.0, 0.0)
    assert rule().take_over(loan, exchange, Progress(15.0, 0.0), 0.0).liability == 0.0
    later = rule().take_over(loan, exchange, Progress(15.0, 75.0), 0.0)
    # The liability weighs 1.2 with the buffer: 40 dollars freed by each token.
    assert later.liability == pytest.approx(85.0 / 40.0 * 0.5294, rel=1e-9)


def fraction(equity: float, maintenance: float, notional: float, slots: float = 0.0, **fields: Any) -> float:
    one = (np.array([x]) for x in (equity, maintenance, notional))
    return float(rule(**fields).fraction(Distressed(*one, np.zeros(1), slots, 0.4))[0])


def test_no_more_than_all_of_a_pool_is_closed_and_nothing_of_one_that_lacks_nothing() -> None:
    """1,399 missing of 20,000 dollars, fees leave 6 cents each: 23,317 would be needed."""
    assert fraction(1.0, 1_000.0, 20_000.0, slots=150.0) == 1.0
    assert fraction(1_400.0, 1_000.0, 20_000.0) == 0.0
    assert fraction(5_000.0, 1_000.0, 20_000.0, slots=500.0) == 0.0
    assert fraction(0.0, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(("notional", "whole"), [(50.0, True), (50.01, False)])
def test_a_pool_of_up_to_fifty_dollars_goes_whole(notional: float, whole: bool) -> None:
    assert (fraction(2.9, 2.5, notional) == 1.0) == whole


@given(
    st.integers(1, 10**9), st.integers(10**4, 10**9), st.integers(900_000, 1_100_000), st.integers(0, 2000),
    st.integers(0, 100_000), st.integers(0, 100_000),
)  # fmt: skip
def test_what_covers_a_shortage_is_a_whole_number_of_the_smallest_units(
    missing: int, price: int, quote: int, ratio: int, fee: int, insurance: int
) -> None:
    """Floors after each product; floats may land on the other side of a floor, so one unit of slack, but no halves."""
    dollars = price * quote // MILLION
    freed = dollars * (ratio * 100 - fee) // MILLION - price * insurance // MILLION
    perpetual = Perpetual(1.0, ratio / 10_000, price / MILLION, quote / MILLION)
    found = float(perpetual.cover(missing / MILLION, Fees(fee / MILLION, insurance / MILLION)))
    if ratio * 100 <= fee or freed <= 0:
        assert found == np.inf
        return
    exact = Fraction(missing, freed)
    units = found * BILLION
    if units < 2**40:
        assert abs(units - round(units)) < 1e-3
    assert float(exact) * (1.0 - 2.0 / freed) - 2e-9 <= found <= float(exact) * (1.0 + 2.0 / freed) + 1e-9


@given(
    st.integers(1, 10**9), st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**5), st.integers(0, 10**5)
)
def test_a_swap_is_accepted_from_the_worst_price_on(
    asset: int, asset_price: int, liability_price: int, above: int, below: int
) -> None:
    """Exactly the worst price, a thousandth more, a thousandth less; prices in cents."""
    more, less = 1.0 + above / MILLION, 1.0 - below / MILLION
    exchange = Exchange(asset_price / 100.0, liability_price / 100.0, more, less)
    worst = Fraction(asset_price, liability_price) * (MILLION - below) / (MILLION + above)
    if worst * MILLION < 10_000:
        return  # a price of fewer digits cannot tell a thousandth
    tokens = asset / 1_000.0
    assert bool(exchange.accepts(tokens, tokens * float(worst) * 1.001 + 2e-6))
    assert not bool(exchange.accepts(tokens, tokens * float(worst) * 0.999 - 2e-6))


def test_the_worst_price_of_a_swap_by_hand() -> None:
    """3 * .95 / 7 = .407142(8), over 1.05 .387754(2); 1.163262 for 3 are .387754 each, 1.163261 are .387753."""
    exchange = Exchange(3.0, 7.0, 1.05, 0.95)
    assert [bool(exchange.accepts(3.0, got)) for got in (1.163262, 1.163261)] == [True, False]
    assert [bool(exchange.accepts(1.0, got)) for got in (0.3877545, 0.3877539)] == [True, False]


@pytest.mark.parametrize(("asset_price", "given_"), [(1.0, 12.0), (4.0, 3.0)])
def test_a_dollar_of_the_deposit_is_given_along_whatever_a_token_costs(asset_price: float, given_: float) -> None:
    exchange = Exchange(asset_price, 6.0)
    near = given_ + 0.9 / asset_price
    assert float(exchange.asset_for(2.0, near)) == near
    assert float(exchange.asset_for(2.0, given_ + 1.1 / asset_price)) == given_


@pytest.mark.parametrize(
    ("size", "price", "quote", "rate", "fee"),
    [(10.0, 100.0, 1.0, 0.05, 0.03705), (10.0, 100.0, 1.0, 0.01, 0.0), (0.0, 100.0, 1.0, 0.05, 0.0),
     (10.0, 0.0, 1.0, 0.05, 0.0), (10.0, 100.0, 0.0, 0.05, 0.0), (10.0, 100.0, 1.0, 0.009, 0.0)],
)  # fmt: skip
def test_the_fund_s_fee_needs_a_position_a_price_and_margin_above_the_liquidator_s_fee(
    size: float, price: float, quote: float, rate: float, fee: float
) -> None:
    """1 dollar missing of 1,000 is .1 %: .95 (5 - 1 - .1) % = 3.705 %."""
    assert float(Perpetual(size, rate, price, quote).insurance_fee(1.0, 0.01, 0.05)) == fee


def test_the_fund_s_fee_is_cut_to_millionths() -> None:
    """1 / 7 = .142857 a unit, at 99.99 .001428; .95 (.05 - .01 - .001428) = .036643(4)."""
    assert float(Perpetual(7.0, 0.05, 99.99).insurance_fee(1.0, 0.01, 0.05)) == 0.036643
    assert floor(0.95 * (0.04 - 1.0 / 7.0 / 99.99) * MILLION) == 36_642, "without the cuts in between it is another"
