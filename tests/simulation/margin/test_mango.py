"""Mango health: the protocol's own table, an independent worst case, and what must always hold between the levels."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Listed, Resting
from simulation.margin.mango import CASH, MangoMargin, MangoTerms, SpotOrders, in_units

LEVELS = ("initial", "liquidation_end", "maintenance")
USDC, TOK2, TOK3, PERP = range(4)
PRICE = np.array([1.0, 5.0, 10.0, 5.0])
LOT = 10.0
LISTED = Listed(
    ("USDC", "TOK2", "TOK3", "PERP"),
    ("spot", "spot", "spot", "perpetual"),
    np.arange(4),
    np.full(4, np.nan),
    np.zeros(4),
)
VOLATILE = {
    "deposit_weight": 0.5,
    "maintenance_deposit_weight": 0.7,
    "debt_weight": 1.5,
    "maintenance_debt_weight": 1.3,
}
MARKETS: dict[str, Any] = {
    "USDC": {},
    "TOK2": VOLATILE,
    "TOK3": VOLATILE,
    "PERP": {
        "long_weight": 0.8,
        "maintenance_long_weight": 0.9,
        "short_weight": 1.2,
        "maintenance_short_weight": 1.1,
        "profit_weight": 0.95,
        "maintenance_profit_weight": 0.98,
        "settle": "USDC",
    },
}
units = st.floats(-1e4, 1e4)
amounts = st.floats(0.0, 1e3)


def rule(**more: Any) -> MangoMargin:
    return MangoMargin.model_validate({"markets": MARKETS, **more})


def account(tokens: Sequence[float], perp: Sequence[float] = (0, 0, 0, 0)) -> Book:
    """Three balances; lots, quote, lots to buy and lots to sell of the perpetual. No cash in the currency itself."""
    lots, quote, bids, asks = perp
    base, bid, ask = (in_units(count, LOT) for count in (lots, bids, asks))
    none = [0.0] * 3
    resting = Resting(np.array([[*none, bid]]), np.array([[*none, ask]]))
    position, cost = np.array([[*map(float, tokens), base]]), np.array([[*none, -float(quote)]])
    return Book(np.array([float(quote)]), position, cost, resting)


def orders(base: int, reserved: tuple[float, float], ask: float = 0.0, bid: float = 0.0) -> SpotOrders:
    """Reserved quote and base, as the protocol's table writes them."""
    quote, own = (np.array([float(amount)]) for amount in reserved)
    return SpotOrders(base, USDC, own, quote, ask, bid)


@dataclass(frozen=True)
class Row:
    """A row of the protocol's table."""

    expected: float
    tokens: tuple[float, float, float] = (0, 0, 0)
    perp: tuple[float, float, float, float] = (0, 0, 0, 0)
    first: tuple[float, float] = (0, 0)
    second: tuple[float, float] = (0, 0)
    ask: float = 0.0
    bid: float = 0.0
    deposits: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 0.0))
    borrows: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 0.0))


