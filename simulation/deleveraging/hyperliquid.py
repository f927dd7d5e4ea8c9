"""Auto-deleveraging in the order of Hyperliquid's index."""

from simulation.arrays import Array
from simulation.deleveraging.base import Winners
from simulation.deleveraging.queue import QueueDeleveraging


class HyperliquidDeleveraging(QueueDeleveraging):
    """Winners are closed in the order of (mark / entry) * (notional / account value), each wholly before the next.

    The venue states the index for longs; for shorts the price gain is taken the other way round, entry / mark, so that
    a larger profit ranks higher on both sides. Notional is that of the position, account value the equity of its pool;
    ties by account. Source: Hyperliquid documentation, "Auto-deleveraging".
    """

    kind = "hyperliquid"

    def score(self, winners: Winners) -> Array:
        """Return the index (c,)."""
        grown = winners.notional / winners.entry_notional
        return (grown if winners.side > 0.0 else 1.0 / grown) * (winners.notional / winners.equity)
