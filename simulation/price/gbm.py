"""Correlated geometric Brownian motion."""

from typing import ClassVar

from simulation.arrays import Array
from simulation.price.base import Drift, PriceProcess, Scale, World, diffusion, grow, length_problems
from simulation.price.correlation import Correlation, correlated, size_problem
from simulation.price.shocks import gaussian
from simulation.random import Streams


class Gbm(PriceProcess):
    """Correlated geometric Brownian motion, exact at any step length.

        ln S(t + dt) - ln S(t) = (drift - s^2 / 2) dt + s sqrt(dt) x,   x ~ N(0, correlation)

    with s = volatility_scale * the market's volatility, both a year. The expected price grows by `drift` a
    year. `correlation` is the world's; what margin assumes is a parameter of the margin rule.

    Raises ScenarioError (from `draw`) when a list or the matrix does not match the markets.

    Source: Samuelson, "Rational theory of warrant pricing", Industrial Management Review 6 (1965).
    """

    kind: ClassVar[str] = "gbm"
    drift: Drift = 0.0
    volatility_scale: Scale = 1.0
    correlation: Correlation = 0.0

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets."""
        size = size_problem(self.correlation, world.markets)
        lengths = length_problems(world.markets, drift=self.drift, volatility_scale=self.volatility_scale)
        return lengths + ([f"correlation: {size}"] if size else [])

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        shocks = gaussian(world, streams, correlated(self.correlation, world.markets))
        return grow(world, diffusion(world, self.drift, self.volatility_scale, shocks))
