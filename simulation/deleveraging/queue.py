"""Auto-deleveraging by a ranked queue."""

import numpy as np

from simulation.arrays import Array, Index
from simulation.deleveraging.base import DeleveragingRule, Winners

_MANY, _FEW = 1024, 128  # of many winners the first few usually do; ranking all would cost more than the fill


class QueueDeleveraging(DeleveragingRule):
    """The most profitable and most leveraged winners are closed first, each wholly before the next.

    Rank = profit rate * leverage with profit rate = profit / notional and leverage = gross notional / equity of the
    pool; ties by account. Source: ADL ranking of the large perpetual venues (profit times effective leverage).
    """

    kind = "queue"

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return a prefix of the ranking, the last one filled in part (c,)."""
        score = winners.profit / winners.notional * winners.leverage
        order = _first(score, winners.lots, lots)
        ahead = np.cumsum(winners.lots[order]) - winners.lots[order]
        fills = np.zeros_like(winners.lots)
        fills[order] = np.clip(lots - ahead, 0.0, winners.lots[order])
        return fills


def _first(score: Array, lots: Array, needed: float) -> Index:
    """Return the ranking (descending score, ties by position) as far down as `needed` lots can reach, and beyond."""
    if len(score) > _MANY:
        least = np.partition(score, -_FEW)[-_FEW]
        top = np.flatnonzero(score >= least)
        if lots[top].sum() >= needed:
            return top[np.argsort(-score[top], kind="stable")]
    return np.argsort(-score, kind="stable")
