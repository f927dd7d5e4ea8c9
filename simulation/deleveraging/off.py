"""No auto-deleveraging."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners


class NoDeleveraging(DeleveragingRule):
    """Nobody is deleveraged: what the fund cannot pay is socialised."""

    kind = "off"
    active: ClassVar[bool] = False

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return zeros (c,)."""
        return np.zeros_like(winners.lots)
