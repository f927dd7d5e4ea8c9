"""Calm and stress: a two-state Markov chain for volatility, correlation and jumps together."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from simulation.arrays import Array, Mask
from simulation.factoring import mix
from simulation.price.base import (
    Drift,
    Parameters,
    PriceProcess,
    Scale,
    World,
    diffusion,
    grow,
    length_problems,
)
from simulation.price.correlation import Correlation, correlated, size_problem
from simulation.price.jumps import Jumps
from simulation.price.shocks import TailIndex, independent, stretch
from simulation.random import Streams


class State(Parameters):
    """One state of the world: factors on volatility and jump rates, correlation, duration."""

    volatility_scale: Scale = 1.0
    correlation: Correlation = 0.0
    jump_rate_scale: float = Field(default=1.0, ge=0.0, le=1000.0, description="factor on all jump rates")
    mean_duration_hours: float = Field(
        default=240.0, gt=0.0, le=1e7, description="mean stay in this state, hours"
    )


class Regime(PriceProcess):
    """Two states, calm and stress, that differ in volatility, correlation and jump rates.

        ln S(t + dt) - ln S(t) = (drift - s^2 / 2) dt + s sqrt(dt) x + jump,
        s = volatility_scale(state) * volatility,  x ~ N(0, correlation(state)) or Student-t(tail_index)

    The state is a continuous-time Markov chain seen once a step: with a and b the inverse mean durations of
    calm and stress, P(calm -> stress in dt) = a / (a + b) (1 - exp(-(a + b) dt)), so the share of time in
    stress, a / (a + b), does not depend on the step length. Both states use the same Gaussian values.
    `start` is "calm", "stress", or "stationary" (drawn with the long-run shares).

    Source: Hamilton, "A new approach to the economic analysis of nonstationary time series", Econometrica 57
    (1989); regimes in correlation: Ang & Bekaert, Review of Financial Studies 15 (2002).
    """

    kind: ClassVar[str] = "regime"
    drift: Drift = 0.0
    calm: State = State()
    stress: State = State(volatility_scale=3.0, correlation=0.9, mean_duration_hours=24.0)
    tail_index: TailIndex | None = None
    jumps: Jumps | None = None
    start: Literal["calm", "stress", "stationary"] = "stationary"

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets."""
        found = length_problems(world.markets, drift=self.drift)
        for name, state in (("calm", self.calm), ("stress", self.stress)):
            size = size_problem(state.correlation, world.markets)
            lengths = length_problems(world.markets, volatility_scale=state.volatility_scale)
            found += [f"{name}.{problem}" for problem in lengths + ([f"correlation: {size}"] if size else [])]
        if self.jumps is not None:
            busiest = max(self.calm.jump_rate_scale, self.stress.jump_rate_scale)
            found += [f"jumps.{problem}" for problem in self.jumps.problems(world, busiest)]
        return found

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        stressed = self.states(world, streams)
        noise = independent(world, streams)
        if self.tail_index is not None:
            noise = noise * stretch(world, streams, self.tail_index)
        calm, stress = (self._diffusion(world, state, noise) for state in (self.calm, self.stress))
        log_returns = np.where(stressed[:, None], stress, calm)
        if self.jumps is not None:
            busy = np.where(stressed, self.stress.jump_rate_scale, self.calm.jump_rate_scale)
            log_returns = log_returns + self.jumps.log_returns(world, streams, busy)
        return grow(world, log_returns)

    def states(self, world: World, streams: Streams) -> Mask:
        """Return (steps,) whether step t (from row t to row t + 1 of the path) is a stressed one."""
        chance = streams.uniform("price/regime", 0, world.steps + 1).tolist()
        hours = world.step_seconds / 3600.0
        leave_calm, leave_stress = 1.0 / self.calm.mean_duration_hours, 1.0 / self.stress.mean_duration_hours
        both = leave_calm + leave_stress
        moved = -math.expm1(-both * hours) / both
        to_stress = {False: leave_calm * moved, True: 1.0 - leave_stress * moved}
        first = {"calm": 0.0, "stress": 1.0, "stationary": leave_calm / both}[self.start]
        stressed = np.empty(world.steps, dtype=np.bool_)
        state = chance[0] < first
        for step in range(world.steps):
            stressed[step] = state
            state = chance[step + 1] < to_stress[state]
        return stressed

    def _diffusion(self, world: World, state: State, noise: Array) -> Array:
        shocks = mix(noise, correlated(state.correlation, world.markets))
        return diffusion(world, self.drift, state.volatility_scale, shocks)
