"""A Brownian bridge through published prices: what is known is hit, what lies between is calibrated noise."""

import itertools
import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.errors import shown
from simulation.price.base import PriceProcess, Scale, World, exponential, length_problems, per_market
from simulation.price.correlation import Correlation, correlated, size_problem
from simulation.price.shocks import gaussian
from simulation.random import Streams

Step = Annotated[int, Field(ge=0, le=10_000_000)]
Waypoint = tuple[Step, Annotated[float, Field(gt=0.0, le=1e15)]]
NoiseFrom = tuple[Step, Annotated[float, Field(ge=0.0, le=1000.0)]]


class Bridge(PriceProcess):
    """Geometric Brownian bridge through waypoints (step, price), market by market.

    Between neighbouring waypoints a < b, with V the noise variance added up to a step and W the noise itself,

        ln S(t) = line(t) + (W(t) - W(a)) - (W(b) - W(a)) (V(t) - V(a)) / (V(b) - V(a))

    where line joins the logarithms of the two prices. Noise per step: s sqrt(dt) x, x ~ N(0, correlation),
    s = volatility_scale * volatility * level, and `noise_level` lists (from step, level), level 1 before
    the first. The initial price is waypoint 0; after its last waypoint, and without any, a market follows
    the noise freely, expected price constant. Waypoints are hit exactly. `draw` raises ScenarioError for
    waypoints after the last step, out of order or in an unknown market.

    Source: Karatzas & Shreve, "Brownian Motion and Stochastic Calculus" (1991), section 5.6.B.
    """

    kind: ClassVar[str] = "bridge"
    waypoints: dict[str, tuple[Waypoint, ...]]
    volatility_scale: Scale = 1.0
    correlation: Correlation = 0.0
    noise_level: tuple[NoiseFrom, ...] = ()

    def problems(self, world: World) -> list[str]:
        """Return what does not fit the markets and the number of steps."""
        size = size_problem(self.correlation, world.markets)
        found = length_problems(world.markets, volatility_scale=self.volatility_scale)
        found += [f"correlation: {size}"] if size else []
        for name, points in self.waypoints.items():
            if name not in world.names:
                known = ", ".join(world.names)
                found.append(f"waypoints: {shown(name)} is not defined; known: {known}")
            else:
                price = float(world.price[world.names.index(name)])
                steps = [step for step, _ in points]
                problem = _order_problem(steps, world.steps) or _start_problem(points, price)
                found += [f"waypoints.{name}{problem}"] if problem else []
        problem = _order_problem([step for step, _ in self.noise_level], world.steps)
        return found + ([f"noise_level{problem}"] if problem else [])

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        level = self._level(world.steps)
        sigma = world.volatility * math.sqrt(world.step_years)
        sigma = sigma * per_market(self.volatility_scale, world.markets)
        noise = gaussian(world, streams, correlated(self.correlation, world.markets)) * sigma * level[:, None]
        clock = np.concatenate([[0.0], np.cumsum(level * level)])
        walk = np.concatenate([np.zeros((1, world.markets)), np.cumsum(noise, axis=0)])
        path = np.empty_like(walk)
        for market, name in enumerate(world.names):
            known = {0: float(world.price[market]), **dict(self.waypoints.get(name, ()))}
            lean = -0.5 * sigma[market] ** 2
            path[:, market] = pinned(walk[:, market], clock, known, lean)
        return path

    def _level(self, steps: int) -> Array:
        level = np.ones(steps)
        for start, value in self.noise_level:
            level[start:] = value
        return level


def pinned(walk: Array, clock: Array, known: dict[int, float], lean: float) -> Array:
    """Return the prices (steps + 1,) that follow `walk` but pass through `known` {step: price}, 0 included.

    `clock` (steps + 1,) is the noise variance added up; `lean` the log drift per unit of it after the last
    one.
    """
    logs = np.empty_like(walk)
    steps = sorted(known)
    for a, b in itertools.pairwise(steps):
        line = np.arange(b - a + 1) / (b - a)
        passed = clock[a : b + 1] - clock[a]
        share = passed / passed[-1] if passed[-1] > 0.0 else line
        bend = walk[a : b + 1] - walk[a] - share * (walk[b] - walk[a])
        logs[a : b + 1] = math.log(known[a]) + line * math.log(known[b] / known[a]) + bend
    last = steps[-1]
    logs[last:] = math.log(known[last]) + walk[last:] - walk[last] + lean * (clock[last:] - clock[last])
    path = exponential(logs)
    path[steps] = [known[step] for step in steps]
    return path


def _order_problem(steps: list[int], last: int) -> str:
    for i, step in enumerate(steps):
        if step > last:
            return f"[{i}]: step {step} is after the last step {last}"
        if i and step <= steps[i - 1]:
            return f"[{i}]: step {step} must come after step {steps[i - 1]}"
    return ""


def _start_problem(points: tuple[Waypoint, ...], price: float) -> str:
    if points and points[0][0] == 0 and points[0][1] != price:
        return f"[0]: the price at step 0 must be the market's initial price {price:g} (got {points[0][1]:g})"
    return ""
