"""Jump diffusion: geometric Brownian motion plus each market's own jumps and common ones."""

from typing import ClassVar

from simulation.arrays import Array
from simulation.price.base import World, diffusion, grow
from simulation.price.correlation import correlated
from simulation.price.gbm import Gbm
from simulation.price.jumps import Jumps
from simulation.price.shocks import gaussian
from simulation.random import Streams


class JumpDiffusion(Gbm):
    """Merton's jump diffusion in several markets, with common jumps.

        ln S(t + dt) - ln S(t) = (drift - s^2 / 2 - compensator) dt + s sqrt(dt) x + jump,
        x ~ N(0, correlation)

    `jumps` says how often and how far (see `Jumps`). Per market and year, with l the rate and m, d mean and
    standard deviation of the log size, the cumulants of order 2, 3 and 4 are s^2 + l (m^2 + d^2), l m (m^2
    + 3 d^2) and l (m^4 + 6 m^2 d^2 + 3 d^4), added over own and common jumps. Volatility comes on top of s:
    jumps add variance.

    Source: Merton, "Option pricing when underlying stock returns are discontinuous", Journal of Financial
    Economics 3 (1976).
    """

    kind: ClassVar[str] = "jump_diffusion"
    jumps: Jumps = Jumps()

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets."""
        return super().problems(world) + [f"jumps.{problem}" for problem in self.jumps.problems(world)]

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        shocks = gaussian(world, streams, correlated(self.correlation, world.markets))
        smooth = diffusion(world, self.drift, self.volatility_scale, shocks)
        return grow(world, smooth + self.jumps.log_returns(world, streams))
