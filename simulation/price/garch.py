"""GARCH: storms that cluster, because a large move makes the next one large."""

import math
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.price.base import World, grow, per_market
from simulation.price.correlation import correlated
from simulation.price.gbm import Gbm
from simulation.price.shocks import TailIndex, gaussian, stretch
from simulation.random import Streams


class Garch(Gbm):
    """GARCH(1,1) log returns with a constant correlation of the shocks, market by market.

        ln S(t + dt) - ln S(t) = drift dt - v / 2 + sqrt(v) x,   v' = (1 - a - b) v0 + a v x^2 + b v,

    x ~ N(0, correlation), or Student-t with `tail_index`, of variance 1; a = `reaction`, b = `persistence`; v0 =
    (volatility_scale * volatility)^2 dt is where variance starts and what it averages. Variance halves its distance to
    v0 in ln(1/2) / ln(a + b) steps, so a and b belong to a step length. With Gaussian shocks the kurtosis is
    3 (1 - (a + b)^2) / (1 - (a + b)^2 - 2 a^2), and the autocorrelation of squared returns at lag k is
    a (1 - a b - b^2) / (1 - 2 a b - b^2) (a + b)^(k - 1).

    Source: Bollerslev, "Generalized autoregressive conditional heteroskedasticity", Journal of Econometrics 31 (1986);
    constant correlation: Bollerslev, Review of Economics and Statistics 72 (1990).
    """

    kind: ClassVar[str] = "garch"
    reaction: float = Field(default=0.1, ge=0.0, lt=1.0, description="a, weight of the last squared return")
    persistence: float = Field(default=0.85, ge=0.0, lt=1.0, description="b, weight of the last variance")
    tail_index: TailIndex | None = None

    @model_validator(mode="after")
    def _stationary(self) -> Self:
        total = self.reaction + self.persistence
        if total >= 1.0:
            text = f"reaction + persistence must be below 1, or variance never comes back (got {total:g})"
            raise PydanticCustomError("garch", "{text}", {"text": text})
        return self

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        shocks = self.shocks(world, streams)
        if self.tail_index is not None:
            shocks = shocks * stretch(world, streams, self.tail_index)
        return grow(world, self._log_returns(world, shocks))

    def shocks(self, world: World, streams: Streams) -> Array:
        """Return Gaussian shocks (steps, m) of variance 1."""
        return gaussian(world, streams, correlated(self.correlation, world.markets))

    def _log_returns(self, world: World, shocks: Array) -> Array:
        scale = per_market(self.volatility_scale, world.markets) * math.sqrt(world.step_years)
        normal = (world.volatility * scale) ** 2
        variance = conditional_variance(normal, shocks, self.reaction, self.persistence)
        drift = per_market(self.drift, world.markets) * world.step_years
        return drift - 0.5 * variance + np.sqrt(variance) * shocks


def conditional_variance(normal: Array, shocks: Array, reaction: float, persistence: float) -> Array:
    """Return the variance (steps, m) of each step's return under GARCH(1,1), from unit `shocks` (steps, m)."""
    variance, now = np.empty_like(shocks), normal
    target = (1.0 - reaction - persistence) * normal
    for step, shock in enumerate(shocks):
        variance[step] = now
        now = target + now * (reaction * (shock * shock) + persistence)
    return variance
