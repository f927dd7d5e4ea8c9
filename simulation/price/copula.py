"""A t copula with margins of one's own: how heavy the tails are, and how much they come together, set apart."""

import math
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import stdtr, stdtrit

from simulation.arrays import Array
from simulation.errors import InputError
from simulation.price.base import World, diffusion, grow
from simulation.price.correlation import correlated
from simulation.price.gbm import Gbm
from simulation.price.shocks import TailIndex, gaussian, stretch
from simulation.random import Streams

_INDEX_BOUNDS = (2.0001, 1000.0)  # of the copula's tail index, where a chosen tail dependence is looked for
_EDGE = 1e-15  # probabilities nearer to 0 or 1 than this have no quantile in floating point


class TCopula(Gbm):
    """Student-t margins joined by a t copula of another tail index.

        ln S(t + dt) - ln S(t) = (drift - s^2 / 2) dt + s sqrt(dt) y,
        y = sqrt((b - 2) / b) T_b^-1(T_a(x sqrt(a / W))),   x ~ N(0, correlation),   W ~ chi-square(a)

    T_a is the Student-t distribution function, b = `tail_index` the tails of each market, a = `copula_tail_index` of
    their company; a = b is `student_t`. One W a step for all markets. The chance that one market crashes, given that
    another of correlation r does, tends to 2 T_{a+1}(-sqrt((a + 1)(1 - r) / (1 + r))) for ever rarer crashes;
    `copula_index_for` finds the a of a chosen chance. Upper tails come together as much as lower ones.

    Source: Demarta & McNeil, "The t copula and related copulas", International Statistical Review 73 (2005).
    """

    kind: ClassVar[str] = "t_copula"
    tail_index: TailIndex = 4.0
    copula_tail_index: float = Field(default=3.0, gt=2.0, le=1000.0, description="a: smaller means more joint crashes")

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        return grow(world, diffusion(world, self.drift, self.volatility_scale, self.shocks(world, streams)))

    def shocks(self, world: World, streams: Streams) -> Array:
        """Return shocks (steps, m) of variance 1."""
        a, b = self.copula_tail_index, self.tail_index
        normal = gaussian(world, streams, correlated(self.correlation, world.markets))
        heavy = normal * stretch(world, streams, a) * math.sqrt(a / (a - 2.0))
        level = np.clip(stdtr(a, heavy), _EDGE, 1.0 - _EDGE)
        return stdtrit(b, level) * math.sqrt((b - 2.0) / b)


def joint_crash_chance(copula_tail_index: float, correlation: float) -> float:
    """Return the tail dependence 2 T_{a+1}(-sqrt((a + 1)(1 - r) / (1 + r))) of a t copula, -1 < r <= 1."""
    ratio = (copula_tail_index + 1.0) * (1.0 - correlation) / (1.0 + correlation)
    return float(2.0 * stdtr(copula_tail_index + 1.0, -math.sqrt(ratio)))


def copula_index_for(chance: float, correlation: float) -> float:
    """Return the tail index a whose t copula has the tail dependence `chance` at `correlation`, by bisection.

    Raises InputError where no index from 2 to 1000 gives it.
    """
    low, high = _INDEX_BOUNDS
    most, least = joint_crash_chance(low, correlation), joint_crash_chance(high, correlation)
    if not least <= chance <= most:
        raise InputError(f"chance: must be from {least:.3g} to {most:.3g} at this correlation (got {chance:g})")
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if joint_crash_chance(middle, correlation) > chance else (low, middle)
    return 0.5 * (low + high)
