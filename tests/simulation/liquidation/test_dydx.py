"""dYdX liquidation orders: by hand, against fractions, and what they promise."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulation.arrays import Array
from simulation.board import Board, Book
from simulation.liquidation.base import Distressed
from simulation.liquidation.dydx import DydxClose, Risk, riskier, riskiest_first
from simulation.margin.dydx import DydxMargin
from tests.simulation.perpetuals import account, board

RATE = 0.1  # maintenance of every market here, fraction of notional
PRICES = (50_000.0, 3_000.0)
amounts = st.integers(-(10**6), 10**6)


def close(**fields: Any) -> DydxClose:
    return DydxClose.model_validate(fields)


def needs(market: Board) -> Callable[[Book], Array]:
    return lambda book: np.abs(book.position) * market.price * RATE


def bankruptcy(book: Book, market: Board, *delta: float) -> float:
    return float(close().bankruptcy_quote(book, market, np.array([delta]), needs(market))[0])


def test_a_long_that_is_all_there_is_sells_for_what_leaves_nothing() -> None:
    market = board(*PRICES)
    book = account(-4_501.0, 0.1, 0.0)
    assert bankruptcy(book, market, -0.1, 0.0) == 4_501.0
    assert bankruptcy(book, market, -0.05, 0.0) == 2_250.5


def test_collateral_is_attributed_by_maintenance_requirement() -> None:
    """Net 1,000; requirements 500 and 300: five eighths of the collateral stand behind A, three behind B."""
    market = board(*PRICES)
    book = account(1_000.0 - 5_000.0 + 3_000.0, 0.1, -1.0)
    assert bankruptcy(book, market, -0.1, 0.0) == 5_000.0 - 625.0
    assert bankruptcy(book, market, 0.0, 1.0) == -3_000.0 - 375.0


def test_a_fraction_of_a_millionth_is_rounded_in_favour_of_the_fund() -> None:
    market = board(*PRICES)
    assert bankruptcy(account(-13.0, 1.0, 0.0), market, -0.00021347, 0.0) == 0.002776


@given(st.integers(-(10**5), 10**5), st.integers(1, 1000), st.integers(-1000, 1000), st.integers(1, 1000))
def test_the_bankruptcy_quote_is_that_of_fractions(cash: int, size: int, other: int, part: int) -> None:
    """Sizes in hundredths of a unit, and A is long."""
    assume(part <= size)
    market = board(100.0, 30.0)
    book = account(cash, size / 100, other / 100)
    net = Fraction(cash) + size + Fraction(30 * other, 100)
    total = (size + Fraction(30 * abs(other), 100)) / 10
    attributed = floor(net * Fraction(part, 10) / total * 10**6)
    wanted = part - Fraction(attributed, 10**6)
    assert bankruptcy(book, market, -part / 100, 0.0) == pytest.approx(float(wanted), abs=1.5e-6)


@given(st.floats(-500.0, 500.0), st.floats(0.1, 10.0), st.floats(-10.0, 10.0))
def test_closing_everything_at_bankruptcy_prices_leaves_nothing(cash: float, size: float, other: float) -> None:
    market = board(100.0, 30.0)
    book = account(cash, size, other)
    received = bankruptcy(book, market, -size, 0.0) + bankruptcy(book, market, 0.0, -other)
    assert cash + received == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("adjustment", "spread", "cash", "size", "price"),
    [
        (1.0, 0.1, -4_501.0, 0.1, 49_999.0),  # a = 1 - 499/500, 0.1 * 500 * 0.002 = 0.1 over 0.1 units
        (2.0, 0.1, 5_499.0, -0.1, 50_002.0),
        (1.0, 0.2, 5_499.0, -0.1, 50_002.0),
        (1.0, 0.1, -5_500.0, 0.1, 49_500.0),  # beyond bankruptcy a = 1: one spread, no more
        (1.0, 0.1, -4_000.0, 0.1, 50_000.0),  # healthy: at the oracle
    ],
)
def test_the_limit_price_by_hand(adjustment: float, spread: float, cash: float, size: float, price: float) -> None:
    market = board(50_000.0)
    rule = close(bankruptcy_adjustment=adjustment, spread_share=spread)
    found = rule.limit_price(account(cash, size), market, needs(market))
    assert found[0, 0] == pytest.approx(price, rel=1e-12)


@given(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4), st.sampled_from([-0.2, 0.3]))
def test_the_limit_price_worsens_with_the_account_and_keeps_its_spread(one: float, other: float, size: float) -> None:
    market = board(50_000.0)
    poor, rich = (
        float(close().limit_price(account(cash, size), market, needs(market))[0, 0]) for cash in sorted((one, other))
    )
    worse = (rich - poor) * np.sign(size)
    assert worse >= -1e-6
    assert abs(poor - 50_000.0) <= 0.1 * RATE * 50_000.0 + 1e-6


def test_who_holds_nothing_has_no_limit_price() -> None:
    market = board(*PRICES)
    assert np.isnan(close().limit_price(account(100.0, 0.1, 0.0), market, needs(market))[0, 1])


@pytest.mark.parametrize(
    ("fill", "bankrupt", "delta"),
    [
        (5_610.0, 5_100.0, 28.05),
        (5_105.1, 5_100.0, 5.1),
        (5_100.0, 5_100.0, 0.0),
        (5_049.0, 5_100.0, -51.0),
        (-4_410.0, -4_900.0, 22.05),
    ],
)
def test_the_fund_takes_the_fee_or_the_surplus_and_pays_what_lacks(fill: float, bankrupt: float, delta: float) -> None:
    rule = close(penalty_rate=0.005)
    assert rule.fund_delta(np.array([fill]), np.array([bankrupt]))[0] == delta


@given(amounts, amounts)
def test_the_fund_never_makes_an_account_worse_than_bankrupt(fill: int, bankrupt: int) -> None:
    delta = close().fund_delta(np.array([float(fill)]), np.array([float(bankrupt)]))[0]
    assert delta <= max(fill - bankrupt, 0) or delta == fill - bankrupt
    assert delta <= 0.015 * abs(fill) + 1e-9 or fill <= bankrupt
    assert fill - delta >= bankrupt - 1e-9, "after fee or subsidy the account has at least its bankruptcy quote"


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e4), st.floats(0.01, 1.0))
def test_size_limits_are_in_order_and_within_the_position(notional: float, smallest: float, share: float) -> None:
    least, most = close(smallest_notional=smallest, largest_share=share).size_limits(np.array([-notional]))
    assert 0.0 <= least[0] <= most[0] <= notional
    assert most[0] >= min(smallest, notional)


def test_only_an_account_strictly_below_a_requirement_is_liquidated() -> None:
    net, need = np.array([100.0, 99.0, 0.0, -5.0, 101.0]), np.array([100.0, 100.0, 0.0, 0.0, 100.0])
    assert close().liquidatable(net, need).tolist() == [False, True, False, False, False]


@given(amounts, st.integers(0, 10**6), amounts, st.integers(0, 10**6))
def test_the_order_of_risk_is_antisymmetric_and_follows_the_ratio(net: int, need: int, net2: int, need2: int) -> None:
    one, other = Risk(net, need), Risk(net2, need2)
    assert riskier(one, other) == -riskier(other, one)
    if need and need2 and Fraction(net, need) != Fraction(net2, need2):
        assert riskier(one, other) == (1 if Fraction(net, need) < Fraction(net2, need2) else -1)
    assert riskier(one, one) == 0


@given(st.lists(st.tuples(amounts, st.integers(1, 10**6)), min_size=1, max_size=8))
def test_the_ranking_agrees_with_comparing_in_pairs(accounts: list[tuple[int, int]]) -> None:
    net, need = (np.array(column, float) for column in zip(*accounts, strict=True))
    order = riskiest_first(net, need)
    ranked = [Risk(float(net[i]), float(need[i])) for i in order]
    assert sorted(order.tolist()) == list(range(len(accounts)))
    assert all(riskier(one, other) >= 0 for one, other in pairwise(ranked))


def test_a_round_takes_the_riskiest_pools_first() -> None:
    pools = Distressed(np.array([4.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]), np.full(3, 50.0), np.zeros(3))
    rule = close(capacity=60.0, smallest_notional=0.0)
    assert rule.admitted(pools, rule.fraction(pools)).tolist() == [1, 2]


def test_a_staged_close_takes_its_share_and_small_positions_whole() -> None:
    pools = Distressed(np.array([1.0, 1.0, -1.0]), np.full(3, 5.0), np.array([10_000.0, 900.0, 10_000.0]), np.zeros(3))
    assert close(largest_share=0.25).fraction(pools).tolist() == [0.25, 1.0, 1.0]


def cut(amount: Fraction) -> int:
    """Millionths of a dollar, cut towards zero."""
    return floor(amount * 10**6) if amount >= 0 else -floor(-amount * 10**6)


def whole_requirement(size: int, price: int, rates: tuple[int, int]) -> int:
    """Maintenance of `size` millionths of a unit at `price` cents, rates in percent, in millionths of a dollar."""
    base = ceil(Fraction(abs(cut(Fraction(size * price, 10**8))) * rates[0], 100))
    return ceil(Fraction(base * rates[1], 100))


sizes = st.integers(1, 10**8) | st.integers(-(10**8), -1)
prices = st.integers(1, 10**7)


@given(st.integers(-(10**12), 10**12), st.tuples(sizes, sizes), st.tuples(prices, prices), st.fractions(0, 1))
def test_quote_and_verdict_are_those_of_whole_number_arithmetic(
    cash: int, size: tuple[int, int], price: tuple[int, int], part: Fraction
) -> None:
    """Exactly, to the millionth of a dollar, with the venue's own margin rule."""
    rates, traded = (7, 60), -round(size[0] * part)
    margin = DydxMargin.model_validate({"default": {"initial_rate": 0.07, "maintenance_share": 0.6}})
    market = board(price[0] / 100, price[1] / 100)
    book = account(cash / 10**6, size[0] / 10**6, size[1] / 10**6)
    value = [cut(Fraction(q * p, 10**8)) for q, p in zip(size, price, strict=True)]
    need = [whole_requirement(q, p, rates) for q, p in zip(size, price, strict=True)]
    net, total = cash + sum(value), sum(need)
    changed = need[0] - whole_requirement(size[0] + traded, price[0], rates)
    moved = cut(Fraction((size[0] + traded) * price[0], 10**8)) - value[0]
    wanted = -moved - (net * changed // total if total else 0)
    found = close().bankruptcy_quote(
        book, market, np.array([[traded / 10**6, 0.0]]), lambda b: margin.requirements(b, market, "maintenance")
    )
    assert round(float(found[0]) * 10**6) == wanted
    verdict = close().liquidatable(close().net(book, market), margin.requirement(book, market, "maintenance"))
    assert verdict[0] == (total > 0 and net < total)
