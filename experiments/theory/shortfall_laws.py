"""Laws of shortfalls of mean 1 for which the probability of ruin is known in closed form.

With b = 1 / (1 + th) and income 1 a unit of time psi(0) = b whatever the law, and for ever
    exponential: psi(u) = b exp(-(1 - b) u);
    constant: 1 - psi(u) = (1 - b) sum_{k <= u} exp(b (u - k)) (-b (u - k))^k / k!;
    two kinds, exponential of rate q_i with chance a_i: psi(u) = sum_i C_i exp(-r_i u), r_i the roots of
    b sum_i a_i / (q_i - r) = 1, C_1 + C_2 = b, r_1 C_1 + r_2 C_2 = b (1 - b), the slope of psi at 0.
Lundberg's bound is psi(u) <= exp(-R u), R the least root above 0 of E exp(R X) = 1 + (1 + th) R.
Source: S. Asmussen & H. Albrecher, Ruin Probabilities, World Scientific (2010), chapters IV and IX.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from simulation.arrays import Array
from simulation.random import Streams

Sizes: TypeAlias = Literal["exponential", "constant", "two_kinds"]
_CHANCES, _RATES = (2.0 / 3.0, 1.0 / 3.0), (2.0, 0.5)  # of the two kinds; their mean is 1
_LARGEST = 8.0  # of R, where there is no bound on it


@dataclass(frozen=True)
class ShortfallLaw:
    """A law of shortfalls of mean 1, met with fees of 1 + `loading` a shortfall."""

    sizes: Sizes = "exponential"
    loading: float = 0.2

    @property
    def _b(self) -> float:
        return 1.0 / (1.0 + self.loading)

    def draw(self, streams: Streams, count: int) -> Array:
        """Return shortfalls (count,)."""
        if self.sizes == "constant":
            return np.ones(count)
        unit = -np.log(streams.uniform("ruin/shortfall", 0, count))
        if self.sizes == "exponential":
            return unit
        return unit / np.where(streams.uniform("ruin/kind", 0, count) < _CHANCES[0], *_RATES)

    def psi(self, fund: float) -> float:
        """Return the probability that a fund of so many mean shortfalls is ever ruined."""
        return {"exponential": self._exponential, "constant": self._constant, "two_kinds": self._two_kinds}[self.sizes](
            fund
        )

    def _exponential(self, u: float) -> float:
        return self._b * math.exp(-(1.0 - self._b) * u)

    def _constant(self, u: float) -> float:
        b = self._b
        terms = (math.exp(b * (u - k)) * (-b * (u - k)) ** k / math.factorial(k) for k in range(int(u) + 1))
        return max(1.0 - (1.0 - b) * math.fsum(terms), 0.0)  # terms of both signs leave some 1e-8 at a fund of 20

    def _two_kinds(self, u: float) -> float:
        b, (a1, a2), (q1, q2) = self._b, _CHANCES, _RATES
        # r^2 - (q1 + q2 - b) r + q1 q2 - b (a1 q2 + a2 q1) = 0
        half, product = (q1 + q2 - b) / 2.0, q1 * q2 - b * (a1 * q2 + a2 * q1)
        spread = math.sqrt(half**2 - product)
        low, high = product / (half + spread), half + spread
        second = (b * (1.0 - b) - low * b) / (high - low)
        return (b - second) * math.exp(-low * u) + second * math.exp(-high * u)

    def bound(self, fund: float) -> float:
        """Return Lundberg's bound exp(-R u), by bisection of R."""
        low, high = 0.0, self._reach * (1.0 - 1e-12)
        for _ in range(200):
            middle = (low + high) / 2.0
            low, high = (low, middle) if self._drift(middle) > 0.0 else (middle, high)
        return math.exp(-low * fund)

    def fading(self) -> float:
        """Return by which factor the chance of a later ruin falls a shortfall: min_r E exp(r (X - income between)).

        S. Asmussen & H. Albrecher (2010), chapter V: the random walk of claims less income, by Chernoff's bound.
        """
        grid = np.linspace(0.0, self._reach, 20_001)[1:-1]
        return min(self._moment(r) / (1.0 + (1.0 + self.loading) * r) for r in grid.tolist())

    @property
    def _reach(self) -> float:
        """Return where E exp(r X) ends."""
        return {"exponential": 1.0, "constant": _LARGEST, "two_kinds": min(_RATES)}[self.sizes]

    def _moment(self, r: float) -> float:
        moments: dict[str, Callable[[], float]] = {
            "exponential": lambda: 1.0 / (1.0 - r),
            "constant": lambda: math.exp(r),
            "two_kinds": lambda: sum(a * q / (q - r) for a, q in zip(_CHANCES, _RATES, strict=True)),
        }
        return moments[self.sizes]()

    def _drift(self, r: float) -> float:
        return self._moment(r) - 1.0 - (1.0 + self.loading) * r
