"""Auto-deleveraging in the order of BitMEX's ranking."""

import numpy as np

from simulation.arrays import Array
from simulation.deleveraging.base import Winners
from simulation.deleveraging.queue import QueueDeleveraging


class BitmexDeleveraging(QueueDeleveraging):
    """Winners are closed in the order of PnL % and effective leverage, each wholly before the next.

    score = PnL % * effective leverage where PnL % > 0, else PnL % / effective leverage, with PnL % = profit / value at
    entry and effective leverage = gross notional / equity of the pool; ties by account. Closed at the bankruptcy price
    of the liquidated order, without fees. Source: BitMEX, "Auto-deleveraging" and its worked examples.
    """

    kind = "bitmex"

    def score(self, winners: Winners) -> Array:
        """Return the score (c,)."""
        return self.rank(winners.profit / winners.entry_notional, winners.leverage)

    @staticmethod
    def rank(profit_rate: Array, leverage: Array) -> Array:
        """Return the score (c,) of profits as fractions of the value at entry (c,) and effective leverages (c,)."""
        return np.where(profit_rate > 0.0, profit_rate * leverage, profit_rate / leverage)
