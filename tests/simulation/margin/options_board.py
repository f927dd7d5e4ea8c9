"""A small board with tokens, perpetuals, futures and options of one or two underlyings, priced by the model."""

import numpy as np

from simulation.board import Board, Book, Listed
from simulation.instrument.black_scholes import Vanilla, black76

NAN = np.nan
NAMES = ("SPOT", "PERP", "FUT", "C90", "C110", "P90", "P110", "OTHER")
KINDS = ("spot", "perpetual", "future", "option", "option", "option", "option", "perpetual")


def board(years: float = 30.0 / 365.0, volatility: float = 0.8, spot: float = 100.0) -> Board:
    """Two assets: 100-dollar one with everything on it, and a 10-dollar one with a perpetual."""
    strike = np.array([NAN, NAN, NAN, 90.0, 110.0, 90.0, 110.0, NAN])
    side = np.array([0.0, 0.0, 0.0, 1.0, 1.0, -1.0, -1.0, 0.0])
    listed = Listed(NAMES, KINDS, np.array([0, 0, 0, 0, 0, 0, 0, 1]), strike, side)
    under = np.array([spot] * 7 + [10.0])
    option = Vanilla(side, strike, years)
    value = black76(option, under, np.full(8, volatility), 1.0)
    price = np.where(side == 0.0, under, value)
    dated = np.array([False, False, True, True, True, True, True, False])
    return Board.at(
        listed,
        price,
        spot=under,
        forward=under,
        volatility=np.full(8, volatility),
        years=np.where(dated, years, np.inf),
    )


def book(cash: float = 1000.0, **held: float) -> Book:
    """One pool that holds units by the name of the column, opened at today's prices."""
    position = np.array([[held.get(name, 0.0) for name in NAMES]])
    return Book.of(np.array([cash]), position, board().price)


def books(position: np.ndarray) -> Book:
    """Pools (r, m) with a thousand dollars each."""
    return Book.of(np.full(len(position), 1000.0), position, board().price)
