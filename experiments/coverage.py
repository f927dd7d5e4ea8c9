"""Was the margin large enough as often as it promised? Tests of coverage of a series of breaches.

A breach is a step whose loss exceeds the requirement. With n steps, x breaches and the promised rate p:

    Kupiec (unconditional coverage)  LR = 2 [ln L(x / n) - ln L(p)],  L(q) = (1 - q)^(n - x) q^x      ~ chi-square(1)
    Christoffersen (independence)    LR = 2 [ln L(q01, q11) - ln L(q)] over transitions               ~ chi-square(1)
    conditional coverage             their sum (over the same n - 1 transitions)                      ~ chi-square(2)

with 0 ln 0 = 0. The chi-square laws hold for long samples only: at n = 250 and p = 1 % Kupiec's test rejects a right
model in 9.5 % of samples, not in 5 % (`kupiec_size` is exact), and the test of independence in 1.4 %; at n = 1,000 and
p = 5 % the latter rejects in 8.2 % (exact too, `experiments.theory.breach_runs`).
Sources: P. Kupiec, J. Derivatives 3(2) (1995) 73-84; P. Christoffersen, Int. Econ. Rev. 39 (1998) 841-862; Basel
Committee, "Supervisory framework for the use of backtesting" (1996); C. Acerbi & B. Szekely, Risk, December 2014.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from simulation.arrays import Array, Mask
from simulation.errors import InputError

Zone: TypeAlias = Literal["green", "yellow", "red"]


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio statistic and the chance of one as large if the model is right."""

    statistic: float
    p_value: float

    def rejects(self, level: float = 0.05) -> bool:
        """Tell whether the model is rejected at `level`."""
        return self.p_value < level


def kupiec(breaches: int, n: int, rate: float) -> LikelihoodRatio:
    """Return Kupiec's test of `breaches` in `n` steps against the promised `rate`."""
    _check(breaches, n, rate)
    statistic = 2.0 * (_likelihood(breaches, n, breaches / n) - _likelihood(breaches, n, rate))
    return _test(statistic, 1)


def christoffersen(breached: Mask) -> LikelihoodRatio:
    """Return Christoffersen's test that a breach is as likely after a breach as after none; `breached` (n,)."""
    (calm, began), (ended, stayed) = transitions(breached)
    before, after = calm + began, ended + stayed
    apart = _likelihood(began, before, began / before if before else 0.0)
    apart += _likelihood(stayed, after, stayed / after if after else 0.0)
    total = before + after
    together = _likelihood(began + stayed, total, (began + stayed) / total if total else 0.0)
    return _test(2.0 * (apart - together), 1)


def conditional_coverage(breached: Mask, rate: float) -> LikelihoodRatio:
    """Return the joint test of rate and independence, conditional on the first step; `breached` (n,)."""
    later = breached[1:]
    rate_part = kupiec(int(later.sum()), len(later), rate).statistic
    return _test(rate_part + christoffersen(breached).statistic, 2)


def transitions(breached: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how often no breach was followed by none and by one, and a breach by none and by one."""
    if len(breached) < 2:
        raise InputError(f"breached: needs at least 2 steps (got {len(breached)})")
    pairs = np.bincount(2 * breached[:-1].astype(int) + breached[1:].astype(int), minlength=4)
    return (int(pairs[0]), int(pairs[1])), (int(pairs[2]), int(pairs[3]))


def accepted(n: int, rate: float, level: float = 0.05) -> range:
    """Return the numbers of breaches in `n` steps that Kupiec's test does not reject at `level`."""
    fine = [x for x in range(n + 1) if not kupiec(x, n, rate).rejects(level)]
    return range(fine[0], fine[-1] + 1)


def kupiec_size(n: int, rate: float, level: float = 0.05) -> float:
    """Return the exact probability that Kupiec's test rejects a model whose breaches are independent at `rate`."""
    from scipy.special import bdtr

    fine = accepted(n, rate, level)
    below = float(bdtr(fine.start - 1, n, rate)) if fine.start else 0.0
    return 1.0 - float(bdtr(fine.stop - 1, n, rate)) + below


def traffic_light(breaches: int, n: int = 250, rate: float = 0.01) -> Zone:
    """Return the Basel zone: yellow where P(X <= breaches) of a right model reaches 95 %, red where it reaches 99.99 %.

    At 250 days and 1 %: green to 4, yellow from 5 to 9, red from 10 on.
    """
    from scipy.special import bdtr

    _check(breaches, n, rate)
    seen = float(bdtr(breaches, n, rate))
    return "green" if seen < 0.95 else "yellow" if seen < 0.9999 else "red"


@dataclass(frozen=True)
class BreachSize:
    """Loss beyond the requirement, dollars: mean over breaches and largest; NaN with the `reason` without any."""

    average: float
    worst: float
    reason: str = ""


def breach_size(loss: Array, requirement: Array) -> BreachSize:
    """Return average and worst of loss - requirement (n,) over the steps in which it is positive."""
    beyond = (loss - requirement)[loss > requirement]
    if not len(beyond):
        return BreachSize(math.nan, math.nan, "there was no breach")
    return BreachSize(float(beyond.mean()), float(beyond.max()))


def shortfall_score(loss: Array, value_at_risk: Array, shortfall: Array, tail: float) -> float:
    """Return Acerbi and Szekely's Z2 = 1 - sum over breaches of loss / ES / (n tail): 0 on average if ES is right.

    loss, value_at_risk, shortfall: (n,) dollars; tail: 1 - confidence. It is negative where ES is too low. At 97.5 %
    and 250 steps -0.70 is the 5 % critical value for nearly all laws of losses, and -1.8 the 0.01 % one.
    """
    breached = loss > value_at_risk
    return 1.0 - float((loss[breached] / shortfall[breached]).sum()) / (len(loss) * tail)


def _likelihood(events: float, n: float, share: float) -> float:
    """Return the log likelihood of `events` in `n` at `share`, with 0 ln 0 = 0."""
    hit = events * math.log(share) if events else 0.0
    return hit + ((n - events) * math.log1p(-share) if n > events else 0.0)


def _test(statistic: float, freedom: int) -> LikelihoodRatio:
    from scipy.special import chdtrc

    statistic = max(statistic, 0.0)  # rounding
    return LikelihoodRatio(statistic, float(chdtrc(freedom, statistic)))


def _check(breaches: int, n: int, rate: float) -> None:
    if not 0 <= breaches <= n or n < 1:
        raise InputError(f"breaches: must be between 0 and n = {n} (got {breaches})")
    if not 0.0 < rate < 1.0:
        raise InputError(f"rate: must be between 0 and 1, both excluded (got {rate})")
