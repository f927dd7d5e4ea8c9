"""How fast is a requirement? A margin rule on many random books of perpetuals, in nanoseconds per account."""

import time
from typing import Any

import numpy as np

from simulation.board import Board, Book, Listed
from simulation.margin.base import BookMargin, MarginRule, Opening
from simulation.random import Streams
from simulation.rule import load_rules

VALUE_AT_RISK: dict[str, dict[str, Any]] = {
    "VaR": {"kind": "value_at_risk"},
    "ES, Student-t": {"kind": "value_at_risk", "measure": "es", "law": {"kind": "student_t"}},
    "VaR with correlation and liquidity add-ons": {
        "kind": "value_at_risk",
        "correlation_stress": 0.3,
        "liquidity": {"rate": 0.5},
    },
}
MARKETS = 8
ACCOUNTS = 10_000
_WARM_UP = 3


def requirement_cost(rule: BookMargin, accounts: int = ACCOUNTS, markets: int = MARKETS, repeats: int = 21) -> float:
    """Return the nanoseconds of processor time per account of one maintenance requirement: median of `repeats`."""
    listed, price = Listed.plain(tuple(f"M{k}" for k in range(markets))), np.full(markets, 100.0)
    depth, variance = np.full(markets, 1e9), np.full(markets, 1e-4)
    opened = rule.opened(Opening(listed, price, depth, variance))
    assert isinstance(opened, BookMargin)
    position = 10.0 * Streams(1).normal("bench/position", 0, accounts * markets).reshape(accounts, markets)
    book, board = Book.of(np.full(accounts, 1e4), position, price), Board.at(listed, price)
    seconds = []
    for _ in range(_WARM_UP + repeats):
        start = time.process_time()
        opened.requirement(book, board, "maintenance")
        seconds.append(time.process_time() - start)
    return float(np.median(seconds[_WARM_UP:])) / accounts * 1e9


def lines() -> list[str]:
    """Return one line a Value at Risk rule."""
    load_rules("simulation.margin")
    found = []
    for name, table in VALUE_AT_RISK.items():
        rule = MarginRule.parse(table)
        assert isinstance(rule, BookMargin)
        found.append(f"{name}, {ACCOUNTS:,} books of {MARKETS} markets: {requirement_cost(rule):.0f} ns an account")
    return found
