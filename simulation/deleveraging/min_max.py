"""Auto-deleveraging with the smallest largest haircut of equity."""

import numpy as np

from simulation.arrays import Array
from simulation.deleveraging.base import DeleveragingRule, Winners
from simulation.shares import split_capped

_CENT = 100.0  # weights are equities in whole cents: whole numbers, so that the split is exact


class MinMaxDeleveraging(DeleveragingRule):
    """Nobody loses a larger part of its equity than it must: lots are shared in proportion to equity.

    At one closing price the loss of a winner is proportional to its lots x_i, so the haircut of its equity is
    proportional to x_i / E_i, and the largest is least for x_i = min(held_i, c E_i) with c such that the lots add up.
    Pro rata does the same with profits in place of equity. Source: T. Chitra, "Autodeleveraging: impossibilities and
    optimization", arXiv:2512.01112 (min-max haircut).
    """

    kind = "min_max"

    def allocate(self, lots: float, winners: Winners) -> Array:
        """Return the lots (c,) in proportion to equity, rounded by largest remainder."""
        weight = np.maximum(np.rint(winners.equity * _CENT), 1.0)
        return split_capped(lots, weight, winners.lots)
