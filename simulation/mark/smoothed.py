"""A smoothed, banded mark price, as perpetual venues use against wicks."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.mark.base import MarkRule


class SmoothedMark(MarkRule):
    """Mark = oracle * b, with b the moving average of mid / oracle, kept within 1 - band and 1 + band.

    b_t = clip(b_{t-1} + (1 - 2 ** (-1 / half_life)) * (mid / oracle - b_{t-1})). The mark follows the oracle at once
    and the venue's own displacement slowly. Venues mark perpetuals to an index plus a
    moving average of the basis in this way (public contract specifications of the large venues).
    """

    kind = "smoothed"
    half_life_steps: float = Field(5.0, gt=0.0, le=1e6, description="half-life of the averaged basis, steps")
    band_rate: float = Field(0.05, gt=0.0, le=1.0, description="largest distance from the oracle price")

    def price(self, mid: Array, oracle: Array, basis: Array) -> Array:
        """Return the smoothed mark (m,)."""
        weight = 1.0 - 0.5 ** (1.0 / self.half_life_steps)
        average = basis + weight * (mid / oracle - basis)
        return oracle * np.clip(average, 1.0 - self.band_rate, 1.0 + self.band_rate)
