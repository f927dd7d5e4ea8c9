"""Heston's stochastic volatility: variance that wanders and returns, and moves against the price."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.price.base import World, grow, per_market
from simulation.price.correlation import correlated
from simulation.price.gbm import Gbm
from simulation.price.shocks import by_market, gaussian
from simulation.random import Streams

_SWITCH = 1.5  # squared coefficient of variation beyond which variance has an atom at 0 (Andersen's psi_c)


class Heston(Gbm):
    """Heston's model, correlated across markets, stepped by Andersen's QE-M scheme.

        d ln S(t) = (drift - v / 2) dt + sqrt(v) dB,   dv = k (v0 - v) dt + 2 e sqrt(v0 v) dW,   dB dW = r dt

    with v0 = (volatility_scale * volatility)^2, k = `reversion`, e = `volatility_of_volatility` (near v0 the relative
    standard deviation of volatility grows by e sqrt(t)), r = `price_volatility_correlation`; volatility starts at
    `initial_scale` times its long-run level. B = r W + sqrt(1 - r^2) Z: Z has `correlation` across markets, and the W
    of any two markets have `volatility_correlation`. The expected price grows by `drift`, at any step length where the
    scheme can promise it (always for r <= 0). Two values a market and step, one more a step.

        ln S(t + dt) - ln S(t) = drift dt + K0 + K1 v(t) + K2 v(t + dt) + sqrt(K3 (v(t) + v(t + dt))) Z

    Source: Heston, Review of Financial Studies 6 (1993); Andersen, "Simple and efficient simulation of the Heston
    stochastic volatility model", Journal of Computational Finance 11 (2008).
    """

    kind: ClassVar[str] = "heston"
    reversion: float = Field(default=5.0, gt=0.0, le=1e4, description="k, a year")
    volatility_of_volatility: float = Field(default=1.0, ge=1e-3, le=100.0, description="e, a year, fraction")
    price_volatility_correlation: float = Field(default=-0.5, ge=-1.0, le=1.0, description="r")
    volatility_correlation: float = Field(default=0.5, ge=0.0, le=1.0, description="of variance between markets")
    initial_scale: float = Field(default=1.0, ge=0.0, le=100.0, description="first volatility over the long-run one")

    def path(self, world: World, streams: Streams) -> Array:
        """Return the prices (steps + 1, m)."""
        own = by_market(world, lambda name: streams.normal(f"price/variance/{name}", 0, world.steps))
        common = streams.normal("price/variance", 0, world.steps)[:, None]
        share = self.volatility_correlation
        shocks = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
        level = (world.volatility * per_market(self.volatility_scale, world.markets)) ** 2
        scheme = self.scheme(level, world.step_years)
        moves = scheme.log_returns(shocks, gaussian(world, streams, correlated(self.correlation, world.markets)))
        return grow(world, moves + per_market(self.drift, world.markets) * world.step_years)

    def scheme(self, level: Array, years: float) -> "QuadraticExponential":
        """Return the scheme for long-run variances `level` (n,) a year and steps of `years`."""
        first = self.initial_scale**2 * level
        terms = self.reversion, 2.0 * self.volatility_of_volatility, self.price_volatility_correlation
        return QuadraticExponential(level, first, terms, years)


@dataclass(frozen=True)
class QuadraticExponential:
    """Andersen's scheme for n independent variance processes.

    level, first: (n,) long-run and initial variance, a year. terms: k, 2 e, r. years: length of a step.
    """

    level: Array
    first: Array
    terms: tuple[float, float, float]
    years: float

    def log_returns(self, variance_shocks: Array, price_shocks: Array) -> Array:
        """Return log returns (steps, n) of drift 0 from independent standard normal shocks (steps, n)."""
        moves, now = np.empty_like(price_shocks), self.first
        for step, shock in enumerate(variance_shocks):
            after, correction = self._next(now, shock)
            _, _, start, end, spread = self._price_terms
            variance = np.maximum(spread * (now + after), 0.0)
            moves[step] = correction + start * now + end * after + np.sqrt(variance) * price_shocks[step]
            now = after
        return moves

    @cached_property
    def _price_terms(self) -> tuple[Array, Array, Array, Array, float]:
        """Return K0, A, K1, K2 and K3 = K4 of the paper's eq. (33) and (37), central weights."""
        k, double, r = self.terms
        deviation = double * np.sqrt(self.level)  # xi, the volatility of variance over sqrt(v)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(deviation > 0.0, r / deviation, 0.0)
        half = 0.5 * self.years * (k * ratio - 0.5)
        spread = 0.5 * self.years * (1.0 - r * r)
        return -k * ratio * self.level * self.years, half + ratio + 0.5 * spread, half - ratio, half + ratio, spread

    def _next(self, now: Array, shock: Array) -> tuple[Array, Array]:
        """Return the next variance (n,) and K0 (n,), corrected so that the expected price stays."""
        mean, psi = self._moments(now)
        calm = psi <= _SWITCH
        plain, lever, start, _, spread = self._price_terms
        after, correction = self._quadratic(mean, np.where(calm, psi, 1.0), shock, lever)
        if not calm.all():
            wild, other = self._exponential(mean, np.where(calm, 2.0, psi), shock, lever)
            after, correction = np.where(calm, after, wild), np.where(calm, correction, other)
        exact = correction - (start + 0.5 * spread) * now
        return after, np.where(np.isfinite(correction), exact, plain)

    def _moments(self, now: Array) -> tuple[Array, Array]:
        """Return mean (n,) of the next variance and its variance over the squared mean (n,)."""
        k, double, _ = self.terms
        kept = math.exp(-k * self.years)
        mean = self.level + (now - self.level) * kept
        scale = double**2 * self.level * (1.0 - kept) / k
        variance = scale * (now * kept + 0.5 * self.level * (1.0 - kept))
        return mean, np.where(mean > 0.0, variance / np.where(mean > 0.0, mean, 1.0) ** 2, 0.0)

    def _quadratic(self, mean: Array, psi: Array, shock: Array, lever: Array) -> tuple[Array, Array]:
        """Return a (b + shock)^2, and the martingale correction of eq. (48)."""
        inverse = 2.0 / np.maximum(psi, 1e-12)
        square = inverse - 1.0 + np.sqrt(inverse * (inverse - 1.0))
        a = mean / (1.0 + square)
        room = 1.0 - 2.0 * lever * a
        correction = -lever * square * a / np.where(room > 0.0, room, 1.0) + 0.5 * _log(room)
        return a * (np.sqrt(square) + shock) ** 2, correction

    def _exponential(self, mean: Array, psi: Array, shock: Array, lever: Array) -> tuple[Array, Array]:
        """Return an exponential variable with an atom at 0, and the martingale correction of eq. (49)."""
        from scipy.special import ndtr  # late: see simulation.random

        atom = (psi - 1.0) / (psi + 1.0)
        rate = (1.0 - atom) / np.where(mean > 0.0, mean, 1.0)
        above = ndtr(-shock)  # 1 - u
        after = np.where(above < 1.0 - atom, _log((1.0 - atom) / np.maximum(above, 1e-300)) / rate, 0.0)
        room = rate - lever
        correction = -_log(np.where(room > 0.0, atom + rate * (1.0 - atom) / np.where(room > 0.0, room, 1.0), -1.0))
        return after, correction


def _log(values: Array) -> Array:
    """Return log(values) by the C library, nan where there is none; numpy's own rounds by processor feature."""
    return np.array([math.log(x) if x > 0.0 else math.nan for x in values.tolist()])
