"""Jumps: each market's own, and common ones that take several markets at once."""

import math
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field

from simulation.arrays import Array
from simulation.price.base import (
    Bounds,
    Parameters,
    PerMarket,
    World,
    exponential,
    length_problems,
    per_market,
)
from simulation.price.shocks import by_market
from simulation.random import Streams

Rate = Annotated[PerMarket, BeforeValidator(Bounds(0.0, 1e6))]
LogSize = Annotated[PerMarket, BeforeValidator(Bounds(-10.0, 10.0))]
LogSpread = Annotated[PerMarket, BeforeValidator(Bounds(0.0, 10.0))]

COUNT_LIMIT = 1000  # jumps a step; expected numbers above a tenth of it are refused


class Jumps(Parameters):
    """Compound Poisson jumps in the log price; rates a year, sizes as log returns.

        jump(i) = sum of own_count(i) sizes N(own_mean, own_std^2)
                + sum of common_count(i) sizes N(common_mean, common_std^2)
        own_count(i) ~ Poisson(own_rate dt),  common_count ~ Poisson(common_rate dt) for all markets,
        common_count(i) ~ Binomial(common_count, participation)

    Common jumps of two markets have correlation `common_size_correlation` in size. With `compensated` the
    drift takes back what jumps add to the expected price, rate (E[e^size] - 1), so that `drift` stays the
    expected return. Four values a market and step, two more a step, whatever happens: counts come from
    inverse distribution functions.

    Source: Merton, "Option pricing when underlying stock returns are discontinuous", Journal of Financial
    Economics 3 (1976); common jumps as in Das & Uppal, Journal of Finance 59 (2004).
    """

    own_rate: Rate = 0.0
    own_mean: LogSize = 0.0
    own_std: LogSpread = 0.05
    common_rate: float = Field(default=0.0, ge=0.0, le=1e6, description="common jumps a year")
    participation: Annotated[PerMarket, BeforeValidator(Bounds(0.0, 1.0))] = 1.0
    common_mean: LogSize = 0.0
    common_std: LogSpread = 0.05
    common_size_correlation: float = Field(default=1.0, ge=0.0, le=1.0)
    compensated: bool = True

    def problems(self, world: World, busiest: float = 1.0) -> list[str]:
        """Return what does not fit `world`, when rates are multiplied by up to `busiest`."""
        lists = {name: value for name, value in vars(self).items() if isinstance(value, tuple)}
        found = length_problems(world.markets, **lists)
        for name in ("own_rate", "common_rate"):
            expected = float(np.max(getattr(self, name))) * busiest * world.step_years
            if expected > COUNT_LIMIT / 10:
                found.append(f"{name}: means {expected:.3g} jumps a step; at most {COUNT_LIMIT // 10}")
        return found

    def log_returns(self, world: World, streams: Streams, intensity: Array | None = None) -> Array:
        """Return the jumps (steps, m) as log returns; `intensity` (steps,) multiplies the rates."""
        years = world.step_years * (np.ones(world.steps) if intensity is None else intensity)
        total = self._own(world, streams, years) + self._common(world, streams, years)
        return total - years[:, None] * self.compensator(world.markets) if self.compensated else total

    def compensator(self, markets: int) -> Array:
        """Return what jumps add to the expected return a year, (m,)."""
        own, common = (
            per_market(mean, markets) + 0.5 * per_market(std, markets) ** 2
            for mean, std in ((self.own_mean, self.own_std), (self.common_mean, self.common_std))
        )
        rate = self.common_rate * per_market(self.participation, markets)
        return per_market(self.own_rate, markets) * _expm1(own) + rate * _expm1(common)

    def _own(self, world: World, streams: Streams, years: Array) -> Array:
        steps = world.steps
        chance = by_market(world, lambda name: streams.uniform(f"price/own jumps/{name}", 0, steps))
        size = by_market(world, lambda name: streams.normal(f"price/own jump size/{name}", 0, steps))
        expected = years[:, None] * per_market(self.own_rate, world.markets)
        return _compound(poisson_count(chance, expected), self.own_mean, self.own_std, size)

    def _common(self, world: World, streams: Streams, years: Array) -> Array:
        steps = world.steps
        count = poisson_count(streams.uniform("price/common jumps", 0, steps), self.common_rate * years)
        chance = by_market(world, lambda name: streams.uniform(f"price/common jumps/{name}", 0, steps))
        taken = binomial_count(chance, count[:, None], per_market(self.participation, world.markets))
        together = streams.normal("price/common jump size", 0, steps)[:, None]
        apart = by_market(world, lambda name: streams.normal(f"price/common jump size/{name}", 0, steps))
        rho = self.common_size_correlation
        size = math.sqrt(rho) * together + math.sqrt(1.0 - rho) * apart
        return _compound(taken, self.common_mean, self.common_std, size)


def _compound(count: Array, mean: PerMarket, std: PerMarket, size: Array) -> Array:
    """Return the sum of `count` normal sizes, given one standard normal value `size` for the sum."""
    markets = count.shape[1]
    return count * per_market(mean, markets) + np.sqrt(count) * per_market(std, markets) * size


def poisson_count(chance: Array, expected: Array) -> Array:
    """Return the Poisson(`expected`) quantile of each `chance`, by adding up the probabilities."""
    count, term = np.zeros_like(chance), exponential(-expected)
    below = term.copy()
    for k in range(1, COUNT_LIMIT + 1):
        more = chance > below
        if not more.any():
            break
        count += more
        term = term * (expected / k)
        below = below + term
    return count


def binomial_count(chance: Array, trials: Array, share: Array) -> Array:
    """Return the Binomial(`trials`, `share`) quantile of each `chance`; shapes broadcast."""
    count, most = np.zeros_like(chance), int(trials.max(initial=0.0))
    odds = np.divide(share, 1.0 - share, out=np.zeros(share.shape), where=share < 1.0)
    term = np.ones_like(chance)
    for k in range(most):  # (1 - share)**trials by multiplication, which rounds the same everywhere
        term = np.where(trials > k, term * (1.0 - share), term)
    below = term
    for k in range(1, most + 1):
        count += (chance > below) & (trials >= k)
        term = term * odds * (trials - k + 1) / k
        below = below + term
    return np.where(share == 1.0, trials, count)


def _expm1(values: Array) -> Array:
    return np.array([math.expm1(x) for x in values.tolist()])
