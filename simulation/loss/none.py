"""Losses that nobody is charged for."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.loss.base import LossRule, Payers


class NoLoss(LossRule):
    """Nobody is charged: bad debt stays open, the outside market is not paid.

    Lending pools without a socialisation step leave it so (Aave v3.0; Euler v2 with its socialisation switched off).
    """

    kind = "none"
    active: ClassVar[bool] = False

    def charge(self, loss: Array, payers: Payers) -> Array:
        """Return zeros (p,)."""
        return np.zeros(len(payers.equity))
