"""Venues and books for the tests of margin models that learn."""

from typing import Any

import numpy as np

from simulation.arrays import Array
from simulation.board import Board, Book, Level, Listed
from simulation.margin.base import Opening
from simulation.margin.value_at_risk import ValueAtRiskMargin
from simulation.rule import load_rules

load_rules("simulation.margin")
PRICE = 100.0
VOLATILITY = 0.02  # of a step


def opened(markets: int = 2, volatility: Array | float = VOLATILITY, depth: float = 1e6, **fields: Any) -> Any:
    """A Value at Risk rule at the opening of a venue with this many perpetuals."""
    listed = Listed.plain(tuple(f"M{k}" for k in range(markets)))
    variance = np.broadcast_to(np.asarray(volatility, float) ** 2, (markets,))
    price = np.full(markets, PRICE)
    return ValueAtRiskMargin.model_validate(fields).opened(Opening(listed, price, np.full(markets, depth), variance))


def asked(rule: ValueAtRiskMargin, exposure: Array | list[Any], level: Level = "maintenance") -> Array:
    """The requirement (r,) of exposures (r, m) or (m,), dollars."""
    rows = np.atleast_2d(np.asarray(exposure, float))
    price = np.full(rows.shape[1], PRICE)
    book = Book.of(np.zeros(len(rows)), rows / price, price)
    return rule.requirement(book, Board.at(Listed.plain(tuple("ABCDEFGHIJ"[: rows.shape[1]])), price), level)
