"""Mango liquidations: the protocol's own tables, hand numbers with fees, and that nobody is taken more than needed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed
from simulation.liquidation.base import Distressed
from simulation.liquidation.mango import Limits, MangoClose, missing
from simulation.margin.mango import MangoMargin

ASSET, LIAB, OTHER, PERP_A, PERP_L = range(5)
EVEN = dict.fromkeys(("deposit_weight", "maintenance_deposit_weight", "debt_weight", "maintenance_debt_weight"), 1.0)
NO_FEES = {"token_fee_rate": 0.0, "base_fee_rate": 0.0, "profit_fee_rate": 0.0}
NAMES = ("ASSET", "LIAB", "OTHER", "PERP_A", "PERP_L")
LISTED = Listed(
    NAMES, ("spot", "spot", "spot", "perpetual", "perpetual"), np.arange(5), np.full(5, np.nan), np.zeros(5)
)
BOARD = Board.at(LISTED, np.ones(5))


def margin(token: float, overall: float, base: float = 0.8) -> MangoMargin:
    """The venue of the protocol's tests: weights `token` and 2 - `token`, `base` and 2 - `base`."""
    tokens = {"deposit_weight": token, "maintenance_deposit_weight": 1.0, "debt_weight": 2.0 - token}
    perp = {"long_weight": base, "maintenance_long_weight": 1.0, "short_weight": 2.0 - base, "profit_weight": overall}
    perp |= {"maintenance_profit_weight": 1.0, "maintenance_short_weight": 1.0}
    return MangoMargin.model_validate(
        {
            "markets": {
                "ASSET": tokens | {"maintenance_debt_weight": 1.0},
                "LIAB": tokens | {"maintenance_debt_weight": 1.0},
                "OTHER": EVEN,
                "PERP_A": perp | {"settle": "ASSET"},
                "PERP_L": perp | {"settle": "LIAB"},
            }
        }
    )


def account(tokens: tuple[float, float, float], quotes: tuple[float, float] = (0.0, 0.0), base: float = 0.0) -> Book:
    """Three balances, the quote balances of the two perpetuals, and the size of the first."""
    position = np.array([[*tokens, base, 0.0]])
    cost = -np.array([[0.0, 0.0, 0.0, *quotes]])
    return Book(np.array([sum(quotes)]), position, cost)


def close(**fields: Any) -> MangoClose:
    return MangoClose.model_validate({**NO_FEES, **fields})


SWAPS: dict[str, tuple[tuple[float, float], tuple[float, ...], tuple[float, float] | None, float]] = {
    "nothing": ((0.9, 0.9), (0.0, 0.0, 0.0, 0.0, 0.0), None, 100),
    "no debt": ((0.9, 0.9), (1.0, 0.0, 0.0, 0.0, 0.0), None, 100),
    "a debt of perpetuals only": ((0.9, 0.9), (1.0, 0.0, 1.0, -1.0, 0.0), None, 100),
    "no collateral": ((0.9, 0.9), (0.0, 0.0, -1.0, 0.0, 0.0), None, 100),
    "collateral that a loss has used up": ((0.9, 0.9), (99.999, -100.0, -1.0, 0.0, 0.0), None, 100),
    "all of the collateral": ((0.9, 0.9), (10.0, 0.0, -11.0, 0.0, 0.0), (0.0, -1.0), 100),
    "no more than asked for": ((0.9, 0.9), (10.0, 0.0, -11.0, 0.0, 0.0), (8.0, -9.0), 2),
    "until health is 0": ((0.8, 0.8), (10.0, 0.0, -9.0, 0.0, 0.0), (3.0, -2.0), 100),
    "with other health": ((0.8, 0.8), (10.0, 0.0, -9.0, 0.0, 0.4), (4.0, -3.0), 100),
    "with other debt": ((0.8, 0.8), (10.0, 0.0, -9.0, 0.0, -0.4), (2.0, -1.0), 100),
    "profit is not taken": ((0.8, 0.5), (5.0, 6.0, -9.0, 0.0, 0.0), (0.0, -4.0), 100),
    "profit helps": ((0.8, 0.5), (5.0, 14.0, -9.0, 0.0, 0.0), (2.0, -6.0), 100),
    "profit alone is no collateral": ((0.8, 0.5), (0.0, 14.0, -9.0, 0.0, 0.0), None, 100),
    "a loss is not repaid": ((0.8, 0.5), (10.0, 0.0, -4.0, -5.0, 0.0), (6.0, 0.0), 100),
    "a loss hurts": ((0.8, 0.5), (10.0, 0.0, -8.0, -1.0, 0.0), (3.0, -1.0), 100),
    "a loss alone is no debt": ((0.8, 0.5), (10.0, 0.0, 0.0, -9.0, 0.0), None, 100),
}


