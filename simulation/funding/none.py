"""No funding."""

import numpy as np

from simulation.arrays import Array
from simulation.funding.base import FundingRule


class NoFunding(FundingRule):
    """Longs and shorts pay nothing."""

    kind = "none"

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return zeros (m,)."""
        return np.zeros_like(mark)
