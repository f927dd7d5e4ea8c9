"""Boards of perpetuals and single books on them, for tests of venue rules."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulation.board import Board, Book, Listed

NAMES = "ABCDEFGH"


def board(*price: float, **known: Any) -> Board:
    """Perpetuals A, B, ... at `price`; what else is known as lists."""
    listed = Listed.plain(tuple(NAMES[: len(price)]))
    return Board.at(listed, np.array(price, float), **{name: np.array(value, float) for name, value in known.items()})


def account(cash: float, *size: float) -> Book:
    """One account: quote balance and signed units of A, B, ..."""
    return Book(np.array([float(cash)]), np.array([size], float), np.zeros((1, len(size))))


def accounts(*rows: Sequence[float]) -> Book:
    """Accounts, one row each: quote balance, then units."""
    table = np.array(rows, float)
    return Book(table[:, 0], table[:, 1:], np.zeros_like(table[:, 1:]))
