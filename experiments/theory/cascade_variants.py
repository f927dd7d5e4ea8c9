"""Target T1, from one seed: Borel's law and the critical tail.

A liquidation that lowers the price by kappa does what a drop of kappa does, so the total S that one seed sets off, the
seed included, is 1 + X of the law with p = phi. For large N it is Borel's: P(S = k) = exp(-nk) (nk)^(k-1) / k!, and at
n = 1 P(S >= k) falls like k^(-1/2).
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, mean_check, share_check, total_variation
from experiments.theory.cascade import CascadeLaw, CascadeVenue, simulate_cascades
from experiments.theory.suite import Target
from simulation.arrays import Array

_SHOWN = 5  # sizes and generations that are checked one by one
_TAIL = (4, 32)  # sizes between which the tail is measured


def borel(ratio: float, most: int) -> Array:
    """Return P(S = k) for k = 1 ... `most`, (most,)."""
    logs = [(k - 1) * math.log(ratio * k) - ratio * k - math.lgamma(k + 1) for k in range(1, most + 1)]
    return np.exp(logs)


class OneSeed(Target):
    """T1, from one liquidation."""

    name: ClassVar[str] = "T1.seed"
    title: ClassVar[str] = "What one liquidation sets off in all: Borel's law"
    source: ClassVar[str] = "E. Borel, C. R. Acad. Sci. 214 (1942) 452; R. Otter, Ann. Math. Stat. 20 (1949) 206-224"
    formula: ClassVar[str] = (
        "P(S = k) = exp(-nk) (nk)^(k-1) / k!, mean 1 / (1 - n), variance n / (1 - n)^3; depth q_{g+1} = exp(n (q_g - "
        "1)); n = 1: P(S >= k) ~ k^(-1/2); N finite: 1 + X with p = phi"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"replications": 50_000}

    accounts: int = Field(200, ge=50, le=500, description="N")
    ratio: float = Field(0.5, ge=0.01, le=1.0, description="n, liquidations set off by one")
    replications: int = Field(1_000, ge=200, description="independent cascades")
    seed: int = Field(1, ge=0, description="of the thresholds")

    def run(self) -> list[Check]:
        """Return the law of the total and of the depth, for finite N, and how far Borel's is from it."""
        phi = self.ratio / self.accounts
        law = CascadeLaw(self.accounts, phi, phi)
        found = simulate_cascades(CascadeVenue(law), self.replications, self.seed)
        total, n = found.size + 1.0, self.replications
        checks = [
            mean_check("mean total", 1.0 + law.mean, total, 0.0, math.sqrt(law.variance)),
            total_variation(law.pmf, found.size),
            *(self._size(law, total, k) for k in range(1, _SHOWN + 1)),
            *(
                share_check(f"P(more than {g} generations)", 1.0 - float(chance), int((found.depth > g).sum()), n)
                for g, chance in enumerate(law.depth(3))
            ),
        ]
        return [*checks, self._tail(law, total)] if self.ratio > 0.8 else checks

    def _size(self, law: CascadeLaw, total: Array, k: int) -> Check:
        """Return the check of P(S = k) against Borel's law; finite N is known to be off by so much."""
        expected = float(borel(self.ratio, k)[-1])
        off = abs(float(law.pmf[k - 1]) - expected)
        return share_check(f"P(S = {k}), Borel", expected, int((total == k).sum()), len(total), off)

    @staticmethod
    def _tail(law: CascadeLaw, total: Array) -> Check:
        """Return the check of the exponent of P(S >= k) between two sizes; 1/2 at n = 1, N large."""
        low, high = _TAIL
        chance = [1.0 - float(law.pmf[: k - 1].sum()) for k in _TAIL]
        seen = [float((total >= k).mean()) for k in _TAIL]
        width = math.log(high / low)
        # Given S >= low, S >= high is a coin of chance c: ln c has the error sqrt((1 - c) / (c n)).
        given, reached = chance[1] / chance[0], chance[0] * len(total)
        error = math.sqrt((1.0 - given) / (given * reached)) / width
        simulated = math.log(seen[0] / max(seen[1], 0.5 / len(total))) / width
        return Check("exponent of the tail", -math.log(given) / width, simulated, error, SIGMAS * error)