TABLE = {
    # 100 USDC less a loss of 81; 10 TOK2 owed; the orders become 95 USDC, which is worse than 19 TOK2.
    "all at once": Row(19 * 0.8 - 75 + 95 * 0.8, (100, -10, 0), (3, -131, 7, 11), (20, 15)),
    "a loss is weighted by the token only": Row(1.2 * (-100 + 0.8 * 50), perp=(1, -100, 0, 0)),
    "a profit is weighted twice": Row(0.8 * 0.95 * (100 + 0.8 * 500), perp=(10, 100, 0, 0)),
    "a profit less what was paid": Row(0.8 * 0.95 * (-100 + 0.8 * 1500), perp=(30, -100, 0, 0)),
    "orders": Row(-120 - 75 - 150 + 6 * 1.2 + 11 * 1.2, (-100, -10, -10), (0, 0, 0, 0), (1, 1), (1, 1)),
    "orders across zero": Row(
        -14 * 1.2 - 75 - 150 + 3 * 1.2 + 3 * 0.8 + 8 * 1.2 + 3 * 0.8, (-14, -10, -10), first=(1, 1), second=(1, 1)
    ),
    "a profit offsets a debt": Row(0.8 * (-100 + 0.95 * (100 + 0.8 * 50)), (-100, 0, 0), (1, 100, 0, 0)),
    "a loss offsets a deposit": Row(1.2 * (100 - 100 - 1.2 * 50), (100, 0, 0), (-1, -100, 0, 0)),
    "extreme orders inside the oracle": Row(
        -120 - 75 + 4 * 1.2 + (11 / 12 + 1) * 5, (-100, -10, 0), first=(1, 1), second=(11, 1), ask=3.0, bid=12.0
    ),
    "extreme orders beyond the oracle": Row(
        -120 - 75 + 6 * 1.2 + (11 / 10 + 1) * 5, (-100, -10, 0), first=(1, 1), second=(11, 1), ask=6.0, bid=9.0
    ),
    "deposits beyond the start": Row(
        80 + 500 * 0.5 * 5000 / 7500 + 1000 * 0.5 * 10000 / 100000, (100, 100, 100), deposits=(100, 1500, 10000, 0)
    ),
    "debts beyond the start": Row(
        -120 - 500 * 1.5 * 7500 / 5000 - 1000 * 1.5 * 10, (-100, -100, -100), borrows=(100, 1500, 10000, 0)
    ),
    "orders of a market may become either token": Row(
        80 + 250 + 500 + 250 + 500, (100, 100, 100), first=(0, 100), second=(0, 100)
    ),
    "orders count at the scaled weight": Row(
        80 + 250 / 2 + 500 * 5 / 7 + 250 / 2 + 500 * 5 / 7, (100, 100, 100), first=(0, 100), second=(0, 100),
        deposits=(0, 2000, 1400, 0),
    ),
}  # fmt: skip
STARTS = {"USDC": 1_000.0, "TOK2": 5_000.0, "TOK3": 10_000.0}


@pytest.mark.parametrize("name", TABLE)
def test_initial_health_by_the_table_of_the_protocol(name: str) -> None:
    row = TABLE[name]
    board = Board.at(LISTED, PRICE, deposits=np.array(row.deposits), borrows=np.array(row.borrows))
    starts = {name: {"deposit_start": start, "borrow_start": start} for name, start in STARTS.items()}
    scaled = rule(markets={name: terms | starts.get(name, {}) for name, terms in MARKETS.items()})
    market = [orders(TOK2, row.first, ask=row.ask), orders(TOK3, row.second, bid=row.bid)]
    health = scaled.health(account(row.tokens, row.perp), board, "initial", market)
    assert health[0] == pytest.approx(row.expected, rel=1e-12)


def test_the_three_levels_differ_by_prices_weights_and_scaling() -> None:
    """10 held at a slow price of 1/2, 9 owed at a slow price of 5/4; deposits are twice, debts thrice their start."""
    terms = {
        "A": {"deposit_weight": 1.0, "maintenance_deposit_weight": 1.0, "deposit_start": 505.0},
        "B": {"debt_weight": 1.4, "maintenance_debt_weight": 1.2, "borrow_start": 3.75},
    }
    known = {"slow": np.array([0.5, 1.25]), "deposits": np.array([1010.0, 0.0]), "borrows": np.array([0.0, 9.0])}
    board = Board.at(Listed.plain(("A", "B"), "spot"), np.ones(2), **known)
    book = Book.of(np.zeros(1), np.array([[10.0, -9.0]]), np.zeros(2))
    found = [rule(markets=terms).health(book, board, level)[0] for level in LEVELS]  # type: ignore[arg-type]
    assert found == pytest.approx([2.5 - 9 * 1.25 * 1.4 * 3, 10 - 9 * 1.4, 10 - 9 * 1.2])
    at_mark = rule(markets=terms, pool_price="mark").health(book, board, "initial")[0]
    assert at_mark == pytest.approx(2.5 - 9 * 1.25 * 1.4 * 9 / 3.75)


