"""Premium funding with an interest term and clamps."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.funding.base import FundingRule, bounded_premium


class PremiumFunding(FundingRule):
    """Rate = clip(premium + clip(interest - premium, -clamp, clamp), -cap, cap); premium = mark / oracle - 1.

    The standard perpetual formula of the large venues (interest 1 bp per 8 hours, clamp 5 bp).
    """

    kind = "premium"
    interest_rate: float = Field(0.0001, ge=-0.01, le=0.01, description="per settlement, fraction of notional")
    clamp_rate: float = Field(0.0005, ge=0.0, le=0.1, description="dead band around the premium")
    cap_rate: float = Field(0.0075, gt=0.0, le=0.1, description="largest rate per settlement, either sign")

    def rate(self, mark: Array, oracle: Array) -> Array:
        """Return the rate (m,)."""
        damped = bounded_premium(mark / oracle - 1.0, self.interest_rate, (-self.clamp_rate, self.clamp_rate))
        return np.clip(damped, -self.cap_rate, self.cap_rate)
