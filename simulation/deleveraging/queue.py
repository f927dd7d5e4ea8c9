"""Auto-deleveraging by a ranked queue."""

import numpy as np

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners


class QueueDeleveraging(DeleveragingRule):
    """The most profitable and most leveraged winners are closed first, each wholly before the next.

    Rank = profit rate * leverage with profit rate = profit / notional and leverage = gross notional / equity of the
    pool; ties by account. Source: ADL ranking of the large perpetual venues (profit times effective leverage).
    """

    kind = "queue"

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return a prefix of the ranking, the last one filled in part (c,)."""
        score = winners.profit / winners.notional * winners.leverage
        order = np.argsort(-score, kind="stable")
        ahead = np.cumsum(winners.lots[order]) - winners.lots[order]
        fills = np.zeros_like(winners.lots)
        fills[order] = np.clip(lots - ahead, 0.0, winners.lots[order])
        return fills
