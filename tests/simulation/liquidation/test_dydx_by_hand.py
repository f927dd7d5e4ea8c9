"""dYdX liquidations at their edges: ties of risk, the last millionth, accounts without a requirement, no rounding."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book
from simulation.liquidation.base import Distressed
from simulation.liquidation.dydx import DydxClose, Risk, riskier, riskiest_first
from tests.simulation.perpetuals import account, board


def close(**fields: Any) -> DydxClose:
    return DydxClose.model_validate(fields)


def column(*amounts: float) -> Any:
    return np.array(amounts, float)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ((4.0, 10.0), (5.0, 10.0), 1),  # the smaller ratio
        ((4.0, 10.0), (8.0, 20.0), -1),  # equal ratios: the larger requirement is riskier
        ((0.0, 10.0), (0.0, 20.0), -1),
        ((-4.0, 10.0), (-8.0, 20.0), -1),
        ((-1.0, 0.0), (5.0, 0.0), 1),  # nothing required of either: the smaller net collateral
        ((5.0, 0.0), (5.0, 0.0), 0),
        ((4.0, 10.0), (4.000001, 10.0), 1),  # a millionth tells
        ((4.0, 10.0), (4.0000001, 10.0), 0),  # less does not
    ],
)
def test_who_is_riskier_by_hand(one: tuple[float, float], other: tuple[float, float], verdict: int) -> None:
    assert riskier(Risk(*one), Risk(*other)) == verdict
    assert riskier(Risk(*other), Risk(*one)) == -verdict


def test_the_order_of_liquidation_by_hand() -> None:
    """Ratios .4, .4 of twice as much, -.1, none and a debt, none and a deposit, .4 again."""
    net, need = column(4, 8, -1, -5, 5, 4), column(10, 20, 10, 0, 0, 10)
    assert riskiest_first(net, need).tolist() == [3, 2, 1, 0, 5, 4]


def test_fractions_of_a_requirement_of_less_than_a_dollar_are_ratios_too() -> None:
    assert riskiest_first(column(0.4, 0.1, 0.3), column(0.5, 0.5, 0.9)).tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("net", "need", "liquidated"),
    [(99.999999, 100.0, True), (99.9999996, 100.0, False), (100.0, 100.0000004, False), (100.0, 100.000001, True),
     (-1.0, 0.0, False), (-1.0, 0.0000004, False), (-1.0, 0.000001, True)],
)  # fmt: skip
def test_a_requirement_is_missed_by_a_whole_millionth_or_not_at_all(net: float, need: float, liquidated: bool) -> None:
    assert bool(close().liquidatable(column(net), column(need))[0]) is liquidated


def test_without_a_unit_every_difference_counts() -> None:
    assert bool(close(unit=0.0).liquidatable(column(99.9999999), column(100.0))[0])


def quote(rule: DydxClose, book: Book, market: Board, delta: list[float], rate: float) -> float:
    requirements = lambda held: np.abs(held.position) * market.price * rate  # noqa: E731
    return float(rule.bankruptcy_quote(book, market, np.array([delta]), requirements)[0])


@given(st.integers(-900, 900), st.integers(1, 50), st.integers(-50, 50), st.integers(1, 50))
def test_without_a_unit_the_bankruptcy_quote_is_the_exact_share(cash: int, size: int, other: int, part: int) -> None:
    """-change of value - net |change of requirement| / total requirement, with nothing cut off."""
    market, sold = board(10.0, 7.0), min(part, size)
    found = quote(close(unit=0.0), account(cash, size, other), market, [-sold, 0.0], 0.05)
    net = Fraction(cash) + 10 * size + 7 * other
    exact = 10 * sold - net * Fraction(10 * sold, 10 * size + 7 * abs(other))
    assert found == pytest.approx(float(exact), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("unit", [0.0, 1e-6])
def test_without_a_requirement_an_account_trades_at_the_mark(unit: float) -> None:
    assert quote(close(unit=unit), account(-500.0, 10.0), board(100.0), [-4.0], 0.0) == 400.0


def test_a_bankruptcy_price_is_what_a_unit_brings() -> None:
    """4,501 received for .1 sold, 54,999 paid for 1 bought."""
    rule = close()
    found = rule.price_of(column(4_501.0, -54_999.0), np.array([[-0.1, 0.0], [0.0, 1.0]]))
    assert found.tolist() == pytest.approx([45_010.0, 54_999.0])


@pytest.mark.parametrize(("sold", "received"), [(0.1234567, 0.37037), (-0.1234567, -0.37037), (1.0, 3.000001)])
def test_what_a_fill_brings_is_cut_towards_nothing(sold: float, received: float) -> None:
    """.1234567 at 3.000001 are .370370(223)."""
    assert close().fill_quote(np.array([[-sold]]), column(3.000001))[0] == received


def test_the_fund_gets_the_fee_cut_and_never_more_than_the_surplus() -> None:
    """1.5 % of 123.456789 are 1.851851(8); a surplus of .3 millionths is none."""
    rule = close()
    fills, bankrupt = column(123.456789, 123.456789, 100.0000003, 50.0), column(100.0, 123.0, 100.0, 50.5)
    assert rule.fund_delta(fills, bankrupt).tolist() == [1.851851, 0.456789, 0.0, -0.5]


def test_half_a_millionth_of_surplus_is_rounded_and_not_cut() -> None:
    assert close().fund_delta(column(100.0000007), column(100.0)).tolist() == [0.000001]
    assert close().fund_delta(column(99.9999993), column(100.0)).tolist() == [-0.000001]


@given(st.floats(-2e4, 2e4), st.sampled_from([-0.2, 0.3]), st.floats(0.0, 1.0), st.floats(1.0, 20.0))
def test_the_limit_price_is_that_of_its_formula_at_every_health(
    cash: float, size: float, share: float, speed: float
) -> None:
    """(V - a s M) / q with a = clip(speed (1 - net / M), 0, 1), in plain numbers."""
    market = board(50_000.0)
    rule = close(spread_share=share, bankruptcy_adjustment=speed)
    found = float(rule.limit_price(account(cash, size), market, lambda b: abs(b.position) * market.price * 0.1)[0, 0])
    value, need = size * 50_000.0, abs(size) * 5_000.0
    worn = min(max(speed * (1.0 - (cash + value) / need), 0.0), 1.0)
    assert found == pytest.approx((value - worn * share * need) / size, rel=1e-9)


@pytest.mark.parametrize(
    ("notional", "least", "most"),
    [(10_000.0, 1_000.0, 2_500.0), (3_000.0, 1_000.0, 1_000.0), (800.0, 800.0, 800.0), (0.0, 0.0, 0.0)],
)
def test_an_order_closes_a_quarter_but_at_least_a_thousand(notional: float, least: float, most: float) -> None:
    rule = close(largest_share=0.25)
    for side in (1.0, -1.0):
        assert [float(x[0]) for x in rule.size_limits(column(side * notional))] == [least, most]


def test_in_a_round_the_same_holds_of_pools_and_the_insolvent_go_whole() -> None:
    seen = Distressed(column(5, 5, 5, 0, 5), column(9, 9, 9, 9, 9), column(1e4, 3e3, 800, 1e4, 0), np.zeros(5))
    assert close(largest_share=0.25).fraction(seen).tolist() == pytest.approx([0.25, 1.0 / 3.0, 1.0, 1.0, 1.0])
    assert close(largest_share=1e-9, smallest_notional=0.0).fraction(seen)[0] == pytest.approx(1e-9)
