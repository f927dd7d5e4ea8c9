"""Every haircut rule against a plain reading of its formula, account by account and token by token."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.board import Board, Book, Level, Listed
from simulation.collateral.base import CollateralRule
from simulation.rule import load_rules

load_rules("simulation.collateral")
NAMES = ("PERP", "COIN", "GOLD", "BACK")
LISTED = Listed(NAMES, ("perpetual", "spot", "spot", "future"), np.arange(4), np.full(4, np.nan), np.zeros(4))
PRICE = np.array([100.0, 50.0, 8.0, 20.0])
LEVELS: tuple[Level, Level] = ("initial", "maintenance")

shares = st.floats(0.0, 1.0)
units = st.floats(-500.0, 500.0)
terms = st.fixed_dictionaries(
    {"haircut": shares, "initial_extra": st.floats(0.0, 0.5), "debt_premium": st.floats(0.0, 2.0),
     "cap": st.floats(0.0, 2e4)}
)  # fmt: skip
sizes = st.fixed_dictionaries(
    {"size_factor": st.floats(0.0, 0.2), "deposit_start": st.floats(1.0, 1e5), "borrow_start": st.floats(1.0, 1e5)}
)
books = st.tuples(st.floats(-1e5, 1e5), *[units] * 4, *[st.floats(1.0, 200.0)] * 4)


def opened(row: tuple[float, ...]) -> Book:
    position = np.array([row[1:5]])
    return Book(np.array([row[0]]), position, position * np.array(row[5:]))


def board(deposits: float = 0.0, borrows: float = 0.0) -> Board:
    pledged, owed = (np.array([0.0, x, x / 2.0, 0.0]) for x in (deposits, borrows))
    return Board.at(LISTED, PRICE, deposits=pledged, borrows=owed)


def read(book: Book, rule: dict[str, Any], counted: Callable[[int, float, float], float]) -> float:
    """cash + what each token counts for + the value of contracts - the profit that does not count."""
    total, profit = float(book.cash[0]), 0.0
    for column, (held, cost) in enumerate(zip(book.position[0], book.cost[0], strict=True)):
        value = float(held * PRICE[column])
        if LISTED.spot[column]:
            total += counted(column, float(held), value)
        else:
            total += value
            profit += value - float(cost)
    profit = max(profit, 0.0)
    return total - profit + min((1.0 - rule.get("profit_haircut", 0.0)) * profit, rule.get("profit_cap", np.inf))


def check(rule: dict[str, Any], book: Book, at: Board, level: Level, expected: float) -> None:
    found = float(CollateralRule.parse(rule).value(book, at, level)[0])
    scale = 1.0 + abs(float(book.cash[0])) + float((np.abs(book.position) * (PRICE + 200.0)).sum())
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)


@given(books, terms, terms, shares, st.floats(0.0, 1e4), st.sampled_from(LEVELS))
def test_flat_haircuts(
    row: tuple[float, ...], default: dict[str, float], own: dict[str, float], cut: float, cap: float, level: Level
) -> None:
    rule = {"kind": "flat", "default": default, "markets": {"GOLD": own}, "profit_haircut": cut, "profit_cap": cap}

    def counted(column: int, held: float, value: float) -> float:
        mine = own if NAMES[column] == "GOLD" else default
        if value <= 0.0:
            return value * (1.0 + mine["debt_premium"])
        taken = mine["haircut"] + (mine["initial_extra"] if level == "initial" else 0.0)
        return min(value * max(1.0 - taken, 0.0), mine["cap"])

    book = opened(row)
    check(rule, book, board(), level, read(book, rule, counted))


@given(books, terms, sizes, st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.sampled_from(LEVELS))
def test_haircuts_by_concentration(
    row: tuple[float, ...], own: dict[str, float], size: dict[str, float], deposits: float, borrows: float, level: Level
) -> None:
    rule = {"kind": "concentration", "default": {**own, **size}}
    factor = size["size_factor"]

    def counted(column: int, held: float, value: float) -> float:
        crowd = 1.0 if NAMES[column] == "COIN" else 0.5
        root, price = factor * abs(held) ** 0.5, float(PRICE[column])
        if value > 0.0:
            taken = own["haircut"] + (own["initial_extra"] if level == "initial" else 0.0)
            weight = max(1.0 - taken, 0.0)
            if factor > 0.0:
                weight = min(weight, 1.1 / (1.0 + root))
            pledged = deposits * crowd * price
            if level == "initial" and pledged > size["deposit_start"]:
                weight *= size["deposit_start"] / pledged
            return min(value * weight, own["cap"])
        weight = 1.0 + own["debt_premium"]
        weight = max(weight, 0.8 * weight + root)
        if level == "initial":
            weight *= max(1.0, borrows * crowd * price / size["borrow_start"])
        return value * weight

    book = opened(row)
    check(rule, book, board(deposits, borrows), level, read(book, rule, counted))


@given(
    books,
    st.lists(st.tuples(st.floats(1.0, 5e3), st.floats(0.0, 0.3)), max_size=4),
    st.floats(0.0, 1.0),
    st.sampled_from(LEVELS),
)
def test_haircuts_tier_by_tier(
    row: tuple[float, ...], steps: list[tuple[float, float]], premium: float, level: Level
) -> None:
    """Walk up the ladder dollar by dollar of its steps, both levels alike."""
    floors, cuts = [0.0], [0.05]
    for width, more in steps:
        floors.append(floors[-1] + width)
        cuts.append(min(cuts[-1] + more, 1.0))
    ladder = [{"floor": floor, "haircut": cut} for floor, cut in zip(floors, cuts, strict=True)]
    rule = {"kind": "tiered", "default": {"tiers": ladder, "debt_premium": premium}}

    def counted(column: int, held: float, value: float) -> float:
        if value <= 0.0:
            return value * (1.0 + premium)
        total = 0.0
        for floor, end, cut in zip(floors, [*floors[1:], np.inf], cuts, strict=True):
            total += (1.0 - cut) * max(min(value, end) - floor, 0.0)
        return total

    book = opened(row)
    check(rule, book, board(), level, read(book, rule, counted))


@given(books, st.sampled_from(LEVELS))
def test_tokens_by_tiers_leave_equity_as_it_is(row: tuple[float, ...], level: Level) -> None:
    book = opened(row)
    check({"kind": "tiers"}, book, board(), level, float(book.equity(PRICE)[0]))
    assert CollateralRule.parse({"kind": "tiers"}).by_tiers
