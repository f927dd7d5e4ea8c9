"""Depth of the outside market, and how it thins when prices move."""

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.strict import Strict


class DepthModel(Strict):
    """Depth = normal depth * max(floor, (sigma_normal / max(sigma, sigma_normal)) ** elasticity).

    sigma is an exponentially weighted volatility of the venue's own mid price, so forced selling itself drains the
    book. Elasticity 0 keeps depth constant. Source of the mechanism: M. Brunnermeier & L. Pedersen, Review of
    Financial Studies 22 (2009) 2201-2238.
    """

    elasticity: float = Field(0.0, ge=0.0, le=10.0, description="how strongly depth falls with volatility")
    floor: float = Field(0.05, gt=0.0, le=1.0, description="least share of normal depth that stays")
    half_life_steps: float = Field(30.0, gt=0.0, le=1e6, description="memory of the volatility, steps")

    def update(self, variance: Array, log_return: Array) -> Array:
        """Return the new variance per step (m,) after a step's log return (m,)."""
        weight = 1.0 - 0.5 ** (1.0 / self.half_life_steps)
        return variance + weight * (log_return * log_return - variance)

    def depth(self, normal: Array, variance: Array, normal_variance: Array) -> Array:
        """Return the depth (m,) in dollars."""
        if self.elasticity == 0.0:
            return normal
        calm = np.minimum(1.0, normal_variance / np.maximum(variance, 1e-300))
        return normal * np.maximum(self.floor, calm ** (self.elasticity / 2.0))
