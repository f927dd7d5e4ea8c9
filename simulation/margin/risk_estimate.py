"""What a margin engine has learnt about the risk of its markets."""

from dataclasses import dataclass

import numpy as np

from simulation.arrays import Array
from simulation.factoring import lower_factor, mix
from simulation.margin.anti_procyclical import AntiProcyclical
from simulation.margin.volatility_update import VolatilityUpdate
from simulation.random import Streams

_SHOCKS = "margin/past/{}"  # stream of the made-up past, by market


@dataclass(frozen=True)
class Learning:
    """How an estimate follows prices.

    update: of variances. anti: tools on the volatility that is used. every: steps between two updates of what is used.
    correlation_decay: share of the old correlation kept each step. window: past returns that are remembered.
    """

    update: VolatilityUpdate
    anti: AntiProcyclical
    every: int
    correlation_decay: float
    window: int


class RiskEstimate:
    """Volatility, correlation and past returns of m risk factors, per step.

    Attributes:
        volatility: (m,) of a step's return, in use now. correlation: (m, m) in use now.
        returns: (window, m) simple returns of past steps, in no order. standard: (window, m) the same over the
            volatility that was expected of their step.

    Before anything has happened, volatility is `normal` and the past is made up: normal returns with that volatility
    and `correlation`, the same for everybody, each with its mirror image. Real returns take its place one by one.
    """

    def __init__(self, learning: Learning, price: Array, normal: Array, correlation: Array) -> None:
        """Start at `price` (m,) with volatility `normal` (m,) a step and `correlation` (m, m)."""
        self.learning, self.normal = learning, normal
        self._price, self._variance, self._moment = price, normal**2, correlation.copy()
        self._steps = 0
        self.correlation = correlation
        self.volatility = learning.anti.applied(normal, normal)
        self._standard = mixed(mirrored(learning.window, len(price), _SHOCKS), correlation)
        self._returns = self._standard * normal
        self.standard, self.returns = self._standard.copy(), self._returns.copy()

    def observe(self, price: Array) -> bool:
        """Learn from the step to `price` (m,); tell whether what is in use has changed."""
        moved = np.nan_to_num(price / self._price - 1.0)  # a contract that has ended has no price
        known = np.sqrt(self._variance)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = np.where(known > 0.0, moved / known, 0.0)
        place = self._steps % self.learning.window
        self._returns[place], self._standard[place] = moved, unit
        kept = self.learning.correlation_decay
        self._moment = kept * self._moment + (1.0 - kept) * np.outer(unit, unit)
        self._variance = self.learning.update.variance(self._variance, moved, self.normal**2)
        self._price = price
        self._steps += 1
        return self._steps % self.learning.every == 0 and self._use()

    def spread(self, exposure: Array) -> Array:
        """Return the standard deviation (r,), dollars, of a step's profit on `exposure` (r, m)."""
        return spread(columns(exposure), self.covariance(self.correlation))

    def covariance(self, correlation: Array) -> Array:
        """Return the covariance (m, m) of a step's returns under `correlation` (m, m)."""
        return correlation * np.outer(self.volatility, self.volatility)

    def _use(self) -> bool:
        self.volatility = self.learning.anti.applied(np.sqrt(self._variance), self.normal)
        if self.learning.correlation_decay < 1.0:
            self.correlation = self._learnt()
        self.standard, self.returns = self._standard.copy(), self._returns.copy()
        return True

    def _learnt(self) -> Array:
        """Return the moments (m, m) as a correlation; a market that never moves keeps its old ones."""
        size = np.sqrt(np.outer(self._moment.diagonal(), self._moment.diagonal()))
        known = size > 1e-200
        ratio = np.where(known, self._moment / np.where(known, size, 1.0), self.correlation)
        np.fill_diagonal(ratio, 1.0)
        return np.clip(ratio, -1.0, 1.0)


def columns(exposure: Array) -> Array:
    """Return `exposure` (r, m) market by market, (m, r), each contiguous: three times as fast to go through."""
    return np.ascontiguousarray(exposure.T)


def spread(exposures: Array, covariance: Array) -> Array:
    """Return sqrt(v' C v) (r,) of exposures v (m, r), summed pair by pair: the bytes of one do not depend on r."""
    total = np.zeros(exposures.shape[1])
    for market, exposure in enumerate(exposures):
        together = exposure * covariance[market, market]
        for other in range(market):
            if covariance[market, other]:
                together += exposures[other] * (2.0 * covariance[market, other])
        together *= exposure
        total += together
    return np.sqrt(np.maximum(total, 0.0))


def in_order(exposures: Array, weights: Array) -> Array:
    """Return sum_j weights_j v_j (r,) of exposures v (m, r), market after market."""
    total = np.zeros(exposures.shape[1])
    for exposure, weight in zip(exposures, weights, strict=True):
        total += exposure * weight
    return total


def mirrored(rows: int, markets: int, stream: str) -> Array:
    """Return independent standard normal values (rows, m), the second half minus the first, the same in every run."""
    half = (rows + 1) // 2
    streams = Streams(0)
    shocks = np.stack([streams.normal(stream.format(market), 0, half) for market in range(markets)], axis=1)
    return np.concatenate([shocks, -shocks])[:rows]


def mixed(shocks: Array, correlation: Array) -> Array:
    """Return independent `shocks` (s, m) with `correlation` (m, m)."""
    return mix(shocks, lower_factor(correlation.tolist()))
