"""Vega margin: the protocol's own tables, the levels in order, close-out prices that close out."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulation.board import Book, Resting
from simulation.margin.vega import (
    Exposure,
    RestingOrder,
    VegaMargin,
    close_out_price_with_orders,
    lognormal_risk_factors,
)
from tests.simulation.perpetuals import account, board

TERMS = {"risk_factor_long": 0.801225765, "risk_factor_short": 3.55690359157934, "linear_slippage": 1.0}
MULTIPLES = {"search_multiple": 1.5, "initial_multiple": 2.0, "release_multiple": 3.0}
LEVELS = ("maintenance", "search", "initial", "release")
size = st.floats(-100.0, 100.0)
volume = st.floats(0.0, 100.0)


def rule(unit: float = 1.0, **terms: float) -> VegaMargin:
    return VegaMargin.model_validate({"default": {**TERMS, **terms}, **MULTIPLES, "unit": unit})


def held(position: float, buys: float = 0.0, sells: float = 0.0, funding: float = 0.0) -> Exposure:
    q, b, s = (np.array([[x]]) for x in (position, buys, sells))
    return Exposure(q, b, s, np.array([funding]))


@pytest.mark.parametrize(
    ("exposure", "mark", "levels"),
    [
        (held(0.0, sells=10.0), 10.0, [356, 534, 712, 1068]),  # orders pay no slippage
        (held(-10.0), 10.0, [456, 684, 912, 1368]),
        (held(20.0), 10.0, [361, 541, 722, 1083]),  # 541.5 is cut
        (held(0.0, buys=20.0), 10.0, [161, 241, 322, 483]),
        (held(17.0), 5.0, [154, 231, 308, 462]),
        (held(10.0, buys=5.0, sells=30.0), 10.0, [1068, 1602, 2136, 3204]),  # the 30 to sell outweigh the long
        (held(-10.0, buys=5.0), 10.0, [456, 684, 912, 1368]),  # 5 to buy cannot make it long
        (held(0.0), 10.0, [0, 0, 0, 0]),
    ],
)
def test_levels_by_hand(exposure: Exposure, mark: float, levels: list[int]) -> None:
    found = [rule().level(exposure, board(mark), level)[0, 0] for level in LEVELS]  # type: ignore[arg-type]
    assert found == levels


def test_slippage_has_a_quadratic_part_on_the_open_position_only() -> None:
    exposure = held(3.0, buys=4.0)
    terms = {"risk_factor_long": 0.1, "linear_slippage": 0.5, "quadratic_slippage": 0.2}
    assert rule(0.0, **terms).maintenance_of(exposure, board(10.0))[0, 0] == pytest.approx(15.0 + 18.0 + 3.0 + 4.0)


@pytest.mark.parametrize(("position", "more"), [(2.0, 600.0), (-2.0, 0.0)])
def test_accrued_funding_is_margined_where_it_will_be_paid(position: float, more: float) -> None:
    plain, due = (rule(0.0).maintenance_of(held(position, funding=f), board(10.0))[0, 0] for f in (0.0, 300.0))
    assert due - plain == pytest.approx(more)


def test_the_lognormal_risk_factors_are_those_of_the_protocols_example() -> None:
    """The protocol's long factor differs from the formula in the fourth digit; the next test sides with the formula."""
    long, short = lognormal_risk_factors(1.0, 0.1, 1e-6)
    assert long == pytest.approx(0.801225765, abs=6e-4)
    assert short == pytest.approx(3.55690359157934, abs=1e-9)


@given(st.floats(0.1, 2.0), st.floats(1e-4, 0.1), st.floats(0.001, 0.1))
def test_a_risk_factor_is_the_expected_loss_in_the_tail(volatility: float, years: float, tail: float) -> None:
    """Against a direct average over the worst outcomes, one stratum each."""
    from scipy.special import ndtri

    s = volatility * years**0.5
    u = (np.arange(200_000) + 0.5) / 200_000 * tail
    worst = np.exp(s * ndtri(u) - s * s / 2.0), np.exp(-s * ndtri(u) - s * s / 2.0)
    long, short = lognormal_risk_factors(volatility, years, tail)
    assert long == pytest.approx(1.0 - worst[0].mean(), abs=2e-5)
    assert short == pytest.approx(worst[1].mean() - 1.0, abs=2e-3 * short + 2e-5)


