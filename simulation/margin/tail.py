"""Value at Risk and Expected Shortfall: closed forms in units of the standard deviation, and of a sample of losses."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import ndtri, stdtrit

from simulation.arrays import Array, column_sum

Measure: TypeAlias = Literal["var", "es"]


@dataclass(frozen=True)
class Tail:
    """Which part of the losses counts: their `confidence` quantile ("var") or the mean of all beyond it ("es").

    Source: C. Acerbi & D. Tasche, J. Banking & Finance 26 (2002) 1487-1503, for ES of laws with atoms.
    """

    measure: Measure
    confidence: float

    def normal(self) -> float:
        """Return VaR or ES of a standard normal loss: z, or phi(z) / (1 - c) with z the c quantile."""
        z = float(ndtri(self.confidence))
        if self.measure == "var":
            return z
        return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / (1.0 - self.confidence)

    def student(self, freedom: float) -> float:
        """Return VaR or ES of a Student-t loss with `freedom` nu > 1: t, or f(t) / (1 - c) (nu + t^2) / (nu - 1).

        The loss is the textbook t, of variance nu / (nu - 2); divide by its root for a loss of variance 1.
        """
        t = float(stdtrit(freedom, self.confidence))
        if self.measure == "var":
            return t
        constant = math.lgamma((freedom + 1.0) / 2.0) - math.lgamma(freedom / 2.0)
        power = -(freedom + 1.0) / 2.0 * math.log1p(t * t / freedom)
        density = math.exp(constant + power) / math.sqrt(freedom * math.pi)
        return density / (1.0 - self.confidence) * (freedom + t * t) / (freedom - 1.0)

    def of_sample(self, losses: Array) -> Array:
        """Return VaR or ES (r,) of each row of equally likely `losses` (r, s).

        VaR is the smallest loss that at least the share c of the sample does not exceed; ES weighs the loss at the
        edge of the tail by the part of it that lies inside.
        """
        count = losses.shape[1]
        mass = round(count * (1.0 - self.confidence), 9)  # how many of the sample make the tail
        whole = min(int(mass), count - 1)
        edge = count - whole - 1
        if self.measure == "var":
            return np.partition(losses, edge, axis=1)[:, edge]
        if mass <= 1.0:
            return losses.max(axis=1)
        worst = np.sort(np.partition(losses, edge, axis=1)[:, edge:], axis=1)
        return (column_sum(worst[:, 1:]) + (mass - whole) * worst[:, 0]) / mass
