"""Tools against margins that fall in calm times and jump in bad ones."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.strict import Strict


class AntiProcyclical(Strict):
    """Three tools on an estimate x of volatility (or of margin, which is linear in it), given its normal level x0.

        weighted: y = (1 - stress_weight) x + stress_weight * stress_scale * x0
        floored:  z = max(y, floor_share * x0)
        buffered: max(z, min((1 + buffer_share) z, (1 + buffer_share) x0))

    The buffer is charged on top while the estimate is at its normal level or lower, and is used up while it rises
    beyond: where the trough lies below x0 and the peak above (1 + buffer_share) x0, peak over trough is divided by
    1 + buffer_share. All three rise with x and do nothing at their defaults, 0.
    Source: Commission Delegated Regulation (EU) 153/2013, art. 28(1): (a) buffer of 25 %, (b) 25 % weight on stressed
    observations, (c) floor by the volatility of a long look-back period.
    """

    buffer_share: float = Field(0.0, ge=0.0, le=10.0, description="extra margin in normal times; the regulation: 0.25")
    stress_weight: float = Field(0.0, ge=0.0, le=1.0, description="weight of the stressed level; the regulation: 0.25")
    stress_scale: float = Field(3.0, ge=1.0, le=100.0, description="stressed over normal volatility")
    floor_share: float = Field(0.0, ge=0.0, le=10.0, description="least volatility, as a share of the normal one")

    def applied(self, estimate: Array, normal: Array) -> Array:
        """Return what `estimate`, of any shape, becomes; `normal` broadcasts against it."""
        weighted = (1.0 - self.stress_weight) * estimate + self.stress_weight * self.stress_scale * normal
        floored = np.maximum(weighted, self.floor_share * normal)
        more = 1.0 + self.buffer_share
        return np.maximum(floored, np.minimum(more * floored, more * normal))
