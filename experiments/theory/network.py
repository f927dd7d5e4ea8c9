"""Targets T14, T15 and T21: clearing, DebtRank, and branching ratios from counts."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import SIGMAS, Check, exact_check
from experiments.theory.cascade import CascadeLaw, CascadeVenue, simulate_cascades
from experiments.theory.clearing_vector import Claims
from experiments.theory.settlement import settled
from experiments.theory.suite import Target
from experiments.warning.debt_rank import linear_debt_rank, original_debt_rank, unsaturated
from simulation.arrays import Array
from simulation.errors import InputError
from simulation.random import Streams

_SEVERAL = 25.0  # cascades of two or more, of which a variance is made
_BENT = 16.0  # times, most that a Fano factor may be off for the other estimate to be judged by it
_SATURATED = 0.5  # share of cascades that take everybody, above which counts say nothing


class Clearing(Target):
    """T14."""

    name: ClassVar[str] = "T14"
    title: ClassVar[str] = "Clearing vectors, without and with default costs"
    source: ClassVar[str] = (
        "L. Eisenberg & T. Noe, Management Science 47 (2001) 236-249; L. Rogers & L. Veraart, Management Science 59 "
        "(2013) 882-898, example 3.3"
    )
    formula: ClassVar[str] = (
        "p = min(Pi'p + e, pbar), the solution of max 1'p; equity adds up to e; least vector a e / (1 - b)"
    )

    parties: int = Field(12, ge=2, le=200, description="n, each owing some of the others")
    outside: float = Field(0.3, gt=0.0, le=10.0, description="money over debts, on average")
    systems: int = Field(20, ge=1, le=1_000, description="random ones")
    mutual_debt: float = Field(2.2, gt=0.0, le=1e6, description="of two who owe each other, dollars each")
    recovery_rate: float = Field(0.5, gt=0.0, le=1.0, description="a = b of the two; outside money is 1 each")
    seed: int = Field(1, ge=0, description="of the systems")

    def run(self) -> list[Check]:
        """Return distances to the linear programme, conservation, and both vectors of two mutual debtors."""
        distance = lost = 0.0
        for number in range(self.systems):
            claims = self.system(number)
            found, unit = settled(claims), max(float(claims.owed.max()), float(claims.outside.max())) or 1.0  # no debts
            distance = max(distance, float(np.abs(found.paid - self._programme(claims)).max()) / unit)
            lost = max(lost, abs(float(found.kept.sum() - claims.outside.sum())) / unit)
        owed, rate = self.mutual_debt, self.recovery_rate
        two = Claims(np.array([[0.0, owed], [owed, 0.0]]), np.ones(2), rate, rate)
        low, unit = rate / (1.0 - rate) if rate < 1.0 else math.inf, max(owed, 1.0)
        # Where they could pay on such receipts nobody is in default, and the two vectors are one.
        least = low if 1.0 + low < owed else owed
        return [
            exact_check("payments apart from the linear programme, relative", 0.0, distance, 1e-8),
            exact_check("money lost in clearing, relative", 0.0, lost, 1e-9),
            exact_check("greatest vector of two", owed, float(settled(two).paid[0]), 1e-9 * unit),
            exact_check("least vector of two", least, float(settled(two, "least").paid[0]), 1e-9 * unit),
        ]

    def system(self, number: int) -> Claims:
        """Return a random system."""
        n, streams = self.parties, Streams(self.seed)
        drawn = streams.uniform("clearing/debts", number, n * n).reshape(n, n)
        debts = np.where(drawn > 0.5, drawn, 0.0) * (1.0 - np.eye(n))
        money = 2.0 * self.outside * streams.uniform("clearing/money", number, n) * debts.sum(axis=1).mean()
        return Claims(debts, money)

    @staticmethod
    def _programme(claims: Claims) -> Array:
        """Return what maximises the sum of payments, by an independent solver."""
        from scipy.optimize import linprog

        n = len(claims.outside)
        bounds = [(0.0, float(most)) for most in claims.owed]
        return linprog(-np.ones(n), np.eye(n) - claims.shares.T, claims.outside, bounds=bounds).x


class Distress(Target):
    """T15."""

    name: ClassVar[str] = "T15"
    title: ClassVar[str] = "DebtRank on a ring, original and linear, and its threshold"
    source: ClassVar[str] = (
        "S. Battiston et al., Scientific Reports 2 (2012) 541; M. Bardoscia et al., PLoS ONE 10 (2015) e0130406"
    )
    formula: ClassVar[str] = "linear h_0 = s / (1 - w^n), h_j = w^j h_0; original h_0 = s (1 + w^n), h_j = s w^j"

    size: int = Field(5, ge=2, le=500, description="n, nodes of the ring")
    weight: float = Field(0.4, gt=0.0, lt=1.0, description="w, distress passed on to the next")
    seed_distress: float = Field(0.1, gt=0.0, lt=0.5, description="s, of the first node; nobody may saturate")
    node: int = Field(3, ge=1, description="j, looked at; counted round the ring")

    def run(self) -> list[Check]:
        """Return both rules on the ring, the resolvent, and a default from next to nothing above radius 1."""
        n, w, s = self.size, self.weight, self.seed_distress
        ring = np.roll(np.eye(n), 1, axis=1) * w
        seed, j = np.where(np.arange(n) == 0, s, 0.0), self.node % n
        linear, original = linear_debt_rank(ring, seed), original_debt_rank(ring, seed)
        head = s / (1.0 - w**n)
        if head > 1.0:
            raise InputError(
                f"{self.name}: weight: distress {head:.3g} of the first node, which saturates at 1; lower weight or "
                "seed_distress"
            )
        above = np.full((n, n), 1.2 / n)
        return [
            exact_check("linear, seed", head, linear[0], 1e-9),
            exact_check(f"linear, node {j}", head * w**j, linear[j], 1e-9),
            exact_check("original, seed", s * (1.0 + w**n), original[0], 1e-12),
            exact_check(f"original, node {j}", s * (w**j if j else 1.0 + w**n), original[j], 1e-12),
            exact_check("apart from (I - W')^-1 h", 0.0, np.abs(linear - unsaturated(ring, seed)).max(), 1e-9),
            exact_check("defaults at radius 1.2", 1.0, linear_debt_rank(above, seed * 1e-5).max(), 1e-9),
        ]


class CountedBranching(Target):
    """T21, on cascades of the engine."""

    name: ClassVar[str] = "T21"
    title: ClassVar[str] = "The branching ratio from the counts of liquidations alone"
    source: ClassVar[str] = "S. Hardiman & J.-P. Bouchaud, Phys. Rev. E 90 (2014) 062807"
    formula: ClassVar[str] = "n = 1 - sqrt(mean / variance) of counts; Fano factor 1 / (1 - n)^2, for finite N exactly"
    thorough: ClassVar[Mapping[str, Any]] = {"replications": 50_000}

    accounts: int = Field(200, ge=20, le=2_000, description="N, of each cascade")
    ratio: float = Field(0.5, gt=0.0, lt=0.95, description="n, liquidations set off by one")
    roots: float = Field(2.0, gt=0.0, le=50.0, description="mean liquidations by the shock alone")
    replications: int = Field(1_500, ge=200, description="cascades")
    seed: int = Field(1, ge=0, description="of the thresholds")

    def run(self) -> list[Check]:
        """Return the estimate and the Fano factor."""
        law = CascadeLaw(self.accounts, self.roots / self.accounts, self.ratio / self.accounts)
        if law.pmf[-1] > _SATURATED:
            raise InputError(
                f"{self.name}: roots: in {law.pmf[-1]:.0%} of cascades everybody would go, and equal counts tell no "
                f"ratio; must be at most {_SATURATED:.0%}; lower roots or ratio"
            )
        several = self.replications * float(law.pmf[2:].sum())
        if several < _SEVERAL:
            raise InputError(
                f"{self.name}: roots: only {several:.2g} cascades of two or more are expected, must be {_SEVERAL:g} "
                "for counts to tell their variance; raise roots, ratio or replications"
            )
        counts = simulate_cascades(CascadeVenue(law), self.replications, self.seed).size
        fano = law.variance / law.mean
        seen, error = self._fano(counts)
        x = np.arange(len(law.pmf), dtype=float)
        exact = math.sqrt(float(self._parts(x, law.mean, law.variance) ** 2 @ law.pmf) / len(counts))
        error = max(error, exact)  # what is rare may have been missed here
        low = max(fano - SIGMAS * error, fano / _BENT)  # 1 - 1 / sqrt(f) is steepest there
        return [
            Check("Fano factor", fano, seen, error, SIGMAS * error),
            Check(
                "branching ratio by counts",
                1.0 - fano**-0.5,
                1.0 - seen**-0.5,
                0.5 * fano**-1.5 * error,
                low**-0.5 - fano**-0.5,
            ),
        ]

    @classmethod
    def _fano(cls, counts: Array) -> tuple[float, float]:
        """Return variance over mean of `counts` (r,) with its standard error by the delta method; NaN if all are 0."""
        mean, variance = float(counts.mean()) or math.nan, float(counts.var(ddof=1)) or math.nan
        return variance / mean, float(cls._parts(counts, mean, variance).std(ddof=1)) / math.sqrt(len(counts))

    @staticmethod
    def _parts(counts: Array, mean: float, variance: float) -> Array:
        """Return what each count adds to the error of variance over mean, (r,)."""
        return ((counts - mean) ** 2 - variance) / mean - variance / mean**2 * (counts - mean)
