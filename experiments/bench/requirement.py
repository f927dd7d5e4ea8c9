"""How fast is a requirement? A margin rule on many random books of perpetuals, in nanoseconds per account."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from simulation.board import Board, Book, Listed
from simulation.margin.base import BookMargin, MarginRule, Opening
from simulation.random import Streams
from simulation.rule import load_rules

RULES: dict[str, dict[str, Any]] = {
    "portfolio margin of 40 scenarios": {
        "kind": "deribit_portfolio",
        "price_steps": 5,  # 11 moves x 3 volatilities, and 7 moves of the extended table
        "extended_moves": (-0.66, -0.5, -0.33, 0.33, 0.5, 1.0, 2.0),
    },
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


def requirement_cost(rule: BookMargin, accounts: int = ACCOUNTS, repeats: int = 21) -> float:
    """Return the nanoseconds of processor time per account of one maintenance requirement: median of `repeats`.

    All columns are of one asset, so that a scenario grid has to look at whole books.
    """
    markets, price = MARKETS, np.full(MARKETS, 100.0)
    listed = replace(Listed.plain(tuple(f"M{k}" for k in range(markets))), asset=np.zeros(markets, np.intp))
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
    """Return one line a rule."""
    load_rules("simulation.margin")
    found = []
    for name, table in RULES.items():
        rule = MarginRule.parse(table)
        assert isinstance(rule, BookMargin)
        found.append(f"{name}, {ACCOUNTS:,} books of {MARKETS} markets: {requirement_cost(rule):.0f} ns an account")
    return found