@given(size, volume, volume, st.floats(0.1, 1e4))
def test_levels_are_in_order_and_orders_never_lower_them(
    position: float, buys: float, sells: float, mark: float
) -> None:
    market, margin = board(mark), rule(1e-6)
    levels = [margin.level(held(position, buys, sells), market, level)[0, 0] for level in LEVELS]  # type: ignore[arg-type]
    assert levels == sorted(levels)
    assert levels[0] >= margin.maintenance_of(held(position), market)[0, 0]
    assert levels[0] <= margin.maintenance_of(held(position, buys + 1.0, sells + 1.0), market)[0, 0]


@given(st.lists(size, min_size=3, max_size=3))
def test_markets_add_up_and_the_requirement_reads_resting_orders(position: list[float]) -> None:
    market, margin = board(10.0, 200.0, 1.0), rule(0.0)
    resting = Resting(np.full((1, 3), 4.0), np.full((1, 3), 6.0))
    book = Book(np.zeros(1), np.array([position]), np.zeros((1, 3)), resting)
    alone = [
        margin.maintenance_of(held(q, 4.0, 6.0), board(p))[0, 0] for q, p in zip(position, market.price, strict=True)
    ]
    assert margin.requirement(book, market, "maintenance")[0] == pytest.approx(sum(alone))


@given(size, st.floats(1.0, 1e4), st.floats(1.01, 3.0))
def test_at_the_close_out_price_collateral_is_just_the_maintenance_level(q: float, mark: float, factor: float) -> None:
    assume(abs(q) > 0.01)
    margin = rule(0.0, risk_factor_long=0.1, risk_factor_short=0.11, linear_slippage=0.05)
    collateral = factor * margin.maintenance_of(held(q), board(mark))
    price = margin.close_out_price(collateral, held(q), board(mark))
    assume(price[0, 0] > 0.0)
    left = collateral + q * (price - mark)
    assert left == pytest.approx(margin.maintenance_of(held(q), board(float(price[0, 0]))), rel=1e-9)
    assert (price[0, 0] - mark) * q < 0.0, "a long is closed out below the mark, a short above it"


def test_where_the_risk_factor_eats_the_price_there_is_no_close_out_price() -> None:
    margin = rule(0.0, risk_factor_long=1.0, linear_slippage=0.0)
    assert np.isnan(margin.close_out_price(np.array([[1.0]]), held(1.0), board(1.0)))
    assert np.isnan(margin.close_out_price(np.array([[1.0]]), held(0.0), board(1.0)))


def test_with_more_than_the_price_at_stake_a_long_is_closed_out_above_the_mark() -> None:
    margin = rule(0.0, risk_factor_long=0.9, linear_slippage=0.2)
    assert margin.close_out_price(np.array([[200.0]]), held(1.0), board(110.0))[0, 0] == pytest.approx(900.0)


def test_collateral_beyond_the_notional_means_a_long_is_never_closed_out() -> None:
    margin = rule(0.0, risk_factor_long=0.1, linear_slippage=0.0)
    assert margin.close_out_price(np.array([[500.0]]), held(1.0), board(100.0))[0, 0] == 0.0


def with_orders(*orders: RestingOrder) -> float:
    """A long of one unit at 100 with 50 dollars and a risk factor of .1 (alone closed out at 50 / .9)."""
    margin = rule(0.0, risk_factor_long=0.1, risk_factor_short=0.1, linear_slippage=0.0)
    return close_out_price_with_orders(margin, board(100.0), 50.0, held(1.0), orders)


def test_orders_that_fill_before_the_close_out_move_its_price() -> None:
    assert with_orders() == pytest.approx(50.0 / 0.9)
    assert with_orders(RestingOrder(1.0, 80.0)) == pytest.approx((160.0 - 30.0) / 1.8)
    assert with_orders(RestingOrder(1.0, 40.0)) == pytest.approx(50.0 / 0.9), "never reached"
    assert with_orders(RestingOrder(-2.0, 110.0)) == pytest.approx((60.0 + 110.0) / 1.1), "turns the long into a short"


def test_a_pool_of_the_live_market_has_no_orders_and_nothing_accrued() -> None:
    book = account(0.0, 20.0)
    assert rule().requirement(book, board(10.0), "search")[0] == 541.0
