"""Targets A20 and A21: books of options whose implied volatilities move together.

One short straddle on each of K assets, all with the same vega, and volatilities whose moves have correlation rho. In
units of what one straddle loses in one standard deviation of its volatility, to first order:

    risk of the books together = sqrt(K (1 + (K - 1) rho)), which independence understates by sqrt(1 + (K - 1) rho),
    residual of a straddle hedged with h of another, both at one deviation = sqrt(1 - 2 rho h + h^2),

least at h = rho, where sqrt(1 - rho^2) is left. The simulated side draws volatilities from the engine's process and
revalues the straddles by Black-76 at every step, minute by minute. Prices stand still, so that vega alone is measured.
Sources: H. Markowitz, J. Finance 7 (1952) 77-91 (sums of correlated risks); L. Ederington, J. Finance 34 (1979) 157-170
(minimum-variance hedge).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from experiments.target import Check, share_check, variance_check
from simulation.arrays import Array, column_sum
from simulation.instrument.black_scholes import Vanilla, black76, greeks
from simulation.random import Streams
from simulation.volatility.base import Assets, VolatilityProcess

CONFIDENCE = 0.99
_STEP_YEARS = 1.0 / 525_600.0  # a minute, so short that vega is the whole story
_CURVED = 5e-4  # slack of breach rates: what second order adds in a minute


@dataclass(frozen=True)
class VegaBook:
    """Short straddles at the money on `assets` assets, rolled every minute to `days` before expiry.

    correlation: of the moves of implied volatilities. level: implied volatility at the start, a year. vol_of_vol: a
    year.
    """

    assets: int = 2
    correlation: float = 0.85
    level: float = 0.8
    vol_of_vol: float = 0.89
    days: float = 30.0

    def process(self) -> VolatilityProcess:
        """Return the engine's process of these volatilities, without a smile."""
        fields = {"correlation": self.correlation, "vol_of_vol": self.vol_of_vol, "price_correlation": 0.0}
        return VolatilityProcess.parse({"kind": "stochastic", "curvature": 0.0, **fields})

    def profits(self, steps: int, seed: int = 1) -> Array:
        """Return what each straddle earns in each minute (steps, K), in units of its vega risk at that time."""
        names = tuple(f"A{i}" for i in range(self.assets))
        known = Assets(names, np.full(self.assets, self.level), _STEP_YEARS)
        levels = self.process().draw(np.ones((steps + 1, self.assets)), known, Streams(seed))
        return -(self.straddle(levels[1:]) - self.straddle(levels[:-1])) / self.risk(levels[:-1])

    def straddle(self, level: Array) -> Array:
        """Return the value of a straddle on a forward of 1 at the volatilities `level`."""
        return black76(self._option(1.0), 1.0, level) + black76(self._option(-1.0), 1.0, level)

    def risk(self, level: Array) -> Array:
        """Return vega times the standard deviation of a minute's move of the volatility."""
        vega = greeks(self._option(1.0), 1.0, level).vega + greeks(self._option(-1.0), 1.0, level).vega
        return vega * level * self.vol_of_vol * math.sqrt(_STEP_YEARS)

    def _option(self, side: float) -> Vanilla:
        return Vanilla(side, 1.0, self.days / 365.0)


def understatement(assets: int, correlation: float) -> float:
    """Return true over assumed vega risk, sqrt(1 + (K - 1) rho), where independence was assumed."""
    return math.sqrt(1.0 + (assets - 1) * correlation)


def breach_rate(assets: int, correlation: float, confidence: float = CONFIDENCE) -> float:
    """Return how often losses exceed margin set for independent volatilities: N(-z(confidence) / understatement)."""
    return float(ndtr(-ndtri(confidence) / understatement(assets, correlation)))


def hedge_residual(correlation: float, assumed: float | None = None) -> float:
    """Return the vega risk left by a proxy hedge over the unhedged one: sqrt(1 - 2 rho h + h^2).

    The hedge ratio h, in deviations, is the correlation `assumed` when it was set up; by default the true one.
    """
    ratio = correlation if assumed is None else assumed
    return math.sqrt(1.0 - 2.0 * correlation * ratio + ratio * ratio)


def hedge_margin(correlation: float, joint: bool) -> float:
    """Return margin of the straddle with its proxy hedge over margin without it, under shocks of one deviation.

    An engine that moves all volatilities together (`joint`) asks 1 - rho; one that takes the worst case of each
    underlying sees two risks, and asks 1 + rho.
    """
    return 1.0 - abs(correlation) if joint else 1.0 + abs(correlation)


def understatement_target(book: VegaBook, steps: int, seed: int = 1) -> list[Check]:
    """Return the checks of A21: variance against independence, and how often margin for independence is breached."""
    together = column_sum(book.profits(steps, seed)) / math.sqrt(book.assets)
    ratio = understatement(book.assets, book.correlation)
    breaches = int((together < -ndtri(CONFIDENCE)).sum())
    expected = breach_rate(book.assets, book.correlation)
    return [
        variance_check("(true / assumed vega risk)^2", ratio**2, together),
        share_check(f"breaches of a {CONFIDENCE:.0%} margin", expected, breaches, steps, _CURVED),
    ]


def hedge_target(book: VegaBook, steps: int, seed: int = 1, assumed: float | None = None) -> list[Check]:
    """Return the check of A20: the variance left of the first asset's vega risk, hedged with the second's options."""
    profits = book.profits(steps, seed)
    ratio = book.correlation if assumed is None else assumed
    left = profits[:, 0] - ratio * profits[:, 1]
    return [variance_check("residual variance of a vega hedge", hedge_residual(book.correlation, ratio) ** 2, left)]
