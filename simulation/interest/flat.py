"""One borrow rate."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.interest.base import InterestRule


class FlatInterest(InterestRule):
    """Every debt costs the same rate, whatever the utilisation."""

    kind = "flat"
    borrow_rate: float = Field(0.1, ge=0.0, le=1e3, description="a year")

    def rate(self, utilisation: Array) -> Array:
        """Return the borrow rate (m,) a year."""
        return np.full_like(utilisation, self.borrow_rate)
