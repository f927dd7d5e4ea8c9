"""Scripted shocks on top of any price process: what-if storms with a date and a size."""

import math
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, SerializeAsAny, model_validator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.errors import shown
from simulation.price.base import Parameters, PriceProcess, World, exponential
from simulation.price.flat import Flat
from simulation.random import Streams

EVERY_MARKET = "*"


class Shock(Parameters):
    """One shock: from row `step` on, `market` (or "*", all) is moved by the simple return `size`.

    Shape "step" stays for ever; "recovers" halves the log move every `half_life_steps`.
    """

    step: int = Field(ge=1, le=10_000_000, description="first row of the path that shows it; row 0 = start")
    market: str = Field(default=EVERY_MARKET, min_length=1, max_length=64)
    size: float = Field(gt=-1.0, le=1000.0, description="simple return, -0.3 = down 30 %")
    shape: Literal["step", "recovers"] = "step"
    half_life_steps: float | None = Field(default=None, gt=0.0, le=1e9)

    @model_validator(mode="after")
    def _half_life_only_when_it_recovers(self) -> Self:
        if self.shape == "recovers" and self.half_life_steps is None:
            raise PydanticCustomError("half_life", "half_life_steps is needed with shape 'recovers'")
        if self.shape == "step" and self.half_life_steps is not None:
            raise PydanticCustomError("half_life", "half_life_steps is only used with shape 'recovers'")
        return self

    def log_move(self, steps: int) -> Array:
        """Return the log displacement (steps + 1,) it causes."""
        move = np.zeros(steps + 1)
        if self.half_life_steps is None:
            move[self.step :] = math.log1p(self.size)
        else:
            age = np.arange(max(steps + 1 - self.step, 0), dtype=np.float64)
            left = exponential(age * np.float64(-math.log(2.0) / self.half_life_steps))
            move[self.step :] = math.log1p(self.size) * left
        return move


class Scripted(PriceProcess):
    """A base process with scripted shocks.

        S(t, i) = base S(t, i) * exp(sum over shocks that hit i by t of log(1 + size) 2^(-(t - step) / h))

    with h infinite for shape "step". The base draws what it would draw alone, so the path with and without
    shocks is the same storm. `draw` raises ScenarioError for a shock after the last step or in an unknown
    market.
    """

    kind: ClassVar[str] = "scripted"
    base: Annotated[SerializeAsAny[PriceProcess], Field(validate_default=True)] = Flat()
    shocks: tuple[Shock, ...] = ()

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets and the number of steps."""
        found = [f"base.{problem}" for problem in self.base.problems(world)]
        for i, shock in enumerate(self.shocks):
            if shock.step > world.steps:
                found.append(f"shocks[{i}].step: {shock.step} is after the last step {world.steps}")
            if shock.market not in (EVERY_MARKET, *world.names):
                known = ", ".join((EVERY_MARKET, *world.names))
                found.append(f"shocks[{i}].market: {shown(shock.market)} is not defined; known: {known}")
        return found

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        move = np.zeros((world.steps + 1, world.markets))
        for shock in self.shocks:
            hit = [shock.market in (EVERY_MARKET, name) for name in world.names]
            move += np.where(hit, shock.log_move(world.steps)[:, None], 0.0)
        return self.base.path(world, streams) * exponential(move)
