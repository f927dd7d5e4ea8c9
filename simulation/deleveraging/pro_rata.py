"""Auto-deleveraging in proportion to profit."""

import numpy as np

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners
from simulation.shares import split_capped

_CENT = 100.0  # weights are profits in whole cents: whole numbers, so that the split is exact


class ProRataDeleveraging(DeleveragingRule):
    """Every winner gives up lots in proportion to its profit, so the largest relative haircut is as small as it can be.

    With one closing price the haircut is proportional to the lots, x_i = u_i B / U for profits u_i, budget B and
    U = sum u_i; no winner gives up more than it holds. Source: T. Chitra, "Autodeleveraging: impossibilities and
    optimization", arXiv:2512.01112.
    """

    kind = "pro_rata"

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the proportional lots (c,), rounded by largest remainder."""
        weight = np.maximum(np.rint(winners.profit * _CENT), 1.0)
        return split_capped(lots, weight, winners.lots)