def test_a_perpetual_is_valued_at_the_worse_price_of_its_side() -> None:
    board = Board.at(Listed.plain(("PERP",)), np.array([10.0]), slow=np.array([8.0]))
    for size, expected in ((2.0, 2 * 8 * 0.8 - 20), (-2.0, -2 * 10 * 1.2 + 20)):
        book = Book.opened(np.zeros(1), np.array([[size]]), np.array([10.0]))
        assert rule().health(book, board, "initial")[0] == pytest.approx(expected)
        assert rule().health(book, board, "liquidation_end")[0] == pytest.approx(-2 * 10 * 0.2)


def test_a_perpetual_settles_in_the_currency_where_its_token_is_not_listed() -> None:
    board = Board.at(Listed.plain(("PERP", "TOK2")), np.array([5.0, 5.0]))
    assert rule().settles_in(board).tolist() == [CASH, CASH]
    assert rule().settles_in(Board.at(LISTED, PRICE)).tolist() == [CASH, CASH, CASH, USDC]


def test_options_held_are_no_collateral_and_options_owed_count_in_full() -> None:
    listed = Listed(("C", "P"), ("option", "option"), np.zeros(2, int), np.ones(2), np.array([1.0, -1.0]))
    book = Book.of(np.array([100.0]), np.array([[3.0, -2.0]]), np.zeros(2))
    assert rule().health(book, Board.at(listed, np.array([7.0, 4.0])), "initial")[0] == pytest.approx(92.0)


def test_orders_resting_in_the_book_are_reserved_out_of_the_balances() -> None:
    """4 to buy at 5 and 2 to sell: 2 more TOK2 and 80 cash are certain; then 6 TOK2, or 30 dollars."""
    board = Board.at(LISTED, PRICE)
    resting = Resting(np.array([[0.0, 4.0, 0.0, 0.0]]), np.array([[0.0, 2.0, 0.0, 0.0]]))
    book = Book(np.array([100.0]), np.array([[0.0, 4.0, 0.0, 0.0]]), np.zeros((1, 4)), resting)
    assert rule().health(book, board, "initial")[0] == pytest.approx(80 + 2 * 5 * 0.5 + min(6 * 5 * 0.5, 30.0))


def test_markets_without_terms_have_the_default_and_the_currency_its_own() -> None:
    board = Board.at(Listed.plain(("X",), "spot"), np.array([10.0]))
    book = Book.of(np.array([-3.0]), np.array([[2.0]]), np.zeros(1))
    own = rule(default={"deposit_weight": 0.25}, cash={"debt_weight": 2.0})
    assert own.health(book, board, "initial")[0] == pytest.approx(2 * 10 * 0.25 - 3 * 2.0)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"deposit_weight": 0.95}, "deposit_weight"),
        ({"maintenance_debt_weight": 1.3}, "maintenance_debt_weight"),
        ({"long_weight": 0.96}, "long_weight"),
        ({"maintenance_short_weight": 1.2}, "maintenance_short_weight"),
        ({"maintenance_profit_weight": 0.5}, "profit_weight"),
    ],
)
def test_initial_weights_that_are_softer_than_maintenance_are_refused(terms: dict[str, float], field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}: must be at most the "):
        MangoTerms.model_validate(terms)


@given(st.tuples(units, units, units), units, units, st.tuples(amounts, amounts))
def test_health_is_what_the_worse_fill_leaves(
    tokens: tuple[float, float, float], lots: float, quote: float, resting: tuple[float, float]
) -> None:
    """The perpetual by brute force: fill all of one side at the price, then take the worse health."""
    board, bids, asks = Board.at(LISTED, PRICE), *resting
    found = rule().health(account(tokens, (lots, quote, bids, asks)), board, "maintenance")[0]
    filled = [
        rule().health(account(tokens, (lots + more, quote - more * LOT * PRICE[PERP], 0, 0)), board, "maintenance")[0]
        for more in (bids, -asks)
    ]
    assert found == pytest.approx(min(filled), rel=1e-9, abs=1e-6)


