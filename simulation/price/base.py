"""Price processes: what the world's prices do before anybody trades."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from simulation.arrays import Array
from simulation.errors import ScenarioError, shown
from simulation.random import Streams
from simulation.rule import Rule
from simulation.strict import Strict

YEAR_SECONDS = 365.0 * 86_400.0  # crypto markets trade every day


@dataclass(frozen=True)
class World:
    """What a process is told: m markets by name, initial price (m,) in dollars, volatility (m,) a year."""

    names: tuple[str, ...]
    price: Array
    volatility: Array
    steps: int
    step_seconds: float

    @property
    def markets(self) -> int:
        """Return m."""
        return len(self.names)

    @property
    def step_years(self) -> float:
        """Return the length of a step in years of 365 days."""
        return self.step_seconds / YEAR_SECONDS


class PriceProcess(Rule):
    """How the exogenous index prices move. Agents never influence them: all margin rules meet one storm.

    Every draw is keyed by the seed, a stream "price/<what>/<market name>" and the step (one word a step),
    so a longer run has the same beginning, and a market appended to the list leaves the paths of the others
    unchanged.
    """

    def path(self, world: World, streams: Streams) -> Array:
        """Return the index prices (steps + 1, m): positive, finite, row 0 = the initial prices."""
        raise NotImplementedError

    def problems(self, world: World) -> list[str]:
        """Return `field: what is wrong` for each parameter that does not fit this world."""
        return []

    def draw(self, world: World, streams: Streams) -> Array:
        """Return the checked path and enter it in the digest; raises ScenarioError if it cannot be used."""
        problems = [f"price.{problem}" for problem in self.problems(world)]
        if problems:
            raise ScenarioError(problems)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below, with its step
            path = self.path(world, streams)
        assert path.shape == (world.steps + 1, world.markets), f"{self.kind}: the path must be (steps + 1, m)"
        bad = np.argwhere(~(np.isfinite(path) & (path > 0.0)))
        if len(bad):
            step, market = bad[0]
            raise ScenarioError(
                f"price: {self.kind} takes {world.names[market]} to {path[step, market]} at step {step}; "
                "prices must stay positive and finite; lower the volatility, the jumps or the tails"
            )
        streams.record("price/path", path)
        return path


class Parameters(Strict):
    """A group of parameters inside a rule: immutable, closed, finite."""


class Bounds:
    """A validator for `PerMarket` fields: every number within [low, high]."""

    def __init__(self, low: float, high: float) -> None:
        """Remember the bounds."""
        self.low, self.high = low, high

    def __call__(self, value: Any) -> float | tuple[float, ...]:
        """Return `value` as a float or a tuple of floats."""
        numbers = value if isinstance(value, (list, tuple)) else [value]
        for number in numbers:
            wrong = isinstance(number, bool) or not isinstance(number, (int, float))
            if wrong or not self.low <= number <= self.high:
                text = f"must be a number from {self.low:g} to {self.high:g} (got {shown(number)})"
                raise PydanticCustomError("per_market", "{text}", {"text": text})
        return tuple(map(float, value)) if isinstance(value, (list, tuple)) else float(value)


PerMarket = float | tuple[float, ...]
Drift = Annotated[PerMarket, BeforeValidator(Bounds(-100.0, 100.0))]
"""Expected return a year (a fraction), one number or one a market."""
Scale = Annotated[PerMarket, BeforeValidator(Bounds(0.0, 1000.0))]
"""Factor on the volatility of the markets, one number or one a market."""


def length_problems(markets: int, **fields: PerMarket) -> list[str]:
    """Return a line for each field that lists a wrong number of values."""
    return [
        f"{name}: must be one number, or {markets} to match the markets (got {len(value)})"
        for name, value in fields.items()
        if isinstance(value, tuple) and len(value) != markets
    ]


def per_market(value: PerMarket, markets: int) -> Array:
    """Return `value` as (m,)."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (markets,))


def grow(world: World, log_returns: Array) -> Array:
    """Return the prices (steps + 1, m) that `log_returns` (steps, m) lead to from the initial prices."""
    path = np.empty((world.steps + 1, world.markets))
    path[0] = world.price
    path[1:] = world.price * exponential(np.cumsum(log_returns, axis=0))
    return path


def exponential(values: Array) -> Array:
    """Return exp(values) by the C library, inf where too large; numpy's own rounds by processor feature."""
    return np.array([_exp(x) for x in values.ravel().tolist()]).reshape(values.shape)


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.0 else math.inf


def diffusion(world: World, drift: PerMarket, scale: PerMarket, shocks: Array) -> Array:
    """Return log returns (steps, m): (drift - s^2/2) dt + s sqrt(dt) x for unit shocks x; s = scale * vol."""
    sigma = world.volatility * per_market(scale, world.markets)
    years = world.step_years
    mean = (per_market(drift, world.markets) - 0.5 * sigma * sigma) * years
    return mean + sigma * math.sqrt(years) * shocks