@pytest.mark.parametrize("name", SWAPS)
def test_swaps_of_the_protocols_table(name: str) -> None:
    (token, overall), (asset, asset_perp, liab, liab_perp, other), expected, most = SWAPS[name]
    book = account((asset, liab, other), (asset_perp, liab_perp))
    swap = close().swap(margin(token, overall), book, BOARD, (ASSET, LIAB), most)
    if expected is None:
        assert swap is None
    else:
        assert swap is not None
        assert swap.book.position[0, [ASSET, LIAB]] == pytest.approx(expected, abs=1e-9)


TAKEOVERS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, float]]] = {
    # base weight, overall weight, fee; settle token, base, quote, other token; the first three after; limits
    "nothing": ((0.9, 0.9, 0), (0, 0, 0, 0), (0, 0, 0), (0, 100)),
    "short, limited": ((0.5, 0.5, 0), (5, -10, 0, 0), (5, -9, -1), (1, 100)),
    "short, all": ((0.5, 0.5, 0), (5, -10, 0, 0), (5, 0, -10), (20, 100)),
    "short, until health is 0": ((0.5, 0.5, 0), (5, -4, 0, 0), (5, -2, -2), (20, 100)),
    "long, limited": ((0.5, 0.5, 0), (5, 20, -20, 0), (5, 19, -19), (1, 100)),
    "long, all": ((0.5, 0.5, 0), (0, 20, -30, 0), (0, 0, -10), (100, 100)),
    "long, until health is 0": ((0.5, 0.5, 0), (5, 20, -20, 0), (5, 10, -10), (100, 100)),
    "profit first, then base": ((0.5, 0.8, 0), (-20, 20, 5, 0), (0, 10, -5), (100, 100)),
    "profit is enough": ((0.5, 0.5, 0), (-19, 20, 10, 0), (-1, 20, -8), (100, 100)),
    "base and profit": ((0.5, 0.5, 0), (-25, 20, 10, 0), (0, 10, -5), (100, 100)),
    "until the limit of profit": ((0.5, 0.5, 0), (-23, 20, 10, 0), (-2, 10, -1), (100, 21)),
    "until the limit of base": ((0.5, 0.5, 0), (-25, 20, 10, 0), (-4, 18, -9), (2, 100)),
    "until both limits": ((0.5, 0.5, 0), (-25, 20, 10, 0), (-4, 16, -7), (4, 21)),
    "base after little profit": ((0.5, 0.5, 0), (-20, 20, 10, 0), (-15, 10, 15), (10, 5)),
    "base without profit": ((0.5, 0.5, 0), (-20, 20, 10, 0), (-20, 0, 30), (100, 0)),
    "weightless: base alone is of no use": ((0.5, 0, 0), (-20, 20, 10, 0), (-20, 20, 10), (10, 0)),
    "weightless: profit alone": ((0.5, 0, 0), (-20, 20, 10, 0), (-15, 20, 5), (10, 5)),
    "weightless: base for more profit": ((0.5, 0, 0), (-30, 20, 10, 0), (-7.5, 15, -7.5), (5, 30)),
    "weightless: until health is 0": ((0.5, 0, 0), (-25, 20, 10, 0), (0, 10, -5), (200, 200)),
    "base across a balance of 0": ((0.5, 0, 0), (2, 60, -35, -2), (2, 50, -25), (200, 200)),
    "profit across a balance of 0": ((0.5, 0, 0), (-7, 60, -20, -3), (3, 60, -30), (200, 200)),
    "both across a balance of 0": ((0.5, 0, 0), (-7, 60, -30, -3), (3, 40, -20), (200, 200)),
    "weight across a balance of 0": ((0.5, 0.5, 0), (-7, 60, -20, -3), (-7, 40, 0), (200, 0)),
    "all phases, a loss first": ((0.5, 0.5, 0), (-7, 70, -40, -100), (3, 0, 20), (200, 10)),
    "all phases": ((0.5, 0.5, 0), (-7, 70, -30, -100), (8, 10, 15), (60, 15)),
    "fee, all phases": ((0.5, 0.5, 0.25), (-7, 70, -30, -100), (8, 10, 10), (60, 20)),
    "fee, the last phase stops": ((0.5, 0.5, 0.25), (-7, 70, -30, -12), (8, 24, -4), (60, 20)),
    "fee, the fourth phase stops": ((0.5, 0.5, 0.25), (-7, 70, -30, -6), (5.75, 45, -22), (60, 20)),
    "fee, the second phase stops": ((0.5, 0.5, 0.25), (-7, 70, -30, 4), (-5.5, 70, -32), (60, 20)),
}


