"""Derive's portfolio margins: brute force over the grid, hand numbers, and what must not matter."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.board import Board, Book
from simulation.instrument.black_scholes import Vanilla, black76
from simulation.margin.derive_portfolio import DerivePortfolioMargin
from simulation.margin.derive_portfolio2 import DerivePortfolio2Margin
from simulation.margin.derive_scenarios import averaged_share
from simulation.margin.scenario_grid import SkewMoves, VolatilityMoves, by_expiry, naked_shorts
from tests.simulation.margin.options_board import NAMES, board, book, books

BOARD = replace(board(), rate=np.array([0.0, 0.0, 0.05, 0.05, 0.05, 0.05, 0.05, 0.0]))
FIRST, SECOND = DerivePortfolioMargin(), DerivePortfolio2Margin()
RULES = pytest.mark.parametrize("rule", [FIRST, SECOND], ids=lambda rule: rule.kind)
holdings = st.lists(st.integers(-20, 20).map(float), min_size=8, max_size=8).map(lambda held: np.array([held]))
YEARS = 30.0 / 365.0


def needed(rule: Any, held: Book, level: Any = "maintenance", on: Board = BOARD) -> float:
    return float(rule.requirement(held, on, level)[0] - rule.off_model(held, on)[0])


def moved_volatility(move: str, strike: float, forward: float) -> float:
    """By hand, for 30 days and 80 %: the multiple m is 1."""
    if move in ("up", "down"):
        return max(0.8 * 1.5, 0.45) if move == "up" else 0.8 * (1.0 - 0.275)
    if move == "none":
        return 0.8
    root = math.sqrt(YEARS)
    cap = -0.05 * root + 0.15
    width = max(0.01, root * 4.0 * (0.6 - 0.1 * root))
    distance = math.log(strike / forward)
    distance = distance if move == "linear" else abs(distance)
    return 0.8 * (1.0 + max(-cap, min(cap, distance * cap / width)))


def brute_force(held: np.ndarray) -> tuple[list[float], float]:
    """Scenario profits and basis contingency of the second rule for the first asset, scenario by scenario."""
    rate, df = 0.05, math.exp(-0.05 * YEARS)
    long = 0.95 * math.exp(-YEARS * (rate + 0.08))
    short = min(1.0 / df, 1.04 / math.exp(-YEARS * (rate * 0.5 + 0.08)))

    def net(multiple: float, move: str) -> float:
        total = 0.0
        for j in range(3, 7):
            option = Vanilla(BOARD.listed.side[j], BOARD.listed.strike[j], YEARS)
            volatility = moved_volatility(move, BOARD.listed.strike[j], 100.0)
            total += held[j] * float(black76(option, 100.0 * multiple, volatility, df))
        return total

    today, found = net(1.0, "none"), []
    for scenario in SECOND.scenarios:
        value = net(scenario.spot, scenario.volatility)
        profit = value * (long if value >= 0.0 else short) - today
        profit = -abs(profit) if scenario.skew else profit
        linear = (held[0] + held[1] + held[2]) * 100.0 * (scenario.spot - 1.0)
        found.append(scenario.weight * (linear + profit))
    basis = min(net(1.045, "none") - today, net(0.955, "none") - today, 0.0) * (0.5 + 2.0 * YEARS)
    return found, basis


@given(holdings)
@settings(max_examples=40)
def test_the_second_grid_equals_brute_force(held: np.ndarray) -> None:
    held[0, 7] = 0.0
    profits, basis = brute_force(held[0])
    np.testing.assert_allclose(SECOND.scenario_profits(books(held), BOARD)[0], profits, rtol=1e-9, atol=1e-9)
    assert SECOND.basis_contingency(books(held), BOARD)[0] == pytest.approx(basis, rel=1e-9, abs=1e-9)
    assert SECOND.worst(books(held), BOARD)[0] == pytest.approx(min(*profits, basis), rel=1e-9, abs=1e-9)


def test_a_perpetual_by_hand() -> None:
    # The first: 15 % and 2 %; initially 1.3 times. The second: .8 of 18 %, and 1.5 %; initially 18 %, 1.5 % and .5 %.
    assert needed(FIRST, book(PERP=-2.0)) == pytest.approx(2.0 * 17.0)
    assert needed(FIRST, book(PERP=-2.0), "initial") == pytest.approx(1.3 * 34.0)
    assert needed(SECOND, book(PERP=2.0)) == pytest.approx(2.0 * (0.8 * 18.0 + 1.5))
    assert needed(SECOND, book(PERP=2.0), "initial") == pytest.approx(2.0 * (18.0 + 2.0))


def test_tokens_hedge_perpetuals_up_to_the_charges() -> None:
    assert needed(FIRST, book(SPOT=1.0, PERP=-1.0)) == pytest.approx(4.0)
    assert needed(SECOND, book(SPOT=1.0, PERP=-1.0)) == pytest.approx(3.0)


def test_a_token_that_is_not_shocked_is_only_cut() -> None:
    terms = {"SPOT": {"shocked": False, "maintenance_haircut": 0.2, "initial_haircut": 0.05}}
    rule = DerivePortfolio2Margin.model_validate({"markets": terms})
    assert needed(rule, book(SPOT=3.0)) == pytest.approx(60.0)
    assert needed(rule, book(SPOT=3.0), "initial") == pytest.approx(75.0)


def test_naked_shorts_are_those_no_other_option_of_the_strike_covers() -> None:
    position = np.array([[-3.0, 2.0, -1.0], [1.0, -5.0, -2.0]])
    assert naked_shorts(position, [np.array([0, 1])]).tolist() == [2.0, 3.0, 3.0]


def test_doubted_oracles_and_a_cheap_stablecoin_cost_initial_margin_only() -> None:
    doubted, cheap = replace(BOARD, confidence=np.full(8, 0.4)), replace(BOARD, quote_price=0.9)
    for rule, doubt, factor in ((FIRST, 0.5 * 0.6, 0.16), (SECOND, 1.0 * 0.6, 0.16)):
        held = book(PERP=2.0)
        assert needed(rule, held, on=doubted) == pytest.approx(needed(rule, held))
        more = needed(rule, held, "initial", doubted) - needed(rule, held, "initial")
        assert more == pytest.approx(200.0 * doubt)
        loss = 34.0 if rule is FIRST else 36.0
        more = needed(rule, held, "initial", cheap) - needed(rule, held, "initial")
        assert more == pytest.approx(loss * factor)


@RULES
@given(held=holdings, order=st.permutations(range(8)))
@settings(max_examples=20)
def test_the_order_of_positions_does_not_matter(rule: Any, held: np.ndarray, order: list[int]) -> None:
    listed = BOARD.listed
    shuffled = type(listed)(
        tuple(NAMES[i] for i in order),
        tuple(listed.kind[i] for i in order),
        *(part[order] for part in (listed.asset, listed.strike, listed.side)),
    )
    facts = {name: value[order] for name, value in vars(BOARD).items() if isinstance(value, np.ndarray)}
    on = replace(BOARD, listed=shuffled, **facts)
    moved = Book.of(np.full(1, 1000.0), held[:, order], on.price)
    found = rule.balance(moved, on, "initial")
    np.testing.assert_allclose(found, rule.balance(books(held), BOARD, "initial"), rtol=1e-9, atol=1e-7)


@given(held=holdings, seed=st.integers(0, 99))
@settings(max_examples=20)
def test_the_order_of_scenarios_does_not_matter(held: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(SECOND.scenarios))
    other = SECOND.model_copy(update={"scenarios": tuple(SECOND.scenarios[i] for i in order)})
    assert needed(other, books(held)) == needed(SECOND, books(held))


@RULES
@given(held=holdings, seed=st.integers(0, 99))
@settings(max_examples=15)
def test_the_bytes_of_a_row_do_not_depend_on_company(rule: Any, held: np.ndarray, seed: int) -> None:
    crowd = np.vstack([held, np.random.default_rng(seed).integers(-9, 9, (600, 8))]).astype(float)
    assert rule.requirement(books(crowd), BOARD, "initial")[0] == rule.requirement(books(held), BOARD, "initial")[0]


@RULES
@given(held=holdings, factor=st.floats(0.1, 30.0))
@settings(max_examples=20)
def test_requirements_scale_with_the_book(rule: Any, held: np.ndarray, factor: float) -> None:
    assert needed(rule, books(factor * held)) == pytest.approx(factor * needed(rule, books(held)), rel=1e-9, abs=1e-7)


@RULES
@given(held=holdings)
@settings(max_examples=30)
def test_assets_do_not_hedge_each_other(rule: Any, held: np.ndarray) -> None:
    first, second = held.copy(), held.copy()
    first[0, 7], second[0, :7] = 0.0, 0.0
    both = needed(rule, books(held))
    assert both == pytest.approx(needed(rule, books(first)) + needed(rule, books(second)), rel=1e-9, abs=1e-7)


@RULES
@given(bought=st.lists(st.integers(0, 9).map(float), min_size=4, max_size=4))
@settings(max_examples=20)
def test_options_held_never_need_more_than_they_are_worth(rule: Any, bought: list[float]) -> None:
    held = books(np.array([[0.0, 0.0, 0.0, *bought, 0.0]]))
    worth = float(rule.mark_to_market(held, BOARD)[0] - held.cash[0])
    assert needed(rule, held) <= worth * (1 + 1e-9) + 1e-9


def test_volatility_moves_by_hand() -> None:
    moves = VolatilityMoves.model_validate({})
    volatility = np.array([0.2, 0.8, 0.8])
    days = np.array([30.0, 30.0, 120.0])
    np.testing.assert_allclose(moves.moved(volatility, days, "up"), [0.45, 1.2, 0.8 * (1 + 0.5 * 0.25**0.13)])
    down = [0.2 * 0.725, 0.8 * 0.725, 0.8 * (1 - 0.275 * 0.25**0.13)]
    np.testing.assert_allclose(moves.moved(volatility, days, "down"), down)
    assert moves.moved(np.array([0.8]), np.array([1e-3]), "down")[0] >= 0.0
    assert VolatilityMoves(least_days=0.0).scale(np.array([0.0])).tolist() == [0.0]


def test_skews_move_wings_and_not_the_money() -> None:
    skew, years = SkewMoves.model_validate({}), np.full(3, YEARS)
    wings = np.array([-5.0, 0.0, 5.0])
    cap = 0.15 - 0.05 * math.sqrt(YEARS)
    np.testing.assert_allclose(skew.multiplier(wings, years, "linear"), [1 - cap, 1.0, 1 + cap])
    np.testing.assert_allclose(skew.multiplier(wings, years, "abs"), [1 + cap, 1.0, 1 + cap])


def test_what_is_averaged_no_longer_moves() -> None:
    assert [averaged_share(s) for s in (3600.0, 1800.0, 900.0, 0.0)] == [0.0, 0.0, 0.5, 1.0]
    done = replace(BOARD, averaged=np.ones(8), average=np.full(8, 100.0))
    same = SECOND.smile().values(done, 1.5, "none") - SECOND.smile().values(done, 1.0, "none")
    np.testing.assert_allclose(same, 0.0)


def test_options_are_grouped_by_their_expiry() -> None:
    two = replace(BOARD, years=np.where(np.arange(8) == 4, 1.0, BOARD.years))
    assert [group.tolist() for group in by_expiry(two, np.arange(8))] == [[3, 5, 6], [4]]
