"""How far the value of each column follows its underlying."""

import numpy as np

from simulation.arrays import Array
from simulation.board import Board
from simulation.instrument.black_scholes import Vanilla, greeks


def deltas(board: Board) -> Array:
    """Return the dollars (m,) that one unit of each column gains per dollar its underlying gains.

    1 for tokens and perpetuals, F / S for futures with forward F and underlying S, and for options

        delta = side N(side d1) exp(-r T) F / S,

    at the column's own implied volatility, which is held fixed. Inside the settlement window F is the floating part of
    the settlement price alone: what is averaged already moves no more. What has expired has no delta.
    """
    listed, growth = board.listed, board.forward / board.spot
    dated = np.isfinite(board.years)
    left = np.where(dated, (1.0 - board.averaged) * growth, 1.0)
    option = listed.option
    floating = (1.0 - board.averaged) * board.forward
    expected = board.averaged * board.average + floating
    contract = Vanilla(listed.side, np.where(option, listed.strike, 1.0), np.where(dated, board.years, 0.0))
    share = greeks(contract, expected, board.volatility * floating / expected).delta
    found = np.where(option, share * np.exp(-board.rate * contract.years), 1.0) * left
    return np.where(board.years > 0.0, found, 0.0)
