"""The loss rule: who pays what insurance fund and auto-deleveraging leave."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulation.arrays import Array, Mask
from simulation.rule import Rule


@dataclass(frozen=True)
class Payers:
    """The pools of traders who may be charged, one row each (p,), ordered by account, then by pool.

    Money is counted in whole units of the smallest amount the ledger knows, so that a charge can be shared exactly.
    equity: worth of the pool, at least 0: the most it can be charged. gain: what the marks' moves of this step have
    earned (p,), negative for losers. cash: quote balance (p,) with perpetuals
    and futures at their cost, that is what was paid in and settled. lots: (p, m) whole lots held, signed. value: (m,)
    worth of one lot, not rounded. spot: which columns (m,) are tokens.
    """

    equity: Array
    gain: Array
    cash: Array
    lots: Array
    value: Array
    spot: Mask

    @property
    def units(self) -> Array:
        """Return the equity in whole units, rounded down, (p,)."""
        return np.floor(np.maximum(self.equity, 0.0))


class LossRule(Rule):
    """How a loss that nobody else has paid is shared.

    A charge never exceeds a payer's equity, so that no charge makes a new bankruptcy; what nobody can be charged stays
    unpaid.
    """

    active: ClassVar[bool] = True
    by_position: ClassVar[bool] = True  # whether `gain` and `lots` are looked at; otherwise they are zeros

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return the whole units (p,) each payer is charged: 0 <= charge <= payers.units, adding to at most the loss.

        `loss` (m,) is the loss by the column that caused it, whole units, at least 0.
        """
        raise NotImplementedError
