"""No interest."""

from typing import ClassVar

import numpy as np

from simulation.arrays import Array
from simulation.interest.base import InterestRule


class NoInterest(InterestRule):
    """Negative balances cost nothing."""

    kind = "none"
    charges: ClassVar[bool] = False

    def rate(self, utilisation: Array) -> Array:
        """Return zeros (m,)."""
        return np.zeros_like(utilisation)
