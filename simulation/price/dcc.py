"""Dynamic conditional correlation: markets that move together more after they have moved together."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.factoring import lower_factor
from simulation.price.base import World
from simulation.price.correlation import correlated
from simulation.price.garch import Garch
from simulation.price.shocks import independent
from simulation.random import Streams


class Dcc(Garch):
    """DCC(1,1): GARCH variances as in `garch`, and a correlation of its own dynamics.

        ln S(t + dt) - ln S(t) = drift dt - v / 2 + sqrt(v) x,   x ~ N(0, R),   R_ij = Q_ij / sqrt(Q_ii Q_jj),
        Q' = (1 - c - d) Q0 + c x x' + d Q

    Q0 = `correlation` is where it starts, c = `correlation_reaction`, d = `correlation_persistence`. Q averages Q0; R
    does so only nearly, because a ratio does not average as its parts do. The matrix is factored anew each step, in
    plain Python: cubic in the number of markets.

    Source: Engle, "Dynamic conditional correlation", Journal of Business & Economic Statistics 20 (2002).
    """

    kind: ClassVar[str] = "dcc"
    correlation_reaction: float = Field(default=0.05, ge=0.0, lt=1.0, description="c, weight of the last shocks")
    correlation_persistence: float = Field(default=0.93, ge=0.0, lt=1.0, description="d, weight of the last matrix")

    @model_validator(mode="after")
    def _returning(self) -> Self:
        total = self.correlation_reaction + self.correlation_persistence
        if total >= 1.0:
            text = f"correlation_reaction + correlation_persistence must be below 1 (got {total:g})"
            raise PydanticCustomError("dcc", "{text}", {"text": text})
        return self

    def shocks(self, world: World, streams: Streams) -> Array:
        """Return Gaussian shocks (steps, m) of variance 1 with the correlation of their step."""
        return self.joint(world, streams)[0]

    def joint(self, world: World, streams: Streams) -> tuple[Array, Array]:
        """Return the shocks (steps, m) and the correlation (steps, m, m) that each step's are drawn from."""
        noise, m = independent(world, streams), world.markets
        factor = correlated(self.correlation, m)
        normal = _square(factor)
        shocks, matrices, moment = np.empty_like(noise), np.empty((len(noise), m, m)), normal
        kept = 1.0 - self.correlation_reaction - self.correlation_persistence
        for step, fresh in enumerate(noise):
            size = np.sqrt(moment.diagonal())
            matrices[step] = moment / (size[:, None] * size)
            shocks[step] = _times(lower_factor(matrices[step].tolist()), fresh)
            outer = shocks[step][:, None] * shocks[step]
            moment = kept * normal + self.correlation_reaction * outer + self.correlation_persistence * moment
        return shocks, matrices


def _square(factor: Array) -> Array:
    """Return L L' (m, m), column after column."""
    return np.stack([_times(factor, row) for row in factor])


def _times(factor: Array, values: Array) -> Array:
    """Return L @ values (m,), column after column: a matrix product may round by size."""
    total = np.zeros(len(values))
    for column, value in zip(factor.T, values, strict=True):
        total += column * value
    return total
