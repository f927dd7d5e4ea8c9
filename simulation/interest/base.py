"""The interest rule: what negative balances pay, and what of it reaches those who lend."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.rule import Rule


class InterestRule(Rule):
    """How the borrow rate follows from utilisation; settled every `interval_steps`.

    Everything is lent out of what other accounts hold: utilisation u = borrowed / held, at most 1 counts. The venue
    keeps `reserve_share` of what is paid.
    """

    charges: ClassVar[bool] = True
    interval_steps: int = Field(60, ge=1, le=10_000_000, description="steps between two settlements")
    reserve_share: float = Field(0.1, ge=0.0, le=1.0, description="of the interest, to the venue's treasury")

    def rate(self, utilisation: Array) -> Array:
        """Return the borrow rate (m,) a year at `utilisation` (m,) from 0 to 1."""
        raise NotImplementedError

    def lending_rate(self, utilisation: Array) -> Array:
        """Return what lenders earn (m,) a year: rate * utilisation * (1 - reserve share)."""
        return self.rate(utilisation) * utilisation * (1.0 - self.reserve_share)


def utilisation(borrowed: Array, held: Array) -> Array:
    """Return borrowed / held (m,), between 0 and 1; 1 where more is owed than held, 0 where nothing is owed."""
    share = borrowed / np.where(held > 0.0, held, 1.0)
    return np.where(borrowed > 0.0, np.where(held > 0.0, np.minimum(share, 1.0), 1.0), 0.0)
