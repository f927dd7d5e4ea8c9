"""Liquidation prices with everything in them at once: tiers' deductions, fees and the rest of the account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.margin.liquidation_price import (
    Backing,
    inverse_bankruptcy_price,
    inverse_isolated_margin,
    inverse_liquidation_price,
    isolated_margin,
    liquidation_price,
    liquidation_price_on_entry,
    price_from_available,
)
from simulation.margin.tiers import Bracket

sides = st.sampled_from((-1.0, 1.0))
sizes, entries, leverages = st.floats(0.01, 1e3), st.floats(1.0, 1e5), st.floats(1.5, 100.0)
rates = st.floats(0.001, 0.2)
REST = Backing(100.0, 30.0, 20.0)  # 90 dollars: others need 30 and have gained 20


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
