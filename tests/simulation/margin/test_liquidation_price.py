"""Liquidation prices in closed form: at them, and only at them, equity is the requirement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Book
from simulation.margin.liquidation_price import (
    Backing,
    account_prices,
    bankruptcy_price,
    inverse_bankruptcy_price,
    inverse_isolated_margin,
    inverse_liquidation_price,
    isolated_margin,
    liquidation_price,
    liquidation_price_on_entry,
    price_from_available,
)
from simulation.margin.tiers import Bracket, TierSchedule

sides = st.sampled_from((-1.0, 1.0))
sizes, entries, leverages = st.floats(0.01, 1e3), st.floats(1.0, 1e5), st.floats(1.5, 100.0)
rates = st.floats(0.001, 0.2)
REST = Backing(100.0, 30.0, 20.0)  # 90 dollars: others need 30 and have gained 20


def test_a_long_at_five_times_by_hand() -> None:
    # 2 dollars behind 1 unit bought at 10: 2 + (p - 10) = .01 p - .01 at p = 7.99 / .99.
    found = liquidation_price(1.0, 10.0, Backing(2.0), Bracket(0.01, 0.01))
    assert found == pytest.approx(7.99 / 0.99)


def test_a_fee_and_a_short_by_hand() -> None:
    # 3 - 2 (p - 10) = 2 p (.04 + .01): p = 23 / 2.1.
    assert liquidation_price(-2.0, 10.0, Backing(3.0), Bracket(0.04), 0.01) == pytest.approx(23.0 / 2.1)


def test_maintenance_on_the_entry_value_is_the_textbook_formula() -> None:
    for side in (-1.0, 1.0):
        backing = Backing(isolated_margin(side * 2.0, 10.0, 5.0))
        found = liquidation_price_on_entry(side * 2.0, 10.0, backing, Bracket(0.01))
        assert found == pytest.approx(10.0 * (1.0 - side * (1.0 / 5.0 - 0.01)))


@given(sides, sizes, entries, leverages, rates)
def test_at_the_price_equity_is_maintenance(
    side: float, size: float, entry: float, leverage: float, rate: float
) -> None:
    q, backing, bracket = side * size, Backing(isolated_margin(side * size, entry, leverage)), Bracket(rate, 0.3 * size)
    price = liquidation_price(q, entry, backing, bracket)
    equity = backing.margin + q * (price - entry)
    assert equity == pytest.approx(size * price * rate - 0.3 * size, rel=1e-9, abs=1e-9 * size * entry)
    worse = price * (1.0 - 0.01 * side)
    below = backing.margin + q * (worse - entry) < size * worse * rate - 0.3 * size
    assert below or price < 0.0


@given(sides, sizes, entries, leverages, rates)
def test_an_inverse_contract_is_liquidated_where_its_coins_are_its_maintenance(
    side: float, size: float, entry: float, leverage: float, rate: float
) -> None:
    face = side * size * entry
    coins = inverse_isolated_margin(face, entry, leverage)
    price = inverse_liquidation_price(face, entry, Backing(coins), Bracket(rate))
    left = coins + face * (1.0 / entry - 1.0 / price)
    assert left == pytest.approx(abs(face) / price * rate, rel=1e-7, abs=1e-9 * size)


@given(entries, leverages)
def test_inverse_bankruptcy_prices_are_the_published_ones(entry: float, leverage: float) -> None:
    backing = Backing(inverse_isolated_margin(100.0, entry, leverage))
    assert inverse_bankruptcy_price(100.0, entry, backing) == pytest.approx(entry * leverage / (leverage + 1.0))
    assert inverse_bankruptcy_price(-100.0, entry, backing) == pytest.approx(entry * leverage / (leverage - 1.0))


@given(sides, sizes, entries, leverages)
def test_bankruptcy_is_liquidation_without_maintenance(side: float, size: float, entry: float, leverage: float) -> None:
    q = side * size
    backing = Backing(isolated_margin(q, entry, leverage))
    price = bankruptcy_price(q, entry, backing)
    assert price == pytest.approx(liquidation_price(q, entry, backing, Bracket(0.0)), rel=1e-9)
    assert price == pytest.approx(entry * (1.0 - side / leverage), rel=1e-9)


def test_what_others_need_and_have_gained_counts() -> None:
    assert Backing(100.0, 30.0, -5.0).margin == 65.0


@given(sides, sizes, entries, leverages, rates, st.floats(0.95, 1.05))
def test_seen_from_any_price_the_answer_is_the_same(
    side: float, size: float, entry: float, leverage: float, rate: float, moved: float
) -> None:
    q, backing = side * size, Backing(isolated_margin(side * size, entry, leverage))
    now = entry * moved
    available = backing.margin + q * (now - entry) - size * now * rate
    found = price_from_available(now, q, available, rate)
    expected = liquidation_price(q, entry, backing, Bracket(rate))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * entry)


def test_each_position_of_an_account_is_backed_by_the_rest_of_it() -> None:
    tiers = TierSchedule([[0.0, 500.0], [0.0]], [[0.1, 0.2], [0.2]], [[0.05, 0.1], [0.1]])
    book = Book.of(np.array([300.0]), np.array([[10.0, -4.0]]), np.array([90.0, 50.0]))
    mark = np.array([100.0, 55.0])
    found = account_prices(book, np.array([300.0]), mark, tiers)
    # 1,000 at 10 % less 25; 220 at 10 %. Gains of 100 and -20.
    np.testing.assert_allclose(found.maintenance, [[75.0, 22.0]])
    np.testing.assert_allclose(found.profit, [[100.0, -20.0]])
    # 300 - 22 - 20 + 10 (p - 90) = p - 25 and 300 - 75 + 100 - 4 (p - 50) = .4 p
    np.testing.assert_allclose(found.liquidation, [[617.0 / 9.0, 525.0 / 4.4]])


def test_where_there_is_no_position_there_is_no_price_and_no_need() -> None:
    tiers = TierSchedule([[0.0]] * 2, [[0.2]] * 2, [[0.1]] * 2)
    book = Book.of(np.array([50.0]), np.array([[0.0, 1.0]]), np.array([10.0, 100.0]))
    found = account_prices(book, np.array([50.0]), np.array([10.0, 100.0]), tiers)
    assert np.isnan(found.liquidation[0, 0])
    assert found.liquidation[0, 1] == pytest.approx(50.0 / 0.9)
    assert found.maintenance.tolist() == [[0.0, 10.0]]


@given(st.floats(0.0, 1e8))
def test_the_bracket_of_a_notional_gives_its_requirement(notional: float) -> None:
    tiers = TierSchedule([[0.0, 1e3, 1e5]] * 2, [[0.1, 0.2, 0.4]] * 2, [[0.05, 0.1, 0.2]] * 2)
    held = np.array([[notional, notional / 3.0]])
    np.testing.assert_allclose(tiers.bracket(held).requirement(held), tiers.maintenance(held), rtol=1e-12, atol=1e-9)


def test_a_floor_belongs_to_the_tier_above_it() -> None:
    tiers = TierSchedule([[0.0, 1e3]], [[0.1, 0.2]], [[0.05, 0.1]])
    assert tiers.bracket(np.array([[1e3], [999.0]])).rate.tolist() == [[0.1], [0.05]]


def test_tiers_by_leverage_are_tiers_by_rate() -> None:
    tiers = TierSchedule.by_leverage([[0.0, 1e3]], [[20.0, 10.0]], 0.5)
    held = np.array([[5e3]])
    assert tiers.initial(held)[0, 0] == pytest.approx(5e3 * 0.1 - 1e3 * 0.05)
    assert tiers.maintenance(held)[0, 0] == pytest.approx(tiers.initial(held)[0, 0] / 2.0)


# With everything in it at once: tiers' deductions, fees and the rest of the account


def test_a_deduction_a_fee_and_the_rest_of_the_account_all_count() -> None:
    """Long 10 at 50 with 90: 90 + 10 (p - 50) = 10 p (.1 + .05) - 15 at 8.5 p = 395."""
    assert liquidation_price(10.0, 50.0, REST, Bracket(0.1, 15.0), 0.05) == pytest.approx(395.0 / 8.5)
    # Short: 90 - 10 (p - 50) = 10 p (.15) - 15 at 11.5 p = 605.
    assert liquidation_price(-10.0, 50.0, REST, Bracket(0.1, 15.0), 0.05) == pytest.approx(605.0 / 11.5)


def test_a_fee_liquidates_longs_higher_and_shorts_lower() -> None:
    for side in (1.0, -1.0):
        plain, dear = (liquidation_price(side * 10.0, 50.0, REST, Bracket(0.1), fee) for fee in (0.0, 0.01))
        assert side * (dear - plain) > 0.0


def test_on_entry_a_deduction_leaves_more_to_lose() -> None:
    """10 at 50 need 500 * .1 - 15 = 35 of 90, so 55 may be lost: 5.5 a unit."""
    assert liquidation_price_on_entry(10.0, 50.0, REST, Bracket(0.1, 15.0)) == pytest.approx(44.5)
    assert liquidation_price_on_entry(-10.0, 50.0, REST, Bracket(0.1, 15.0)) == pytest.approx(55.5)


def test_an_inverse_contract_with_deduction_and_fee_by_hand() -> None:
    """1,000 dollars long at 50 are 20 coins; 4 coins and 1 deducted: 1,000 (1 + .04) / 25, and short -960 / -15."""
    long = inverse_liquidation_price(1_000.0, 50.0, Backing(4.0), Bracket(0.03, 1.0), 0.01)
    short = inverse_liquidation_price(-1_000.0, 50.0, Backing(4.0), Bracket(0.03, 1.0), 0.01)
    assert long == pytest.approx(1_040.0 / 25.0)
    assert short == pytest.approx(960.0 / 15.0)


@given(sides, sizes, entries, leverages, rates, st.floats(0.0, 0.01), st.floats(0.0, 0.4))
def test_at_an_inverse_liquidation_price_coins_are_requirement_and_fee(
    side: float, size: float, entry: float, leverage: float, rate: float, fee: float, part: float
) -> None:
    face = side * size * entry
    coins = float(inverse_isolated_margin(face, entry, leverage))
    deduction = part * coins
    price = inverse_liquidation_price(face, entry, Backing(coins), Bracket(rate, deduction), fee)
    left = coins + face * (1.0 / entry - 1.0 / price)
    assert left == pytest.approx(abs(face) / price * (rate + fee) - deduction, rel=1e-7, abs=1e-9 * size)


@given(sides, sizes, entries, rates, st.floats(0.0, 0.05), st.tuples(*[st.floats(0.0, 1e3)] * 3))
def test_at_the_price_the_whole_account_is_at_its_requirement(
    side: float, size: float, entry: float, rate: float, fee: float, rest: tuple[float, float, float]
) -> None:
    wallet, needed, gained = rest
    q, deduction = side * size, 0.01 * size * entry
    price = liquidation_price(q, entry, Backing(wallet, needed, gained), Bracket(rate, deduction), fee)
    equity = wallet + gained + q * (price - entry)
    asked = needed + size * price * (rate + fee) - deduction
    assert equity == pytest.approx(asked, rel=1e-8, abs=1e-8 * (size * entry + 1e3))


@pytest.mark.parametrize(("side", "expected"), [(1.0, 100.0 - 6.0 / 0.9), (-1.0, 100.0 + 6.0 / 1.1)])
def test_from_what_is_available_by_hand(side: float, expected: float) -> None:
    """30 dollars above maintenance behind 5 units at 100, rate 10 %."""
    assert price_from_available(100.0, side * 5.0, 30.0, 0.1) == pytest.approx(expected)


def test_margins_and_bankruptcy_of_shorts_have_no_sign() -> None:
    assert isolated_margin(-4.0, 50.0, 10.0) == isolated_margin(4.0, 50.0, 10.0) == 20.0
    assert inverse_isolated_margin(-1_000.0, 50.0, 10.0) == inverse_isolated_margin(1_000.0, 50.0, 10.0) == 2.0
    assert inverse_bankruptcy_price(1_000.0, 50.0, Backing(6.0, 3.0, 2.0)) == pytest.approx(1_000.0 / 25.0)
