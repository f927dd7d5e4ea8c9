"""Full close."""

import numpy as np

from simulation.arrays import Array
from simulation.liquidation.base import Distressed, LiquidationRule


class FullClose(LiquidationRule):
    """Close the whole pool at once: fraction = 1."""

    kind = "full"

    def fraction(self, pools: Distressed) -> Array:
        """Return ones (r,)."""
        return np.ones_like(pools.equity)
