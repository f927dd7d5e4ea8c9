"""Losses charged to depositors."""

import numpy as np

from simulation.arrays import Array, ceil_to
from simulation.loss.base import LossRule, Payers
from simulation.shares import split_capped


class DepositorsLoss(LossRule):
    """Whoever has lent to the venue pays in proportion to the deposit: quote balance above zero and tokens held.

    Positions, and what they have gained but not settled, pay nothing. Whole units by largest remainder; nobody pays
    beyond its equity, what that cuts is asked of the others again. Sources: Mango v4, `socialize_loss` (the deposit
    index of the token falls), stored 1303a4a1; Drift v2, `resolve_borrow_bankruptcy`, stored 0ae3e3b1.
    """

    kind = "depositors"

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return the shares (p,)."""
        tokens = np.where(payers.spot, np.maximum(payers.lots, 0.0) * payers.value, 0.0).sum(axis=1)
        deposit = np.floor(np.maximum(payers.cash, 0.0) + tokens)
        return split_capped(float(loss.sum()), deposit, payers.units)


def index_cut(loss: float, deposits: float, index: float, unit: float = 1e-10) -> float:
    """Return what the deposit index of a token loses: ceil(index loss / deposits) in whole `unit`s.

    `loss` and `deposits` are in tokens, `deposits` with interest. The index keeps at least one `unit`, so that what a
    deposit is worth stays defined; without deposits nobody can be charged, 0. Source: Drift v2,
    `calculate_cumulative_deposit_interest_delta_to_resolve_bankruptcy`.
    """
    if deposits <= 0.0:
        return 0.0
    return min(float(ceil_to(np.asarray(index * loss / deposits), unit)), max(index - unit, 0.0))
