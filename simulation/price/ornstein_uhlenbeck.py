"""Prices that return to a level."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.price.base import PriceProcess, World, exponential
from simulation.price.correlation import Correlation, correlated, size_problem
from simulation.price.shocks import gaussian
from simulation.random import Streams


class OrnsteinUhlenbeck(PriceProcess):
    """Log prices that are pulled back to where they started, exact at any step length.

        ln S(t + dt) / S(0) = f ln S(t) / S(0) + s sqrt((1 - f^2) / (2 k)) x,   f = exp(-k dt),   x ~ N(0, correlation)

    with k = `reversion_rate` and s the market's volatility, both a year: s^2 dt is the variance of a short return,
    s^2 / (2 k) that of the log price in the long run.

    Raises ScenarioError (from `draw`) when the matrix does not match the markets.

    Source: E. Schwartz, "The stochastic behavior of commodity prices", J. Finance 52 (1997) 923-973, one factor.
    """

    kind: ClassVar[str] = "ornstein_uhlenbeck"
    reversion_rate: float = Field(10.0, gt=0.0, le=1e9, description="k, a year; ln 2 / k is the half-life in years")
    correlation: Correlation = 0.0

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets."""
        size = size_problem(self.correlation, world.markets)
        return [f"correlation: {size}"] if size else []

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        pull = self.reversion_rate * world.step_years
        kept, spread = math.exp(-pull), math.sqrt(-math.expm1(-2.0 * pull) / (2.0 * self.reversion_rate))
        shocks = world.volatility * spread * gaussian(world, streams, correlated(self.correlation, world.markets))
        log = np.zeros((world.steps + 1, world.markets))
        for step, shock in enumerate(shocks):
            log[step + 1] = kept * log[step] + shock
        return world.price * exponential(log)