@pytest.mark.parametrize("name", TAKEOVERS)
def test_takeovers_of_the_protocols_table(name: str) -> None:
    (base, overall, fee), (settle, size, quote, other), expected, limits = TAKEOVERS[name]
    book = account((settle, 0.0, other), (quote, 0.0), size)
    rule = close(profit_fee_rate=fee, lot=1.0, slack=0.5)
    after = rule.take_over(margin(1.0, overall, base), book, BOARD, PERP_A, Limits(*limits)).book
    found = [after.position[0, ASSET], after.position[0, PERP_A], -after.cost[0, PERP_A]]
    assert found == pytest.approx(expected, abs=1e-9)
    assert after.balance(LISTED)[0] == pytest.approx(0.0, abs=1e-9)


@given(st.floats(0.5, 0.95), st.floats(0.0, 0.5), st.floats(0.0, 0.3), st.floats(1.0, 30.0))
def test_what_rounding_leaves_after_a_sale_closes_no_lot(base: float, overall: float, fee: float, owed: float) -> None:
    """100 long with a profit large enough: its sale alone brings health to 0, so not one lot is closed."""
    book = account((-owed - 200.0 * overall, 0.0, 0.0), (200.0 - 100.0 * base, 0.0), 100.0)
    taken = close(profit_fee_rate=fee, lot=1.0).take_over(margin(1.0, overall, base), book, BOARD, PERP_A)
    if taken.profit < 200.0 - 1e-9:
        assert taken.units == 0.0


@pytest.mark.parametrize(("size", "closed"), [(9.0, -4.0), (-9.0, 4.0)])
def test_lots_are_rounded_up_and_never_beyond_the_position(size: float, closed: float) -> None:
    """Half the value is margin: health -1.75 needs 3.5 units; with lots of 2 that is 4, with lots of 50 all 9."""
    book = account((2.75, 0.0, 0.0), (-size, 0.0), size)
    rule = margin(1.0, 0.5, 0.5)
    assert close(lot=2.0).take_over(rule, book, BOARD, PERP_A).units == closed
    assert close(lot=50.0).take_over(rule, book, BOARD, PERP_A).units == -size
    assert close(lot=0.0).take_over(rule, book, BOARD, PERP_A).units == pytest.approx(closed * 3.5 / 4.0)


