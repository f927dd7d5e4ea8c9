"""Student-t log returns with a common mixing variable: heavy tails that come together."""

from typing import ClassVar

from simulation.arrays import Array
from simulation.price.base import World, diffusion, grow
from simulation.price.correlation import correlated
from simulation.price.gbm import Gbm
from simulation.price.shocks import TailIndex, gaussian, stretch
from simulation.random import Streams


class StudentT(Gbm):
    """Multivariate Student-t log returns, scaled to the market's volatility.

        ln S(t + dt) - ln S(t) = (drift - s^2 / 2) dt + s sqrt(dt) sqrt((nu - 2) / W) x,
        x ~ N(0, correlation),  W ~ chi-square(nu) common to all markets,  nu = tail_index

    Unit variance; kurtosis 3 + 6 / (nu - 4) for nu > 4; tail dependence of a pair with correlation r 2
    t_{nu+1}(-sqrt((nu + 1)(1 - r) / (1 + r))), above 0 even for r = 0. The drift keeps the Gaussian
    correction, because the expectation of the exponential of a Student-t variable is infinite. Returns are
    Student-t at the length of a step: longer horizons are sums of them and slowly become Gaussian.

    Source: McNeil, Frey & Embrechts, "Quantitative Risk Management" (2015), sections 6.2 and 7.3.
    """

    kind: ClassVar[str] = "student_t"
    tail_index: TailIndex = 4.0

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        shocks = gaussian(world, streams, correlated(self.correlation, world.markets))
        shocks *= stretch(world, streams, self.tail_index)
        return grow(world, diffusion(world, self.drift, self.volatility_scale, shocks))