@given(st.tuples(units, units, units), st.tuples(amounts, amounts), st.tuples(amounts, amounts))
def test_spot_orders_never_count_more_than_the_worst_of_all_their_outcomes(
    tokens: tuple[float, float, float], first: tuple[float, float], second: tuple[float, float]
) -> None:
    board = Board.at(LISTED, PRICE)
    market = [orders(TOK2, first), orders(TOK3, second)]
    found = rule().health(account(tokens), board, "initial", market)[0]
    outcomes = []
    for kept in itertools.product((True, False), repeat=2):
        after = list(map(float, tokens))
        for order, base in zip(market, kept, strict=True):
            price = PRICE[order.base]
            after[order.base] += float(order.as_base(1 / price)[0]) if base else 0.0
            after[USDC] += 0.0 if base else float(order.as_quote(price)[0])
        outcomes.append(rule().health(account(after), board, "initial")[0])
    assert found <= min(outcomes) + 1e-6


@given(st.lists(units, min_size=4, max_size=4), units, st.lists(st.floats(0.5, 2.0), min_size=4, max_size=4))
def test_initial_health_is_the_lowest_and_maintenance_the_highest(
    position: list[float], quote: float, drift: list[float]
) -> None:
    board = Board.at(LISTED, PRICE, slow=PRICE * np.array(drift))
    book = account(position[:3], (position[3], quote, 0, 0))
    initial, end, maintenance = (rule().health(book, board, level)[0] for level in LEVELS)  # type: ignore[arg-type]
    slack = 1e-9 * (1e6 + abs(maintenance))
    assert initial <= end + slack and end <= maintenance + slack


@given(st.lists(units, min_size=4, max_size=4), st.sampled_from(LEVELS), st.integers(0, 3), st.floats(0.0, 1e3))
def test_more_of_any_token_never_lowers_health(position: list[float], level: Any, token: int, more: float) -> None:
    board = Board.at(LISTED, PRICE)
    book, richer = account(position[:3], (position[3], 0, 0, 0)), list(position[:3])
    richer[token % 3] += more
    better = account(richer, (position[3], 0, 0, 0))
    before, after = (rule().health(b, board, level)[0] for b in (book, better))
    assert after >= before - 1e-9 * (1.0 + abs(before))


@given(st.lists(units, min_size=4, max_size=4), units, st.sampled_from(LEVELS))
def test_the_requirement_is_equity_less_health(position: list[float], quote: float, level: Any) -> None:
    board, book = Board.at(LISTED, PRICE), account(position[:3], (position[3], quote, 0, 0))
    balance = book.equity(PRICE) - rule().requirement(book, board, level)
    assert balance == pytest.approx(rule().health(book, board, level), rel=1e-9, abs=1e-6)


@given(st.lists(st.lists(units, min_size=4, max_size=4), min_size=2, max_size=5))
def test_an_account_does_not_depend_on_the_accounts_beside_it(rows: list[list[float]]) -> None:
    board, position = Board.at(LISTED, PRICE), np.array(rows)
    together = rule().health(Book.of(np.zeros(len(rows)), position, PRICE), board, "initial")
    alone = [rule().health(Book.of(np.zeros(1), row[None], PRICE), board, "initial")[0] for row in position]
    assert together.tolist() == alone


@given(st.floats(0.0, 1.0), units)
def test_profit_without_weight_backs_nothing(lots: float, quote: float) -> None:
    """What the venue learnt in October 2022: with weight 0 no marked profit can be borrowed against."""
    terms = {**MARKETS, "PERP": {**MARKETS["PERP"], "profit_weight": 0.0, "maintenance_profit_weight": 0.0}}
    board = Board.at(LISTED, PRICE * np.array([1.0, 1.0, 1.0, 24.0]))
    assert rule(markets=terms).health(account((0, 0, 0), (lots, quote, 0, 0)), board, "maintenance")[0] <= 0.0
