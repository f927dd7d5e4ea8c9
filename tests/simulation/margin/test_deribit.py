"""Deribit's two margins: hand numbers, brute force over the grid, and what must not matter."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.board import Board, Book, Listed
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.margin.deribit_portfolio import DeribitPortfolioMargin
from simulation.margin.deribit_standard import DeribitStandardMargin
from simulation.margin.revaluation import Shocks, shocked_profits, volatility_shock
from tests.simulation.margin.options_board import board, book, books

BOARD = board()
PORTFOLIO, STANDARD = DeribitPortfolioMargin(), DeribitStandardMargin()
NO_CHARGES = DeribitPortfolioMargin(option_rate=0.0, future_rate=0.0)
holdings = st.lists(st.integers(-20, 20).map(float), min_size=8, max_size=8).map(lambda held: np.array([held]))


def needed(rule: Any, held: Book, on: Board = BOARD, level: Any = "maintenance") -> float:
    return float(rule.requirement(held, on, level)[0])


def test_a_perpetual_needs_the_edge_of_the_grid_and_initial_is_more() -> None:
    assert needed(PORTFOLIO, book(PERP=2.0)) == pytest.approx(2.0 * 100.0 * 0.16)
    assert needed(PORTFOLIO, book(PERP=-2.0)) == pytest.approx(32.0)
    assert needed(PORTFOLIO, book(PERP=2.0), level="initial") == pytest.approx(1.3 * 32.0)


def test_offsetting_contracts_need_only_their_contingency() -> None:
    # 3 long at 100 against 5 short at 100: 2 net at 16 %, 3 offset at 1 %.
    assert needed(PORTFOLIO, book(PERP=3.0, FUT=-5.0)) == pytest.approx(2.0 * 16.0 + 3.0)


def test_a_token_hedges_a_perpetual_and_another_asset_does_not() -> None:
    assert needed(PORTFOLIO, book(SPOT=2.0, PERP=-2.0)) == pytest.approx(0.0)
    assert needed(PORTFOLIO, book(PERP=2.0, OTHER=-20.0)) == pytest.approx(64.0)


def test_net_short_options_are_charged_by_strike_whatever_their_side() -> None:
    charge = PORTFOLIO.option_contingency
    assert charge(book(C90=10.0, P90=-20.0), BOARD)[0] == pytest.approx(10 * 0.01 * 100.0)
    assert charge(book(C90=10.0, P110=-20.0), BOARD)[0] == pytest.approx(20 * 0.01 * 100.0)
    assert charge(book(C90=-3.0, P90=3.0, C110=5.0), BOARD)[0] == 0.0


def brute_force(rule: DeribitPortfolioMargin, held: np.ndarray, on: Board) -> float:
    """The worst weighted loss of each asset over its 27 + 8 scenarios, one option at a time."""
    total = 0.0
    tail = [(move, 0.16 / abs(move)) for move in rule.extended_moves]
    grid = [(step / 4.0 * 0.16, shock, 1.0) for step in range(-4, 5) for shock in (0.38, 0.0, -0.38)]
    for asset in (0, 1):
        worst = 0.0
        for move, shock, weight in grid + [(move, 0.38, weight) for move, weight in tail]:
            profit = 0.0
            for j in np.flatnonzero(on.listed.asset == asset):
                if on.listed.option[j]:
                    option = Vanilla(on.listed.side[j], on.listed.strike[j], on.years[j])
                    new = black76(option, on.forward[j] * (1 + move), on.volatility[j] * (1 + shock))
                    profit += held[j] * float(new - black76(option, on.forward[j], on.volatility[j]))
                else:
                    profit += held[j] * on.price[j] * move
            worst = max(worst, -profit * weight)
        total += worst
    return total


@given(holdings)
@settings(max_examples=40)
def test_the_grid_equals_brute_force(held: np.ndarray) -> None:
    found = NO_CHARGES.requirement(books(held), BOARD, "maintenance")[0]
    assert found == pytest.approx(brute_force(NO_CHARGES, held[0], BOARD), rel=1e-9, abs=1e-9)


def permuted(on: Board, order: list[int]) -> Board:
    listed = on.listed
    new = Listed(
        tuple(listed.names[i] for i in order),
        tuple(listed.kind[i] for i in order),
        listed.asset[order],
        listed.strike[order],
        listed.side[order],
    )
    facts = {name: value[order] for name, value in vars(on).items() if isinstance(value, np.ndarray)}
    return replace(on, listed=new, **facts)


@pytest.mark.parametrize("rule", [PORTFOLIO, STANDARD], ids=lambda rule: rule.kind)
@given(held=holdings, order=st.permutations(range(8)))
@settings(max_examples=25)
def test_the_order_of_positions_does_not_matter(rule: Any, held: np.ndarray, order: list[int]) -> None:
    shuffled = rule.requirement(books(held[:, order]), permuted(BOARD, order), "initial")
    np.testing.assert_allclose(shuffled, rule.requirement(books(held), BOARD, "initial"), rtol=1e-9, atol=1e-9)


@given(holdings)
@settings(max_examples=40)
def test_the_grid_never_needs_more_for_a_book_than_for_its_positions_alone(held: np.ndarray) -> None:
    alone = sum(
        NO_CHARGES.requirement(books(np.where(np.arange(8) == j, held, 0.0)), BOARD, "maintenance")[0] for j in range(8)
    )
    assert NO_CHARGES.requirement(books(held), BOARD, "maintenance")[0] <= alone * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("rule", [PORTFOLIO, STANDARD], ids=lambda rule: rule.kind)
@given(held=holdings, more=st.integers(1, 40))
@settings(max_examples=20)
def test_the_bytes_of_a_row_do_not_depend_on_company(rule: Any, held: np.ndarray, more: int) -> None:
    crowd = np.vstack([held, np.random.default_rng(more).integers(-9, 9, (600, 8))]).astype(float)
    assert rule.requirement(books(crowd), BOARD, "initial")[0] == rule.requirement(books(held), BOARD, "initial")[0]


@given(holdings, st.floats(0.1, 50.0))
@settings(max_examples=25)
def test_portfolio_margin_scales(held: np.ndarray, factor: float) -> None:
    one, many = (PORTFOLIO.requirement(books(size), BOARD, "maintenance")[0] for size in (held, factor * held))
    assert many == pytest.approx(factor * one, rel=1e-9, abs=1e-9)


@given(st.lists(st.integers(0, 9).map(float), min_size=4, max_size=4))
def test_options_held_never_need_more_than_they_are_worth(bought: list[float]) -> None:
    held = np.array([[0.0, 0.0, 0.0, *bought, 0.0]])
    worth = float((held * BOARD.price).sum())
    for rule in (PORTFOLIO, STANDARD):
        assert rule.requirement(books(held), BOARD, "maintenance")[0] <= worth * (1 + 1e-9) + 1e-9


def test_the_extended_table_asks_more_for_far_calls_sold_and_nothing_of_linear_positions() -> None:
    plain = DeribitPortfolioMargin(extended_moves=(), option_rate=0.0)
    assert needed(NO_CHARGES, book(C110=-5.0)) > needed(plain, book(C110=-5.0))
    assert needed(NO_CHARGES, book(PERP=-5.0)) == pytest.approx(needed(plain, book(PERP=-5.0)))


def test_short_expiries_are_shocked_more_and_the_shock_stops_growing_below_a_day() -> None:
    assert PORTFOLIO.volatility_shock(30.0) == pytest.approx(0.38)
    assert PORTFOLIO.volatility_shock(15.0) == pytest.approx(0.38 * 2.0**0.3)
    assert PORTFOLIO.volatility_shock(0.01) == PORTFOLIO.volatility_shock(1.0)
    assert volatility_shock(15.0, 0.4, 0.5) == pytest.approx(0.5656854249492381)


def test_a_fall_of_volatility_leaves_some() -> None:
    near = board(years=1.0 / 365.0)
    profits = PORTFOLIO.unit_profits(near)
    assert np.isfinite(profits).all()
    shocks = PORTFOLIO.shocks()
    same = (shocks.move == 0.0) & (shocks.volatility < 0.0)
    assert (profits[same][:, 3:7] >= -near.price[3:7] - 1e-9).all()


def test_what_is_averaged_of_a_settlement_no_longer_moves() -> None:
    shocks = Shocks(np.array([0.1]), np.zeros(1))
    half = replace(BOARD, averaged=np.full(8, 0.5), average=np.full(8, 100.0))
    moved = shocked_profits(half, shocks, half.volatility[None, :])[0]
    assert moved[2] == pytest.approx(0.5 * 0.1 * 100.0)  # the future
    done = replace(BOARD, averaged=np.ones(8), average=np.full(8, 100.0))
    np.testing.assert_allclose(shocked_profits(done, shocks, done.volatility[None, :])[0, 3:7], 0.0, atol=1e-12)


def test_a_minimum_per_contract_holds_for_a_hedged_book() -> None:
    rule = DeribitPortfolioMargin(minimum_rate=0.02)
    assert needed(rule, book(SPOT=5.0, PERP=-5.0)) == pytest.approx(0.02 * 500.0)


def test_moves_of_the_table_are_refused_where_no_price_is_left() -> None:
    with pytest.raises(ValidationError):
        DeribitPortfolioMargin.model_validate({"extended_moves": [-1.0, 0.5]})
    assert DeribitPortfolioMargin.model_validate({"extended_moves": [-0.24, 0.24]}).shocks().move[-1] == 0.24


# Standard margin ------------------------------------------------------------------------------------------


def in_coins(level: Any, **changed: np.ndarray) -> np.ndarray:
    return STANDARD.short_option_margin(replace(BOARD, **changed), level)


def test_options_sold_by_hand() -> None:
    mark = BOARD.price / 100.0
    # Out of the money by 10 % of the underlying: call 110 and put 90.
    np.testing.assert_allclose(in_coins("initial")[3:7], mark[3:7] + np.array([0.15, 0.1, 0.1, 0.15]))
    np.testing.assert_allclose(in_coins("maintenance")[3:7], mark[3:7] + 0.075)


def test_a_put_worth_more_than_its_underlying_needs_a_share_of_its_mark() -> None:
    dear = np.array([100.0, 100.0, 100.0, 1.0, 1.0, 1.0, 300.0, 10.0])
    assert in_coins("maintenance", price=dear)[6] == pytest.approx(0.075 * 3.0 + 3.0)
    assert in_coins("initial", price=dear)[6] == pytest.approx(0.225 + 3.0)


def test_in_dollars_the_mark_is_in_equity_already() -> None:
    assert needed(STANDARD, book(C90=-2.0)) == pytest.approx(2.0 * 7.5)
    assert needed(STANDARD, book(C90=-2.0), level="initial") == pytest.approx(2.0 * 15.0)
    assert needed(STANDARD, book(C90=2.0)) == pytest.approx(2.0 * BOARD.price[3])


def test_futures_need_more_the_larger_they_are() -> None:
    assert needed(STANDARD, book(PERP=1.0)) == pytest.approx((0.01 + 5e-5) * 100.0)
    assert needed(STANDARD, book(PERP=-100.0), level="initial") == pytest.approx((0.02 + 0.005) * 10_000.0)


@given(holdings)
@settings(max_examples=30)
def test_maintenance_is_below_initial_and_not_negative(held: np.ndarray) -> None:
    for rule in (PORTFOLIO, STANDARD):
        low, high = (rule.requirement(books(held), BOARD, level)[0] for level in ("maintenance", "initial"))
        assert 0.0 <= low <= high * (1 + 1e-12)


def test_scenario_profits_of_a_book_are_the_sum_of_its_positions() -> None:
    shocks = Shocks.grid(np.array([-0.1, 0.2]), np.array([1.0, -1.0]))
    assert shocks.move.tolist() == [-0.1, -0.1, 0.2, 0.2] and shocks.volatility.tolist() == [1.0, -1.0] * 2
    unit = PORTFOLIO.unit_profits(BOARD, shocks)
    held = book(PERP=2.0, C90=-3.0)
    for s, expected in zip(range(4), 2.0 * unit[:, 1] - 3.0 * unit[:, 3], strict=True):
        assert PORTFOLIO.scenario_profits(held, BOARD, shocks)[0, s] == pytest.approx(expected)
