"""Target T1 with liquidations of unlike size: the number of customers in the busy period of a queue.

Half of the N accounts hold 1 + c times the mean units, half 1 - c times: c is the coefficient of variation of the
impact. A set of k accounts whose sales move the price by S, a share of the range of thresholds, is exactly what a drop
p sets off with probability p (p + S)^(k - 1) (1 - p - S)^(N - k), whatever the sizes are one by one (A. Hurwitz, Acta
Math. 26 (1902) 199-203); only how many large ones are among them matters. For many accounts one liquidation, itself of
random size, sets off what a customer of an M/G/1 queue does: mean 1 / (1 - n), variance (n + n^2 c^2) / (1 - n)^3 with
itself counted (L. Takacs, Introduction to the Theory of Queues, Oxford University Press (1962)).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from experiments.target import (
    Check,
    bare_scenario,
    batches,
    distinct_seed,
    mean_check,
    one_tier,
    opened,
    total_variation,
    variance_check,
)
from experiments.theory.suite import Target
from simulation.arrays import Array
from simulation.scenario import Scenario

_LOT, _UNITS = 2.0**-6, 2.0**10  # how finely a size is kept, and the mean size, units
_PRICE, _REACH, _MAINTENANCE = 100.0, 0.05, 0.05  # of the venue: dollars, range over price, rate
_SIDE_BY_SIDE, _MARKETS = 2_000, 40  # accounts and markets of a scenario; the markets never touch each other


@dataclass(frozen=True)
class SizedLaw:
    """The exact law of the number X that a drop sets off. `shock` is p, `impact` the mean phi of one liquidation.

    accounts: N, even. variation: c. Shares of the range of thresholds.
    """

    accounts: int
    shock: float
    impact: float
    variation: float

    @cached_property
    def pmf(self) -> Array:
        """Return P(X = k) for k = 0 ... N, (N + 1,): the sum over j large ones of C(N/2, j) C(N/2, k - j) times the
        probability of one such set; what is beyond the range of all thresholds stands at N.
        """
        from scipy.special import gammaln

        total, half = self.accounts, self.accounts // 2
        j = np.arange(half + 1)
        ways = gammaln(half + 1) - gammaln(j + 1) - gammaln(half - j + 1)
        law = np.zeros(total + 1)
        for k in range(total):
            large = j[max(k - half, 0) : min(k, half) + 1]
            moved = self.shock + self.impact * (k + self.variation * (2 * large - k))
            kept = moved < 1.0
            large, moved = large[kept], moved[kept]
            logs = ways[large] + ways[k - large] + math.log(self.shock)
            law[k] = np.exp(logs + (k - 1) * np.log(moved) + (total - k) * np.log1p(-moved)).sum()
        law[total] = max(1.0 - math.fsum(law), 0.0)
        return law


def sized_cascades(law: SizedLaw, replications: int, seed: int) -> Array:
    """Return how many accounts go in each of independent cascades (r,), played by the engine."""
    sizes = batches(replications, min(max(_SIDE_BY_SIDE // law.accounts, 1), _MARKETS))
    scenarios = {size: _scenario(law, size) for size in set(sizes)}
    return np.concatenate([_count(scenarios[size].seeded(distinct_seed(seed, i))) for i, size in enumerate(sizes)])


def _scenario(law: SizedLaw, replications: int) -> Scenario:
    # A long of one unit is liquidated at P when its deposit is P0 - (1 - m) P; P is uniform on [P0 - R, P0].
    low, high = _MAINTENANCE * _PRICE, _PRICE - (1.0 - _MAINTENANCE) * _PRICE * (1.0 - _REACH)
    names = [f"M{j}" for j in range(replications)]
    longs = [
        {
            "kind": "book",
            "name": f"{label}-{name}",
            "count": law.accounts // 2,
            "deposit": {"kind": "uniform", "low": units * low, "high": units * high},
            "units": {name: units},
        }
        for name in names
        for label, units in (("large", _UNITS * (1.0 + law.variation)), ("small", _UNITS * (1.0 - law.variation)))
    ]
    return bare_scenario(
        markets=[{"name": n, "price": _PRICE, "lot": _LOT, "tiers": one_tier(_MAINTENANCE)} for n in names],
        price={"kind": "scripted", "shocks": [{"step": 1, "size": -law.shock * _REACH}]},
        impact={"kind": "linear_units", "dollars_per_unit": law.impact * _REACH * _PRICE / _UNITS},
        population=longs,
    )


def _count(scenario: Scenario) -> Array:
    model = opened(scenario)
    model.run()
    market = model.exchange.desk.log.events.market.astype(np.intp)
    return np.bincount(market, minlength=len(scenario.markets)).astype(float)


class UnlikeSizes(Target):
    """T1, with sizes that differ."""

    name: ClassVar[str] = "T1.sizes"
    title: ClassVar[str] = "Liquidations of unlike size spread the total more: the busy period of a queue"
    source: ClassVar[str] = (
        "L. Takacs, Introduction to the Theory of Queues, Oxford University Press (1962); A. Hurwitz, Acta Math. 26 "
        "(1902) 199-203"
    )
    formula: ClassVar[str] = (
        "one liquidation, itself counted: mean 1 / (1 - n), variance (n + n^2 cv^2) / (1 - n)^3; N finite: "
        "P(X = k) = sum_j C(N/2, j) C(N/2, k-j) p (p + S_jk)^(k-1) (1 - p - S_jk)^(N-k)"
    )
    thorough: ClassVar[Mapping[str, Any]] = {"replications": 20_000}

    accounts: int = Field(200, ge=20, le=500, multiple_of=2, description="N, even")
    ratio: float = Field(0.5, ge=0.01, le=0.9, description="n, liquidations set off by one")
    variation: float = Field(0.8, ge=0.0, le=0.999, description="cv, deviation of sizes over their mean")
    replications: int = Field(1_000, ge=200, description="independent cascades")
    seed: int = Field(1, ge=0, description="of the thresholds")

    def run(self) -> list[Check]:
        """Return mean, variance and law of the total, one half of the cascades begun by each size."""
        phi, half = self.ratio / self.accounts, self.replications // 2
        c = round(self.variation * _UNITS / _LOT) * _LOT / _UNITS  # positions are whole lots
        laws = [SizedLaw(self.accounts, phi * (1.0 + sign * c), phi, c) for sign in (1.0, -1.0)]
        totals = [sized_cascades(law, half, 2 * self.seed + i) + 1.0 for i, law in enumerate(laws)]
        total, pmf = np.concatenate(totals), np.append(0.0, 0.5 * (laws[0].pmf + laws[1].pmf))
        sizes = np.arange(self.accounts + 2)
        mean = float(sizes @ pmf)
        variance = float((sizes - mean) ** 2 @ pmf)
        squares = math.sqrt(max(float((sizes - mean) ** 4 @ pmf) - variance**2, 0.0))
        queue = (self.ratio + (self.ratio * c) ** 2) / (1.0 - self.ratio) ** 3
        return [
            mean_check("mean total", mean, total, 0.0, math.sqrt(variance)),
            variance_check("variance of the total", variance, total, squares),
            total_variation(pmf, total),
            _allowing(mean_check("mean, many accounts", 1.0 / (1.0 - self.ratio), total), mean),
            _allowing(variance_check("variance, many accounts", queue, total, squares), variance),
        ]


def _allowing(check: Check, exact: float) -> Check:
    """Return the check of a limit; that finite N is off by so much is known."""
    tolerance = check.tolerance + abs(exact - check.expected)
    return Check(check.name, check.expected, check.simulated, check.standard_error, tolerance)
