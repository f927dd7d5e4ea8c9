"""Writers of options."""

import numpy as np

from agents.parameter import Parameter
from agents.trader import Trader
from agents.view import MarketView, Members
from simulation.arrays import Array, Mask, column_sum
from simulation.board import Board
from simulation.instrument.exposure import deltas


class OptionWriter(Trader):
    """Sells strangles, hedges their delta in the underlying perpetual, and sells again when all have expired.

    Sold are the listed options out of the money with a delta of at most `most_delta` and at least `least_delta`, calls
    and puts of an asset in equal notional, `leverage` times equity in all (notional = units * price of the underlying).
    The hedge is traded when it is off by more than `band` of the notional sold; an asset without a perpetual stays
    unhedged. Profit is the premium for volatility, loss comes with jumps, rising implied volatility, and margin calls.
    Source: P. Santa-Clara & A. Saretto, J. Financial Markets 12 (2009) 391-417; J. Coval & T. Shumway, J. Finance 56
    (2001) 983-1009.
    """

    kind = "option_writer"
    trades = ("perpetual", "option")
    leverage = Parameter(3.0, 0.0, 200.0, "notional of the options sold over equity")
    most_delta = Parameter(0.4, 0.0, 1.0, "size of the delta above which an option is not sold")
    least_delta = Parameter(0.02, 0.0, 1.0, "size of the delta below which an option is not worth selling")
    band = Parameter(0.02, 0.0, 1.0, "error of the hedge that is left alone, share of the notional sold")

    def decide(self, members: Members, view: MarketView) -> Array:
        """Return what is written anew, and the trades of the hedge (r, m)."""
        board = view.board
        delta = deltas(board)
        written = self._written(members, board, delta)
        held = members.position + written
        orders = written
        for column in hedges(board):
            mine = board.listed.option & (board.listed.asset == board.listed.asset[column])
            option = np.where(mine, held, 0.0)
            change = -column_sum(option * delta) - held[:, column]
            sold = column_sum(np.abs(option) * board.spot)
            off = np.abs(change) * board.price[column] > members.band * sold
            orders[:, column] = np.where(off, change, 0.0)
        return orders

    def _written(self, members: Members, board: Board, delta: Array) -> Array:
        """Return the options sold (r, m) by members that have none, in negative units."""
        listed, size = board.listed, np.abs(delta)
        away = listed.option & (listed.side * (np.nan_to_num(listed.strike) - board.forward) > 0.0)
        chosen = away & (size <= members.most_delta[:, None]) & (size >= members.least_delta[:, None])
        weight = chosen / np.maximum(_alike(chosen, board), 1.0)
        bare = ~np.any(members.position[:, listed.option], axis=1)
        budget = np.where(bare, members.leverage * np.maximum(members.equity, 0.0), 0.0)
        return -weight * (budget / np.maximum(column_sum(weight), 1.0))[:, None] / board.spot


def hedges(board: Board) -> list[int]:
    """Return the first perpetual of every asset, one column each."""
    found: dict[int, int] = {}
    for column in np.flatnonzero(board.listed.of_kind("perpetual")).tolist():
        found.setdefault(int(board.listed.asset[column]), column)
    return list(found.values())


def _alike(chosen: Mask, board: Board) -> Array:
    """Return, for every column, how many columns of its asset and side are `chosen` (r, m)."""
    asset, side = board.listed.asset, board.listed.side
    alike = (asset[:, None] == asset) & (side[:, None] == side)
    return np.array([column_sum(np.where(row, chosen, 0.0)) for row in alike]).T
