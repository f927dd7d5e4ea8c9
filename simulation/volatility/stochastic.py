"""Implied volatilities that move together, and against prices."""

import math

import numpy as np
from pydantic import Field

from simulation.arrays import Array
from simulation.correlation import AssumedCorrelation, correlation_matrix
from simulation.factoring import lower_factor, mix
from simulation.random import Streams
from simulation.volatility.base import Assets, VolatilityProcess

_DAYS = 365.0  # a year
_LEAST = 1e-6  # a year; volatility below which an asset counts as one that does not move


class StochasticVolatility(VolatilityProcess):
    """The logarithm of each asset's implied volatility is an Ornstein-Uhlenbeck process; exact at any step length.

        x(t + dt) = a x(t) + s e,  x = ln(level / market's volatility), a = 2^(-dt / half-life),
        s = vol_of_vol sqrt((1 - a^2) / (2 kappa)),  kappa = ln 2 / half-life,
        e = rho u + sqrt(1 - rho^2) z,  z ~ N(0, correlation)

    where u is the asset's log return of the step over its standard deviation at the market's volatility, rho =
    `price_correlation`, and the level is kept between `floor` and `cap`. Runs start at the market's volatility.

    Defaults are measured. Half-life 52 days, vol-of-vol .89 a year, price correlation -.20 and the range .31 to 1.66:
    the Deribit index DVOL of BTC, 2021-03-24 to 2025-10-15, last value of 1,666 days (first-order autoregression of
    the logarithm; from hourly changes vol-of-vol is .94, price correlation -.18; half-lives within single years are 9
    to 31 days). Correlation .66: of daily changes of log realised volatility, mean over pairs of 14 coins, 2018 to 2026
    (BTC and ETH .85). Smile: Deribit's BTC options of 15 January 2026, see `VolatilityProcess`. Source of the model: L.
    Scott, J. Financial and Quantitative Analysis 22 (1987) 419-438.
    """

    kind = "stochastic"
    half_life_days: float = Field(52.0, ge=1e-3, le=36_500.0, description="days in which half of a deviation is gone")
    vol_of_vol: float = Field(0.89, ge=0.0, le=10.0, description="standard deviation of ln(level) a year, without pull")
    correlation: AssumedCorrelation = 0.66
    price_correlation: float = Field(-0.2, ge=-1.0, le=1.0, description="of a level's moves with its own price's")
    floor: float = Field(0.05, gt=0.0, le=1.0, description="least level, a year")
    cap: float = Field(5.0, ge=1.0, le=100.0, description="greatest level, a year")
    skew: float = Field(-0.2, ge=-0.6, le=0.6, description="rho: negative makes low strikes dearer than high ones")
    curvature: float = Field(0.75, ge=0.0, le=1.25, description="eta: how fast volatility rises away from the money")

    def problems(self, assets: Assets) -> list[str]:
        """Return what is wrong with the correlation for these assets."""
        count, given = len(assets.names), self.correlation
        if isinstance(given, tuple):
            wrong = f"correlation: must be {count}x{count} to match the assets (got {len(given)} rows)"
            return [wrong] if len(given) != count else []
        least = -1.0 / (count - 1) if count > 1 else -1.0
        return [] if given >= least else [f"correlation: for {count} assets must be at least {least:.3g} (got {given})"]

    def level(self, index: Array, assets: Assets, streams: Streams) -> Array:
        """Return the levels (steps + 1, p); noise is keyed by asset name, so an appended asset changes no other."""
        start = np.clip(assets.volatility, self.floor, self.cap)
        steps = len(index) - 1
        noise = np.zeros((steps, len(assets.names)))
        for column, name in enumerate(assets.names):
            noise[:, column] = streams.normal(f"price/volatility/{name}", 0, steps)
        factor = lower_factor(correlation_matrix(self.correlation, len(assets.names)).tolist())
        own = math.sqrt(1.0 - self.price_correlation**2)
        moves = self.price_correlation * standardised(index, assets) + own * mix(noise, factor)
        return np.clip(start * _exponential(self._deviation(moves, assets.step_years)), self.floor, self.cap)

    def _deviation(self, moves: Array, step_years: float) -> Array:
        """Return x (steps + 1, p) that unit `moves` (steps, p) lead to from 0."""
        pull = math.log(2.0) * _DAYS / self.half_life_days
        kept = math.exp(-pull * step_years)
        scale = self.vol_of_vol * math.sqrt(-math.expm1(-2.0 * pull * step_years) / (2.0 * pull))
        deviation = np.zeros((len(moves) + 1, moves.shape[1]))
        for step, move in enumerate(moves):
            deviation[step + 1] = kept * deviation[step] + scale * move
        return deviation


def standardised(index: Array, assets: Assets) -> Array:
    """Return the log returns (steps, p) of `index` (steps + 1, p) over their standard deviation in a step.

    An asset without volatility has moves of 0.
    """
    logs = np.array([math.log(price) for price in index.ravel().tolist()]).reshape(index.shape)
    deviation = assets.volatility * math.sqrt(assets.step_years)
    moving = assets.volatility > _LEAST
    return np.where(moving, np.diff(logs, axis=0) / np.where(moving, deviation, 1.0), 0.0)


def _exponential(values: Array) -> Array:
    """Return exp(values) by the C library: numpy's own rounds by processor feature. Beyond the range, its ends."""
    return np.array([math.exp(min(x, 700.0)) for x in values.ravel().tolist()]).reshape(values.shape)