@given(
    st.floats(-50.0, 50.0), st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(0.0, 60.0), st.floats(0.0, 60.0)
)
def test_a_liquidator_takes_no_more_than_it_asked_for(
    settle: float, size: float, quote: float, base: float, profit: float
) -> None:
    rule, book = margin(1.0, 0.5, 0.5), account((settle, 0.0, 0.0), (quote, 0.0), size)
    taken = close().take_over(rule, book, BOARD, PERP_A, Limits(base, profit))
    assert abs(taken.units) <= base and 0.0 <= taken.profit <= profit


@given(st.floats(-50.0, 50.0), st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(0.0, 0.2))
def test_the_account_pays_exactly_the_fees(settle: float, size: float, quote: float, fee: float) -> None:
    """What it loses at the mark is the fee on the units closed and on the profit sold."""
    rule, book = margin(1.0, 0.5, 0.5), account((settle, 0.0, 0.0), (quote, 0.0), size)
    taken = close(base_fee_rate=fee, profit_fee_rate=fee).take_over(rule, book, BOARD, PERP_A)
    lost = book.equity(BOARD.price)[0] - taken.book.equity(BOARD.price)[0]
    assert lost == pytest.approx(fee * (abs(taken.units) + taken.profit), abs=1e-9)


def test_fees_of_both_tokens_multiply_and_the_venue_has_its_part() -> None:
    """f = 1.1 * 1.1 = 1.21, of which the liquidator gets 1.08^2; each unit repaid brings 1.2 - 1.21 * 0.8 = 0.232."""
    rule = close(token_fee_rate=0.08, venue_token_fee_rate=0.02)
    swap = rule.swap(margin(0.8, 0.5), account((10.0, -7.0, 0.168), (0.0, 0.0)), BOARD, (ASSET, LIAB))
    assert swap is not None
    assert swap.repaid == pytest.approx((8.4 - 8.0 - 0.168) / 0.232)
    assert swap.received == pytest.approx(swap.repaid * 1.08**2)
    assert swap.received + swap.venue == pytest.approx(10.0 - swap.book.position[0, ASSET])


def test_a_swap_that_would_not_help_takes_nothing() -> None:
    swap = close(token_fee_rate=0.5).swap(margin(0.8, 0.5), account((10.0, -9.0, 0.0)), BOARD, (ASSET, LIAB))
    assert swap is not None and swap.repaid == swap.received == 0.0


def test_the_settlement_currency_is_a_token_like_others() -> None:
    """2 of a token at 10 against 17 dollars: 2 * 10 * 0.8 - 17 = -1; a dollar repaid brings 1 - 0.8."""
    board = Board.at(Listed.plain(("T",), "spot"), np.array([10.0]))
    book = Book.of(np.array([-17.0]), np.array([[2.0]]), np.zeros(1))
    swap = close().swap(MangoMargin.model_validate({}), book, board, (0, -1))
    assert swap is not None
    assert (swap.repaid, swap.received) == pytest.approx((5.0, 0.5))
    assert swap.book.cash[0] == pytest.approx(-12.0)


def test_a_perpetual_settled_in_cash_is_closed_at_the_price_less_fees() -> None:
    """10 long at 100 with 60 dollars: u = -1000 + 900 and health -40; a unit closed at 98 brings 98 - 90 = 8."""
    board = Board.at(Listed.plain(("P",)), np.array([100.0]))
    book = Book.opened(np.array([60.0]), np.array([[10.0]]), np.array([100.0]))
    taken = close(base_fee_rate=0.015, venue_base_fee_rate=0.005).take_over(
        MangoMargin.model_validate({}), book, board, 0
    )
    assert (taken.units, taken.price) == pytest.approx((-5.0, 98.0))
    assert taken.book.cash[0] == pytest.approx(book.cash[0] + 490.0)
    assert MangoMargin.model_validate({}).health(taken.book, board, "liquidation_end")[0] == pytest.approx(0.0)


