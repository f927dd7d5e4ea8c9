"""Losses charged to gains: whoever has won in this step's mark-to-market gets less of it."""

from collections.abc import Sequence

import numpy as np

from simulation.arrays import Array
from simulation.loss.base import LossRule, Payers


class GainsLoss(LossRule):
    """Winners of the step share what could be collected, pro rata to their gains; positions stay as they are.

    paid_i = floor(gain_i collected / sum of gains), the remainder to the last winner; collected is the sum of gains
    less the loss that neither losers nor insurance could pay, so winner i is charged gain_i - paid_i. Nobody is charged
    more than its gain or its equity, what exceeds that stays unpaid; nobody is paid more than its gain: what of the
    remainder exceeds it goes to the winner before, and so on. Source: Vega protocol specification 0012-POSR and
    0002-STTL (loss socialisation), 2021-2024.
    """

    kind = "gains"

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return the whole units (p,) each payer is charged."""
        gain = np.floor(np.maximum(payers.gain, 0.0))
        collected = max(gain.sum() - np.floor(loss.sum()), 0.0)
        winners = np.flatnonzero(gain)
        charge = np.zeros_like(gain)
        gains = [int(g) for g in gain[winners]]
        charge[winners] = gain[winners] - np.array(within(paid(gains, int(collected)), gains), float)
        return np.minimum(charge, payers.units)


def paid(gains: Sequence[int], collected: int) -> list[int]:
    """Return what winners of `gains` >= 0 receive of `collected` whole units, in the order of processing.

    Everything if it suffices; else floor(gain collected / total), what rounding leaves to the last one.
    """
    total = sum(gains)
    if not gains or collected >= total:
        return list(gains)
    shares = [gain * collected // total for gain in gains]
    shares[-1] += collected - sum(shares)
    return shares


def within(shares: Sequence[int], gains: Sequence[int]) -> list[int]:
    """Return `shares` with what exceeds a winner's gain handed on to the one before it, from the last to the first."""
    kept = list(shares)
    for i in range(len(kept) - 1, 0, -1):
        beyond = max(kept[i] - gains[i], 0)
        kept[i] -= beyond
        kept[i - 1] += beyond
    return kept


def settled(losses: Sequence[tuple[int, int]], gains: Sequence[int], insurance: int) -> tuple[list[int], int]:
    """Return what winners receive, and the insurance pool afterwards, of one mark-to-market in whole units.

    `losses` are (what the loser has, what it lost). Losers pay what they can, then insurance
    min(balance, shortfall), then winners share the rest of the shortfall, see `paid`.
    """
    collected = sum(min(available, loss) for available, loss in losses)
    from_insurance = min(insurance, max(sum(gains) - collected, 0))
    return paid(gains, collected + from_insurance), insurance - from_insurance
