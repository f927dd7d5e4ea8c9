"""Auto-deleveraging by a ranked queue."""

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners
from simulation.deleveraging.ranking import ranked_fills


class QueueDeleveraging(DeleveragingRule):
    """The most profitable and most leveraged winners are closed first, each wholly before the next.

    Rank = profit rate * leverage with profit rate = profit / notional and leverage = gross notional / equity of the
    pool; ties by account. Source: ADL ranking of the large perpetual venues (profit times effective leverage).
    """

    kind = "queue"

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return a prefix of the ranking, the last one filled in part (c,)."""
        return ranked_fills(self.score(winners), winners.lots, lots)

    def score(self, winners: Winners) -> Array:
        """Return the score (c,); the highest is closed first."""
        return winners.profit / winners.notional * winners.leverage