def test_a_perpetual_whose_closing_costs_more_than_it_frees_is_left_alone() -> None:
    board = Board.at(Listed.plain(("P",)), np.array([100.0]))
    book = Book.opened(np.array([60.0]), np.array([[-10.0]]), np.array([100.0]))
    assert close(base_fee_rate=0.1).take_over(MangoMargin.model_validate({}), book, board, 0).units == 0.0


@given(st.floats(-100.0, 100.0), st.floats(-100.0, 100.0), st.floats(0.1, 1.0), st.floats(1.0, 2.0))
def test_what_is_missing_brings_health_to_zero(health: float, balance: float, asset: float, liability: float) -> None:
    def worth(units: float) -> float:
        return units * (liability if units < 0.0 else asset)

    units = missing(health, balance, asset, liability)
    after = health + worth(balance + units) - worth(balance)
    assert after == pytest.approx(max(health, 0.0), abs=1e-9)


def test_a_token_that_counts_nothing_cannot_bring_health() -> None:
    assert missing(-1.0, 5.0, 0.0, 1.2) == np.inf
    assert missing(-1.2, -5.0, 0.0, 1.2) == 1.0


@given(st.floats(0.0, 50.0), st.floats(-50.0, 0.0), st.floats(-5.0, 5.0), st.floats(-9.0, 9.0), st.floats(0.0, 0.1))
def test_a_swap_never_overshoots_and_never_hurts(
    asset: float, liab: float, other: float, quote: float, fee: float
) -> None:
    rule, book = margin(0.8, 0.5), account((asset, liab, other), (quote, 0.0))
    swap = close(token_fee_rate=fee).swap(rule, book, BOARD, (ASSET, LIAB))
    if swap is None:
        return
    before, after = (rule.health(b, BOARD, "liquidation_end")[0] for b in (book, swap.book))
    assert before - 1e-9 <= after <= max(before, 1e-9)
    assert swap.book.position[0, ASSET] >= -1e-9 and swap.book.position[0, LIAB] <= 1e-9
    assert swap.repaid <= swap.received * (1.0 + 1e-12)


@given(st.floats(-50.0, 50.0), st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(0.0, 0.9), st.floats(0.0, 0.1))
def test_a_takeover_stops_at_zero_health_and_keeps_the_side(
    settle: float, size: float, quote: float, overall: float, fee: float
) -> None:
    rule, book = margin(1.0, overall, 0.5), account((settle, 0.0, 0.0), (quote, 0.0), size)
    taken = close(profit_fee_rate=fee, base_fee_rate=0.02).take_over(rule, book, BOARD, PERP_A)
    before, after = (rule.health(b, BOARD, "liquidation_end")[0] for b in (book, taken.book))
    assert before - 1e-9 <= after <= max(before, 1e-6)
    left = taken.book.position[0, PERP_A]
    assert left * size >= 0.0 and abs(left) <= abs(size)
    assert taken.paid == pytest.approx(taken.profit * (1.0 - fee))


@given(st.floats(-500.0, 99.0), st.floats(0.0, 0.04), st.floats(1.0, 1.5))
def test_a_live_round_leaves_exactly_what_the_rest_needs(equity: float, penalty: float, stop: float) -> None:
    """Maintenance 100 of a notional of 2,000, closed at the mark for a penalty."""
    pools = Distressed(np.array([equity]), np.array([100.0]), np.array([2_000.0]), np.zeros(1), stop=stop)
    share = close(penalty_rate=penalty).fraction(pools)[0]
    assert 0.0 < share <= 1.0
    if share < 1.0:
        assert equity - penalty * 2_000.0 * share == pytest.approx(stop * 100.0 * (1.0 - share))
    else:
        assert equity - penalty * 2_000.0 <= 1e-9
